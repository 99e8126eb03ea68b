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

// fleeting is the shop's slowness, which is over after a while.
type fleeting struct {
	*slowed
	lasts  time.Duration
	panics bool
	undone time.Time
}

var _ experiments.Watcher = (*fleeting)(nil)

func (f *fleeting) Watch(ctx context.Context, _ *record.Recorder) string {
	if experiments.Wait(ctx, f.lasts) != nil {
		return ""
	}
	if f.panics {
		panic("a bug")
	}
	return "another client deleted it"
}

func (f *fleeting) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	f.undone = time.Now()
	return f.slowed.Recover(ctx, rec)
}

func TestARunEndsWhenItsFaultIsOverBeforeItIsUndone(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(e *experiments.Experiment, f *fleeting)
		undone   time.Duration // after it was injected
		reason   string
		detail   string
		err      string
	}{
		{"while it is held", func(_ *experiments.Experiment, f *fleeting) { f.lasts = 7200 * ms }, 7200 * ms, record.NotInjected, "a: slow a: another client deleted it after 7.2s of 20s", ""},
		{"with a time of its own", func(e *experiments.Experiment, f *fleeting) { e.Faults[0].For, f.lasts = 10*s, 3*s }, 3 * s, record.NotInjected, "a: slow a: another client deleted it after 3s of 10s", ""},
		{"while another one is injected", func(e *experiments.Experiment, f *fleeting) {
			f.lasts = 3 * s
			e.Faults = append(e.Faults, experiments.Scheduled{Name: "b", Fault: &watched{inject: func(ctx context.Context) error { return experiments.Wait(ctx, time.Hour) }}})
		}, 3 * s, record.NotInjected, "a: slow a: another client deleted it after 3s of 20s", ""},
		{"not once it is undone", func(_ *experiments.Experiment, f *fleeting) { f.lasts = 21 * s }, 20 * s, record.Completed, "", ""},
		{"a watch that panics is a failure", func(_ *experiments.Experiment, f *fleeting) { f.lasts, f.panics = 3*s, true }, 3 * s, record.Failed, "watch a: slow a: panic: a bug", "panic: a bug"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newShop()
				f := &fleeting{slowed: &slowed{shop: w, instances: []string{"a"}}}
				e := w.experiment(experiments.Scheduled{Name: "a", Fault: f})
				row.change(&e, f)
				result, _, err := run(t, t.Context(), e)
				if (row.err == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.err)) {
					t.Errorf("error %v, want %q", err, row.err)
				}
				if result.End.Reason != row.reason || !strings.HasPrefix(result.End.Detail, row.detail) {
					t.Errorf("ended %+v, want %s: %s", result.End, row.reason, row.detail)
				}
				if result.Verdict == steadystate.Held && row.reason != record.Completed {
					t.Error("it was called held")
				}
				after := f.undone.Sub(result.Started.Add(result.Injections[0].To))
				if off := after - row.undone; off < 0 || off > 100*ms {
					t.Errorf("undone after %s, want %s", after, row.undone)
				}
			})
		})
	}
}

// An injection that takes longer than it said may prolong the hold beyond what the
// others were told: the cluster would end them.
func TestARunEndsWhenAFaultIsHeldBeyondItsPlannedEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newTimed(0, 5*s), newTimed(30*s, s)
		result, _, err := run(t, t.Context(), newShop().experiment(experiments.Scheduled{Name: "a", Fault: a}, experiments.Scheduled{Name: "b", Fault: b, At: 15 * s}))
		if err != nil || result.End.Reason != record.NotInjected || !strings.Contains(result.End.Detail, "a: a watched fault: it was held beyond its planned end after 42s of 20s") {
			t.Errorf("error %v, ended %+v", err, result.End)
		}
	})
}
