package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/internal/calibration"
	"github.com/aftershockhq/aftershock/steadystate"
)

// calibrateFlags are what the user asked for.
type calibrateFlags struct {
	calibration.Options
	kinds  []string
	asJSON bool
	plot   string
	misses string
	grid   bool
	cell   string
}

func calibrateCommand() *cobra.Command {
	var f calibrateFlags
	var output func() (asJSON bool, err error)
	cmd := &cobra.Command{
		Use:   "calibrate",
		Short: "Measure the instrument's error against outages whose truth is known",
		Long: `Calibrate plants outages of known start and length on this machine, drives the
real load against them, judges the real record, and compares the judge's bounds
with the truth. The experiment does not know what is planted. For each kind of
outage it reports how often the bounds contained the truth, how wide they are, the
errors, and what was missed or invented.

It exits with 0 if every bound contained the truth and nothing was missed or
invented, else with 1. ^C ends it with the results so far.

With --grid it simulates runs without a service: 2,000 for each of 152 cells, which
are combinations of settle time, rate, share of stray errors and share of failed
backends that users have. This takes up to 20 minutes on two cores. It exits with 1
if comparisons with the truth are wrong too often in a cell.`,
		Example: `  aftershock calibrate
  aftershock calibrate --trials 300 --rate 100 --output json --plot calibration.svg
  aftershock calibrate --kinds refused,kill --rate 1000
  aftershock calibrate --grid
  aftershock calibrate --grid --cell '10s-1000/s.*1-of-3' --trials 300 --seed 7`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.cell != "" && !f.grid {
				return usageError{errors.New("--cell works only with --grid")}
			}
			var err error
			if f.asJSON, err = output(); err != nil {
				return err
			}
			if f.grid {
				for _, planted := range []string{"rate", "kinds", "plot", "misses"} {
					if cmd.Flags().Changed(planted) {
						return usageError{fmt.Errorf("--%s selects planted outages, but --grid simulates: use --cell", planted)}
					}
				}
				if !cmd.Flags().Changed("trials") {
					f.Trials = gridTrials
				}
				return calibrateGrid(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return calibrate(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Trials, "trials", 30, "trials of each kind")
	flags.IntVar(&f.Rate, "rate", 100, "requests per second of each trial's load")
	flags.Uint64Var(&f.Seed, "seed", 1, "what the outages are drawn from; the same seed plants the same ones")
	flags.StringSliceVar(&f.kinds, "kinds", nil, "kinds of outage, comma-separated: "+calibration.KindNames()+" (default all)")
	output = textOrJSONFlag(cmd)
	flags.StringVar(&f.plot, "plot", "", "file for a plot of the errors (SVG)")
	flags.StringVar(&f.misses, "misses", "", "directory for the records of trials whose bounds miss the truth")
	flags.BoolVar(&f.grid, "grid", false, fmt.Sprintf("simulate a grid of runs, without a service, %d trials of each cell by default", gridTrials))
	flags.StringVar(&f.cell, "cell", "", "regular expression for the names of the grid's cells (default all)")
	completeFlag(cmd, "kinds", cobra.FixedCompletions(strings.Split(calibration.KindNames(), ", "), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.MarkFlagFilename("plot", "svg")
	completeDirectory(cmd, "misses")
	return cmd
}

// gridTrials of a cell tell a rate of 0.5 % from less.
const gridTrials = 2000

func calibrateGrid(ctx context.Context, f calibrateFlags, stdout, stderr io.Writer) error {
	cells, err := calibration.MatchCells(f.cell)
	if err != nil {
		return usageError{err}
	}
	if f.Trials <= 0 {
		return usageError{fmt.Errorf("%d trials: want at least one of each cell", f.Trials)}
	}
	o := calibration.GridOptions{Trials: f.Trials, Seed: f.Seed, Cells: cells}
	if f.cell == "" {
		o.Starts = f.Trials
	}
	begin, done := time.Now(), 0
	o.Progress = func(r calibration.CellResult) {
		done++
		fmt.Fprintf(stderr, "%d of %d cells, %s: %s is %s, in %s\n", done, len(cells), time.Since(begin).Round(time.Second), r.Name, r.Verdict(), r.Took.Round(time.Millisecond))
		for _, o := range r.Outcomes {
			if o.Verdict != steadystate.Held {
				fmt.Fprintf(stderr, "  %s\n", o)
			}
		}
	}
	report, err := calibration.Grid(ctx, o)
	if err != nil {
		return err
	}
	return f.conclude(stdout, report, report.Interrupted, report.Verdict)
}

func calibrate(ctx context.Context, f calibrateFlags, stdout, stderr io.Writer) error {
	kinds, err := calibration.ParseKinds(f.kinds)
	if err != nil {
		return usageError{err}
	}
	f.Kinds = kinds
	if err := f.Validate(); err != nil {
		return usageError{err}
	}
	if f.misses != "" {
		if err := os.MkdirAll(f.misses, 0o750); err != nil {
			return usageError{err}
		}
		f.Miss = f.keep
	}
	var plot *os.File
	if f.plot != "" {
		// Now: what cannot be written should be known before the trials.
		if plot, err = os.Create(f.plot); err != nil {
			return usageError{err}
		}
	}
	f.Progress = f.progress(stderr)
	report, err := calibration.Run(ctx, f.Options)
	if plot != nil {
		err = errors.Join(err, report.Plot(plot), plot.Close())
	}
	if err != nil {
		return err
	}
	return f.conclude(stdout, report, report.Interrupted, report.Verdict)
}

// conclude writes a report, and is the error that its verdict exits with.
func (f calibrateFlags) conclude(stdout io.Writer, report texter, interrupted bool, verdict steadystate.Verdict) error {
	if err := f.write(stdout, report); err != nil {
		return err
	}
	switch {
	case interrupted:
		return context.Canceled
	case verdict == steadystate.Broken:
		return errVerdict(exitBroken)
	case verdict != steadystate.Held:
		return errVerdict(exitUnknown)
	}
	return nil
}

// progress prints a line now and then, and one for each trial that is wrong.
func (f calibrateFlags) progress(stderr io.Writer) func(calibration.Trial) {
	all := f.Trials * len(f.Kinds)
	begin := time.Now()
	last := begin
	done, wrong := 0, 0
	return func(t calibration.Trial) {
		done++
		if t.Disturbed() {
			all++ // it is made up for
		}
		if t.NotRun != "" || !t.OK() {
			wrong++
			fmt.Fprintf(stderr, "%s, trial %d: %s\n", t.Kind, t.Number, t.Wrong())
		}
		if now := time.Now(); now.Sub(last) >= 5*time.Second || done == all {
			last = now
			left := now.Sub(begin) / time.Duration(done) * time.Duration(all-done)
			fmt.Fprintf(stderr, "%d of %d trials, %d wrong, %s left\n", done, all, wrong, left.Round(time.Second))
		}
	}
}

// keep writes the record of a trial that is wrong.
func (f calibrateFlags) keep(t calibration.Trial, record []byte) error {
	path := filepath.Join(f.misses, fmt.Sprintf("%s-%d.jsonl", t.Kind, t.Number))
	if err := os.WriteFile(path, record, 0o600); err != nil {
		return fmt.Errorf("keep the record of a trial: %w", err)
	}
	return nil
}

// A texter writes itself for people; as JSON it is written as it is.
type texter interface {
	Text(io.Writer) error
}

// write writes the report.
func (f calibrateFlags) write(stdout io.Writer, report texter) error {
	if f.asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	return report.Text(stdout)
}
