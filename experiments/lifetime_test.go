package experiments_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// timed is a fault that takes a while to inject, and knows how long at most.
type timed struct {
	watched
	takes, most time.Duration
	deadline    time.Duration // of its context, since its injection began
	ended       error         // why the context had ended when it was undone
}

func newTimed(takes, most time.Duration) *timed {
	f := &timed{takes: takes, most: most}
	var ctx context.Context
	f.inject = func(injected context.Context) error {
		ctx = injected
		if d, ok := ctx.Deadline(); ok {
			f.deadline = time.Until(d)
		}
		time.Sleep(f.takes)
		return nil
	}
	f.recover = func(context.Context) error {
		f.ended = ctx.Err()
		return nil
	}
	return f
}

func (f *timed) InjectTimeout() time.Duration { return f.most }

var _ experiments.Bounded = (*timed)(nil)

// What a fault creates elsewhere may not outlive a killed run for long: a fault is
// told when it is to be over.
func TestAFaultIsToldWhenItIsToBeOver(t *testing.T) {
	for _, row := range []struct {
		sentence string
		of       func(e *experiments.Experiment) *timed
		want     time.Duration
		lasts    time.Duration // as is known before the run
	}{
		{"one is held for the hold time", func(e *experiments.Experiment) *timed {
			a := newTimed(2*s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}}
			return a
		}, 30 * s, 31 * s},
		{"one that takes as long as it may", func(e *experiments.Experiment) *timed {
			a := newTimed(10*s-ms, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}}
			return a
		}, 30 * s, 31 * s},
		{"one with a time of its own", func(e *experiments.Experiment) *timed {
			a := newTimed(2*s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a, For: 5 * s}, {Name: "b", Fault: newTimed(0, 3*s), At: 20 * s, For: time.Minute}}
			return a
		}, 15 * s, 16 * s},
		{"one that is held while others come", func(e *experiments.Experiment) *timed {
			a := newTimed(2*s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}, {Name: "b", Fault: newTimed(3*s-ms, 3*s), At: 15 * s, For: 30 * s}}
			return a
		}, 10*s + 3*s + 45*s, 10*s + 3*s + 46*s},
		{"one that is held while another waits", func(e *experiments.Experiment) *timed {
			a := newTimed(2*s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}, {Name: "b", Fault: newTimed(0, 3*s), When: scaling{18 * s, never}, Within: 40 * s}}
			return a
		}, 10*s + 3*s + 60*s, 10*s + 3*s + 61*s},
		{"one that comes later", func(e *experiments.Experiment) *timed {
			b := newTimed(s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: newTimed(4*s, 5*s), For: 6 * s}, {Name: "b", Fault: b, At: 15 * s}}
			return b
		}, 10*s + 20*s, 10*s + 5*s + 21*s},
		{"a switch, which takes no time", func(e *experiments.Experiment) *timed {
			a := newTimed(ms, 0)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}}
			return a
		}, 20 * s, 21 * s},
		{"a switch with a time of its own", func(e *experiments.Experiment) *timed {
			a := newTimed(ms, 0)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a, For: 5 * s}}
			return a
		}, 5 * s, 6 * s},
		{"one that comes late, as another was being injected", func(e *experiments.Experiment) *timed {
			c := newTimed(0, s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: newTimed(0, 5*s)}, {Name: "b", Fault: newTimed(10*s, 11*s), At: 14 * s, For: s}, {Name: "c", Fault: c, At: 15 * s}}
			return c
		}, s + 20*s, s + 5*s + 11*s + 21*s},
		{"beside one that may take any time: to the run's deadline", func(e *experiments.Experiment) *timed {
			a := newTimed(2*s, 10*s)
			e.Faults = []experiments.Scheduled{{Name: "a", Fault: a}, {Name: "b", Fault: &watched{}, At: 15 * s}}
			e.Deadline = 5 * time.Minute
			return a
		}, 5*time.Minute - 6200*ms, 5 * time.Minute},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked []string
				g := &guarding{name: "guard", asked: &asked}
				e := newShop().experiment()
				f := row.of(&e)
				e.Safeguards = []experiments.Safeguard{g}
				if result, _, err := run(t, t.Context(), e); err != nil || result.End.Reason != record.Completed {
					t.Fatal(err, result.End)
				}
				if off := f.deadline - row.want; off < -s || off > s {
					t.Errorf("to be over in %s, want %s", f.deadline, row.want)
				}
				if f.ended != nil {
					t.Errorf("its context ended before it was undone: %v", f.ended)
				}
				for i, fault := range e.Faults {
					if fault.Fault != experiments.Fault(f) {
						continue
					}
					if got := e.Lasts(i); got != row.lasts {
						t.Errorf("known before: %s, want %s", got, row.lasts)
					}
					if i == len(e.Faults)-1 && g.lifetime != f.deadline+experiments.Grace {
						t.Errorf("the safeguard was told %s, want %s more than %s", g.lifetime, experiments.Grace, f.deadline)
					}
				}
			})
		})
	}
}

// slow is a safeguard that takes its time to answer.
type slow struct{ *guarding }

func (g slow) Allow(ctx context.Context, lifetime time.Duration) error {
	time.Sleep(8 * s)
	return g.guarding.Allow(ctx, lifetime)
}

func TestTheTimeThatASafeguardTakesIsNotTheFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		e := newShop().experiment(experiments.Scheduled{Fault: newTimed(s, 2*s)})
		e.Safeguards = []experiments.Safeguard{slow{&guarding{name: "slow", asked: &asked}}}
		if result, _, err := run(t, t.Context(), e); err != nil || result.End.Reason != record.Completed {
			t.Errorf("error %v, ended %+v", err, result.End)
		}
	})
}
