package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// at is an injection into pods at an instant, with an effect.
func at(t0 time.Duration, pods string, effect record.Effect) record.Injection {
	return record.Injection{Span: steadystate.Instant(t0), Targets: hits(pods), Effects: []record.Effect{effect}}
}

// Each of several faults is judged by what its targets show between its own T0
// and its own T1, and by the settled stretch before the first.
func TestEachOfSeveralFaultsShowsItsOwnEffect(t *testing.T) {
	slower, nothing := record.Effect{Signal: record.TrafficSignal, Rise: 0.09}, 0.0
	silent := record.Effect{Signal: record.TrafficSignal, AtMost: &nothing}
	slow := func(spans ...[2]time.Duration) func(string, time.Duration) time.Duration {
		return func(pod string, at time.Duration) time.Duration {
			took := 20 * ms
			for _, span := range spans {
				took += between(at, span[0], span[1], 100*ms, 0)
			}
			return took
		}
	}
	cut := func(from, to time.Duration) func(string, time.Duration) time.Duration {
		return func(pod string, at time.Duration) time.Duration {
			if pod == "a" {
				return between(at, from, to, 0, 20*ms)
			}
			return 20 * ms
		}
	}
	const t0, t1 = 20 * s, 40 * s
	surge := func(from time.Duration) record.Injection {
		return record.Injection{Span: steadystate.Instant(from), Targets: []record.Target{{Name: record.TrafficSignal}}, Effects: []record.Effect{{Signal: record.TrafficSignal, Times: 3}}}
	}
	restart := func(from time.Duration, pod string) record.Injection {
		return record.Injection{Span: steadystate.Instant(from), Targets: hits(pod), Effects: []record.Effect{{Event: record.EventRestarted}}, OneShot: true}
	}
	kill := func(from time.Duration, pod string) record.Injection {
		return record.Injection{Span: steadystate.Instant(from), Targets: hits(pod), Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true}
	}
	// moved is CPU that rises by half in the other pods while c does not serve.
	moved := func(from, to time.Duration, own float64) func(string, time.Duration) float64 {
		return func(pod string, at time.Duration) float64 {
			if pod == "c" {
				return between(at, from, to, 0.0, 1)
			}
			return 1 + between(at, from, to, 0.5, 0) + between(at, t0, t1, own, 0)
		}
	}
	replaced := func(from, to time.Duration) []record.Event {
		return append(exist("abc"), podEvent(record.EventTerminating, "c", from, from+100*ms), podEvent(record.EventGone, "c", from, from+s),
			podEvent(record.EventCreated, "d", from, from+s), podEvent(record.EventReady, "d", to-s, to))
	}
	stress := record.Effect{Signal: "cpu", Rise: 0.4}
	for _, row := range []struct {
		sentence string
		scene    scene
		verdict  steadystate.Verdict
		text     string
	}{
		{"one after the other", scene{
			injection: at(t0, "abc", slower), removed: 30 * s, took: slow([2]time.Duration{t0, 30 * s}, [2]time.Duration{t1, 50 * s}),
			later: []another{{at(t1, "abc", slower), 50 * s}},
		}, steadystate.Held, "20ms before the fault, 120ms while it was on, 20ms after it"},
		{"one after the other, of which the second does nothing", scene{
			injection: at(t0, "abc", slower), removed: 30 * s, took: slow([2]time.Duration{t0, 30 * s}),
			later: []another{{at(t1, "abc", slower), 50 * s}},
		}, steadystate.Unknown, "shake 1: a: p50 of requests of a 20ms before the fault, 20ms while it was on"},
		{"one after the other, of which the first does nothing", scene{
			injection: at(t0, "abc", slower), removed: 30 * s, took: slow([2]time.Duration{t1, 50 * s}),
			later: []another{{at(t1, "abc", slower), 50 * s}},
		}, steadystate.Unknown, "shake: a: p50 of requests of a 20ms before the fault, 20ms while it was on"},
		{"with overlap, each alone for a while", scene{
			injection: at(t0, "abc", slower), removed: 35 * s, took: slow([2]time.Duration{t0, 35 * s}, [2]time.Duration{30 * s, 50 * s}),
			later: []another{{at(30*s, "abc", slower), 50 * s}},
		}, steadystate.Held, "20ms before the fault, 120ms while it was on, 20ms after it"},
		{"with overlap, and the second does nothing: what the first does is not its doing", scene{
			injection: at(t0, "abc", slower), removed: 45 * s, took: slow([2]time.Duration{t0, 45 * s}),
			later: []another{{at(30*s, "abc", slower), 50 * s}},
		}, steadystate.Unknown, "shake 1: a: p50 of requests of a 20ms before the fault, 20ms while it was on"},
		{"at once in the same pods: neither shows anything", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{t0, t1}),
			later: []another{{at(t0, "abc", slower), t1}},
		}, steadystate.Unknown, "observed 0 times while it was on and no other fault was in it, wanted at least 3"},
		{"at once in other pods", scene{
			injection: at(t0, "a", slower),
			took: func(pod string, at time.Duration) time.Duration {
				return 20*ms + between(at, t0, t1, map[string]time.Duration{"a": 100 * ms, "b": 100 * ms}[pod], 0)
			},
			later: []another{{at(t0, "b", slower), t1}},
		}, steadystate.Held, "p50 of those not hit 20ms before the fault, 20ms while it was on"},
		{"nothing passes, while another is in the pod all the time", scene{
			injection: at(t0, "a", silent), took: cut(t0, t1),
			later: []another{{at(t0, "a", silent), t1}},
		}, steadystate.Unknown, "nothing passes for so long by chance either"},
		{"nothing passes in part of the time, while another was in the pod", scene{
			injection: at(t0, "a", silent), took: cut(t0, 30*s),
			later: []another{{at(t0, "a", silent), 30 * s}},
		}, steadystate.Unknown, "wanted at most 0s while it was on"},
		{"nothing passes, with another one after it", scene{
			injection: at(t0, "a", silent), removed: 30 * s,
			took: func(pod string, at time.Duration) time.Duration {
				if pod == "a" && (at >= t0 && at < 30*s || at >= t1 && at < 50*s) {
					return 0
				}
				return 20 * ms
			},
			later: []another{{at(t1, "a", silent), 50 * s}},
		}, steadystate.Held, "requests of a at most 20ms before the fault"},
		{"a pod that starts again is slow, whatever another fault does", scene{
			injection: at(t0, "a", slower), later: []another{{restart(t0, "a"), 41 * s}},
			took: func(pod string, at time.Duration) time.Duration {
				return 20*ms + between(at, t0, t1, map[string]time.Duration{"a": 100 * ms}[pod], 0)
			},
			events: append(exist("abc"), podEvent(record.EventNotReady, "a", t0, t0+s), podEvent(record.EventRestarted, "a", t0+s, t0+2*s), podEvent(record.EventReady, "a", 39*s, t1)),
		}, steadystate.Unknown, "requests of a was observed 0 times while it was on and no other fault was in it, wanted at least 3"},
		{"a kill while all are slow", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{t0, t1}),
			later:  []another{{record.Injection{Span: steadystate.Instant(30 * s), Targets: hits("c"), Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true}, t1}},
			events: append(exist("abc"), podEvent(record.EventGone, "c", 30*s, 31*s)),
		}, steadystate.Held, "c (uid-c) gone at"},
		{"one event is the effect of one injection", scene{
			injection: record.Injection{Targets: hits("c"), Effects: []record.Effect{{Event: record.EventRestarted}}, OneShot: true}, removed: 50 * s,
			later:  []another{{record.Injection{Span: steadystate.Instant(30 * s), Targets: hits("c"), Effects: []record.Effect{{Event: record.EventRestarted}}, OneShot: true}, 50 * s}},
			events: append(exist("abc"), podEvent(record.EventRestarted, "c", 31*s, 32*s)),
		}, steadystate.Unknown, "shake 1: c (uid-c) restarted at 31.000s..32.000s, which shows another injection"},
		{"two events are those of two", scene{
			injection: record.Injection{Targets: hits("c"), Effects: []record.Effect{{Event: record.EventRestarted}}, OneShot: true}, removed: 50 * s,
			later:  []another{{record.Injection{Span: steadystate.Instant(30 * s), Targets: hits("c"), Effects: []record.Effect{{Event: record.EventRestarted}}, OneShot: true}, 50 * s}},
			events: append(exist("abc"), podEvent(record.EventRestarted, "c", 21*s, 22*s), podEvent(record.EventRestarted, "c", 31*s, 32*s)),
		}, steadystate.Held, "restarted at 31"},
		{"a pod that came after the first fault is compared with those that were there", scene{
			injection: record.Injection{Targets: hits("c"), Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true}, removed: 60 * s,
			pods: "abcd",
			took: func(pod string, at time.Duration) time.Duration {
				switch {
				case pod == "c":
					return 20 * ms
				case pod == "d" && at < 22*s:
					return 0
				}
				return between(at, 30*s, 50*s, 120*ms, 20*ms)
			},
			later:  []another{{at(30*s, "abd", slower), 50 * s}},
			events: append(exist("abc"), podEvent(record.EventGone, "c", t0, t0+s), podEvent(record.EventCreated, "d", t0, t0+s), podEvent(record.EventReady, "d", t0+s, t0+2*s)),
		}, steadystate.Held, "p50 of requests of d 20ms before the fault, 120ms while it was on"},
		{"how pods are after another fault is not how they are without one", scene{
			injection: restart(t0, "c"), removed: 60 * s,
			took: func(pod string, at time.Duration) time.Duration {
				return between(at, 20*s, 40*s, 200*ms, between(at, 40*s, 50*s, 120*ms, 20*ms))
			},
			later:  []another{{at(40*s, "abc", slower), 50 * s}},
			events: append(exist("abc"), podEvent(record.EventStopped, "c", t0, t0+s), podEvent(record.EventRestarted, "c", t0+s, t0+2*s)),
		}, steadystate.Held, "p50 of requests of a 20ms before the fault, 120ms while it was on"},
		{"a surge that makes all slow proves no other fault", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{t0, t1}), later: []another{{surge(t0), t1}},
		}, steadystate.Unknown, "shake: a: requests of a was observed 0 times while it was on and no other fault was in it, wanted at least 3"},
		{"nor one of a pod that was not hit, which is no comparison then", scene{
			injection: at(t0, "a", slower), took: slow([2]time.Duration{t0, t1}), later: []another{{surge(t0), t1}},
		}, steadystate.Unknown, "shake: a: requests of a was observed 0 times while it was on and no other fault was in it, wanted at least 3"},
		{"a surge in half of the time leaves the other half", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{t0, t1}), later: []another{{surge(30 * s), t1}},
		}, steadystate.Held, "requests were sent at 20/s before the fault, 60.1/s while it was on"},
		{"in which the fault must show", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{30 * s, t1}), later: []another{{surge(30 * s), t1}},
		}, steadystate.Unknown, "20ms before the fault, 20ms while it was on"},
		{"how pods are in a later surge is not how they are after the fault", scene{
			injection: at(t0, "abc", slower), took: slow([2]time.Duration{t0, 60 * s}), later: []another{{surge(t1), 60 * s}},
		}, steadystate.Held, "20ms before the fault, 120ms while it was on, 20ms after it"},
		{"the load of a killed pod moves to the others until its replacement serves", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 35*s, 0), later: []another{{kill(t0, "c"), t1}}, events: replaced(t0, 35*s),
		}, steadystate.Unknown, "shake: a: p50 of cpu of a 1 before the fault, 1 while it was on"},
		{"and a fault in them shows once it does", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 30*s, 0.5), later: []another{{kill(t0, "c"), t1}}, events: replaced(t0, 30*s),
		}, steadystate.Held, "p50 of cpu of a 1 before the fault, 1.5 while it was on, 1 after it"},
		{"if none comes, nothing shows", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, t1, 0), later: []another{{kill(t0, "c"), t1}}, events: replaced(t0, t1)[:5],
		}, steadystate.Unknown, "shake: a: cpu of a was observed 0 times while it was on, no other fault was and as many pods served as before (no pod that no fault hit is there to compare with), wanted at least 3"},
		{"the load of a pod that is cut off moves too", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 35*s, 0), took: cut(t0, 35*s), later: []another{{at(t0, "c", record.Effect{Event: record.EventStopped}), 35 * s}},
			events: append(exist("abc"), podEvent(record.EventStopped, "c", t0, t0+s), podEvent(record.EventStarted, "c", 34*s, 35*s)),
		}, steadystate.Unknown, "shake: a: p50 of cpu of a 1 before the fault, 1 while it was on"},
		{"until it is ready again, which may be later than it is cut off", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 36*s, 0), took: cut(t0, 25*s), later: []another{{at(t0, "c", record.Effect{Event: record.EventNotReady}), 25 * s}},
			events: append(exist("abc"), podEvent(record.EventNotReady, "c", 22*s, 22*s), podEvent(record.EventReady, "c", 36*s, 36*s)),
		}, steadystate.Unknown, "shake: a: p50 of cpu of a 1 before the fault, 1 while it was on"},
		{"and not until those are that the fault itself makes unready", scene{
			injection: at(35*s, "ab", stress), removed: 50 * s, later: []another{{at(34*s, "c", record.Effect{Event: record.EventNotReady}), 37 * s}},
			polled: func(pod string, at time.Duration) float64 {
				return 1 + between(at, 35*s, 50*s, map[string]float64{"a": 0.5, "b": 0.5}[pod], 0)
			},
			events: append(exist("abc"), podEvent(record.EventNotReady, "c", 35*s, 35*s), podEvent(record.EventReady, "c", 38*s, 38*s), podEvent(record.EventNotReady, "a", 36*s, 36*s)),
		}, steadystate.Held, "p50 of cpu of a 1 before the fault, 1.5 while it was on, 1 after it"},
		{"a pod that is cut off and then goes is made up for by the one that replaces it", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 30*s, 0.5), took: cut(t0, 25*s), later: []another{{at(t0, "c", record.Effect{Event: record.EventStopped}), 25 * s}, {kill(22*s, "c"), t1}},
			events: append([]record.Event{podEvent(record.EventStopped, "c", t0, t0)}, replaced(22*s, 30*s)...),
		}, steadystate.Held, "p50 of cpu of a 1 before the fault, 1.5 while it was on, 1 after it"},
		{"and not before that serves", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 36*s, 0), took: cut(t0, 25*s), later: []another{{at(t0, "c", record.Effect{Event: record.EventStopped}), 25 * s}, {kill(22*s, "c"), t1}},
			events: append([]record.Event{podEvent(record.EventStopped, "c", t0, t0)}, replaced(22*s, 36*s)...),
		}, steadystate.Unknown, "shake: a: p50 of cpu of a 1 before the fault, 1 while it was on"},
		{"as is one that goes after the fault and never served again", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 31*s, 0.5), took: cut(t0, 25*s), later: []another{{at(t0, "c", record.Effect{Event: record.EventStopped}), 25 * s}, {kill(26*s, "c"), t1}},
			events: append([]record.Event{podEvent(record.EventStopped, "c", t0, t0)}, replaced(26*s, 31*s)...),
		}, steadystate.Held, "p50 of cpu of a 1 before the fault, 1.5 while it was on, 1 after it"},
		{"pods that are replaced one after the other are not all there once the first is", scene{
			injection: at(t0, "ab", stress), polled: moved(t0, 36*s, 0),
			later: []another{{record.Injection{Span: steadystate.Instant(t0), Targets: hits("cd"), Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true}, 30 * s}},
			events: append(exist("abcd"), podEvent(record.EventGone, "c", t0, t0+s), podEvent(record.EventCreated, "e", t0, t0+s), podEvent(record.EventReady, "e", t0+s, t0+2*s),
				podEvent(record.EventGone, "d", 28*s, 29*s), podEvent(record.EventCreated, "f", 28*s, 29*s), podEvent(record.EventReady, "f", 35*s, 36*s)),
		}, steadystate.Unknown, "shake: a: p50 of cpu of a 1 before the fault, 1 while it was on"},
		{"a pod that no fault hit shows how much came to it", scene{
			injection: at(t0, "a", stress), took: cut(t0, t0), later: []another{{kill(t0, "c"), t1}}, events: replaced(t0, t1)[:5],
			polled: func(pod string, at time.Duration) float64 {
				return moved(t0, t1, map[string]float64{"a": 0.5}[pod])(pod, at)
			},
		}, steadystate.Held, "p50 of those not hit 1 before the fault, 1.5 while it was on"},
		{"one that another fault had hit long before counts", scene{
			injection: at(t0, "a", slower), removed: 30 * s, pods: "ab",
			took: func(pod string, at time.Duration) time.Duration {
				return 20*ms + between(at, t0, 30*s, map[string]time.Duration{"a": 100 * ms}[pod], 0) + between(at, t1, 50*s, map[string]time.Duration{"b": 100 * ms}[pod], 0)
			},
			later: []another{{at(t1, "b", slower), 50 * s}}, events: exist("ab"),
		}, steadystate.Held, "p50 of those not hit 20ms before the fault, 20ms while it was on"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			want(t, proof(t, row.scene.result(t), "effect"), row.verdict, row.text)
		})
	}
}

