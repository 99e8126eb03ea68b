package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// ops is a rate over the 5 s up to an instant.
func ops(at time.Duration, value float64) steadystate.Observation {
	return steadystate.Observation{Span: steadystate.Span{From: at - 5*s, To: at}, Value: value, Whole: true}
}

// while is a rate that is 7/s between two instants, and zero else.
func while(pods string, from, to time.Duration) func(string, time.Duration) steadystate.Observation {
	return func(pod string, at time.Duration) steadystate.Observation {
		if !strings.Contains(pods, pod) {
			return ops(at, 0)
		}
		return ops(at, between(at, from, to, 7.0, 0))
	}
}

// Without a load the targets' own traffic shows whether they serve.
func TestWithoutALoadTheTargetsTrafficShowsThatTheyServe(t *testing.T) {
	kill := func(t0 time.Duration, uid string) record.Injection {
		return record.Injection{
			Span: steadystate.Instant(t0), Targets: []record.Target{{Name: "a", UID: uid}},
			Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true,
		}
	}
	gone := func(pod string, at time.Duration) record.Event { return podEvent(record.EventGone, pod, at, at+100*ms) }
	again := func(kind string, at time.Duration) record.Event {
		return record.Event{Span: steadystate.Instant(at), Kind: kind, Subject: "pod/shop/a", UID: "uid-a2"}
	}
	once := append(exist("abc"), gone("a", 20*s))
	twice := append(slices.Clip(once), again(record.EventCreated, 21*s), again(record.EventReady, 25*s), again(record.EventGone, 40*s))
	late := append(slices.Clip(once), again(record.EventCreated, 29*s), again(record.EventReady, 30*s), again(record.EventGone, 40*s))
	noObservation := func(pod string, at time.Duration) steadystate.Observation { return steadystate.Observation{} }
	for _, row := range []struct {
		sentence string
		served   func(pod string, at time.Duration) steadystate.Observation
		events   []record.Event
		later    []another
		plan     func(*record.Plan)
		want     steadystate.Verdict // of the proof, and of all
		text     string
	}{
		{"a target that serves", while("abc", 0, 70*s), once, nil, nil, steadystate.Held, "traffic of a was above zero in 10 of 10 observations in the 15s before the fault"},
		{"one that does not, while others do", while("bc", 0, 70*s), once, nil, nil, steadystate.Unknown, "shake: traffic of a was above zero in 0 of 10 observations in the 15s before the fault, wanted at least 4"},
		{"one that hardly does, while others do", func(pod string, at time.Duration) steadystate.Observation {
			return ops(at, map[string]float64{"a": 1, "b": 7, "c": 7}[pod])
		}, once, nil, nil, steadystate.Unknown, "traffic of a was above zero in 10 of 10 observations in the 15s before the fault, but with a mean of 1 served less than a quarter of the 7 of the others"},
		{"one that serves a little less than others", func(pod string, at time.Duration) steadystate.Observation {
			return ops(at, map[string]float64{"a": 2, "b": 7, "c": 7}[pod])
		}, once, nil, nil, steadystate.Held, "in 10 of 10 observations"},
		{"one that did for too short a time", while("a", 16*s, 19*s), once, nil, nil, steadystate.Unknown, "traffic of a was above zero in 3 of 10 observations"},
		{"just long enough", while("a", 16*s, 20*s), once, nil, nil, steadystate.Held, "traffic of a was above zero in 4 of 10 observations"},
		{"one that did once the fault had come", while("a", 20*s, 70*s), once, nil, nil, steadystate.Unknown, "in 0 of 10 observations"},
		{"a value that reaches back before the settled stretch is not of it", while("a", 0, 10*s), once, nil, nil, steadystate.Unknown, "in 0 of 10 observations"},
		{
			"nor is one that reaches back before what restarted the settling", while("a", 0, 17*s),
			append(exist("abc"), podEvent(record.EventRestarted, "a", 9*s, 10*s), gone("a", 20*s)), nil, nil,
			steadystate.Unknown, "traffic of a was above zero in 2 of 5 observations in the 10s before the fault, wanted at least 4",
		},
		{"a signal that was never observed", noObservation, once, nil, nil, steadystate.Unknown, "traffic of a was above zero in 0 of 0 observations in the 10s before the fault, wanted at least 4"},
		{"one that was missing", func(pod string, at time.Duration) steadystate.Observation {
			return steadystate.Observation{Span: steadystate.Instant(at), Unknown: `no series with pod="a" any more`}
		}, once, nil, nil, steadystate.Unknown, `traffic of a was above zero in 0 of 0 observations in the 10s before the fault, wanted at least 4; 10 say nothing (no series with pod="a" any more)`},
		{"one that may have been zero", func(pod string, at time.Duration) steadystate.Observation {
			o := ops(at, 7)
			o.Bucket = steadystate.Bucket{Low: 0, High: 14}
			return o
		}, once, nil, nil, steadystate.Unknown, "in 0 of 10 observations"},
		{"the next pod of its name, which serves", while("a", 0, 70*s), twice, []another{{kill(40*s, "uid-a2"), 41 * s}}, nil, steadystate.Held, "traffic of a was above zero in 10 of 10 observations from 25.000s to 40.000s"},
		{"and which does not: what its predecessor served is not its own", while("a", 0, 20*s), twice, []another{{kill(40*s, "uid-a2"), 41 * s}}, nil, steadystate.Unknown, "traffic of a was above zero in 0 of 10 observations from 25.000s to 40.000s"},
		{"nor what both served", while("a", 0, 36*s), late, []another{{kill(40*s, "uid-a2"), 41 * s}}, nil, steadystate.Unknown, "traffic of a was above zero in 1 of 5 observations from 30.000s to 40.000s"},
		{"with a load its requests decide, even if there were none", while("a", 0, 70*s), once, nil, func(p *record.Plan) { p.Load = "20/s" }, steadystate.Unknown, "the load sent no request"},
		{"without a load and such a signal nothing does", while("a", 0, 70*s), once, nil, func(p *record.Plan) { p.Traffic = "" }, steadystate.Unknown, "neither a load nor a signal of the targets' traffic"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := scene{injection: kill(20*s, "uid-a"), served: row.served, events: row.events, later: row.later, plan: row.plan}.result(t)
			want(t, proof(t, r, "exposed"), row.want, row.text)
			if r.Verdict != row.want {
				t.Errorf("%s: %s; want %s", r.Verdict, r.Reason, row.want)
			}
		})
	}
}

