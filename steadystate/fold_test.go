package steadystate_test

import (
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func TestWhatReachesIntoAnotherPhaseIsOfNeither(t *testing.T) {
	// Rates over six seconds, asked for each second; the load is on from 20 s to
	// 40 s.
	phases := []steadystate.Span{{From: 0, To: 20 * s}, {From: 20 * s, To: 40 * s}, {From: 40 * s, To: 60 * s}}
	fold := func(rule steadystate.Rule) []steadystate.Figures {
		f := steadystate.NewFold(steadystatetest.Good, rule, steadystate.Span{To: 60 * s}, phases...)
		for at := 6 * s; at <= 60*s; at += s {
			span := steadystate.Span{From: at - 6*s, To: at}
			on := max(0, min(at, 40*s)-max(at-6*s, 20*s))
			f.Add(steadystate.Observation{Span: span, Value: float64(on) / float64(6*s)})
		}
		return f.Figures()
	}
	for i, want := range []float64{0, 1, 0} {
		f := fold(steadystate.Rule{})[i]
		d, ok := f.Distribution()
		if !ok || d.N != 15 || d.Mean != steadystate.Exactly(want) {
			t.Errorf("phase %d: %d values with a mean of %v, want 15 of %g", i, d.N, d.Mean, want)
		}
	}
	// Requests are of when they were sent, so that none is lost between two.
	n := 0
	for _, f := range fold(steadystate.Rule{ByChance: true}) {
		n += f.Observed()
	}
	if n != 55+2 { // those that were sent at the very instant at which a phase begins are of both
		t.Errorf("%d requests of three phases, 55 were sent", n)
	}
}
