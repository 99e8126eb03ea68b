package runs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// alert is a service, a source and an observer that say when they are touched.
type alert struct {
	shop
	touched *bool
}

func (a alert) Inject(context.Context, *record.Recorder) (record.Injection, error) {
	*a.touched = true
	return record.Injection{}, errors.New("it was injected")
}

func (a alert) Drive(context.Context, steadystate.Clock, func(record.Request)) error {
	*a.touched = true
	return errors.New("it was driven")
}

type (
	heldFault struct{ experiments.Fault }
	never     struct{ experiments.Condition }
	watcher   struct{}
)

func (*heldFault) OneShot() bool { return false }
func (never) String() string     { return "it breaks" }

func (*watcher) Observe(context.Context, *record.Recorder) error { return nil }

// Each mistake is told in a line of its own, with the field and what it may be,
// before anything is touched.
func TestMisuses(t *testing.T) {
	var touched bool
	fault := func() experiments.Fault { return &heldFault{alert{touched: &touched}} }
	check := func(f func(*steadystate.Check)) func(*experiments.Experiment) {
		return func(e *experiments.Experiment) { f(&e.Hypothesis.Checks[0]) }
	}
	limit := func(text string) func(*experiments.Experiment) {
		return check(func(c *steadystate.Check) { c.Limits = steadystate.Limits(text) })
	}
	faults := func(list ...experiments.Scheduled) func(*experiments.Experiment) {
		return func(e *experiments.Experiment) { e.Faults = list }
	}
	traffic := func(change func(*load.HTTP)) func(*experiments.Experiment) {
		return func(e *experiments.Experiment) {
			h := load.HTTP{Shape: load.Constant(100), URL: "http://shop.example/"}
			change(&h)
			e.Load = h
		}
	}
	for _, row := range []struct {
		sentence string
		change   func(e *experiments.Experiment)
		want     string // lines
	}{
		{"no name", func(e *experiments.Experiment) { e.Name = "" }, "an experiment needs a name"},
		{"no hypothesis", func(e *experiments.Experiment) { e.Hypothesis.Checks = nil }, "needs a hypothesis: without a check nothing could be broken"},
		{"an empty check", check(func(c *steadystate.Check) { *c = steadystate.Check{} }), `a check needs a name
check "": needs a signal
check "": needs what counts as good, as in "<= 2s" or ">= 0.99"
check "": no signal ""; signals: ["up" "requests"]`},
		{"an allowed share of 100", check(func(c *steadystate.Check) { c.Allowed = 100 }), `check "answers": the allowed share 100 must be at least 0 and below 1`},
		{"a check on a signal that is not there", check(func(c *steadystate.Check) { c.Signal = "reqests" }), `check "answers": no signal "reqests"; signals: ["up" "requests"]`},
		{"a check twice", func(e *experiments.Experiment) {
			e.Hypothesis.Checks = append(e.Hypothesis.Checks, e.Hypothesis.Checks[0])
		}, `check "answers" is there twice`},
		{"a signal without a name", func(e *experiments.Experiment) { e.Hypothesis.Signals[0].Name = "" }, "signal 1 needs a name"},
		{"a signal without a source", func(e *experiments.Experiment) { e.Hypothesis.Signals[0].Source = nil }, `signal "up" has no Source`},
		{"a signal of a nil pointer", func(e *experiments.Experiment) {
			e.Hypothesis.Signals[0].Source = (*source)(nil)
		}, `signal "up" has no Source`},
		{"a signal with the name of the load's", func(e *experiments.Experiment) { e.Hypothesis.Signals[0].Name = "requests" }, `signal "requests" is there twice`},

		{"a limit in another unit", limit("p50 <= 500"), `check "answers": limit "p50 <= 500": good is "<= 1s", a time, and "500" is not; units: ns, us, ms, s, m, h`},
		{"a limit on a phase that has no time", func(e *experiments.Experiment) {
			limit("p95 <= 1s during hold")(e)
			e.Hold = 0
		}, `check "answers": limit "p95 <= 1s during hold": nothing is held: set Hold`},
		{"a limit on a recovery from nothing", func(e *experiments.Experiment) {
			limit("ttr <= 30s")(e)
			e.Faults = nil
		}, `check "answers": limit "ttr <= 30s" counts from a fault, and there is none`},

		{"a load of no rate and no URL", func(e *experiments.Experiment) { e.Load = load.HTTP{} }, "load: rate: no shape: want one of \"100/s\", \nload: url: is missing, as in http://checkout.example/checkout; or name a file of targets"},
		{"a load of a negative rate", traffic(func(h *load.HTTP) { h.Shape = load.Constant(-1) }), "load: rate: "},
		{"a URL without a scheme", traffic(func(h *load.HTTP) { h.URL = "shop.example" }), `load: url: "shop.example": want http://host/path or https://host/path`},
		{"a timeout below zero", traffic(func(h *load.HTTP) { h.Timeout = -1 }), "load: timeout: -1ns is below zero"},
		{"a load of a nil pointer", func(e *experiments.Experiment) { e.Load = (*busier)(nil) }, "its Load is a nil *runs_test.busier"},
		{"a load that says no rate", func(e *experiments.Experiment) { e.Load = planless{} }, "the load kill b does not say at which rate it sends requests: see Stages of its Load"},
		{"nothing that shows whether the targets serve", func(e *experiments.Experiment) {
			e.Load, e.Hypothesis.Checks[0].Signal = nil, "up"
		}, "has a fault, and neither a Load nor a Traffic shows whether its targets serve"},

		{"no fault in a schedule", faults(experiments.Scheduled{Name: "kill"}), `fault "kill" has no Fault`},
		{"a fault of a nil pointer", faults(experiments.Scheduled{Fault: (*heldFault)(nil)}), "fault 1 has no Fault"},
		{"several faults without names", faults(experiments.Scheduled{Fault: fault()}, experiments.Scheduled{Fault: fault()}), "fault 1 needs a name, as there are several\nfault 2 needs a name, as there are several"},
		{"two faults of a name", faults(experiments.Scheduled{Name: "a", Fault: fault()}, experiments.Scheduled{Name: "a", Fault: fault()}), `fault "a" is there twice`},
		{"times below zero", faults(experiments.Scheduled{Fault: fault(), For: -s}), "fault 1: For -1s is below zero"},
		{"a fault after the hold time", faults(experiments.Scheduled{Name: "a", Fault: fault()}, experiments.Scheduled{Name: "b", Fault: fault(), At: time.Hour}), `fault "b": At 1h0m0s is beyond the hold time of 5s: hold for longer`},
		{"no fault that comes first", faults(experiments.Scheduled{Fault: fault(), At: s}), "every fault has an At or a When: one must come first, because the others count from its T0"},
		{"a condition without an end", faults(experiments.Scheduled{Name: "a", Fault: fault()}, experiments.Scheduled{Name: "b", Fault: fault(), When: never{}}), `fault "b": When it breaks: needs Within, the timeout of the wait`},
		{"an end without a condition", faults(experiments.Scheduled{Fault: fault(), Within: s}), "fault 1: Within 1s: needs When, the condition to wait for"},
		{"a fault that is wrong in itself", faults(experiments.Scheduled{Fault: spec{chaosmesh.NetworkDelay{}}}), `fault 1: refused: [selector: Invalid value: "pods  in ": no namespace; say which one the pods are in, latency: Invalid value: "0s": must be above zero, as in 100ms]`},

		{"a time below zero", func(e *experiments.Experiment) { e.Hold = -s }, "hold -1s is below zero"},
		{"no time to settle", func(e *experiments.Experiment) { e.SettleTimeout = s }, "settle timeout 1s is shorter than settle 10s"},
		{"a deadline before the end", func(e *experiments.Experiment) { e.Deadline = s }, "deadline 1s is shorter than settle 10s and hold, with the faults that come and go in it, 5s"},
		{"a nil observer", func(e *experiments.Experiment) { e.Observers = []experiments.Observer{(*watcher)(nil), nil} }, "observer 1 is nil\nobserver 2 is nil"},
		{"a nil evaluator", func(e *experiments.Experiment) { e.Evaluators = []judge.Evaluator{nil} }, "evaluator 1 is nil"},
		{"an expectation without an evaluator", func(e *experiments.Experiment) {
			e.Expectations = []record.Expectation{{Name: "warm", Kind: "cashe", Subject: "cache/shop"}}
			e.Evaluators = []judge.Evaluator{cacheEvaluator{}}
		}, `expectation "warm": no evaluator of the kind "cashe"; kinds: "cache"`},
		{"an expectation without anything", func(e *experiments.Experiment) {
			e.Expectations = []record.Expectation{{}}
		}, "expectation \"\": needs a name\nexpectation \"\": needs a kind\nexpectation \"\": needs a subject"},
		{"an expectation with the name of a check", func(e *experiments.Experiment) {
			e.Expectations = []record.Expectation{{Name: "answers", Kind: "cache", Subject: "cache/shop"}}
			e.Evaluators = []judge.Evaluator{cacheEvaluator{}}
		}, `expectation "answers" has the name of a check or of another`},
		{"a control run with a baseline", func(e *experiments.Experiment) {
			*e = e.Control()
			e.AgainstControl = true
		}, "has a Baseline or is AgainstControl, and a control run is compared with no other"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			touched = false
			e := experiment("downtime <= 1s")
			e.Load = alert{touched: &touched}
			e.Faults = []experiments.Scheduled{{Fault: fault()}}
			e.Hypothesis.Signals = []steadystate.Signal{{Name: "up", Source: &source{}}}
			row.change(&e)
			d := directory(t)
			_, err := d.Run(t.Context(), e)
			if err == nil {
				t.Fatal("it is not refused")
			}
			got, want := strings.Split(err.Error(), "\n"), strings.Split(row.want, "\n")
			if len(got) != len(want) {
				t.Fatalf("%d lines, want %d:\n%v", len(got), len(want), err)
			}
			for i := range want {
				line := strings.TrimPrefix(got[i], fmt.Sprintf("experiment %q: ", e.Name))
				if !strings.HasPrefix(line, want[i]) || (e.Name != "" && line == got[i]) {
					t.Errorf("line %d: %s\nwant: %s", i+1, got[i], want[i])
				}
			}
			if files, err := os.ReadDir(d.Path); touched || err != nil || len(files) > 0 {
				t.Errorf("touched %t, error %v, files %v", touched, err, files)
			}
		})
	}
}