// A control run has no targets, and a load that it was to have had is missed all
// the same.
func TestALoadThatSentNothingWasNotDriven(t *testing.T) {
	for _, row := range []struct {
		sentence string
		load     string
		want     steadystate.Verdict
	}{
		{"without one there is nothing to drive", "", steadystate.Held},
		{"with one", "20/s", steadystate.Unknown},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := []record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
				{Plan: &record.Plan{Name: "control", Settle: 10 * s, Load: row.load, Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}}},
				{Phase: record.PhaseSettle},
				{At: 20 * s, Phase: record.PhaseInject},
				{At: 20 * s, Phase: record.PhaseHold},
			}
			for at := time.Duration(0); at <= 60*s; at += s {
				list = append(list, record.Entry{At: 60 * s, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{{Span: steadystate.Instant(at), Value: 1}}}})
			}
			r, err := judge.Judge(recordtest.All(append(list, record.Entry{At: 60 * s, End: &record.End{Reason: record.Completed}})), nil)
			if err != nil || r.Verdict != row.want {
				t.Errorf("%s: %s, %v; want %s", r.Verdict, r.Reason, err, row.want)
			}
		})
	}
}

// A probe names no backend; without a load those that serve are known by their
// traffic.
func TestWithoutALoadTheSmallestBackendIsKnownByTraffic(t *testing.T) {
	for _, row := range []struct {
		sentence string
		served   func(pod string, at time.Duration) steadystate.Observation
		want     float64
	}{
		{"none that is known", func(string, time.Duration) steadystate.Observation { return steadystate.Observation{} }, 0},
		{"three that serve alike", while("abc", 0, 70*s), 1. / 3},
		{"one that serves less", func(pod string, at time.Duration) steadystate.Observation {
			return ops(at, map[string]float64{"a": 7, "b": 7, "c": 1}[pod])
		}, 1. / 15},
		{"one of three that serves may be met as rarely as the others", while("a", 0, 70*s), 1. / 3},
		{"what comes with the fault is not of it", func(pod string, at time.Duration) steadystate.Observation {
			return ops(at, between(at, 0, 20*s, 7, map[string]float64{"a": 7, "b": 7, "c": 1}[pod]))
		}, 1. / 3},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			r := scene{
				injection: record.Injection{Targets: hits("a"), Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true, ChangesPods: true},
				served:    row.served, events: exist("abc"),
				plan: func(p *record.Plan) { p.Sampled = []string{"up"} },
			}.result(t)
			if got := r.Checks[0].PartialResolution.Share; got < row.want-0.001 || got > row.want+0.001 {
				t.Errorf("the smallest backend has %g of the traffic, want %g", got, row.want)
			}
		})
	}
}

