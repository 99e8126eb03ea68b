package experiments_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// busy observes the rate at which each pod serves, over the 5 s before, once a
// second.
type busy map[string]func(at time.Duration) float64

func (b busy) Observe(ctx context.Context, rec *record.Recorder) error {
	for experiments.Wait(ctx, time.Second) == nil {
		now := rec.Clock().Now()
		for pod, rate := range b {
			rec.Observe(record.TargetSignal("ops", pod), steadystate.Observation{Span: steadystate.Span{From: now - 5*s, To: now}, Value: rate(now), Whole: true})
		}
	}
	return nil
}

// up is polled each 100 ms, and always is.
func up(ctx context.Context, clock steadystate.Clock, observe func(steadystate.Observation)) error {
	for experiments.Wait(ctx, 100*ms) == nil {
		observe(steadystate.Observation{Span: steadystate.Instant(clock.Now()), Value: 1})
	}
	return nil
}

func TestAFaultOnAServiceWithoutALoadComesWhenItsTargetsServe(t *testing.T) {
	const never = time.Hour
	since := func(begin time.Duration) func(time.Duration) float64 {
		return func(at time.Duration) float64 {
			if at >= begin {
				return 3
			}
			return 0
		}
	}
	for _, row := range []struct {
		sentence string
		pods     busy
		injected time.Duration // not before; zero: never
		want     string        // in the reason
	}{
		{"four rates of after the run's beginning", busy{"a": since(0), "b": since(0)}, 8 * s, "all 7 proofs are there"},
		{"one that serves later is waited for", busy{"a": since(0), "b": since(12 * s)}, 15 * s, "all 7 proofs are there"},
		{"one that serves nothing is not hit", busy{"a": since(0), "b": since(never)}, 0, "not injected: kill one: ops of b was above zero in 0 of "},
		{"nor is one that is not observed", busy{"a": since(0)}, 0, "not injected: kill one: ops of b was above zero in 0 of 0 observations"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				e := w.experiment()
				e.Load, e.Traffic = nil, "ops"
				e.Hypothesis = steadystate.Hypothesis{
					Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(up)}},
					Checks:  []steadystate.Check{{Name: "is up", Signal: "up", Good: steadystate.AtLeast(1)}},
				}
				e.Observers = []experiments.Observer{row.pods}
				e.Faults = []experiments.Scheduled{{Fault: aimed{w, []record.Target{{Name: "a"}, {Name: "b"}}}}}
				result, _, err := run(t, t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(result.Reason, row.want) || (result.Verdict == steadystate.Held) != strings.HasPrefix(row.want, "all") {
					t.Errorf("%s: %s; want %q", result.Verdict, result.Reason, row.want)
				}
				switch {
				case row.injected == 0:
					if w.injected != 0 {
						t.Errorf("injected at %s, want never", result.Injections[0].Span)
					}
				case w.injected != 1 || result.Injections[0].From < row.injected || result.Injections[0].From > row.injected+2*s:
					t.Errorf("injected %d times, %+v; want once, soon after %s", w.injected, result.Injections, row.injected)
				}
			})
		})
	}
}
