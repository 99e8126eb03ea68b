package judge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A scene is a run of a minute on three pods, a, b and c: it settles for 10 s,
// and a fault is on from the 20th second to the 40th, or as long as it says.
type scene struct {
	injection record.Injection
	removed   time.Duration // default 40 s
	rate      float64       // of the load, without a surge of its injections; default 20/s
	// took is how long a pod takes to answer what it is sent at an instant.
	// Default 20 ms.
	took func(pod string, at time.Duration) time.Duration
	// polled are the values of the signal "cpu" of each pod, once a second.
	polled func(pod string, at time.Duration) float64
	// served are the values of the signal "traffic" of each pod, once a second. With
	// it there is no load, and the service's state is polled.
	served       func(pod string, at time.Duration) steadystate.Observation
	pods         string // one letter each; default "abc"
	events       []record.Event
	later        []another // injections
	expectations []record.Expectation
	plan         func(*record.Plan) // changes it
	more         []record.Entry     // near the end
}

// another is an injection beside the first, and when it was undone.
type another struct {
	injection record.Injection
	removed   time.Duration
}

func (s scene) result(t testing.TB) judge.Result {
	t.Helper()
	result, err := judge.Judge(recordtest.All(s.entries()), nil, sized{})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// entries are those of the record; the last one is its end.
func (s scene) entries() []record.Entry {
	const t0, end = 20 * time.Second, 70 * time.Second
	if s.removed == 0 {
		s.removed = 40 * time.Second
	}
	if s.rate == 0 {
		s.rate = 20
	}
	if s.took == nil {
		s.took = func(string, time.Duration) time.Duration { return 20 * ms }
	}
	if s.pods == "" {
		s.pods = "abc"
	}
	if s.injection.Span == (steadystate.Span{}) {
		s.injection.Span = steadystate.Instant(t0)
	}
	s.injection.Fault = "shake"
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
		{Plan: &record.Plan{
			Name: "scene", Settle: 10 * time.Second, Faults: []record.Scheduled{{Fault: "shake"}}, Expectations: s.expectations,
			Checks: []steadystate.Check{{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Minute)}},
		}},
		{Phase: record.PhaseSettle},
		{At: t0, Phase: record.PhaseInject},
		{At: t0, Injection: &s.injection},
		{At: s.injection.To, Phase: record.PhaseHold},
		{At: s.removed, Phase: record.PhaseRecover},
		{At: s.removed, Removal: &record.Removal{Fault: "shake", Span: steadystate.Instant(s.removed)}},
		{At: s.removed, Phase: record.PhaseWatch},
	}
	for n, l := range s.later {
		l.injection.Index, l.injection.Fault = n+1, fmt.Sprintf("shake %d", n+1)
		list[1].Plan.Faults[0].Name = "first"
		list[1].Plan.Faults = append(list[1].Plan.Faults, record.Scheduled{Name: l.injection.Fault, Fault: l.injection.Fault})
		list = append(list,
			record.Entry{At: end, Injection: &l.injection},
			record.Entry{At: end, Removal: &record.Removal{Index: n + 1, Fault: l.injection.Fault, Span: steadystate.Instant(l.removed)}})
	}
	for _, e := range s.events {
		list = append(list, record.Entry{At: end, Event: &e})
	}
	if s.served != nil {
		list[1].Plan.Traffic, list[1].Plan.Checks[0].Signal = "traffic", "up"
		up := &record.Observations{Signal: "up"}
		for at := time.Duration(0); at <= end; at += 500 * ms {
			up.List = append(up.List, steadystate.Observation{Span: steadystate.Instant(at), Value: 1})
		}
		list = append(list, record.Entry{At: end, Observations: up})
		for _, pod := range s.pods {
			seen := &record.Observations{Signal: record.TargetSignal("traffic", string(pod))}
			for at := time.Second; at < end; at += time.Second {
				if o := s.served(string(pod), at); o.To > 0 {
					seen.List = append(seen.List, o)
				}
			}
			list = append(list, record.Entry{At: end, Observations: seen})
		}
	}
	block := &record.Requests{Signal: record.TrafficSignal}
	for at := time.Duration(0); s.served == nil && at < end; at += time.Duration(float64(time.Second) / s.rateAt(at)) {
		n := len(block.List)
		pod := string(s.pods[n%len(s.pods)])
		q := record.Request{Seq: uint64(n), Planned: at, Sent: at, Answered: at + s.took(pod, at), Outcome: record.Outcome{Code: 200, Backend: pod, Attempts: 1}}
		if q.Answered == at { // it never did
			q.Answered, q.Outcome = at+time.Second, record.Outcome{Error: record.TimedOut, Attempts: 1}
		}
		block.List = append(block.List, q)
	}
	if len(block.List) > 0 {
		list = append(list, record.Entry{At: end, Requests: block})
	}
	if s.polled != nil {
		for _, pod := range s.pods {
			var seen []steadystate.Observation
			for at := 500 * ms; at < end; at += time.Second {
				seen = append(seen, steadystate.Observation{Span: steadystate.Instant(at), Value: s.polled(string(pod), at)})
			}
			list = append(list, record.Entry{At: end, Observations: &record.Observations{Signal: record.TargetSignal("cpu", string(pod)), List: seen}})
		}
	}
	if s.plan != nil {
		s.plan(list[1].Plan)
	}
	list = append(list, s.more...)
	return append(list, record.Entry{At: end, End: &record.End{Reason: record.Completed}})
}

// rateAt is the rate of the load at an instant, with the surges of the injections.
func (s scene) rateAt(at time.Duration) float64 {
	rate := s.rate
	for _, i := range append([]another{{s.injection, s.removed}}, s.later...) {
		for _, e := range i.injection.Effects {
			if e.Times > 0 && at >= i.injection.To && at < i.removed {
				rate *= e.Times
			}
		}
	}
	return rate
}

// hits are targets by their letters.
func hits(pods string) []record.Target {
	var list []record.Target
	for _, pod := range pods {
		list = append(list, record.Target{Name: string(pod), UID: "uid-" + string(pod)})
	}
	return list
}

func podEvent(kind, pod string, from, to time.Duration, attrs ...string) record.Event {
	e := record.Event{Span: steadystate.Span{From: from, To: to}, Kind: kind, Subject: "pod/shop/" + pod, UID: "uid-" + pod, Attrs: map[string]string{}}
	for i := 0; i+1 < len(attrs); i += 2 {
		e.Attrs[attrs[i]] = attrs[i+1]
	}
	return e
}

// exist are pods that were there when the watch began.
func exist(pods string) []record.Event {
	var list []record.Event
	for _, pod := range pods {
		list = append(list, podEvent(record.EventExists, string(pod), 0, 100*ms, "ready", "true"))
	}
	return list
}

// between is a value that is another one from an instant to the next.
func between[T any](at, from, to time.Duration, on, off T) T {
	if at >= from && at < to {
		return on
	}
	return off
}

func want(t *testing.T, p judge.Proof, verdict steadystate.Verdict, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if p.Verdict != verdict || !strings.Contains(p.Text, text) {
			t.Errorf("%s: %q, want %s with %q", p.Verdict, p.Text, verdict, text)
		}
	}
}
