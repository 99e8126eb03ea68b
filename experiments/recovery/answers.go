package recovery

import (
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// answers are the good answers of one pod, in slots of time: enough to
// find the first one after any instant, without keeping them all. The slots
// widen as the record grows, so that there are never more than most of them.
// Within the slot that holds the instant the answer is known to the slot's
// width; everywhere else exactly.
type answers struct {
	width time.Duration // of a slot; zero: none yet
	slots map[int64]slot
}

const (
	firstWidth = 50 * time.Millisecond
	most       = 4096
)

// A slot holds the good answers to the requests sent within it.
type slot struct {
	sent     time.Duration    // of the first
	answered time.Duration    // the earliest
	last     steadystate.Span // the one that was sent last; of several the one answered first
}

func (s slot) merge(o slot) slot {
	if o.last.From > s.last.From || (o.last.From == s.last.From && o.last.To < s.last.To) {
		s.last = o.last
	}
	s.sent, s.answered = min(s.sent, o.sent), min(s.answered, o.answered)
	return s
}

func (a *answers) add(q record.Request) {
	if a.slots == nil {
		a.width, a.slots = firstWidth, map[int64]slot{}
	}
	f := q.Flight()
	a.put(f.From, slot{sent: f.From, answered: f.To, last: f})
	for len(a.slots) > most {
		narrow := a.slots
		a.width, a.slots = 2*a.width, make(map[int64]slot, most)
		for _, s := range narrow {
			a.put(s.sent, s)
		}
	}
}

func (a *answers) put(at time.Duration, s slot) {
	i := int64(at / a.width)
	if there, ok := a.slots[i]; ok {
		s = s.merge(there)
	}
	a.slots[i] = s
}

// first is the span of the first good answer to a request that was sent at or
// after an instant; nil: there is none.
func (a *answers) first(after time.Duration) *steadystate.Span {
	var f *steadystate.Span
	for _, s := range a.slots {
		switch {
		case s.sent >= after:
			f = first(f, &steadystate.Span{From: s.sent, To: s.answered})
		case s.last.From >= after:
			// The answers between the instant and the last one cannot be told apart
			// from earlier ones.
			f = first(f, &steadystate.Span{From: after, To: s.last.To})
		}
	}
	return f
}
