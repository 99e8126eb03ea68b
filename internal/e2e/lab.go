package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// maxTries is how often an experiment is run until it has a verdict.
const maxTries = 3

// lab is the cluster, and where the records of what is run on it go.
type lab struct {
	out string
	w   io.Writer // what is printed meanwhile
}

func (l lab) deploy(ctx context.Context, defect string) error {
	fmt.Fprintf(l.w, "\n=== deploy %s\n", cmp.Or(defect, "the healthy service"))
	return trial.Command(ctx, l.w, "deploy", "--defect", cmp.Or(defect, "none"))
}

// try runs an experiment until it has a verdict, and not more often than so.
func (l lab) try(ctx context.Context, e experiment, tries int) row {
	r := row{experiment: e, what: e.id, verdict: "no verdict"}
	if e.specs {
		r.what += " by ginkgo"
	}
	for ctx.Err() == nil && r.tries < tries {
		if r.tries++; r.tries > 1 && e.fresh {
			if err := l.deploy(ctx, e.defect); err != nil {
				r.reason = err.Error()
				return r
			}
		}
		fmt.Fprintf(l.w, "\n=== %s on %s\n", r.what, r.service())
		result, recorded, err := l.run(ctx, e)
		if err != nil {
			r.reason = err.Error()
			return r
		}
		r.take(result, residue.Processes(5*time.Second))
		if e.compare != nil && result.Verdict != steadystate.Unknown {
			r.truth = l.agreement(e.compare, result.Result, recorded)
		}
		if result.Verdict != steadystate.Unknown {
			break
		}
		r.unknowns = append(r.unknowns, result.Reason)
	}
	return r
}

// run runs an experiment, and judges its record, which is at the path returned.
func (l lab) run(ctx context.Context, e experiment) (report reports.Report, recorded string, err error) {
	fail := func(err error) (reports.Report, string, error) { return reports.Report{}, "", err }
	out, err := os.MkdirTemp(l.out, strings.ReplaceAll(e.id, "/", "-")+"-")
	if err != nil {
		return fail(err)
	}
	arguments := []string{"bin/aftershock", "run", "-f", "lab/aftershock.yaml", "--out", out, e.id}
	if e.specs {
		arguments = []string{"go", "tool", "ginkgo", "run", "--no-color", "--label-filter", strings.ReplaceAll(e.id, "/", " && "), "./suites", "--", "--config", "lab/aftershock.yaml", "--out", out}
	}
	// The program undoes its faults when it is asked to stop.
	command := exec.CommandContext(ctx, arguments[0], arguments[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 10 * time.Minute // a rollout may have to be rolled back
	printed, err := command.CombinedOutput()
	// What the Ginkgo command prints of a spec that fails looks like a failed
	// test to whoever reads the output of this one, which it need not be.
	if !e.specs || err == nil {
		fmt.Fprint(l.w, string(printed))
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fail(err)
	}
	records, _ := filepath.Glob(filepath.Join(out, "*", "*.jsonl"))
	if len(records) != 1 {
		return fail(fmt.Errorf("%s: exit code %d, %d records in %s:\n%s", strings.Join(arguments, " "), exitCode(exit), len(records), out, printed))
	}
	file, err := os.Open(records[0])
	if err != nil {
		return fail(err)
	}
	defer func() { _ = file.Close() }()
	result, err := runs.Judge(record.Read(file), nil, suites.Evaluators()...)
	if err != nil {
		return fail(err)
	}
	// The exit code is what a pipeline sees.
	if code, want := exitCode(exit), map[steadystate.Verdict]int{steadystate.Held: 0, steadystate.Broken: 1, steadystate.Unknown: 3}[result.Verdict]; !e.specs && code != want {
		return fail(fmt.Errorf("exit code %d for a record that says %s", code, result.Verdict))
	}
	if (exit == nil) != (result.Verdict == steadystate.Held) {
		return fail(fmt.Errorf("%s ended with exit code %d for a record that says %s:\n%s", arguments[0], exitCode(exit), result.Verdict, printed))
	}
	return result, records[0], nil
}

func exitCode(err *exec.ExitError) int {
	if err == nil {
		return 0
	}
	return err.ExitCode()
}