// What a later fault's target served is known from before the first, since what
// is right before it is disturbed. A pod that came since is known by what it
// served before its own injection.
func TestWhetherLaterTargetsServeIsKnownFromBeforeTheFirstFault(t *testing.T) {
	kill := func(t0 time.Duration, pod string) record.Injection {
		return record.Injection{Span: steadystate.Instant(t0), Targets: hits(pod), Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true}
	}
	came := func(pod string, at time.Duration) record.Event { return podEvent(record.EventCreated, pod, at, at+s) }
	for _, row := range []struct {
		sentence string
		scene    scene
		verdict  steadystate.Verdict
		text     string
	}{
		{"nobody answers right before the second", scene{
			injection: kill(20*s, "a"), took: func(pod string, at time.Duration) time.Duration { return between(at, 21*s, 45*s, 0, 20*ms) },
			later: []another{{kill(40*s, "b"), 60 * s}}, events: exist("abc"),
		}, steadystate.Held, "b answered 66 of 200 requests in the 10s before the fault"},
		{"a pod that came since then, and served", scene{
			injection: kill(20*s, "a"), pods: "abcd", later: []another{{kill(40*s, "d"), 60 * s}}, events: append(exist("abc"), came("d", 25*s)),
		}, steadystate.Held, "d answered 50 of 200 requests from 30.000s to 40.000s"},
		{"a pod that came since then, and did not", scene{
			injection: kill(20*s, "a"), later: []another{{kill(40*s, "d"), 60 * s}}, events: append(exist("abc"), came("d", 25*s)),
		}, steadystate.Unknown, "d answered 0 of 200 requests from 30.000s to 40.000s"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			want(t, proof(t, row.scene.result(t), "exposed"), row.verdict, row.text)
		})
	}
}

