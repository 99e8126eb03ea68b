package experiments_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// happens records an event at an instant.
type happens struct {
	at   time.Duration
	kind string
	of   string
}

func (h happens) Observe(ctx context.Context, rec *record.Recorder) error {
	if experiments.Wait(ctx, h.at-rec.Clock().Now()) == nil {
		rec.Event(record.Event{Span: steadystate.Instant(rec.Clock().Now()), Kind: h.kind, Subject: "pod/shop/" + h.of, UID: "uid-" + h.of})
	}
	<-ctx.Done()
	return nil
}

// aimed is the world's fault, which names its possible targets.
type aimed struct {
	*world
	at []record.Target
}

func (a aimed) Targets(context.Context) ([]record.Target, error) { return a.at, nil }

func TestTheServiceSettlesBeforeTheFault(t *testing.T) {
	const enough = 6800 * ms // 663 observations at 100/s
	pods := func(names ...string) (list []record.Target) {
		for _, n := range names {
			list = append(list, record.Target{Name: n})
		}
		return list
	}
	for _, row := range []struct {
		sentence string
		change   func(w *world, e *experiments.Experiment)
		injected time.Duration // not before; zero: never
		end      string        // in why it ended
		note     string        // one of the notes
	}{
		{"settle is the least, and the odds take 663 observations", func(*world, *experiments.Experiment) {}, enough, "", "more observations, 1.6"},
		{"an outage restarts it", func(w *world, _ *experiments.Experiment) {
			w.unanswered = func(at time.Duration) string {
				if at > 4*s && at < 5*s {
					return "503"
				}
				return ""
			}
		}, 5*s + 7840*ms, "", ": answers: an outage, "},
		{"newcomer 3: a pod that goes is a rollout, though every answer is good", func(_ *world, e *experiments.Experiment) {
			e.Observers = []experiments.Observer{happens{4 * s, record.EventTerminating, "old"}, happens{9 * s, record.EventGone, "old"}}
		}, 9*s + enough, "", "settling restarted at 9.000s: pod/shop/old gone"},
		{"one that never goes keeps it unsettled", func(_ *world, e *experiments.Experiment) {
			e.Observers = []experiments.Observer{happens{4 * s, record.EventTerminating, "old"}}
		}, 0, "not steady: pod/shop/old is terminating", "settling: pod/shop/old is terminating"},
		{"newcomer 3: ten times what is allowed does not wait for a lucky window", func(w *world, _ *experiments.Experiment) {
			n := 0
			w.unanswered = func(time.Duration) string {
				if n++; n%100 == 37 {
					return "503"
				}
				return ""
			}
		}, 0, "not steady: answers: 5 of 5", ""},
		{"too few observations for the odds say how many are missing", func(w *world, _ *experiments.Experiment) { w.rate = 20 }, 0, "not steady: answers: needs 26", ""},
		{"a fault whose targets serve is injected", func(w *world, e *experiments.Experiment) {
			e.Faults = []experiments.Scheduled{{Fault: aimed{w, pods("a", "b", "c")}}}
		}, enough, "", ""},
		{"R7: one that may hit a pod that serves no request is not", func(w *world, e *experiments.Experiment) {
			e.Faults = []experiments.Scheduled{{Fault: aimed{w, pods("a", "b", "d")}}}
		}, 0, "not injected: kill one: d answered 0 of 6", "settling: kill one: d answered 0 of"},
		{"without a name in any answer it is refused at once", func(w *world, e *experiments.Experiment) {
			w.silent = true
			e.Faults = []experiments.Scheduled{{Fault: aimed{w, pods("b")}}}
		}, 0, "not injected: kill one: no answer to requests", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				e := w.experiment("downtime <= 3s")
				row.change(w, &e)
				result, _, err := run(t, t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case row.injected == 0:
					if w.injected != 0 || result.Verdict != steadystate.Unknown || !strings.Contains(result.Reason, row.end) {
						t.Errorf("injected %d times, %s: %s; want never, unknown with %q", w.injected, result.Verdict, result.Reason, row.end)
					}
				case w.injected != 1 || result.Injections[0].From < row.injected || result.Injections[0].From > row.injected+s:
					t.Errorf("injected %d times, %+v; want once, soon after %s: %s", w.injected, result.Injections, row.injected, result.Reason)
				case result.Verdict != steadystate.Held:
					t.Errorf("%s: %s", result.Verdict, result.Reason)
				}
				if row.note != "" && !slices.ContainsFunc(result.Notes, func(n string) bool { return strings.Contains(n, row.note) }) {
					t.Errorf("notes %q, want one with %q", result.Notes, row.note)
				}
			})
		})
	}
}
