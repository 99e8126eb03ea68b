package judge_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// shaken is a run of thirty seconds with a fault from the tenth to the
// twentieth, whose effect is looked for in one signal of the pod, with the
// values before, during and after it, and with more events.
func shaken(t *testing.T, effect record.Effect, before, during, after float64, events ...record.Event) judge.Proof {
	t.Helper()
	return shakenOver(t, 0, effect, before, during, after, events...)
}

// shakenOver is shaken, where each observation speaks of as much before it.
func shakenOver(t *testing.T, over time.Duration, effect record.Effect, before, during, after float64, events ...record.Event) judge.Proof {
	t.Helper()
	return shakenFor(t, 10*s, 30*s, over, effect, func(at time.Duration) float64 {
		switch {
		case at > 20*s:
			return after
		case at >= 10*s:
			return during
		}
		return before
	}, events...)
}

// shakenFor is a run with a fault from the tenth second on, for as long as it is held, and
// with a value in each second.
func shakenFor(t *testing.T, hold, length, over time.Duration, effect record.Effect, value func(at time.Duration) float64, events ...record.Event) judge.Proof {
	t.Helper()
	target := record.Target{Name: "pod", UID: "a"}
	plan := &record.Plan{Name: "shaken", Settle: 5 * s, Faults: []record.Scheduled{{Fault: "shake"}}, Checks: []steadystate.Check{{
		Name: "whole", Signal: "replicas", Good: steadystatetest.Good,
	}}}
	var seen []steadystate.Observation
	for at := time.Duration(0); at < length; at += s {
		value := value(at)
		if math.IsInf(value, 1) {
			continue // not observed at all
		}
		if math.IsNaN(value) {
			seen = append(seen, steadystate.Observation{Span: steadystate.Instant(at), Unknown: "Prometheus: connection refused"})
			continue
		}
		seen = append(seen, steadystate.Observation{Span: steadystate.Span{From: at - over, To: at + 100*time.Millisecond}, Value: value})
	}
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: plan},
		{Phase: record.PhaseSettle},
		{At: 10 * s, Phase: record.PhaseInject},
		{At: 10 * s, Injection: &record.Injection{Fault: "shake", Span: steadystate.Instant(10 * s), Targets: []record.Target{target}, Effects: []record.Effect{effect}}},
		{At: 10*s + hold, Phase: record.PhaseRecover},
		{At: 10*s + hold, Removal: &record.Removal{Fault: "shake", Span: steadystate.Instant(10*s + hold)}},
		{At: length, Observations: &record.Observations{Signal: record.TargetSignal("cpu", "pod"), List: seen}},
		{At: length, Observations: &record.Observations{Signal: "replicas", List: steadystatetest.Observations(strings.Repeat("+", int(length/s)), s, 0)}},
		{At: length, End: &record.End{Reason: record.Completed}},
	}
	for _, e := range events {
		list = slices.Insert(list, len(list)-1, record.Entry{At: length, Event: &e})
	}
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range result.Proofs {
		if p.Name == "effect" {
			return p
		}
	}
	t.Fatalf("no proof of the effect in %+v", result.Proofs)
	return judge.Proof{}
}

// A rate that reaches back beyond the settled stretch speaks of no fault
// either.
func TestWhatReachesBackBeyondTheSettledStretchCounts(t *testing.T) {
	wide := shakenOver(t, 2*s, record.Effect{Signal: "cpu", Rise: 0.5}, 0.1, 0.9, 0.1)
	if wide.Verdict != steadystate.Held {
		t.Errorf("%s: %s", wide.Verdict, wide.Text)
	}
}

// What could not be looked at proves nothing, and least of all that nothing
// got through.
func TestNoDataIsNoEffect(t *testing.T) {
	nothing := 0.0
	for why, during := range map[string]float64{"Prometheus: connection refused": math.NaN(), "was observed 0 times while it was on": math.Inf(1)} {
		p := shaken(t, record.Effect{Signal: "cpu", AtMost: &nothing}, 3, during, 3)
		if p.Verdict != steadystate.Unknown || !strings.Contains(p.Text, why) {
			t.Errorf("%s: %q, want unknown with %q", p.Verdict, p.Text, why)
		}
	}
}

