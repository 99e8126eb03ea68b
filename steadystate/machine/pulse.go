package machine

import (
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Pulse feels when this process does not get to run: it wants to wake up at
// each beat, and what it slept longer than that, something else had the
// processor.
// Then answers lie unread, and requests that are due are sent late, in a
// manner that only looks like the service's.
type Pulse struct {
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

// StartPulse begins to feel. It keeps what it felt for as long back as anybody
// asks, which is keep; End must be called.
func StartPulse(clock steadystate.Clock, keep time.Duration) *Pulse {
	p := &Pulse{clock: clock, keep: keep, stop: make(chan struct{}), done: make(chan struct{}), last: clock.Now()}
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

// End ends the pulse and waits for its goroutine.
func (p *Pulse) End() {
	close(p.stop)
	<-p.done
}

// feel takes in a beat.
func (p *Pulse) feel(now time.Duration) {
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
func (p *Pulse) since(now time.Duration) (steadystate.Span, bool) {
	s := steadystate.Span{From: p.last + beat, To: now}
	return s, s.Width() > ordinary
}

// Within is for how much of a span up to now the process was stalled.
func (p *Pulse) Within(s steadystate.Span) time.Duration {
	return p.sum(s, func(steadystate.Span) bool { return true })
}

// At is for how much of a span the process was stalled in stalls that were on
// when the span ended, or had only just ended.
func (p *Pulse) At(s steadystate.Span) time.Duration {
	return p.sum(s, func(stall steadystate.Span) bool { return stall.From <= s.To && s.To-2*beat <= stall.To })
}

func (p *Pulse) sum(s steadystate.Span, counts func(steadystate.Span) bool) time.Duration {
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
