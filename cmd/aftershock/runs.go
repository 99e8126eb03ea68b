package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/reports"
)

// runs carries experiments out one after the other and keeps what comes of
// them in a directory of its own.
type runs struct {
	dir     string
	out     io.Writer
	results []experiments.Result
}

// newRuns makes the directory: parent/<time>. An existing one is never
// written into.
func newRuns(parent string, out io.Writer) (*runs, error) {
	dir := filepath.Join(parent, time.Now().UTC().Format("20060102T150405.000Z"))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for the records: %w", err)
	}
	return &runs{dir: dir, out: out}, nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// carryOut runs one experiment, judges its record and prints the report. The
// error is the harness's; the record and the result are kept in any case.
func (r *runs) carryOut(ctx context.Context, e experiments.Experiment) (experiments.Result, error) {
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(e.Name), "-"), "-")
	path := filepath.Join(r.dir, name+".jsonl")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return experiments.Result{}, fmt.Errorf("create record: %w", err)
	}
	rec := experiments.NewRecorder(file)
	fmt.Fprintf(r.out, "\n%s\n  record %s\n", e.Name, path)
	rec.Tap(progress(r.out))
	runErr := e.Run(ctx, rec)
	if err := file.Close(); err != nil {
		runErr = errors.Join(runErr, fmt.Errorf("close record: %w", err))
	}
	result, err := judgeFile(path, nil)
	if err != nil {
		return result, errors.Join(runErr, err)
	}
	r.results = append(r.results, result)
	fmt.Fprintln(r.out)
	return result, errors.Join(runErr, reports.Text(r.out, result))
}

// progress prints a line for each phase and what happens in it.
func progress(out io.Writer) func(experiments.Entry) {
	say := func(e experiments.Entry, format string, args ...any) {
		fmt.Fprintf(out, "  %7.1fs  %s\n", e.At.Seconds(), fmt.Sprintf(format, args...))
	}
	var plan *experiments.Plan
	return func(e experiments.Entry) {
		switch {
		case e.Plan != nil:
			plan = e.Plan
			if plan.Load != "" {
				say(e, "load: %s", plan.Load)
			}
		case e.Phase == experiments.PhaseSettle:
			say(e, "settle: waiting until the hypothesis has been good for %s", plan.Settle)
		case e.Phase == experiments.PhaseInject:
			say(e, "inject: %s", strings.Join(plan.Faults, ", "))
		case e.Phase == experiments.PhaseHold:
			say(e, "hold: for %s", plan.Hold)
		case e.Phase == experiments.PhaseRecover:
			say(e, "recover: undoing")
		case e.Phase == experiments.PhaseWatch:
			say(e, "watch: for %s", plan.Watch)
		case e.Injection != nil && e.Injection.Shortfall != "":
			say(e, "not injected: %s", e.Injection.Shortfall)
		case e.Injection != nil:
			for _, t := range e.Injection.Targets {
				say(e, "injected into %s %s", t.Name, t.UID)
			}
		case e.Removal != nil && e.Removal.Error != "":
			say(e, "MAY STILL BE IN PLACE: %s: %s", e.Removal.Fault, e.Removal.Error)
		case e.Note != "":
			say(e, "note: %s", e.Note)
		case e.End != nil:
			say(e, "%s", strings.TrimSuffix(e.End.Reason+": "+e.End.Detail, ": "))
		}
	}
}

// finish writes the reports of all experiments and says where they are.
func (r *runs) finish() error {
	if len(r.results) == 0 {
		return nil
	}
	junit := filepath.Join(r.dir, "junit.xml")
	files := map[string]func(io.Writer) error{
		junit:                                func(w io.Writer) error { return reports.JUnit(w, r.results...) },
		filepath.Join(r.dir, "results.json"): func(w io.Writer) error { return reports.JSON(w, r.results...) },
		filepath.Join(r.dir, "report.txt"): func(w io.Writer) error {
			for _, result := range r.results {
				if err := reports.Text(w, result); err != nil {
					return err
				}
			}
			return reports.Summary(w, r.results...)
		},
	}
	var errs []error
	for path, write := range files {
		errs = append(errs, writeFile(path, write))
	}
	fmt.Fprintln(r.out)
	errs = append(errs, reports.Summary(r.out, r.results...))
	fmt.Fprintf(r.out, "records, report.txt, results.json and junit.xml are in %s\n", r.dir)
	return errors.Join(errs...)
}

// writeFile writes a file whole or not at all.
func writeFile(path string, write func(io.Writer) error) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := errors.Join(write(file), file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
