package experiments_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// shop is a service of three instances whose answers can be slowed, and that
// can be killed: each comes back under a new name.
type shop struct {
	mu    sync.Mutex
	slow  map[string]int // how many faults slow it
	names [3]string
	down  [3]time.Time // until when there is none
}

func newShop() *shop { return &shop{slow: map[string]int{}, names: [3]string{"a", "b", "c"}} }

func (*shop) String() string { return "100/s" }

func (w *shop) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	tick := time.NewTicker(10 * ms)
	defer tick.Stop()
	for seq := uint64(0); ; seq++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := clock.Now()
		w.mu.Lock()
		i := int(seq % 3)
		q := record.Request{Seq: seq, Planned: now, Sent: now, Outcome: record.Outcome{Code: 200, Backend: w.names[i], Attempts: 1}}
		q.Answered = now + 2*ms + time.Duration(w.slow[w.names[i]])*100*ms
		if time.Now().Before(w.down[i]) {
			q.Outcome = record.Outcome{Error: "connection refused"}
		}
		w.mu.Unlock()
		// It is told when it is answered.
		time.AfterFunc(q.Answered-q.Sent, func() {
			if ctx.Err() == nil {
				each(q)
			}
		})
	}
}

func (*shop) Stages() map[string][]record.Stage {
	return map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: -10 * ms, Rate: 100}}}
}

func (w *shop) experiment(faults ...experiments.Scheduled) experiments.Experiment {
	return experiments.Experiment{
		Name: "storm",
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{{
			Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second),
			Allowed: 0.001, Limits: steadystate.Limits("downtime <= 5s", "outage <= 3s"),
		}}},
		Load: w, Faults: faults,
		Settle: 5 * s, SettleTimeout: 20 * s, Hold: 20 * s, Watch: 20 * s,
	}
}

// slowed slows instances of a shop.
type slowed struct {
	*shop
	instances []string
	inactive  bool // it does nothing
}

func (f *slowed) String() string { return "slow " + strings.Join(f.instances, ", ") }

func (f *slowed) turn(by int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range f.instances {
		if !f.inactive {
			f.slow[name] += by
		}
	}
}

func (f *slowed) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	in := record.Injection{Span: steadystate.Instant(rec.Clock().Now())}
	f.turn(1)
	for _, name := range f.instances {
		in.Targets = append(in.Targets, record.Target{Name: name, UID: "uid-" + name})
	}
	in.Effects = []record.Effect{{Signal: record.TrafficSignal, Rise: 0.09}}
	return in, nil
}

func (f *slowed) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	f.turn(-1)
	return steadystate.Instant(rec.Clock().Now()), nil
}

// killedOne kills an instance of a shop by its place.
type killedOne struct {
	*shop
	place int
}

func (f killedOne) String() string { return fmt.Sprintf("kill %d", f.place) }

func (killedOne) OneShot() bool { return true }

func (f killedOne) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	f.mu.Lock()
	name := f.names[f.place]
	f.names[f.place], f.down[f.place] = name+"+", time.Now().Add(2*s)
	f.mu.Unlock()
	span := steadystate.Instant(rec.Clock().Now())
	told := func(kind, name string) {
		rec.Event(record.Event{Span: steadystate.Instant(rec.Clock().Now()), Kind: kind, Subject: "pod/shop/" + name, UID: "uid-" + name})
	}
	told(record.EventGone, name)
	told(record.EventCreated, name+"+")
	time.AfterFunc(2*s, func() { told(record.EventReady, name+"+") })
	return record.Injection{
		Span: span, Targets: []record.Target{{Name: name, UID: "uid-" + name}}, Of: 3,
		Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true,
	}, nil
}

func (killedOne) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return steadystate.Instant(rec.Clock().Now()), nil
}

// scaling is the condition that is met from an instant on, to another one.
type scaling struct{ from, to time.Duration }

func (scaling) String() string { return "autoscaler scales out" }

