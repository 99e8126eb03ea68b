package judge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// request adds a request, as an observation and to the traffic's sums.
func (j *judge) request(signal string, q record.Request) {
	o := q.Observation()
	j.buffer(signal).see(o)
	j.answered(signal, q, o)
	s, seen := j.Traffic[signal]
	if !seen {
		s = Traffic{ByBackend: map[string]int{}, Failures: map[string]int{}, FailuresBy: map[string]map[string]int{}, locals: map[string]int{}, first: q.Planned}
	}
	s.Sent++
	s.maxSeq = max(s.maxSeq, q.Seq)
	s.numbers += scramble(q.Seq)
	s.longest = max(s.longest, q.Answered-q.Sent)
	s.first, s.last, s.lastSent = min(s.first, q.Planned), max(s.last, q.Planned), max(s.lastSent, q.Sent)
	if q.Late() > record.LateAfter {
		l := j.stalls[signal]
		l.add(q)
		j.stalls[signal] = l
	}
	switch {
	case q.Local:
		s.failed(o.Unknown, "")
	case q.FailedFirst():
		s.FailedFirst++
		s.failed(o.Failed, q.Backend)
	}
	if q.FailedFinally() {
		s.FailedFinally++
	}
	if q.Attempts > 1 {
		s.Repeated++
	}
	if q.Backend != "" {
		s.ByBackend[q.Backend]++
	}
	j.Traffic[signal] = s
}

func (t Traffic) failed(why, backend string) {
	t.Failures[why]++
	if t.FailuresBy[backend] == nil {
		t.FailuresBy[backend] = map[string]int{}
	}
	t.FailuresBy[backend][why]++
}

// since counts a request that was in flight when the fault may have begun, or
// came later, and the load's own failures from then on: the gate waited for the
// earlier ones to clear.
func (j *judge) since(signal string, q record.Request, o steadystate.Observation) {
	if o.To < j.Window.From {
		return
	}
	s := j.Traffic[signal]
	s.sentSince++
	if q.Late() > record.LateAfter {
		s.Late++
	}
	s.WorstLate = max(s.WorstLate, q.Late())
	if q.Local {
		s.Local++
		s.locals[o.Unknown]++
	}
	j.Traffic[signal] = s
}

// stalls are disjoint spans in which a load was behind its schedule, in order.
type stalls []steadystate.Span

// add adds a late request, in any order. Requests delayed by one stall merge
// into one span.
func (l *stalls) add(q record.Request) {
	s := steadystate.Span{From: q.Planned, To: q.Sent}
	// Those that overlap are in a row.
	from, _ := slices.BinarySearchFunc(*l, s.From, func(o steadystate.Span, at time.Duration) int { return cmp.Compare(o.To, at) })
	to := from
	for to < len(*l) && (*l)[to].From <= s.To {
		s = s.Hull((*l)[to])
		to++
	}
	*l = slices.Replace(*l, from, to, s)
}

// within is how much of the window was stalled.
func (l stalls) within(window steadystate.Span) time.Duration {
	total := time.Duration(0)
	for _, s := range l {
		total += max(0, min(s.To, window.To)-max(s.From, window.From))
	}
	return total
}

// behind reports whether a load that was stalled for so long in a window missed
// its plan. A short stall only coarsens the resolution; this is about a load
// that never caught up.
func behind(stalled, window time.Duration) bool { return float64(stalled) > 0.05*float64(window) }

// traffic completes the sums.
func (j *judge) traffic() {
	for signal, s := range j.Traffic {
		s.LateTime = j.stalls[signal].within(j.Window)
		s.number()
		if s.Sent > 1 && s.last > s.first {
			s.Rate = float64(s.maxSeq) / (s.last - s.first).Seconds()
			if plan := j.schedule(signal); len(plan.stages) > 0 {
				driven := count{Span: steadystate.Span{From: s.first, To: max(s.last, j.drivenUntil(s))}}
				s.Rate = plan.within(driven.Span).Low / driven.Width().Seconds()
			}
			s.SentRate = float64(s.Sent-1) / (s.lastSent - s.first).Seconds()
		}
		j.Traffic[signal] = s
	}
}

// text summarizes how the load was driven.
func (t Traffic) text() string {
	return fmt.Sprintf("%d requests, asked for %.4g/s and sent %.4g/s; behind its schedule for %s (%d sent over %s late, worst %s); %d failed on the load's machine%s, %d missing",
		t.Sent, t.Rate, t.SentRate, t.LateTime.Round(time.Millisecond), t.Late, record.LateAfter, t.WorstLate.Round(time.Millisecond), t.Local, t.commonest(), t.Missing)
}

// commonest is the most frequent reason of failures on the load's machine.
func (t Traffic) commonest() string {
	if len(t.locals) == 0 {
		return ""
	}
	why := slices.MaxFunc(slices.Sorted(maps.Keys(t.locals)), func(a, b string) int { return cmp.Compare(t.locals[a], t.locals[b]) })
	return fmt.Sprintf(" (%s)", why)
}
