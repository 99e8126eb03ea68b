package judge_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A run whose gate let the fault come is not unknown for want of observations
// before it: the gate and the judge take the same for what counts.
func TestTheJudgeMissesNoObservationThatTheGateHad(t *testing.T) {
	opened, disagree := 0, 0
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		run := randomRun(r)
		why, ok := run.play(t, r)
		if !ok {
			continue
		}
		if opened++; why != "" {
			if disagree++; disagree <= 5 {
				t.Errorf("seed %d, %s: %s", seed, run, why)
			}
		}
	}
	if disagree > 0 || opened < 2000 {
		t.Errorf("the judge missed something in %d of %d runs", disagree, opened)
	}
}

// gated is a run of one check up to its fault.
type gated struct {
	settle  time.Duration
	allowed float64
	begins  time.Duration // of the settle phase
	every   time.Duration // between observations
	took    time.Duration // at most, by an answer or a poll
	late    time.Duration // until it is recorded
	reach   time.Duration // of values that cover a span; zero: they are of an instant
	load    bool          // requests
	bad     float64       // share of bad ones
	unknown float64
	moved   bool // a pod restarts
}

func (g gated) String() string {
	type fields gated // without this method
	return fmt.Sprintf("%+v", fields(g))
}

func randomRun(r *rand.Rand) gated {
	pick := func(list ...time.Duration) time.Duration { return list[r.IntN(len(list))] }
	g := gated{
		settle:  pick(s, 2*s, 3*s, 5*s),
		allowed: []float64{0, 0, 0.01, 0.05}[r.IntN(4)],
		begins:  pick(0, ms, 20*ms, 300*ms),
		every:   pick(20*ms, 100*ms, 250*ms, 500*ms, s),
		took:    pick(0, 2*ms, 30*ms, 150*ms),
		late:    pick(0, 5*ms, 300*ms, s),
		load:    r.IntN(3) == 0,
		moved:   r.IntN(4) == 0,
	}
	if !g.load {
		g.took = min(g.took, g.every) // polls come one after the other
		g.reach = pick(0, 0, 2*s)
		g.unknown = []float64{0, 0, 0.02}[r.IntN(3)]
	}
	if r.IntN(3) == 0 {
		g.bad = 0.02
	}
	return g
}

// play runs it, and says why the judge does not find the service steady that the
// gate found so.
func (g gated) play(t *testing.T, r *rand.Rand) (why string, opened bool) {
	const length = 40 * s
	check := steadystate.Check{Name: "answers", Signal: "requests", Good: steadystate.Within(s), Allowed: g.allowed, Limits: steadystate.Limits("ttr <= 30s")}
	plan := &record.Plan{Name: "kill", Settle: g.settle, Checks: []steadystate.Check{check}, Faults: []record.Scheduled{{Fault: "kill"}}}
	var came []record.Entry
	begin := time.Duration(r.Int64N(int64(g.every)))
	if r.IntN(2) == 0 {
		begin = 0
	}
	for at, seq := begin, uint64(0); at < length; at, seq = at+g.every, seq+1 {
		end := at
		if g.took > 0 {
			end += time.Duration(r.Int64N(int64(g.took)))
		}
		bad := r.Float64() < g.bad && at < 6*s
		if g.load {
			q := record.Request{Seq: seq, Planned: at, Sent: at, Answered: end, Outcome: record.Outcome{Code: 200, Backend: "a", Attempts: 1}}
			if bad {
				refused(&q)
			}
			came = append(came, record.Entry{At: end + g.late, Requests: &record.Requests{Signal: "requests", List: []record.Request{q}}})
			continue
		}
		o := steadystate.Observation{Span: steadystate.Span{From: max(0, at-g.reach), To: end}, Whole: g.reach > 0, Value: 0.01}
		switch {
		case bad:
			o.Failed = "refused"
		case r.Float64() < g.unknown && at < 6*s:
			o.Unknown = "away"
		}
		came = append(came, record.Entry{At: end + g.late, Observations: &record.Observations{Signal: "requests", List: []steadystate.Observation{o}}})
	}
	came = append(came, record.Entry{At: g.begins, Phase: record.PhaseSettle})
	if g.moved {
		at := time.Duration(r.Int64N(int64(3 * s)))
		for i, kind := range []string{record.EventCreated, record.EventReady} {
			at += time.Duration(i) * 300 * ms
			came = append(came, record.Entry{At: at + 3*ms, Event: &record.Event{Span: steadystate.Span{From: at, To: at + 2*ms}, Kind: kind, Subject: "pod/shop/b", UID: "b"}})
		}
	}
	slices.SortStableFunc(came, func(a, b record.Entry) int { return int(a.At - b.At) })

	gate := judge.NewGate(plan)
	next, injected := 0, time.Duration(0)
	for now := g.begins + 200*ms; now < length-15*s; now += 200 * ms {
		for ; next < len(came) && came[next].At <= now; next++ {
			gate.See(came[next])
		}
		if steady := gate.Steady(now); steady.Verdict == steadystate.Held && now-g.begins >= g.settle {
			injected = now + time.Duration(r.Int64N(int64(300*ms)))
			break
		}
	}
	if injected == 0 {
		return "", false
	}
	for _, e := range came[next:] { // what comes later is good, since the gate cannot know it
		switch {
		case e.Requests != nil:
			e.Requests.List[0].Outcome = record.Outcome{Code: 200, Backend: "a", Attempts: 1}
		case e.Observations != nil:
			e.Observations.List[0].Failed, e.Observations.List[0].Unknown = "", ""
		}
	}
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r"}},
		{Plan: plan},
	}
	came = append(came,
		record.Entry{At: injected, Phase: record.PhaseInject},
		record.Entry{At: injected + 5*ms, Injection: &record.Injection{Fault: "kill", Span: steadystate.Span{From: injected + 2*ms, To: injected + 4*ms}, OneShot: true}},
		record.Entry{At: injected + 6*ms, Phase: record.PhaseHold},
		record.Entry{At: length + 2*s, End: &record.End{Reason: record.Completed}},
	)
	slices.SortStableFunc(came, func(a, b record.Entry) int { return int(a.At - b.At) })
	result, err := judge.Judge(recordtest.All(append(list, came...)), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := proofOf(t, result, "steady")
	for _, want := range []string{"more observation", "good for", "no observation", "nothing was observed", "unknown"} {
		if p.Verdict != steadystate.Held && strings.Contains(p.Text, want) {
			return p.Text, true
		}
	}
	return "", true
}
