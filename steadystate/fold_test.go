package steadystate_test

import (
	"testing"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

func TestARateThatReachesIntoAnotherPhaseIsOfNeither(t *testing.T) {
	// Rates over six seconds, asked for each second; the load is on from 20 s to
	// 40 s.
	phases := []steadystate.Span{{From: 0, To: 20 * s}, {From: 20 * s, To: 40 * s}, {From: 40 * s, To: 60 * s}}
	f := steadystate.NewFold(steadystatetest.Good, steadystate.Rule{}, steadystate.Span{To: 60 * s}, phases...)
	for at := 6 * s; at <= 60*s; at += s {
		span := steadystate.Span{From: at - 6*s, To: at}
		on := max(0, min(at, 40*s)-max(at-6*s, 20*s))
		f.Add(steadystate.Observation{Span: span, Value: float64(on) / float64(6*s), Whole: true})
	}
	for i, f := range f.Figures() {
		want := []float64{0, 1, 0}[i]
		d, ok := f.Distribution()
		if !ok || d.N != 15 || d.Mean != steadystate.Exactly(want) {
			t.Errorf("phase %d: %d values with a mean of %v, want 15 of %g", i, d.N, d.Mean, want)
		}
	}
}

// A request that a phase sent, and a poll that said nothing, are the phase's
// however long they took; one that failed is also that of the phase in which it
// may have been cut off (R12).
func TestWhatAPhaseBeganIsOfThePhase(t *testing.T) {
	phases := []steadystate.Span{{From: 0, To: 20 * s}, {From: 20*s + 1, To: 40 * s}}
	over := steadystate.Span{From: 19 * s, To: 22 * s}
	for _, row := range []struct {
		sentence           string
		o                  steadystate.Observation
		good, bad, unknown int
		next               int
	}{
		{"a good answer that took long", steadystate.Observation{Span: over, Value: steadystatetest.Good.Value()}, 1, 0, 0, 0},
		{"a bad answer that took long", steadystate.Observation{Span: over}, 0, 1, 0, 0},
		{"no answer", steadystate.Observation{Span: over, Failed: steadystate.TimedOut}, 0, 1, 0, 0},
		{"one that was cut off", steadystate.Observation{Span: over, Failed: "connection reset"}, 0, 1, 0, 1},
		{"one that was over before", steadystate.Observation{Span: steadystate.Span{From: 19 * s, To: 20 * s}, Failed: "503"}, 0, 1, 0, 0},
		{"a poll that said nothing", steadystate.Observation{Span: over, Unknown: "no connection"}, 0, 0, 1, 0},
	} {
		f := steadystate.NewFold(steadystatetest.Good, steadystate.Rule{}, steadystate.Span{To: 40 * s}, phases...)
		f.Add(row.o)
		list := f.Figures()
		if got := list[0]; got.Good != row.good || got.Bad != row.bad || got.Unknown != row.unknown {
			t.Errorf("%s: %d good, %d bad, %d unknown in the phase that it began in", row.sentence, got.Good, got.Bad, got.Unknown)
		}
		if got := list[1]; got.Good+got.Bad+got.Unknown != row.next {
			t.Errorf("%s: %d in the next phase, want %d", row.sentence, got.Good+got.Bad+got.Unknown, row.next)
		}
	}
}
