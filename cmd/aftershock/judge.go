package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// judgeFile judges the record in a file. It may be hours long, and there is
// more time than memory.
func judgeFile(path string, limits map[string][]string) (reports.Report, error) {
	if filepath.Ext(path) == ".json" {
		return reports.Report{}, fmt.Errorf("judge %s: only records (*.jsonl) can be judged; \"aftershock report %s\" shows results", path, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return reports.Report{}, usageError{err}
	}
	defer file.Close() //nolint:errcheck // only read
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	report, err := runs.Judge(record.Read(file), limits, suites.Evaluators()...)
	if err != nil {
		return reports.Report{}, fmt.Errorf("judge %s: %w", path, err)
	}
	page := filepath.Join(filepath.Dir(path), runs.PageFile)
	if _, err := os.Stat(page); err == nil {
		report.Page = filepath.ToSlash(page)
	}
	return report, nil
}

// recordsBelow are the records in a directory and in those below it.
func recordsBelow(dir string) (paths []string, err error) {
	err = filesBelow(dir, func(path string) {
		if isRecord(path) {
			paths = append(paths, path)
		}
	})
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("no record (*.jsonl) in %s", dir)
	}
	return paths, err
}

func isRecord(path string) bool { return filepath.Ext(path) == ".jsonl" && !audit.IsChain(path) }

// filesBelow finds the files in a directory and in those below it. It follows symbolic
// links, which filepath.WalkDir passes over without a word, and goes into each
// directory once, so that a link to one above ends.
func filesBelow(dir string, found func(path string)) error {
	entered := map[string]bool{}
	var enter func(dir string) error
	enter = func(dir string) error {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil || entered[real] {
			return err
		}
		entered[real] = true
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path, into := filepath.Join(dir, e.Name()), e.IsDir()
			if e.Type()&fs.ModeSymlink != 0 {
				info, err := os.Stat(path)
				if err != nil {
					return err
				}
				into = info.IsDir()
			}
			if !into {
				found(path)
			} else if err := enter(path); err != nil {
				return err
			}
		}
		return nil
	}
	return enter(dir)
}

// judgeFiles judges records; a directory stands for those in it and below it. The
// error names each record that cannot be read; the reports are of all others.
func judgeFiles(args []string, limits map[string][]string) (list []reports.Report, unread error) {
	for _, arg := range args {
		paths := []string{arg}
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			if paths, err = recordsBelow(arg); err != nil {
				return nil, usageError{err}
			}
		}
		if len(args) > 1 { // one of "runs/*" is the chain of the records
			paths = slices.DeleteFunc(paths, audit.IsChain)
		}
		for _, path := range paths {
			report, err := judgeFile(path, limits)
			if err != nil {
				unread = errors.Join(unread, asUsage(err))
				continue
			}
			list = append(list, report)
		}
	}
	if len(list) == 0 && unread == nil {
		return nil, usageError{fmt.Errorf("no record in %s", strings.Join(args, ", "))}
	}
	return once(list), unread
}

// once sorts reports by their beginning. A run that was given twice counts once; one
// that is not judged alike both times stays, so that none hides another.
func once(list []reports.Report) []reports.Report {
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(r reports.Report) bool {
		key := fmt.Sprintf("%q %q %s %s %q", r.Run, r.Experiment, r.Started, r.Verdict, r.Reason)
		again := seen[key]
		seen[key] = true
		return again
	})
	slices.SortStableFunc(list, func(a, b reports.Report) int { return a.Started.Compare(b.Started) })
	return list
}

// limitFlags reads --limit "check: limit" flags. What a limit may say depends on
// whether it is of a check or of an expectation, so that the judge reads it.
func limitFlags(texts []string) (map[string][]string, error) {
	limits := map[string][]string{}
	for _, text := range texts {
		i := strings.LastIndex(text, ":")
		if i < 0 {
			return nil, usageError{fmt.Errorf("--limit %q: want \"CHECK: LIMIT\", as in \"answers: downtime <= 2s\"", text)}
		}
		name := strings.TrimSpace(text[:i])
		limits[name] = append(limits[name], strings.TrimSpace(text[i+1:]))
	}
	return limits, nil
}

// screenful writes a report on a screen, and several in a line each.
func screenful(out io.Writer, exit int, list []reports.Report) error {
	screen := terminal.Of(out)
	var err error
	if len(list) == 1 {
		place := terminal.Place{More: "-v for proofs, percentiles, outages and stages"}
		// The plan's source is FILE:LINE.
		if at := strings.LastIndex(list[0].Source, ":"); at > 0 {
			place.Sweep = sweepCommandOf(list[0].Source[:at])
		}
		err = screen.Report(out, list[0], place)
	}
	return errors.Join(err, screen.Summary(out, exit, list...))
}

func judgeCommand() *cobra.Command {
	var limits []string
	cmd := &cobra.Command{
		Use:   "judge RECORD...",
		Short: "Judge records again, with the same limits or others",
		Long: `Judge shows what records prove: one record on a screen, several on a line each. -v
prints everything that is known. The same record and limits always give the same
result; no cluster is needed. A directory stands for all records in and below it. A
record that cannot be read is named, and the exit code is 2 unless a fault may still
be in place. Text then covers the other records; documents are not written.

Limits are QUANTITY OPERATOR VALUE [during PHASE | after removal]. Quantities:
  ` + strings.Join(steadystate.Quantities(), "\n  ") + `
A --limit replaces the one on the same quantity, phase and bound (at most or at
least); the other limits stay, as in the file.
Phases: ` + strings.Join(steadystate.Phases(), ", ") + `.
A ttr or mttr is counted from when a fault took effect, "after removal" from when
it was gone: zero if the check had recovered by then.

Those of an expectation of an autoscaler are QUANTITY OPERATOR VALUE [since fault]:
  ` + strings.Join(autoscaling.Quantities(), "\n  ") + `

` + exitCodes,
		Example: `  aftershock judge runs/20260302T101500.000Z
  aftershock judge runs
  aftershock judge record.jsonl --limit "shop answers: downtime <= 1s" --limit "shop answers: p95 <= 500ms"
  aftershock judge record.jsonl --output json | jq .verdict`,
		Args: takes(1, math.MaxInt),
	}
	cmd.Flags().StringArrayVar(&limits, "limit", nil, `replaces the check's or expectation's limit on the same quantity, phase and bound, as "CHECK: LIMIT"; may be repeated`)
	verbose := verboseFlag(cmd, "the whole text of each report")
	cmd.ValidArgsFunction = completeRecords
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		override, err := limitFlags(limits)
		if err != nil {
			return err
		}
		as, err := output()
		if err != nil {
			return err
		}
		list, unread := judgeFiles(args, override)
		if len(list) == 0 || unread != nil && as.Name != "text" {
			return unread // a document that lacks a run would pass for one of all runs
		}
		judged := errors.Join(unread, verdict(list...))
		if as.Name == "text" && !*verbose {
			err = screenful(cmd.OutOrStdout(), exitCode(judged), list)
		} else {
			err = as.Write(cmd.OutOrStdout(), list...)
		}
		if unread == nil {
			tellGitHub(cmd.ErrOrStderr(), cmd.ErrOrStderr(), list)
		}
		return errors.Join(err, judged)
	}
	return cmd
}