func TestTheGateGoesByTheTargetsTraffic(t *testing.T) {
	targets := []record.Target{{Name: "a"}, {Name: "b"}}
	for _, row := range []struct {
		sentence string
		plan     record.Plan
		served   func(pod string, at time.Duration) steadystate.Observation
		moved    time.Duration // when a pod was restarted
		want     string
	}{
		{"targets that serve", record.Plan{Traffic: "traffic"}, while("ab", 0, 70*s), 0, ""},
		{"one that does not", record.Plan{Traffic: "traffic"}, while("a", 0, 70*s), 0, "traffic of b was above zero in 0 of 10 observations in the 15s before the fault, wanted at least 4"},
		{"one that hardly does", record.Plan{Traffic: "traffic"}, func(pod string, at time.Duration) steadystate.Observation {
			return ops(at, map[string]float64{"a": 7, "b": 1}[pod])
		}, 0, "traffic of b was above zero in 10 of 10 observations in the 15s before the fault, but with a mean of 1 served less than a quarter of the 7 of the others"},
		{"one that did before the settled stretch", record.Plan{Traffic: "traffic"}, while("ab", 0, 9*s), 0, "traffic of a was above zero in 0 of 10 observations"},
		{"what came before a restart is none of it", record.Plan{Traffic: "traffic"}, while("ab", 0, 17*s), 10 * s, "traffic of a was above zero in 2 of 6 observations in the 10s before the fault, wanted at least 4"},
		{"without one of them", record.Plan{Traffic: "traffic"}, func(string, time.Duration) steadystate.Observation { return steadystate.Observation{} }, 0, "traffic of a was above zero in 0 of 0 observations"},
		{"where there is a load its requests decide", record.Plan{Traffic: "traffic", Load: "20/s"}, while("ab", 0, 70*s), 0, "the load sent no request"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			row.plan.Settle = 10 * s
			row.plan.Checks = []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}
			g := judge.NewGate(&row.plan)
			g.See(record.Entry{Phase: record.PhaseSettle})
			for at := s; at <= 20*s; at += s {
				if at == row.moved {
					g.See(record.Entry{At: at, Event: &record.Event{Span: steadystate.Instant(at), Kind: record.EventRestarted, Subject: "pod/shop/c", UID: "uid-c"}})
				}
				for _, pod := range []string{"a", "b"} {
					if o := row.served(pod, at); o.To > 0 {
						g.See(record.Entry{At: at, Observations: &record.Observations{Signal: record.TargetSignal("traffic", pod), List: []steadystate.Observation{o}}})
					}
				}
			}
			if why, _ := g.Unexposed(targets, 20*s+ms); !strings.Contains(why, row.want) || (why == "") != (row.want == "") {
				t.Errorf("%q, want %q", why, row.want)
			}
		})
	}
}