func (c scaling) Watch(rec *record.Recorder) func(context.Context) string {
	return func(context.Context) string {
		if now := rec.Clock().Now(); now < c.from || now >= c.to {
			return "it desires 2, and there are 2"
		}
		return ""
	}
}

const never = time.Duration(1<<63 - 1)

// came says when the faults came and went after the first T0, in tenths of a
// second, and in which phase each went: "kill 0.0; slow 5.0-25.0 hold".
func came(r judge.Result) string {
	recover := r.Phases[slices.IndexFunc(r.Phases, func(p judge.PhaseResult) bool { return p.Name == record.PhaseRecover })].From
	var texts []string
	for _, i := range r.Injections {
		at := func(d time.Duration) string {
			return fmt.Sprintf("%.1f", (d - r.Injections[0].From).Round(100*ms).Seconds())
		}
		text := fmt.Sprintf("%d: %s", i.Index, at(i.From))
		if !i.OneShot && i.FailureReason == "" {
			text += "-" + at(i.Removed.From)
			if i.Removed.From < recover {
				text += " hold"
			} else {
				text += " recover"
			}
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "; ")
}

func TestFaultsComeAndGoAsScheduled(t *testing.T) {
	for _, row := range []struct {
		sentence string
		faults   func(w *shop) []experiments.Scheduled
		want     string
		holds    time.Duration // the hold phase
	}{
		{"one fault alone is held for the hold time", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{{Fault: &slowed{shop: w, instances: []string{"a"}}}}
		}, "0: 0.0-20.0 recover", 20 * s},
		{"two at once are undone together", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "a", Fault: &slowed{shop: w, instances: []string{"a"}}},
				{Name: "b", Fault: &slowed{shop: w, instances: []string{"b"}}},
			}
		}, "0: 0.0-20.0 recover; 1: 0.0-20.0 recover", 20 * s},
		{"one that is over is undone while the other is held", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "a", Fault: &slowed{shop: w, instances: []string{"a"}}, For: 8 * s},
				{Name: "b", Fault: &slowed{shop: w, instances: []string{"b"}}},
			}
		}, "0: 0.0-8.0 hold; 1: 0.0-20.0 recover", 20 * s},
		{"in sequence with overlap, on one instance, each alone for a while", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "second", Fault: &slowed{shop: w, instances: []string{"a"}}, At: 8 * s, For: 20 * s},
				{Name: "first", Fault: &slowed{shop: w, instances: []string{"a"}}, For: 15 * s},
			}
		}, "1: 0.0-15.0 hold; 0: 8.0-28.0 recover", 28 * s},
		{"one without a time stays for the hold time from when it came", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "a", Fault: &slowed{shop: w, instances: []string{"a"}}, For: 5 * s},
				{Name: "b", Fault: &slowed{shop: w, instances: []string{"b"}}, At: 7 * s},
			}
		}, "0: 0.0-5.0 hold; 1: 7.0-27.0 recover", 27 * s},
		{"a one-shot during a held one, and two of one object", func(w *shop) []experiments.Scheduled {
			slow := &slowed{shop: w, instances: []string{"a"}}
			return []experiments.Scheduled{
				{Name: "slow", Fault: slow, For: 6 * s},
				{Name: "kill", Fault: killedOne{w, 1}, At: 5 * s},
				{Name: "again", Fault: slow, At: 10 * s, For: 6 * s},
			}
		}, "0: 0.0-6.0 hold; 1: 5.0; 2: 10.0-16.0 hold", 25 * s},
		{"the storm: a kill, all are slow, and a kill on a condition", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "kill", Fault: killedOne{w, 1}},
				{Name: "slow", Fault: &slowed{shop: w, instances: []string{"a", "b+", "c"}}, At: 5 * s, For: 20 * s},
				{Name: "again", Fault: killedOne{w, 2}, When: scaling{30 * s, 31 * s}, Within: time.Minute},
			}
		}, "0: 0.0; 1: 5.0-25.0 hold; 2: 23.2", 43200 * ms},
		{"a condition that was met before the fault's time, and is again", func(w *shop) []experiments.Scheduled {
			return []experiments.Scheduled{
				{Name: "kill", Fault: killedOne{w, 1}},
				{Name: "again", Fault: killedOne{w, 2}, At: 15 * s, When: scaling{0, never}, Within: time.Minute},
			}
		}, "0: 0.0; 1: 15.0", 35 * s},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newShop()
				result, _, err := run(t, t.Context(), w.experiment(row.faults(w)...))
				if err != nil {
					t.Fatal(err)
				}
				if got := came(result); got != row.want {
					t.Errorf("%s; want %s", got, row.want)
				}
				i := slices.IndexFunc(result.Phases, func(p judge.PhaseResult) bool { return p.Name == record.PhaseHold })
				if held := result.Phases[i].Width().Round(100 * ms); held != row.holds {
					t.Errorf("the hold phase lasts %s, want %s", held, row.holds)
				}
				if result.Verdict != steadystate.Held {
					t.Errorf("%s: %s", result.Verdict, result.Reason)
				}
			})
		})
	}
}