// The record has injections in the order in which they were over; that of their
// T0 counts.
func TestTheWindowBeginsWithTheFirstT0(t *testing.T) {
	r := scene{
		injection: at(25*s, "a", record.Effect{Event: record.EventGone}), removed: 50 * s,
		later: []another{{at(20*s, "b", record.Effect{Event: record.EventGone}), 30 * s}},
	}.result(t)
	if r.Window.From != 20*s || r.Injections[0].Index != 1 || r.Injections[0].Removed.From != 30*s || r.Injections[1].Removed.From != 50*s {
		t.Errorf("window %s, injections %+v", r.Window, r.Injections)
	}
}

// A surge that comes again is over between.
func TestASurgeThatComesTwiceIsJudgedTwice(t *testing.T) {
	surge := record.Effect{Signal: "requests", Times: 5}
	for _, row := range []struct {
		sentence string
		rest     float64 // the rate between, of 20
		second   float64
		verdict  steadystate.Verdict
		text     string
	}{
		{"twice", 20, 100, steadystate.Held, "requests were sent at 20/s before the fault, 100/s while it was on, 20/s after it"},
		{"it stays", 100, 100, steadystate.Unknown, "surge #0: requests were sent at 20/s before the fault, 100/s while it was on, 100/s after it"},
		{"the second does not come", 20, 20, steadystate.Unknown, "surge #1: requests were sent at 20/s before the fault, 20/s while it was on"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := []record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version}},
				{Plan: &record.Plan{
					Name: "surges", Settle: 5 * s, Faults: []record.Scheduled{{Name: "0", Fault: "surge #0"}, {Name: "1", Fault: "surge #1"}},
					Checks: []steadystate.Check{{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(s)}},
				}},
				{Phase: record.PhaseSettle},
				{At: 10 * s, Phase: record.PhaseInject},
			}
			for n, from := range []time.Duration{10 * s, 30 * s} {
				i := record.Injection{Index: n, Fault: []string{"surge #0", "surge #1"}[n], Span: steadystate.Instant(from), Targets: []record.Target{{Name: "requests"}}, Effects: []record.Effect{surge}}
				list = append(list, record.Entry{At: 50 * s, Injection: &i}, record.Entry{At: 50 * s, Removal: &record.Removal{Index: n, Fault: i.Fault, Span: steadystate.Instant(from + 10*s)}})
			}
			block := &record.Requests{Signal: record.TrafficSignal}
			for at := time.Duration(0); at < 50*s; {
				rate := between(at, 10*s, 20*s, 100, between(at, 20*s, 30*s, row.rest, between(at, 30*s, 40*s, row.second, 20)))
				block.List = append(block.List, record.Request{Seq: uint64(len(block.List)), Planned: at, Sent: at, Answered: at + ms, Outcome: record.Outcome{Code: 200, Attempts: 1}})
				at += time.Duration(float64(s) / rate)
			}
			list = append(list, record.Entry{At: 50 * s, Requests: block}, record.Entry{At: 50 * s, End: &record.End{Reason: record.Completed}})
			result, err := judge.Judge(recordtest.All(list), nil)
			if err != nil {
				t.Fatal(err)
			}
			want(t, proof(t, result, "effect"), row.verdict, row.text)
		})
	}
}
