package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/residue"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// maxTries is how often an experiment is run until it has a verdict.
const maxTries = 3

// lab is the cluster, and where the records of what is run on it go.
type lab struct {
	out string
	w   io.Writer // what is printed meanwhile
	// deployed is the defect of the service that is there.
	deployed string
}

// deploy deploys the service, unless it is there with that defect.
func (l *lab) deploy(ctx context.Context, defect string) error {
	if l.deployed == defect {
		return nil
	}
	return l.put(ctx, defect)
}

// anew deploys the service with a defect so that all of its pods are new: what does not
// change keeps its pods.
func (l *lab) anew(ctx context.Context, defect string) error {
	return errors.Join(l.put(ctx, healthy), l.put(ctx, defect))
}

func (l *lab) put(ctx context.Context, defect string) error {
	fmt.Fprintf(l.w, "\n=== deploy %s\n", cmp.Or(defect, "the healthy service"))
	l.deployed = "not known" // until it has succeeded
	if err := trial.Command(ctx, l.w, "deploy", "--defect", cmp.Or(defect, "none")); err != nil {
		return err
	}
	l.deployed = defect
	return nil
}

// try runs an experiment until it has a verdict, and not more often than so.
func (l *lab) try(ctx context.Context, e experiment, tries int) row {
	r := row{experiment: e, what: e.id, verdict: noVerdict}
	if e.specs {
		r.what += " by ginkgo"
	}
	for ctx.Err() == nil && r.tries < tries {
		if r.tries++; r.tries > 1 && e.fresh {
			if err := l.anew(ctx, e.defect); err != nil {
				r.verdict, r.reason = noVerdict, err.Error()
				return r
			}
		}
		fmt.Fprintf(l.w, "\n=== %s on %s\n", r.what, r.service())
		result, strictly, recorded, err := l.run(ctx, e)
		if err != nil {
			r.verdict, r.reason = noVerdict, err.Error()
			return r
		}
		r.take(result, strictly, residue.Processes(5*time.Second))
		if e.compare != nil && result.Verdict != steadystate.Unknown {
			r.truth, r.untrue = l.agreement(e.compare, result.Result, recorded)
		}
		if result.Verdict != steadystate.Unknown {
			break
		}
		r.unknowns = append(r.unknowns, result.Reason)
	}
	return r
}

// run runs an experiment, and judges its record, which is at the path returned.
func (l *lab) run(ctx context.Context, e experiment) (result, strictly reports.Report, recorded string, err error) {
	fail := func(err error) (_, _ reports.Report, _ string, _ error) {
		return reports.Report{}, reports.Report{}, "", err
	}
	out, err := os.MkdirTemp(l.out, strings.ReplaceAll(e.id, "/", "-")+"-")
	if err != nil {
		return fail(err)
	}
	arguments := []string{"bin/aftershock", "run", "-f", "lab/aftershock.yaml", "--out", out, e.id}
	if e.specs {
		arguments = []string{"go", "tool", "ginkgo", "run", "--no-color", "--label-filter", strings.ReplaceAll(e.id, "/", " && "), "./suites", "--", "--config", "lab/aftershock.yaml", "--out", out}
	}
	process, err := trial.Begin(exec.Command(arguments[0], arguments[1:]...), out)
	if err != nil {
		return fail(err)
	}
	if e.without != "" {
		err = l.without(ctx, process, e.without)
	}
	select {
	case <-process.Ended:
	case <-ctx.Done():
		process.Stop() // it undoes its faults
	}
	code, printed := process.ProcessState.ExitCode(), process.Printed.String()
	// What the Ginkgo command prints of a spec that fails looks like a failed
	// test to readers of the output of this one, which it need not be.
	if !e.specs || code == 0 {
		fmt.Fprint(l.w, printed)
	}
	if err != nil {
		return fail(err)
	}
	if recorded = trial.RecordIn(out); recorded == "" {
		return fail(fmt.Errorf("%s: exit code %d, and not one record in %s:\n%s", strings.Join(arguments, " "), code, out, printed))
	}
	file, err := os.Open(recorded)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = file.Close() }()
	if result, strictly, err = judged(record.Read(file)); err != nil {
		return fail(err)
	}
	// The exit code is what a pipeline sees.
	if want := map[steadystate.Verdict]int{steadystate.Held: 0, steadystate.Broken: 1, steadystate.Unknown: 3}[result.Verdict]; !e.specs && code != want {
		return fail(fmt.Errorf("exit code %d for a record that says %s", code, result.Verdict))
	}
	if (code == 0) != (result.Verdict == steadystate.Held) {
		return fail(fmt.Errorf("%s ended with exit code %d for a record that says %s:\n%s", arguments[0], code, result.Verdict, printed))
	}
	return result, strictly, recorded, nil
}

// without stops a kubelet of the lab once a run holds, until its node is given up and
// traffic has stayed away from its pods for longer than any limit on it, and starts it
// again before they are moved. If the node is never given up, it is an error.
func (l *lab) without(ctx context.Context, run *trial.Process, node string) error {
	const (
		awayFor   = 5 * time.Second // pods are moved ten seconds after their node is given up
		givenUpIn = 20 * time.Second
	)
	if holds, err := run.Await(ctx, `"phase":"`+record.PhaseHold+`"`); !holds {
		return err
	}
	kubelet := node + "/kubelet"
	err := trial.Command(ctx, l.w, "stop", kubelet)
	if err == nil {
		err = l.lost(ctx, run, node, givenUpIn)
	}
	if err == nil {
		_ = experiments.Wait(ctx, awayFor)
	}
	return errors.Join(err, trial.Command(context.WithoutCancel(ctx), l.w, "start", kubelet))
}

// lost waits until the record says that a node is not ready.
func (l *lab) lost(ctx context.Context, run *trial.Process, node string, patience time.Duration) error {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	lost, err := run.Await(soon, fmt.Sprintf(`"kind":%q,"subject":"node/%s"`, record.EventNotReady, node))
	if err == nil && !lost || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s was not given up within %s of the end of its kubelet", node, patience)
	}
	return err
}
