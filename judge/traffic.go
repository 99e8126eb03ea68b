package judge

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// request takes in a request: as an observation, and in the traffic's sums.
func (j *judge) request(signal string, q record.Request) {
	o := q.Observation()
	j.order(signal).see(o)
	s, seen := j.Traffic[signal]
	if !seen {
		s = Traffic{By: map[string]int{}, Failures: map[string]int{}, bySettle: map[string]int{}, locals: map[string]int{}, first: q.Planned}
	}
	s.Sent++
	s.sentSince++
	s.maxSeq = max(s.maxSeq, q.Seq)
	s.first, s.last, s.lastSent = min(s.first, q.Planned), max(s.last, q.Planned), max(s.lastSent, q.Sent)
	if q.Late() > record.LateAfter {
		s.Late++
		l := j.stalls[signal]
		l.add(q)
		j.stalls[signal] = l
	}
	s.WorstLate = max(s.WorstLate, q.Late())
	switch {
	case q.Local:
		s.Local++
		s.Failures[o.Unknown]++
		s.locals[o.Unknown]++
	case q.FailedFirst():
		s.FailedFirst++
		s.Failures[o.Failed]++
	}
	if q.FailedFinally() {
		s.FailedFinally++
	}
	if q.Attempts > 1 {
		s.Repeated++
	}
	if q.By != "" {
		s.By[q.By]++
	}
	j.Traffic[signal] = s
}

// before counts the request if it was over before the fault may have begun.
func (j *judge) before(signal string, q record.Request, o steadystate.Observation) {
	if o.To >= j.Window.From {
		return
	}
	s := j.Traffic[signal]
	s.before++
	if o.Failed == "" && o.Unknown == "" {
		s.wellBefore++
	}
	if q.By != "" && o.Failed == "" {
		s.bySettle[q.By]++
	}
	j.Traffic[signal] = s
}

// stalls are spans in which a load was behind its schedule, in order and apart
// from each other.
type stalls []steadystate.Span

// add takes in a request that was sent late, in whatever order they come. The
// requests that one stall held up make one.
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

// behind reports whether a load that was stalled for so long, in a window of
// that length, did not do as asked. A stall now and then makes a coarser
// resolution by itself; this is about a load that fell behind for good.
func behind(stalled, window time.Duration) bool { return float64(stalled) > 0.05*float64(window) }

// restart begins the count of what went wrong with the loads anew: what was
// before the injection was waited for.
func (j *judge) restart() {
	for signal, s := range j.Traffic {
		s.Late, s.Local, s.WorstLate, s.sentSince = 0, 0, 0, 0
		j.Traffic[signal] = s
	}
}

// traffic completes the sums.
func (j *judge) traffic() {
	for signal, s := range j.Traffic {
		s.LateTime = j.stalls[signal].within(j.Window)
		s.Missing = int(s.maxSeq) + 1 - s.Sent //nolint:gosec // a count of requests
		if s.Sent > 1 && s.last > s.first {
			s.Rate = float64(s.maxSeq) / (s.last - s.first).Seconds()
			s.SentRate = float64(s.Sent-1) / (s.lastSent - s.first).Seconds()
		}
		j.Traffic[signal] = s
	}
}

// held says whether the load kept to its schedule in the window, which is what
// makes its signal worth judging.
func (s Traffic) held(window time.Duration) (steadystate.Verdict, string) {
	text := fmt.Sprintf("%d requests, asked for %.4g/s and sent %.4g/s; behind its schedule for %s (%d sent over %s late, worst %s); %d failed on the load's machine%s, %d missing",
		s.Sent, s.Rate, s.SentRate, s.LateTime.Round(time.Millisecond), s.Late, record.LateAfter, s.WorstLate.Round(time.Millisecond), s.Local, s.commonest(), s.Missing)
	lost := float64(s.Local+s.Missing) > 0.01*float64(s.sentSince)
	if behind(s.LateTime, window) || lost {
		return steadystate.Unknown, text
	}
	return steadystate.Held, text
}

// commonest is why most of the requests that failed on the load's machine did.
func (s Traffic) commonest() string {
	if len(s.locals) == 0 {
		return ""
	}
	why := slices.MaxFunc(sorted(s.locals), func(a, b string) int { return cmp.Compare(s.locals[a], s.locals[b]) })
	return fmt.Sprintf(" (%s)", why)
}