func TestAnEffectIsAChangeThatIsGoneAgain(t *testing.T) {
	nothing := 0.0
	rise := record.Effect{Signal: "cpu", Rise: 0.5}
	capped := record.Effect{Signal: "cpu", Rise: 0.5, Ceiling: 1}
	fall := record.Effect{Signal: "cpu", AtMost: &nothing}
	for _, row := range []struct {
		sentence              string
		effect                record.Effect
		before, during, after float64
		want                  steadystate.Verdict
		text                  string
	}{
		{"what rose by enough and fell again was there", rise, 0.1, 0.9, 0.1, steadystate.Held, "p50 of cpu of pod 0.1 before the fault, 0.9 while it was on, 0.1 after it"},
		{"what rose by less was not", rise, 0.1, 0.4, 0.1, steadystate.Unknown, "wanted at least 0.5 more while it was on"},
		{"what never fell again was something else", rise, 0.1, 0.9, 0.9, steadystate.Unknown, "it did not fall again"},
		{"what is at its limit cannot rise by more", capped, 0.6, 0.98, 0.6, steadystate.Held, "p50 of cpu of pod 0.6 before the fault, 0.98 while it was on"},
		{"what is below its limit has to", capped, 0.6, 0.85, 0.6, steadystate.Unknown, "wanted at least 0.5 more, or 0.9 of the 1 that there can be, while it was on"},
		{"what was at its limit before shows nothing there", capped, 0.95, 1, 0.6, steadystate.Unknown, "or 0.9 of the 1 that there can be"},
		{"nor does what stays at it", capped, 0.6, 1, 0.99, steadystate.Unknown, "it did not fall again"},
		{"what nothing got through was cut off", fall, 3, 0, 3, steadystate.Held, "cpu of pod at most 3 before the fault, at most 0 in"},
		{"a trickle is not nothing", fall, 3, 0.1, 3, steadystate.Unknown, "wanted at most 0 while it was on"},
		{"what was cut off before shows nothing", fall, 0, 0, 3, steadystate.Unknown, "it was no more than 0 before"},
		{"nor what stays cut off", fall, 3, 0, 0, steadystate.Unknown, "it did not rise again"},
		{"what was not observed shows nothing", record.Effect{Signal: "memory", Rise: 1}, 0, 2, 0, steadystate.Unknown, "memory of pod was observed 0 times before the fault, wanted at least 3"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := shaken(t, row.effect, row.before, row.during, row.after)
			if p.Verdict != row.want || !strings.Contains(p.Text, row.text) {
				t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, row.want, row.text)
			}
		})
	}
}

// A pod that has less than it needs while it is stressed makes up for that afterwards, at
// its limit, too. That is told from the stress by what follows it.
func TestWhatIsMadeUpForAtTheLimitTakesALongerWatchToTell(t *testing.T) {
	const hold = 20 * s
	limited := record.Effect{Signal: "cpu", Rise: 0.15, Ceiling: 0.3}
	for _, row := range []struct {
		sentence string
		madeUp   time.Duration // for so long
		watch    time.Duration
		want     steadystate.Verdict
		text     string
	}{
		{"nothing is left undone", 0, 20 * s, steadystate.Held, "p50 of cpu of pod 0.19 before the fault, 0.3 while it was on, 0.2 after it"},
		{"half of the watch is at the limit", 9 * s, 20 * s, steadystate.Unknown, "chance does that too"},
		{"more than half of it is", 15 * s, 20 * s, steadystate.Unknown, "it did not fall again"},
		{"a third of a longer watch is", 15 * s, 60 * s, steadystate.Held, "0.3 while it was on, 0.2 after it"},
		{"as long as the stress, of three times as much", 20 * s, 60 * s, steadystate.Held, "0.3 while it was on, 0.2 after it"},
		{"a limit that is reached as often without the stress", 60 * s, 60 * s, steadystate.Unknown, "it did not fall again"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := shakenFor(t, hold, 10*s+hold+row.watch, s, limited, func(at time.Duration) float64 {
				switch {
				case at < 10*s:
					return 0.19
				case at > 10*s+hold+row.madeUp:
					return 0.2
				case at%(7*s) == 0:
					return 0.25 // a period more or less is in a sample
				}
				return 0.3
			})
			if p.Verdict != row.want || !strings.Contains(p.Text, row.text) {
				t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, row.want, row.text)
			}
		})
	}
}

// An event is the effect on its own target and container, and a fault that was
// not there for as long as it should have been had none.
func TestAnEventIsAnEffectOnItsTargetOnly(t *testing.T) {
	replacement := record.Effect{Event: record.EventWaiting, Container: "shop", On: &record.Target{Name: "new", UID: "b"}}
	restarted := record.Effect{Event: record.EventRestarted, Container: "shop"}
	event := func(kind, uid, container string) record.Event {
		return record.Event{
			Span: steadystate.Instant(11 * s), Kind: kind, Subject: "pod/x/pod", UID: uid,
			Attrs: map[string]string{record.AttrContainer: container, record.AttrReason: "its time was over"},
		}
	}
	for _, row := range []struct {
		sentence string
		effect   record.Effect
		events   []record.Event
		want     steadystate.Verdict
		text     string
	}{
		{"the container was started again", restarted, []record.Event{event(record.EventRestarted, "a", "shop")}, steadystate.Held, "pod (a) restarted at 11.000s"},
		{"another container is none", restarted, []record.Event{event(record.EventRestarted, "a", "proxy")}, steadystate.Unknown, "container shop of pod was never seen restarted"},
		{"nor is another pod's", restarted, []record.Event{event(record.EventRestarted, "b", "shop")}, steadystate.Unknown, "was never seen restarted"},
		{"of an effect on another pod it is that one's", replacement, []record.Event{event(record.EventWaiting, "b", "shop")}, steadystate.Held, "new (b) waiting at 11.000s"},
		{"and not the target's", replacement, []record.Event{event(record.EventWaiting, "a", "shop")}, steadystate.Unknown, "container shop of new was never seen waiting"},
		{"a fault that ended early was not held", record.Effect{Signal: "cpu", Rise: 0.5}, []record.Event{event(record.EventEndedEarly, "o", "")}, steadystate.Unknown, "ended before it was undone, at 11.000s: its time was over"},
		{"one that was not renewed left a pod alone", record.Effect{Signal: "cpu", Rise: 0.5}, []record.Event{event(record.EventNotFollowed, "c", "")}, steadystate.Unknown, "the fault was not renewed: its time was over"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := shaken(t, row.effect, 0.1, 0.9, 0.1, row.events...)
			if p.Verdict != row.want || !strings.Contains(p.Text, row.text) {
				t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, row.want, row.text)
			}
		})
	}
}
