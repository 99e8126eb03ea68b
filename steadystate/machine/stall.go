package machine

import (
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A StallDetector measures when this process does not run: it wakes up at each
// beat, and a late wake-up is a stall. During a stall, answers remain unread and
// due requests go out late, which looks like a failure of the service and is
// not.
type StallDetector struct {
	clock steadystate.Clock
	keep  time.Duration // how far back callers ask
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	last    time.Duration      // beat
	longest time.Duration      // that a beat was late
	stalls  []steadystate.Span // in order
}

const (
	beat = 5 * time.Millisecond
	// On a shared processor a wake-up is late by this much now and then. A
	// shorter delay counts as part of the measurement, not as a stall.
	ordinary = 5 * time.Millisecond
)

// StartStallDetector starts a detector that remembers the stalls of the last keep. The
// caller must call [StallDetector.End].
func StartStallDetector(clock steadystate.Clock, keep time.Duration) *StallDetector {
	d := &StallDetector{clock: clock, keep: keep, stop: make(chan struct{}), done: make(chan struct{}), last: clock.Now()}
	go func() {
		defer close(d.done)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-d.stop:
				return
			case <-ticker.C:
				d.feel(clock.Now())
			}
		}
	}()
	return d
}

// End stops the detector and waits for its goroutine.
func (d *StallDetector) End() {
	close(d.stop)
	<-d.done
}

// feel notes a beat.
func (d *StallDetector) feel(now time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, stalled := d.since(now); stalled {
		d.stalls = append(d.stalls, s)
	}
	d.longest = max(d.longest, now-d.last-beat)
	d.last = now
	old := 0
	for old < len(d.stalls) && d.stalls[old].To < now-d.keep {
		old++
	}
	d.stalls = slices.Delete(d.stalls, 0, old)
}

// since is the stall since the last beat, if the next one is overdue.
func (d *StallDetector) since(now time.Duration) (steadystate.Span, bool) {
	s := steadystate.Span{From: d.last + beat, To: now}
	return s, s.Width() > ordinary
}

// Longest returns the longest time so far for which this process waited to run, even
// if that was too short for a stall.
func (d *StallDetector) Longest() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(0, d.longest, d.clock.Now()-d.last-beat)
}

// Within returns the stalled time within a span, up to now.
func (d *StallDetector) Within(s steadystate.Span) time.Duration {
	return d.sum(s, func(steadystate.Span) bool { return true })
}

// At returns the stalled time within a span, of those stalls that were in progress when
// the span ended or had only just ended.
func (d *StallDetector) At(s steadystate.Span) time.Duration {
	return d.sum(s, func(stall steadystate.Span) bool { return stall.From <= s.To && s.To-2*beat <= stall.To })
}

func (d *StallDetector) sum(s steadystate.Span, counts func(steadystate.Span) bool) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	total := time.Duration(0)
	add := func(stall steadystate.Span) {
		if counts(stall) {
			total += max(0, min(stall.To, s.To)-max(stall.From, s.From))
		}
	}
	// The detector itself may wake up later than the caller.
	if open, stalled := d.since(d.clock.Now()); stalled {
		add(open)
	}
	for _, stall := range slices.Backward(d.stalls) {
		if stall.To < s.From {
			break
		}
		add(stall)
	}
	return total
}
