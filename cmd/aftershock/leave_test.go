package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// stuckVariable makes this test binary a run whose fault is undone in the number
// of seconds that it has.
const stuckVariable = "AFTERSHOCK_TEST_STUCK"

// stuck runs an experiment as run does, and says when it undoes the fault.
func stuck() int {
	ctx, stop := signals()
	defer stop()
	cmd := runCommand()
	cmd.SetContext(ctx)
	dir, err := os.MkdirTemp("", "stuck-*")
	if err != nil {
		return exitUsage
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary one
	s, err := newSession(dir, os.Stdout)
	if err != nil {
		return exitUsage
	}
	defer s.place.leaveTwice(os.Stderr, sweepWith("my shop.yaml"), os.Exit)()
	takes, err := time.ParseDuration(os.Getenv(stuckVariable))
	if err != nil {
		return exitUsage
	}
	_, err = s.carryOut(ctx, experiments.Experiment{
		Name: "stuck",
		Hypothesis: steadystate.Hypothesis{
			Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(func(ctx context.Context, clock steadystate.Clock, each func(steadystate.Observation)) error {
				for experiments.Wait(ctx, 20*time.Millisecond) == nil {
					each(steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: 1})
				}
				return nil
			})}},
			Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
		},
		Traffic: "traffic",
		Faults: []experiments.Scheduled{{Fault: experiments.FaultFunc{
			Text: "break the shop", Targets: []record.Target{{Name: "a"}}, Effects: []record.Effect{{Event: record.EventGone}},
			Do: func(_ context.Context, rec *record.Recorder) error {
				rec.Event(record.Event{Span: steadystate.Instant(rec.Clock().Now()), Kind: faults.EventCreating, Subject: "NetworkChaos/shop/delay-1"})
				fmt.Println("BROKEN")
				return nil
			},
			Undo: func(context.Context, *record.Recorder) error {
				fmt.Println("UNDOING")
				time.Sleep(takes)
				return nil
			},
		}}},
		Settle: 300 * time.Millisecond, Hold: time.Minute,
	})
	return exitCode(err)
}

func TestAnInterruptUndoesTheFaultsAndASecondOneLeaves(t *testing.T) {
	left := []string{"left at once; what may still be in place:", "  break the shop", "  NetworkChaos/shop/delay-1", "remove it with", "  aftershock sweep -f 'my shop.yaml'"}
	for _, row := range []struct {
		sentence string
		undoing  time.Duration
		second   []os.Signal
		code     int
		want     []string // lines of stderr
		within   time.Duration
	}{
		{"one undoes and reports", 300 * time.Millisecond, nil, exitFailed, nil, 20 * time.Second},
		{"the second leaves at once", 30 * time.Second, []os.Signal{os.Interrupt}, exitLeftBehind, left, 5 * time.Second},
		{"a second SIGTERM does not", 2 * time.Second, []os.Signal{syscall.SIGTERM}, exitFailed, nil, 20 * time.Second},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), stuckVariable+"="+row.undoing.String())
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			defer late.Stop()
			var text strings.Builder
			var at time.Time
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				fmt.Fprintln(&text, lines.Text())
				switch lines.Text() {
				case "BROKEN":
					time.Sleep(200 * time.Millisecond)
					_ = cmd.Process.Signal(os.Interrupt)
				case "UNDOING":
					time.Sleep(samePress + 100*time.Millisecond)
					at = time.Now()
					for _, s := range row.second {
						_ = cmd.Process.Signal(s)
					}
				}
			}
			err = cmd.Wait()
			took := time.Since(at)
			exit, _ := errors.AsType[*exec.ExitError](err)
			if exit == nil || exit.ExitCode() != row.code || took > row.within {
				t.Errorf("%v after %s, want %d within %s\n%s%s", err, took, row.code, row.within, &text, &errs)
			}
			if !strings.HasPrefix(errs.String(), "interrupted: the faults are being undone; ^C again leaves at once") {
				t.Errorf("stderr %q", &errs)
			}
			printed := strings.Split(errs.String(), "\n")
			for _, want := range row.want {
				if !slices.Contains(printed, want) {
					t.Errorf("want %q in\n%s", want, &errs)
				}
			}
			if row.want == nil && (!strings.Contains(text.String(), "UNKNOWN") || strings.Contains(errs.String(), "left at once")) {
				t.Errorf("want a report\n%s%s", &text, &errs)
			}
		})
	}
}

func TestWhatMayBeInPlaceIsKnown(t *testing.T) {
	plan := record.Entry{Plan: &record.Plan{Faults: []record.Scheduled{{Name: "a"}, {Name: "b"}}}}
	inject := record.Entry{Phase: record.PhaseInject}
	event := func(kind string) record.Entry {
		return record.Entry{Event: &record.Event{Kind: kind, Subject: "PodChaos/shop/x"}}
	}
	for _, row := range []struct {
		sentence string
		entries  []record.Entry
		want     []string
	}{
		{"nothing before the first injection", []record.Entry{plan, {Phase: record.PhaseSettle}}, nil},
		{"the Job of load workers", []record.Entry{plan, event(faults.EventCreating)}, []string{"PodChaos/shop/x"}},
		{"all of them once the first is injected", []record.Entry{plan, inject}, []string{"fault 1, which may have been injected", "fault 2, which may have been injected"}},
		{"by name where it is known", []record.Entry{plan, inject, {Injection: &record.Injection{Index: 1, Fault: "slow"}}}, []string{"fault 1, which may have been injected", "slow"}},
		{"not one that was over at once", []record.Entry{plan, inject, {Injection: &record.Injection{Index: 0, Fault: "kill", OneShot: true}}}, []string{"fault 2, which may have been injected"}},
		{"not what was undone", []record.Entry{plan, inject, event(faults.EventCreating), {Removal: &record.Removal{Index: 0}}, {Removal: &record.Removal{Index: 1, Error: "stuck"}}, event(chaosmesh.EventRemoved)}, []string{"fault 2, which may have been injected"}},
		{"nothing once the run has ended", []record.Entry{plan, inject, {End: &record.End{}}}, nil},
	} {
		var r remainder
		for _, e := range row.entries {
			r.see(e)
		}
		if got := r.list(); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
