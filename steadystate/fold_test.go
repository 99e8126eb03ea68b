package steadystate_test

import (
	"strings"
	"testing"
	"time"

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

// A slow request in flight when a fault came is the fault's: it counts in the window
// in which it was answered, but for the rate at which requests were sent.
func TestASlowRequestInFlightCountsWhereItWasAnswered(t *testing.T) {
	const ms = time.Millisecond
	figures := func(rule steadystate.Rule) []steadystate.Figures {
		f := steadystate.NewFold(steadystate.Within(s), rule, steadystate.Span{To: 60 * s}, steadystate.Span{From: 20 * s, To: 60 * s}, steadystate.Span{From: 50 * s, To: 60 * s})
		for at := time.Duration(0); at < 60*s; at += 10 * ms {
			took := 20 * ms
			if at > 20*s-400*ms && at < 20*s {
				took = 24*s - at
			}
			f.Add(steadystate.Observation{Span: steadystate.Span{From: at, To: at + took}, Value: took.Seconds()})
		}
		return f.Figures()
	}
	requests, polls := figures(steadystate.Rule{Settle: 10 * s, ByChance: true, Allowed: 0.001}), figures(steadystate.Rule{Settle: 10 * s})
	for _, row := range []struct {
		limit  string
		of     steadystate.Figures
		want   steadystate.Verdict
		detail string
	}{
		{"max <= 1s", requests[0], steadystate.Broken, "4.39s of 4,039 observations"},
		{"p99.9 <= 1s", requests[0], steadystate.Broken, "4.35s of 4,039 observations"},
		{"slow <= 0%", requests[0], steadystate.Broken, "0.96559% of 4,039 observations"},
		{"p99 <= 1s", requests[0], steadystate.Held, "20ms"},
		{"rate >= 100.1/s", requests[0], steadystate.Broken, "99.97/s to 100/s"},
		{"slow <= 0%", requests[1], steadystate.Held, "0% of 1,000 observations"},
		{"max <= 1s", polls[0], steadystate.Held, "20ms of 4,000 observations"},
	} {
		l := steadystate.MustParseLimit(row.limit)
		if got := l.Judge(row.of); got.Verdict != row.want || !strings.Contains(got.Text, row.detail) {
			t.Errorf("%s: %s, %q; want %s with %q", row.limit, got.Verdict, got.Text, row.want, row.detail)
		}
	}
}

// What a fault delayed is the fault's, not that of the phase after it, which asks for what
// is slow of its own.
func TestASlowRequestCountsWhereItWasSentIfTheWindowAsksForThat(t *testing.T) {
	rule := steadystate.Rule{Settle: 10 * s, ByChance: true, Allowed: 0.001}
	watch := steadystate.Span{From: 20 * s, To: 60 * s}
	f := steadystate.NewFold(steadystate.Within(s), rule, steadystate.Span{To: 60 * s}, watch, watch)
	f.SlowIfSent(1)
	for _, o := range []steadystate.Observation{
		{Span: steadystate.Span{From: 18 * s, To: 22 * s}, Value: 4},                               // delayed by the fault
		{Span: steadystate.Span{From: 19 * s, To: 21 * s}, Failed: "connection reset"},             // cut off, which may be anybody's
		{Span: steadystate.Span{From: 19 * s, To: 23 * s}, Value: 4, Failed: steadystate.TimedOut}, // nor is it known when that failed
		{Span: steadystate.Span{From: 30 * s, To: 30*s + 20*time.Millisecond}, Value: 0.02},        // good
		{Span: steadystate.Span{From: 40 * s, To: 43 * s}, Value: 3},                               // slow by itself
	} {
		f.Add(o)
	}
	for i, want := range [][3]int{{1, 3, 1}, {1, 2, 1}} {
		if got := f.Figures()[i]; [3]int{got.Good, got.Bad, got.Doubtful} != want {
			t.Errorf("window %d: %d good, %d bad, %d doubtful; want %v", i, got.Good, got.Bad, got.Doubtful, want)
		}
	}
}

// A window that is cut ends there, and nothing is missing from it.
func TestACutWindowEndsThere(t *testing.T) {
	f := steadystate.NewFold(steadystatetest.Good, steadystate.Rule{}, steadystate.Span{To: 60 * s}, steadystate.Span{From: 10 * s, To: 20 * s}, steadystate.Span{To: 5 * s})
	for at := time.Duration(0); at < 15*s; at += s {
		f.Add(steadystate.Observation{Span: steadystate.Instant(at), Value: 1})
	}
	f.Cut(15 * s)
	list := f.Figures()
	if got := list[0]; got.Window.To != 15*s || got.Observed() != 5 || got.Missing != 0 || got.Resolution != s {
		t.Errorf("%d observations and %d missing in %s, resolution %s; want 5 and none until 15s, and 1s", got.Observed(), got.Missing, got.Window, got.Resolution)
	}
	if got := list[1]; got.Window.To != 5*s || got.Observed() != 6 {
		t.Errorf("%d observations in %s, want 6 until 5s", got.Observed(), got.Window)
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
