package experiments

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// request takes in a request: as an observation, and in the traffic's sums.
func (j *judge) request(signal string, q Request) {
	o := q.Observation()
	t := j.timeline(signal)
	t.Add(o)
	if q.Late() > LateAfter {
		t.Add(steadystate.Observation{
			Span:    steadystate.Span{From: q.Planned, To: q.Sent},
			Unknown: fmt.Sprintf("the load fell behind: a request was sent %s late", q.Late().Round(time.Millisecond)),
		})
	}
	s, seen := j.Traffic[signal]
	if !seen {
		s = Traffic{By: map[string]int{}, Failures: map[string]int{}, bySettle: map[string]int{}, first: q.Planned}
	}
	s.Sent++
	s.maxSeq = max(s.maxSeq, q.Seq)
	s.first, s.last = min(s.first, q.Planned), max(s.last, q.Planned)
	if q.Late() > LateAfter {
		s.Late++
	}
	s.WorstLate = max(s.WorstLate, q.Late())
	switch {
	case q.Local:
		s.Local++
		s.Failures[o.Unknown]++
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
		if len(j.Injections) == 0 && o.Failed == "" {
			s.bySettle[q.By]++
		}
	}
	j.Traffic[signal] = s
}

// traffic completes the sums.
func (j *judge) traffic() {
	for signal, s := range j.Traffic {
		s.Missing = int(s.maxSeq) + 1 - s.Sent //nolint:gosec // a count of requests
		if s.Sent > 1 && s.last > s.first {
			s.Rate = float64(s.maxSeq) / (s.last - s.first).Seconds()
		}
		j.Traffic[signal] = s
	}
}

// held says whether the load kept to its schedule, which is what makes its
// signal worth judging.
func (s Traffic) held() (steadystate.Verdict, string) {
	text := fmt.Sprintf("%d requests at %.4g/s, %d sent over %s late (worst %s), %d failed on the load's machine, %d missing",
		s.Sent, s.Rate, s.Late, LateAfter, s.WorstLate.Round(10*time.Microsecond), s.Local, s.Missing)
	// One in a hundred: those that are late make unknown time by themselves,
	// so this is about a load that fell behind for good.
	if lost := s.Late + s.Local + s.Missing; float64(lost) > 0.01*float64(s.Sent) {
		return steadystate.Unknown, text
	}
	return steadystate.Held, text
}
