package main

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/runs"
)

func diffCommand() *cobra.Command {
	var options compare.Options
	cmd := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Show what changed between two sets of runs",
		Long: `Diff pairs runs by experiment and plan hash: what was done must be the same, the
limits may differ. BEFORE and AFTER are each a record, results as JSON, or a
directory with everything below it.

Each figure is known between bounds. With one run a side, diff only says whether the
bounds overlap, which shows no change of the service. To show a change it needs sets
of runs, which it compares by the exact Mann-Whitney test (verdicts by Fisher's) with
Holm's correction over all rows: sets of the same service show any change in at most
5 of 100 diffs. A change must hold for all values within the bounds. If none is
shown, diff says how large a change nine of ten such diffs would have shown.

Exit codes:
  0  no change for the worse, in rows that could have shown one
  1  a change for the worse
  2  usage, or a file cannot be read
  3  cannot tell: too few runs, another plan, or a figure or an experiment is missing`,
		Example: `  aftershock diff runs-of-v1 runs-of-v2
  aftershock diff runs/20260302T101500.000Z/results.json runs/20260303T101500.000Z
  aftershock diff before after --output json | jq -r .outcome
  aftershock diff --schema`,
		Args:              takes(2, 2),
		ValidArgsFunction: completeResults,
	}
	cmd.Flags().BoolVar(&options.SamePlan, "same-plan", false, "also compare runs whose records have no plan hash: you vouch that they did the same")
	output := textOrJSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		before, err := resultsOf(args[:1])
		if err != nil {
			return err
		}
		after, err := resultsOf(args[1:])
		if err != nil {
			return err
		}
		diff, err := compare.NewDiff(before, after, options)
		if err != nil {
			return usageError{err}
		}
		return printed(cmd, diff, asJSON, diff.ExitCode)
	}
	return orSchema(cmd, compare.DiffSchema)
}

// textOrJSONFlag is --output of what is no report.
func textOrJSONFlag(cmd *cobra.Command) (asJSON func() (bool, error)) {
	output := cmd.Flags().StringP("output", "o", "text", "text or json")
	completeFlag(cmd, "output", completeTextOrJSON)
	return func() (bool, error) {
		if *output != "text" && *output != "json" {
			return false, usageError{fmt.Errorf("--output %q: want one of text, json", *output)}
		}
		return *output == "json", nil
	}
}

// orSchema gives a command a flag that prints a schema instead, without arguments.
func orSchema(cmd *cobra.Command, schema func() string) *cobra.Command {
	asked := cmd.Flags().Bool("schema", false, "print the JSON Schema of --output json, and do nothing else")
	args, run := cmd.Args, cmd.RunE
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		if *asked {
			return noArgs(cmd, given)
		}
		return args(cmd, given)
	}
	cmd.RunE = func(cmd *cobra.Command, given []string) error {
		if *asked {
			_, err := io.WriteString(cmd.OutOrStdout(), schema())
			return err
		}
		return run(cmd, given)
	}
	return cmd
}

// resultsOf are the results of records, of documents of results, and of all in
// directories and below them. A run counts once: copies of its record are one, and of
// its record and results it is that of the record. Other contents of one run are an
// error, since whichever was taken could hide what the other shows.
func resultsOf(args []string) ([]results.Result, error) {
	var paths []string
	for _, arg := range args {
		below := []string{arg}
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			if below, err = resultsBelow(arg); err != nil {
				return nil, usageError{err}
			}
		}
		paths = append(paths, below...)
	}
	// Records first: they have more than what was written of them.
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	type source struct {
		path   string
		result results.Result
	}
	var list []results.Result
	seen := map[string]source{}
	for _, path := range paths {
		found, err := reportFiles([]string{path})
		if err != nil {
			return nil, err
		}
		for _, r := range reports.Document(found...).Results { // without what a page draws
			run := fmt.Sprintf("%q %q", r.Run.ID, r.Experiment)
			first, again := seen[run]
			switch {
			case !again:
				seen[run] = source{path, r}
				list = append(list, r)
			case !sameRun(first.path, path, first.result, r):
				return nil, usageError{fmt.Errorf("run %s of %s is not the same in %s and in %s: one of them was cut or changed; leave that one out", r.Run.ID, r.Experiment, first.path, path)}
			}
		}
	}
	return list, nil
}

// rank is 0 of a record and 1 of results.
func rank(path string) int {
	if filepath.Ext(path) == ".json" {
		return 1
	}
	return 0
}

// sameRun reports whether two files have the same of a run. Records do if they have the
// same bytes. Results were judged then, by that version and those limits, so that of
// them only what was recorded is compared with a record.
func sameRun(first, second string, a, b results.Result) bool {
	switch {
	case rank(first) == 0 && rank(second) == 0:
		x, errX := digest(first)
		y, errY := digest(second)
		return errors.Join(errX, errY) == nil && x == y
	case rank(first) == rank(second):
		a.Trial, b.Trial = 0, 0 // is among the runs of its file
		return reflect.DeepEqual(a, b)
	}
	return a.Experiment == b.Experiment && a.PlanHash == b.PlanHash && a.Run.Started.Equal(b.Run.Started) &&
		a.Run.End == b.Run.End && a.Run.LengthSeconds == b.Run.LengthSeconds && reflect.DeepEqual(a.Images, b.Images) && len(a.Injections) == len(b.Injections)
}

func digest(path string) (sum [sha256.Size]byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer file.Close() //nolint:errcheck // only read
	h := sha256.New()
	_, err = io.Copy(h, file)
	return [sha256.Size]byte(h.Sum(nil)), err
}

// resultsBelow are the records in a directory and below it, and the results that
// runs wrote beside them.
func resultsBelow(dir string) (paths []string, err error) {
	err = filesBelow(dir, func(path string) {
		if isRecord(path) || filepath.Base(path) == runs.ResultsFile {
			paths = append(paths, path)
		}
	})
	if err == nil && len(paths) == 0 {
		err = errors.New("no record (*.jsonl) and no " + runs.ResultsFile + " in " + dir)
	}
	return paths, err
}
