package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// judgeFile judges the record in a file.
func judgeFile(path string, limits map[string][]steadystate.Limit) (experiments.Result, error) {
	file, err := os.Open(path)
	if err != nil {
		return experiments.Result{}, usageError{err}
	}
	defer file.Close() //nolint:errcheck // only read
	result, err := experiments.Judge(experiments.Read(file), limits)
	if err != nil {
		return experiments.Result{}, fmt.Errorf("judge %s: %w", path, err)
	}
	return result, nil
}

// judgeFiles judges records; a directory stands for those in it.
func judgeFiles(args []string, limits map[string][]steadystate.Limit) ([]experiments.Result, error) {
	var results []experiments.Result
	for _, arg := range args {
		paths := []string{arg}
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			paths, _ = filepath.Glob(filepath.Join(arg, "*.jsonl"))
			if len(paths) == 0 {
				return nil, usageError{fmt.Errorf("no record (*.jsonl) in %s", arg)}
			}
		}
		for _, path := range paths {
			result, err := judgeFile(path, limits)
			if err != nil {
				return nil, asUsage(err)
			}
			results = append(results, result)
		}
	}
	slices.SortStableFunc(results, func(a, b experiments.Result) int { return a.Started.Compare(b.Started) })
	return results, nil
}

// limitFlags reads --limit "check: limit" flags. The limits given for a check
// replace those it had.
func limitFlags(texts []string) (map[string][]steadystate.Limit, error) {
	limits := map[string][]steadystate.Limit{}
	for _, text := range texts {
		i := strings.LastIndex(text, ":")
		if i < 0 {
			return nil, usageError{fmt.Errorf("--limit %q: want \"CHECK: LIMIT\", as in \"answers: downtime <= 2s\"", text)}
		}
		check := strings.TrimSpace(text[:i])
		l, err := steadystate.ParseLimit(strings.TrimSpace(text[i+1:]))
		if err != nil {
			return nil, usageError{fmt.Errorf("--limit: %w", err)}
		}
		limits[check] = append(limits[check], l)
	}
	return limits, nil
}

func judgeCommand() *cobra.Command {
	var limits []string
	cmd := &cobra.Command{
		Use:   "judge RECORD...",
		Short: "Judge records again, with the same limits or others",
		Long: `Judge says what records show. The same record and limits always give the same
result; no cluster is needed. A directory stands for the records in it.

Limits are QUANTITY OPERATOR VALUE [during PHASE]. Quantities:
  ` + strings.Join(steadystate.Quantities(), "\n  ") + `
Phases: ` + strings.Join(steadystate.Phases(), ", ") + `

` + exitCodes,
		Example: `  aftershock judge runs/20260302T101500.000Z
  aftershock judge record.jsonl --limit "shop answers: downtime <= 1s" --limit "shop answers: p95 <= 500ms"
  aftershock judge record.jsonl --output json | jq .verdict`,
		Args: func(cmd *cobra.Command, args []string) error { return asUsage(cobra.MinimumNArgs(1)(cmd, args)) },
	}
	cmd.Flags().StringArrayVar(&limits, "limit", nil, `a limit in place of the check's own, as "CHECK: LIMIT"; may be repeated`)
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		override, err := limitFlags(limits)
		if err != nil {
			return err
		}
		write, err := format(*output)
		if err != nil {
			return err
		}
		results, err := judgeFiles(args, override)
		if err != nil {
			return err
		}
		if err := write(cmd.OutOrStdout(), results); err != nil {
			return err
		}
		return verdict(results...)
	}
	return cmd
}

func reportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "report RECORD...",
		Short: "Write a report of records: text, JUnit or JSON",
		Long: `Report renders what records show; its exit code does not depend on the verdict.
A directory stands for the records in it.`,
		Example: `  aftershock report runs/20260302T101500.000Z --output junit --file junit.xml`,
		Args:    func(cmd *cobra.Command, args []string) error { return asUsage(cobra.MinimumNArgs(1)(cmd, args)) },
	}
	cmd.Flags().StringVar(&file, "file", "", "where to write; default: standard output")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		write, err := format(*output)
		if err != nil {
			return err
		}
		results, err := judgeFiles(args, nil)
		if err != nil {
			return err
		}
		if file == "" {
			return write(cmd.OutOrStdout(), results)
		}
		err = reports.WriteFile(file, func(w io.Writer) error { return write(w, results) })
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			return usageError{err}
		}
		return err
	}
	return cmd
}

// formats are the values of --output.
var formats = []string{"text", "json", "junit"}

func outputFlag(cmd *cobra.Command) *string {
	output := cmd.Flags().StringP("output", "o", "text", strings.Join(formats, ", "))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return output
}

func format(name string) (func(io.Writer, []experiments.Result) error, error) {
	switch name {
	case "text":
		return func(w io.Writer, results []experiments.Result) error { return reports.Texts(w, results...) }, nil
	case "json":
		return func(w io.Writer, results []experiments.Result) error { return reports.JSON(w, results...) }, nil
	case "junit":
		return func(w io.Writer, results []experiments.Result) error { return reports.JUnit(w, results...) }, nil
	}
	return nil, usageError{fmt.Errorf("--output %q: want one of %s", name, strings.Join(formats, ", "))}
}