// source is never asked.
type source struct{}

func (*source) Observe(context.Context, steadystate.Clock, func(steadystate.Observation)) error {
	panic("it was asked")
}

// planless is a load that says no rate.
type planless struct{ shop }

func (planless) Stages() map[string][]record.Stage { return nil }

// spec is a fault with Chaos Mesh's checks, without a cluster.
type spec struct{ chaosmesh.Spec }

func (spec) String() string { return "delay" }

func (spec) Inject(context.Context, *record.Recorder) (record.Injection, error) {
	panic("it was injected")
}

func (spec) Recover(context.Context, *record.Recorder) (steadystate.Span, error) {
	panic("it was undone")
}

// The other calls have their mistakes too, each in one line.
func TestMisusesOfCalls(t *testing.T) {
	whole := func() *bytes.Buffer {
		var file bytes.Buffer
		encoder := record.NewEncoder(&file)
		for _, e := range []record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
			{Plan: &record.Plan{Name: "kill", Checks: []steadystate.Check{{Name: "answers", Signal: "requests", Good: steadystate.Within(s)}}}},
		} {
			if err := encoder.Encode(e); err != nil {
				t.Fatal(err)
			}
		}
		return &file
	}
	judged := func(file *bytes.Buffer, override map[string][]string) error {
		_, err := runs.Judge(record.Read(file), override)
		return err
	}
	for _, row := range []struct {
		sentence string
		call     func() error
		want     string
	}{
		{"a nil recorder", func() error { return experiment("downtime <= 1s").Run(t.Context(), nil) }, `run "kill one of three": no recorder: record.NewRecorder makes one`},
		{"a recorder that NewRecorder did not make", func() error { return experiment("downtime <= 1s").Run(t.Context(), &record.Recorder{}) }, `run "kill one of three": no recorder: record.NewRecorder makes one`},
		{"a recorder without a writer", func() error { return experiment("downtime <= 1s").Run(t.Context(), record.NewRecorder(nil)) }, `run "kill one of three": write record: no writer`},
		{"an encoder without a writer", func() error { return record.NewEncoder(nil).Encode(record.Entry{Note: "a"}) }, "write record: no writer"},
		{"no directory at all", func() error {
			var directory *runs.Directory
			_, err := directory.Run(t.Context(), experiment("downtime <= 1s"))
			return err
		}, "no directory: runs.NewDirectory makes one"},
		{"a directory that NewDirectory did not make", func() error {
			_, err := (&runs.Directory{Path: t.TempDir()}).Run(t.Context(), experiment("downtime <= 1s"))
			return err
		}, "no directory: runs.NewDirectory makes one"},
		{"an empty record", func() error { return judged(&bytes.Buffer{}, nil) }, "the record is empty"},
		{"a file that is none", func() error { return judged(bytes.NewBufferString("{}\n"), nil) }, `not a record: line 1 has no header with format "aftershock/record"`},
		{"a pipe", func() error {
			_, err := runs.Judge(record.Read(struct{ *bytes.Buffer }{whole()}), nil)
			return err
		}, "read record again: want a file, or another io.Seeker"},
		{"other limits on a check that is not there", func() error { return judged(whole(), map[string][]string{"answer": {"downtime <= 1s"}}) }, `no check "answer" in the record; checks: "answers"`},
		{"other limits that are none", func() error { return judged(whole(), map[string][]string{"answers": {"p50 <= 500"}}) }, `check "answers": limit "p50 <= 500": good is "<= 1s", a time, and "500" is not`},
		{"a check that is not there", func() error {
			_, err := reports.Report{}.Check("answers")
			return err
		}, `no check "answers"; checks: none`},
		{"a quantity that is not there", func() error {
			_, err := steadystate.ParseLimit("uptme >= 99.9%")
			return err
		}, `limit "uptme >= 99.9%": no quantity "uptme"; quantities: downtime, uptime, `},
		{"a phase that is not there", func() error {
			_, err := steadystate.ParseLimit("p95 <= 1s during fault")
			return err
		}, `limit "p95 <= 1s during fault": no phase "fault"; phases: settle, inject, hold, recover, watch`},
		{"a share of 9990 %", func() error {
			_, err := steadystate.ParseLimit("uptime >= 99.9")
			return err
		}, `limit "uptime >= 99.9": uptime is a share, and "99.9" is not: write it in %`},
		{"a time below zero", func() error {
			_, err := steadystate.ParseLimit("downtime <= -2s")
			return err
		}, `limit "downtime <= -2s": downtime is never below zero`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			err := row.call()
			if err == nil || !strings.HasPrefix(err.Error(), row.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want a line with %q", err, row.want)
			}
		})
	}
}