func TestAConditionThatIsNeverMetEndsAsNotInjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newShop()
		slow := &slowed{shop: w, instances: []string{"a"}}
		e := w.experiment(
			experiments.Scheduled{Name: "slow", Fault: slow},
			experiments.Scheduled{Name: "again", Fault: killedOne{w, 2}, At: 5 * s, When: scaling{never, never}, Within: 10 * s},
		)
		result, _, err := run(t, t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		const want = "again: kill 2: its condition, when autoscaler scales out, was not met within 10s: it desires 2, and there are 2"
		if result.Verdict != steadystate.Unknown || result.End.Reason != record.NotInjected || result.End.Detail != want {
			t.Errorf("%s, ended %+v; want unknown, not injected: %s", result.Verdict, result.End, want)
		}
		if got := came(result); got != "0: 0.0-15.0 recover; 1: 15.0" {
			t.Error(got)
		}
		if len(w.slow) != 1 || w.slow["a"] != 0 || w.names[2] != "c" {
			t.Errorf("slow %v, instances %v", w.slow, w.names)
		}
		if p := proof(t, result, "injected"); p.Verdict == steadystate.Held || !strings.Contains(p.Text, "was not met within 10s") {
			t.Errorf("%+v", p)
		}
	})
}

// A run that is killed between two injections has the first in its record, and
// not the second.
func TestARecordThatIsCutBetweenTwoInjectionsIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newShop()
		_, recorded, err := run(t, t.Context(), w.experiment(
			experiments.Scheduled{Name: "kill", Fault: killedOne{w, 0}},
			experiments.Scheduled{Name: "again", Fault: killedOne{w, 1}, At: 10 * s},
		))
		if err != nil {
			t.Fatal(err)
		}
		second := bytes.LastIndex(recorded, []byte(`"injection":`))
		cut := recorded[:bytes.LastIndexByte(recorded[:second], '\n')+1]
		result, err := judge.Judge(record.Read(bytes.NewReader(cut)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := proof(t, result, "injected"); result.Verdict != steadystate.Unknown || p.Text != "1 of 2 faults were injected" {
			t.Errorf("%s: %s; %+v", result.Verdict, result.Reason, p)
		}
	})
}

// watched is a fault that counts, and can fail or hang.
type watched struct {
	inject, recover func(ctx context.Context) error
	injected        []time.Time
	recovered       []time.Time
}

func (*watched) String() string { return "a watched fault" }

func (f *watched) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	f.injected = append(f.injected, time.Now())
	in := record.Injection{Span: steadystate.Instant(rec.Clock().Now())}
	if f.inject != nil {
		if err := f.inject(ctx); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (f *watched) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	f.recovered = append(f.recovered, time.Now())
	if f.recover != nil {
		if err := f.recover(ctx); err != nil {
			return steadystate.Span{}, err
		}
	}
	return steadystate.Instant(rec.Clock().Now()), ctx.Err()
}

