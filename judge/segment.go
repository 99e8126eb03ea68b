package judge

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A count is the number of a load's requests in a stretch of time, excluding its
// end: at an even rate it equals the number of intervals between them.
type count struct {
	steadystate.Span
	n int
}

// sentWithin counts the requests sent in a stretch of time, cut to the time in
// which the load sent any.
func (t Traffic) sentWithin(from, to time.Duration) count {
	return count{Span: steadystate.Span{From: max(from, t.first), To: min(to, t.lastSent)}}
}

// plannedWithin counts the requests planned for it.
func (t Traffic) plannedWithin(from, to time.Duration) count {
	return count{Span: steadystate.Span{From: max(from, t.first), To: min(to, t.last)}}
}

func (c *count) add(at time.Duration) {
	if c.From <= at && at < c.To {
		c.n++
	}
}

// rate is per second; zero for an empty stretch.
func (c count) rate() float64 {
	if c.Width() <= 0 {
		return 0
	}
	return float64(c.n) / c.Width().Seconds()
}

// bounds bound the rate: either edge may add or lose one request.
func (c count) bounds() steadystate.Bounds[float64] {
	w := c.Width().Seconds()
	return steadystate.Bounds[float64]{Low: float64(c.n-1) / w, High: float64(c.n+1) / w}
}

// segment collects a [TrafficSegment] while the record is read.
type segment struct {
	TrafficSegment
	signal        string
	stage         bool
	planned, sent count
	due           count // planned while the load was to be driven
	took          steadystate.BoundedValues
}

// newSegments follows the traffic of each signal through the phases of the run
// and the stages of its load.
func (j *judge) newSegments() {
	for _, signal := range slices.Sorted(maps.Keys(j.Traffic)) {
		t := j.Traffic[signal]
		until := j.drivenUntil(t)
		add := func(name string, from, to time.Duration, stage bool) {
			if to == j.watched {
				to = math.MaxInt64 // with the end itself
			}
			j.segments = append(j.segments, &segment{
				TrafficSegment: TrafficSegment{Name: name, Span: steadystate.Span{From: from, To: to}},
				signal:         signal, stage: stage,
				planned: t.plannedWithin(from, to), sent: t.sentWithin(from, to),
				due: count{Span: steadystate.Span{From: max(from, t.first), To: min(to, until)}},
			})
		}
		for _, p := range j.Phases {
			add(p.Name, p.From, p.To, false)
		}
		stages := j.plan.Stages[signal]
		if len(stages) < 2 {
			continue
		}
		for i, s := range stages {
			to := j.watched
			if i+1 < len(stages) {
				to = min(to, t.first+stages[i+1].After)
			}
			if from := t.first + max(0, s.After); from <= t.lastSent {
				add(s.Name, from, to, true)
			}
		}
	}
}

// add adds a request.
func (p *segment) add(q record.Request, o steadystate.Observation) {
	p.planned.add(q.Planned)
	p.due.add(q.Planned)
	p.sent.add(q.Sent)
	if q.Sent < p.From || q.Sent >= p.To {
		return
	}
	p.Sent++
	switch {
	case q.Local:
		p.Local++
	case q.FailedFirst():
		p.FailedFirst++
	case o.Unknown == "":
		p.took.Add(o.Bounds())
	}
}

// concludeSegments adds the segments to the traffic.
func (j *judge) concludeSegments() {
	for _, p := range j.segments {
		p.To = min(p.To, j.last)
		p.Rate, p.SentRate = p.planned.rate(), p.sent.rate()
		if d, ok := p.took.Distribution(); ok {
			p.Latency = &d
		}
		t := j.Traffic[p.signal]
		if p.stage {
			t.Stages = append(t.Stages, p.TrafficSegment)
		} else {
			t.Phases = append(t.Phases, p.TrafficSegment)
		}
		j.Traffic[p.signal] = t
	}
}
