package load

import (
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A pulse feels when the load does not get to run: it wants to wake up at each
// beat, and what it slept longer than that, something else had the processor.
// Then answers lie unread, and requests that are due are sent late, in a
// manner that only looks like the service's.
type pulse struct {
	clock steadystate.Clock
	keep  time.Duration // how far back anybody asks
	stop  chan struct{}
	done  chan struct{}

	mu     sync.Mutex
	last   time.Duration      // beat
	stalls []steadystate.Span // in order
}

const (
	beat = 5 * time.Millisecond
	// A processor that is shared makes whoever wakes up wait for so long now and
	// then. Less is no stall, and is part of what is measured.
	ordinary = 5 * time.Millisecond
)

func startPulse(clock steadystate.Clock, keep time.Duration) *pulse {
	p := &pulse{clock: clock, keep: keep, stop: make(chan struct{}), done: make(chan struct{}), last: clock.Now()}
	go func() {
		defer close(p.done)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-ticker.C:
				p.feel(clock.Now())
			}
		}
	}()
	return p
}

// end ends the pulse.
func (p *pulse) end() {
	close(p.stop)
	<-p.done
}

// feel takes in a beat.
func (p *pulse) feel(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, stalled := p.since(now); stalled {
		p.stalls = append(p.stalls, s)
	}
	p.last = now
	old := 0
	for old < len(p.stalls) && p.stalls[old].To < now-p.keep {
		old++
	}
	p.stalls = slices.Delete(p.stalls, 0, old)
}

// since is the stall since the last beat, if that is overdue.
func (p *pulse) since(now time.Duration) (steadystate.Span, bool) {
	s := steadystate.Span{From: p.last + beat, To: now}
	return s, s.Width() > ordinary
}

// within is for how much of a span up to now the load was stalled.
func (p *pulse) within(s steadystate.Span) time.Duration {
	return p.sum(s, func(steadystate.Span) bool { return true })
}

// at is for how much of a span the load was stalled in stalls that were on
// when the span ended, or had only just ended.
func (p *pulse) at(s steadystate.Span) time.Duration {
	return p.sum(s, func(stall steadystate.Span) bool { return stall.From <= s.To && s.To-2*beat <= stall.To })
}

func (p *pulse) sum(s steadystate.Span, counts func(steadystate.Span) bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := time.Duration(0)
	add := func(stall steadystate.Span) {
		if counts(stall) {
			total += max(0, min(stall.To, s.To)-max(stall.From, s.From))
		}
	}
	// The pulse itself may wake up later than whoever asks.
	if open, stalled := p.since(p.clock.Now()); stalled {
		add(open)
	}
	for _, stall := range slices.Backward(p.stalls) {
		if stall.To < s.From {
			break
		}
		add(stall)
	}
	return total
}