func TestEveryScheduledFaultIsUndoneOnceWhateverHappens(t *testing.T) {
	hang := func(ctx context.Context) error { return experiments.Wait(ctx, time.Hour) }
	for _, row := range []struct {
		sentence string
		change   func(e *experiments.Experiment, cancel context.CancelFunc, a, b *watched)
		injected [2]int
		undone   [2]time.Duration // after the first injection
		reason   string
		want     string // in the error
	}{
		{"the context ends between two injections", func(_ *experiments.Experiment, cancel context.CancelFunc, a, _ *watched) {
			a.inject = func(context.Context) error { time.AfterFunc(5*s, cancel); return nil }
		}, [2]int{1, 0}, [2]time.Duration{5 * s, 5 * s}, record.Interrupted, "context canceled"},
		{"an injection hangs: what is over is undone in time, the rest at the deadline", func(e *experiments.Experiment, _ context.CancelFunc, _, b *watched) {
			e.Faults[0].For, e.Deadline, b.inject = 12*s, time.Minute, hang
		}, [2]int{1, 1}, [2]time.Duration{12 * s, 53200 * ms}, record.Failed, "the run's deadline of 1m0s has passed"},
		{"an undoing hangs: the others are injected and undone meanwhile", func(e *experiments.Experiment, _ context.CancelFunc, a, _ *watched) {
			e.Faults[0].For, a.recover, e.Faults[1].For = 5*s, func(context.Context) error { time.Sleep(25 * s); return nil }, 5*s
		}, [2]int{1, 1}, [2]time.Duration{5 * s, 15 * s}, record.Completed, ""},
		{"an undoing fails: the run ends, and the others are undone", func(e *experiments.Experiment, _ context.CancelFunc, a, _ *watched) {
			e.Faults[0].For, a.recover = 12*s, func(context.Context) error { return errors.New("stuck") }
		}, [2]int{1, 1}, [2]time.Duration{12 * s, 12 * s}, record.Failed, "undo a: a watched fault: a fault may still be in place: stuck"},
		{"an undoing fails while an injection hangs", func(e *experiments.Experiment, _ context.CancelFunc, a, b *watched) {
			e.Faults[0].For, a.recover, b.inject = 12*s, func(context.Context) error { return errors.New("stuck") }, hang
		}, [2]int{1, 1}, [2]time.Duration{12 * s, 12 * s}, record.Failed, "inject b: a watched fault: a fault that was over could not be undone"},
		{"an injection panics", func(_ *experiments.Experiment, _ context.CancelFunc, _, b *watched) {
			b.inject = func(context.Context) error { panic("a bug") }
		}, [2]int{1, 1}, [2]time.Duration{10 * s, 10 * s}, record.Failed, "inject b: a watched fault: panic: a bug"},
		{"an undoing panics", func(e *experiments.Experiment, _ context.CancelFunc, a, _ *watched) {
			e.Faults[0].For, a.recover = 12*s, func(context.Context) error { panic("a bug") }
		}, [2]int{1, 1}, [2]time.Duration{12 * s, 12 * s}, record.Failed, "a fault may still be in place: panic: a bug"},
		{"a condition panics", func(e *experiments.Experiment, _ context.CancelFunc, _, _ *watched) {
			e.Faults[1].When, e.Faults[1].Within = broken{}, s
		}, [2]int{1, 0}, [2]time.Duration{10 * s, 10 * s}, record.Failed, "wait for b: a watched fault, when it breaks: panic: a bug"},
		{"a condition that is met while another fault is being injected is asked again", func(e *experiments.Experiment, _ context.CancelFunc, _, b *watched) {
			e.Faults[1].When, e.Faults[1].Within = scaling{18 * s, 23 * s}, 15*s
			e.Faults = append(e.Faults, experiments.Scheduled{Name: "c", At: 9 * s, Fault: &watched{inject: func(context.Context) error { time.Sleep(10 * s); return nil }}})
		}, [2]int{1, 0}, [2]time.Duration{25 * s, 25 * s}, record.NotInjected, ""},
		{"one of one object as another that is still being undone is not injected", func(e *experiments.Experiment, _ context.CancelFunc, a, b *watched) {
			e.Faults[0].For, a.recover = 5*s, func(context.Context) error { time.Sleep(20 * s); return nil }
			e.Faults = append(e.Faults, experiments.Scheduled{Name: "again", At: 8 * s, Fault: a})
		}, [2]int{1, 0}, [2]time.Duration{5 * s, 8*s + 100*ms}, record.NotInjected, ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a, b := &watched{}, &watched{}
				e := newShop().experiment(experiments.Scheduled{Name: "a", Fault: a}, experiments.Scheduled{Name: "b", Fault: b, At: 10 * s})
				row.change(&e, cancel, a, b)
				result, _, err := run(t, ctx, e)
				if (row.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.want)) {
					t.Errorf("error %v, want %q", err, row.want)
				}
				if result.End.Reason != row.reason || result.Verdict == steadystate.Held {
					t.Errorf("ended %+v, %s; want %s", result.End, result.Verdict, row.reason)
				}
				for i, f := range []*watched{a, b} {
					if len(f.injected) != row.injected[i] || len(f.recovered) == 0 {
						t.Errorf("fault %d: injected %d times, undone %d times; want %d, and once", i, len(f.injected), len(f.recovered), row.injected[i])
						continue
					}
					if after := f.recovered[0].Sub(a.injected[0]); after.Round(100*ms) != row.undone[i].Round(100*ms) {
						t.Errorf("fault %d: undone after %s, want %s", i, after, row.undone[i])
					}
				}
			})
		})
	}
}

