package machine

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// felt is a detector that took beats at the given milliseconds, and takes
// nothing more.
func felt(beats ...int) *StallDetector {
	// Its clock stands at the last beat, as good as.
	now := time.Duration(beats[len(beats)-1]) * time.Millisecond
	p := &StallDetector{clock: steadystate.StartClock(), keep: time.Hour}
	for _, b := range beats {
		p.feel(time.Duration(b) * time.Millisecond)
	}
	p.last = now + time.Hour // far from overdue
	return p
}

func TestTheDetectorKnowsHowLongTheProcessDidNotRun(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		sentence   string
		beats      []int
		flight     steadystate.Span
		within, at time.Duration
	}{
		{"a process that runs", []int{5, 10, 15, 20}, steadystate.Span{From: 0, To: 20 * ms}, 0, 0},
		{"a beat that is late by what is ordinary", []int{5, 14, 19}, steadystate.Span{From: 0, To: 20 * ms}, 0, 0},
		{"a stall in mid-flight is over when the answer is read", []int{5, 60, 65, 70, 75, 80}, steadystate.Span{From: 0, To: 80 * ms}, 50 * ms, 0},
		{"a stall at whose end the answer is read", []int{5, 60, 65}, steadystate.Span{From: 0, To: 61 * ms}, 50 * ms, 50 * ms},
		{"the part of a stall after the request was sent", []int{5, 60, 65}, steadystate.Span{From: 40 * ms, To: 61 * ms}, 20 * ms, 20 * ms},
		{"a stall before the request was sent", []int{5, 60, 65, 70}, steadystate.Span{From: 62 * ms, To: 80 * ms}, 0, 0},
		{"two stalls", []int{5, 60, 65, 100}, steadystate.Span{From: 0, To: 101 * ms}, 80 * ms, 30 * ms},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			p := felt(row.beats...)
			if got := p.Within(row.flight); got != row.within {
				t.Errorf("within: %s, want %s", got, row.within)
			}
			if got := p.At(row.flight); got != row.at {
				t.Errorf("at its end: %s, want %s", got, row.at)
			}
		})
	}
}

// The reader of an answer may run again before the detector does.
func TestAStallCountsBeforeTheNextBeat(t *testing.T) {
	clock := steadystate.StartClock()
	p := &StallDetector{clock: clock, keep: time.Hour, last: clock.Now() - time.Hour}
	now := clock.Now()
	if got := p.Within(steadystate.Span{From: now - time.Second, To: now}); got != time.Second {
		t.Errorf("%s, want the whole second", got)
	}
}

func TestTheDetectorForgetsOldStalls(t *testing.T) {
	p := &StallDetector{clock: steadystate.StartClock(), keep: time.Second}
	for i := range 1000 {
		p.feel(time.Duration(i) * 100 * time.Millisecond)
	}
	if n := len(p.stalls); n > 12 {
		t.Errorf("%d stalls are kept, want those of a second", n)
	}
}

func TestTheLongestWaitCountsAlsoWhereItIsNoStall(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		beats []int
		want  time.Duration
	}{
		{[]int{5, 10, 15}, 0},
		{[]int{5, 14, 19}, 4 * ms},
		{[]int{5, 60, 65, 100}, 50 * ms},
	} {
		if got := felt(row.beats...).Longest(); got != row.want {
			t.Errorf("beats at %v: %s, want %s", row.beats, got, row.want)
		}
	}
	open := &StallDetector{clock: steadystate.StartClock(), last: -time.Hour}
	if got := open.Longest(); got < time.Hour-beat {
		t.Errorf("%s, want the hour since the last beat", got)
	}
}
