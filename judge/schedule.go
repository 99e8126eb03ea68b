package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A schedule is the plan of one signal of a load.
type schedule struct {
	stages []record.Stage
	first  time.Duration // when the first request was planned; stages count from it
	surges []surge
	loose  bool // it was estimated before the fault, not planned
}

// A surge multiplies the rate between its spans on and off.
type surge struct {
	on, off steadystate.Span
	times   float64
}

// schedule is a signal's schedule in the plan. Without one, which no run writes,
// it is the rate of the settle phase.
func (j *judge) schedule(signal string) schedule {
	s := schedule{stages: j.plan.Stages[signal], first: j.Traffic[signal].first}
	if len(s.stages) == 0 {
		for _, p := range j.segments {
			if p.signal == signal && p.Name == record.PhaseSettle && p.planned.rate() > 0 {
				s.stages, s.loose = []record.Stage{{Rate: p.planned.rate()}}, true
			}
		}
	}
	for _, i := range j.Injections {
		off := steadystate.Instant(j.last)
		if i.Removed != nil {
			off = *i.Removed
		}
		for _, e := range i.Effects {
			if e.Times > 0 && e.Signal == signal {
				s.surges = append(s.surges, surge{on: i.Span, off: off, times: e.Times})
			}
		}
	}
	return s
}

// hits is the number of requests due by an instant, without surges.
func (s schedule) hits(at time.Duration) float64 { return record.Due(s.stages, at-s.first) }

// within is the number of requests due in a span.
func (s schedule) within(span steadystate.Span) steadystate.Bounds[float64] {
	due := func(from, to time.Duration) float64 {
		from, to = max(from, span.From), min(to, span.To)
		if to <= from {
			return 0
		}
		return s.hits(to) - s.hits(from)
	}
	n := steadystate.Exactly(due(span.From, span.To))
	for _, g := range s.surges {
		surely, perhaps := (g.times-1)*due(g.on.To, g.off.From), (g.times-1)*due(g.on.From, g.off.To)
		n.Low, n.High = n.Low+min(surely, perhaps), n.High+max(surely, perhaps)
	}
	return n
}

// tolerance is the accepted difference from the number due: a twentieth, and at
// least three. An estimated rate adds four standard deviations of random
// arrivals.
func (s schedule) tolerance(due float64) float64 {
	allowed := max(3, 0.05*due)
	if s.loose {
		allowed += 4 * math.Sqrt(due)
	}
	return allowed
}

// compare reports a difference between the requests sent and those due.
func (s schedule) compare(where string, span steadystate.Span, sent int) string {
	due, n := s.within(span), float64(sent)
	if n >= due.Low-s.tolerance(due.Low) && n <= due.High+s.tolerance(due.High) {
		return ""
	}
	planned := fmt.Sprintf("%.0f", due.Low)
	if high := fmt.Sprintf("%.0f", due.High); high != planned {
		planned += " to " + high
	}
	return fmt.Sprintf("%s %d were sent of %s planned", where, sent, planned)
}

// answeredWithin is the assumed limit of a request's time in flight, where a
// truncated record does not show its answer.
const answeredWithin = 10 * time.Second

// flying is the time before a cut in which requests may have been in flight.
func (j *judge) flying(t Traffic) time.Duration { return max(answeredWithin, t.longest) }

// drivenUntil is when the load was to stop, as far as the record shows.
func (j *judge) drivenUntil(t Traffic) time.Duration {
	switch j.End.Reason {
	case record.Completed:
		return j.watched
	case "": // it was cut
		return min(t.last, j.last-j.flying(t))
	}
	return t.last // when the run was stopped
}

// deviations are the differences between the requests sent and the plan.
func (j *judge) deviations(signal string) []string {
	t := j.Traffic[signal]
	s := j.schedule(signal)
	if t.Sent == 0 || len(s.stages) == 0 {
		return []string{"none were sent before the fault, or the plan does not say at which rate"}
	}
	var list []string
	add := func(text string) {
		if text != "" {
			list = append(list, text)
		}
	}
	if _, injected := j.windowStart(); injected && t.first > j.Window.From {
		add(fmt.Sprintf("the first was planned %s after the fault", (t.first - j.Window.From).Round(time.Millisecond)))
	}
	// In whole phases, as counted: a fault may come late in its own.
	from := j.Window.From
	if inject, ok := j.phase(record.PhaseInject); ok {
		from = inject.From
	}
	whole := count{Span: steadystate.Span{From: max(from, t.first), To: j.drivenUntil(t)}}
	for _, p := range j.segments {
		if p.signal != signal || p.stage || p.due.Width() <= 0 {
			continue
		}
		add(s.compare("in "+p.Name, p.due.Span, p.due.n))
		if p.due.From >= whole.From {
			whole.n += p.due.n
		}
	}
	if len(list) == 0 && whole.Width() > 0 {
		add(s.compare("from the fault on", whole.Span, whole.n))
	}
	inFlight := 0.0
	if j.End.Reason == "" {
		inFlight = s.within(steadystate.Span{From: j.last - j.flying(t), To: j.last}).High + 1
	}
	if float64(t.Missing) > inFlight {
		add(fmt.Sprintf("at least %d are missing", t.Missing))
	}
	if t.Twice > 0 {
		add(fmt.Sprintf("at least %d are there twice", t.Twice))
	}
	return list
}

// loadHeld: the load was driven as planned, so its signal is worth judging.
func (j *judge) loadHeld(signal string) (seen string, missing lack) {
	t, sent := j.Traffic[signal]
	if !sent {
		return "", lacks("no %s were sent", signal)
	}
	deviations := j.deviations(signal)
	text := strings.Join(slices.Concat([]string{t.text()}, deviations), "; ")
	lost := float64(t.Local) > 0.01*float64(t.sentSince)
	if len(deviations) > 0 || lost || behind(t.LateTime, j.Window.Width()) {
		return "", lack{text: text}
	}
	return text, lack{}
}

// scramble maps numbers to pattern-free ones: the finalizer of splitmix64
// (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
// Their sums tell sets of numbers apart, in any order.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// number counts missing and duplicate request numbers; if both occur, at least
// one of each.
func (t *Traffic) number() {
	most := t.maxSeq + 1
	switch sent := uint64(t.Sent); { //nolint:gosec // a count
	case most == 0 || sent < most:
		t.Missing = int(min(most-1-sent, math.MaxInt-1)) + 1 //nolint:gosec // bounded
	case sent > most:
		t.Twice = int(sent - most) //nolint:gosec // a count
	default:
		var want uint64
		for seq := range most {
			want += scramble(seq)
		}
		if t.numbers != want {
			t.Missing, t.Twice = 1, 1
		}
	}
}