// broken is a condition that panics.
type broken struct{}

func (broken) String() string { return "it breaks" }

func (broken) Watch(*record.Recorder) func(context.Context) string {
	return func(context.Context) string { panic("a bug") }
}

func TestAScheduleThatCannotBeKeptIsRefused(t *testing.T) {
	w := newShop()
	slow := func() experiments.Fault { return &slowed{shop: w, instances: []string{"a"}} }
	one := slow()
	for _, row := range []struct {
		sentence string
		faults   []experiments.Scheduled
		want     string // empty: it is not refused
	}{
		{"one alone needs no name", []experiments.Scheduled{{Fault: slow()}}, ""},
		{"several without names", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Fault: slow()}}, "fault 2 needs a name, as there are several"},
		{"two of one name", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Name: "a", Fault: slow()}}, `fault "a" is there twice`},
		{"none at all", []experiments.Scheduled{{Name: "a"}}, `fault "a" has no Fault`},
		{"a time below zero", []experiments.Scheduled{{Fault: slow(), For: -s}}, "fault 1: For -1s is below zero"},
		{"an instant below zero", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Name: "b", Fault: slow(), At: -s}}, `fault "b": At -1s is below zero`},
		{"a wait below zero", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Name: "b", Fault: slow(), When: broken{}, Within: -s}}, `fault "b": Within -1s is below zero`},
		{"beyond the hold time", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Name: "b", Fault: slow(), At: 21 * s}}, `fault "b": At 21s is beyond the hold time of 20s`},
		{"a one-shot that is held", []experiments.Scheduled{{Name: "kill", Fault: killedOne{w, 1}, For: s}}, `fault "kill": For 1s: kill 1 is over at once`},
		{"a condition for ever", []experiments.Scheduled{{Name: "a", Fault: slow()}, {Name: "b", Fault: slow(), When: broken{}}}, `fault "b": When it breaks: needs Within`},
		{"a wait for nothing", []experiments.Scheduled{{Fault: slow(), Within: s}}, "fault 1: Within 1s: needs When"},
		{"none comes first", []experiments.Scheduled{{Name: "a", Fault: slow(), At: s}, {Name: "b", Fault: slow(), When: broken{}, Within: s}}, "one must come first"},
		{"one object twice at a time", []experiments.Scheduled{{Name: "a", Fault: one}, {Name: "b", Fault: one, At: 5 * s}}, `fault "b" is the same object as fault "a"`},
		{"one object twice, the second before the first is over", []experiments.Scheduled{{Name: "a", Fault: one, At: 5 * s}, {Name: "b", Fault: one, For: 6 * s}}, `fault "b" is the same object as fault "a"`},
		{"one object twice, one after the other", []experiments.Scheduled{{Name: "a", Fault: one, For: 5 * s}, {Name: "b", Fault: one, At: 5 * s}}, ""},
	} {
		err := w.experiment(row.faults...).Validate()
		if (row.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

func TestTheDeadlineCoversWhatIsScheduled(t *testing.T) {
	w := newShop()
	base := w.experiment(experiments.Scheduled{Fault: &slowed{shop: w}}).Longest()
	for _, row := range []struct {
		sentence string
		last     experiments.Scheduled
		beyond   time.Duration // the hold time
	}{
		{"one that is over in it", experiments.Scheduled{At: 5 * s, For: 15 * s}, 0},
		{"one that is over later", experiments.Scheduled{At: 5 * s, For: 25 * s}, 10 * s},
		{"one without a time", experiments.Scheduled{At: 5 * s}, 5 * s},
		{"one that waits", experiments.Scheduled{At: 5 * s, For: 10 * s, Within: time.Minute}, 55 * s},
		{"a one-shot that waits", experiments.Scheduled{Fault: killedOne{w, 1}, Within: time.Minute}, time.Minute},
	} {
		row.last.Name = "last"
		if row.last.Fault == nil {
			row.last.Fault = &slowed{shop: w}
		}
		e := w.experiment(experiments.Scheduled{Name: "first", Fault: &slowed{shop: w}}, row.last)
		if got := e.Longest() - base; got != 2*row.beyond {
			t.Errorf("%s: %s longer, want twice %s", row.sentence, got, row.beyond)
		}
	}
	e := w.experiment(experiments.Scheduled{Fault: &slowed{shop: w}, For: time.Minute})
	e.Deadline = time.Minute
	if err := e.Validate(); err == nil || !strings.Contains(err.Error(), "deadline 1m0s is shorter than settle 5s and hold, with the faults that come and go in it, 1m0s") {
		t.Errorf("%v", err)
	}
}

func TestThePlanSaysWhenFaultsComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newShop()
		_, recorded, err := run(t, t.Context(), w.experiment(
			experiments.Scheduled{Name: "slow", Fault: &slowed{shop: w, instances: []string{"a"}}, For: 8 * s},
			experiments.Scheduled{Name: "again", Fault: killedOne{w, 2}, At: 5 * s, When: scaling{0, never}, Within: 10 * s},
		))
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range record.Read(bytes.NewReader(recorded)) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Plan == nil {
				continue
			}
			want := []record.Scheduled{
				{Name: "slow", Fault: "slow a", For: 8 * s},
				{Name: "again", Fault: "kill 2", At: 5 * s, When: "autoscaler scales out", Within: 10 * s},
			}
			if !slices.Equal(e.Plan.Faults, want) {
				t.Errorf("%+v", e.Plan.Faults)
			}
			if text := e.Plan.Faults[1].String(); text != "again: kill 2, at 5s, when autoscaler scales out, within 10s" {
				t.Error(text)
			}
			return
		}
		t.Error("no plan")
	})
}

// The removal of one cannot be written: no other comes, and all are undone.
func TestNoScheduledFaultComesOnceTheRecordCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &watched{}, &watched{}
		e := newShop().experiment(experiments.Scheduled{Name: "a", Fault: a, For: 5 * s}, experiments.Scheduled{Name: "b", Fault: b, At: 10 * s})
		err := e.Run(t.Context(), record.NewRecorder(refusing(`"removal":`)))
		if err == nil || !strings.Contains(err.Error(), "write record: disk full") {
			t.Errorf("error %v, want the disk's", err)
		}
		if len(a.recovered) != 1 || len(b.injected) != 0 || len(b.recovered) != 1 || b.recovered[0].Sub(a.recovered[0]) > s {
			t.Errorf("undone at %v and %v, the second injected at %v", a.recovered, b.recovered, b.injected)
		}
	})
}
