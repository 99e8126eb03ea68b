package experiments

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// request takes in a request: as an observation, and in the traffic's sums.
func (j *judge) request(signal string, q Request) {
	o := q.Observation()
	j.requests[signal] = append(j.requests[signal], o)
	s, seen := j.Traffic[signal]
	if !seen {
		s = Traffic{By: map[string]int{}, Failures: map[string]int{}, bySettle: map[string]int{}, first: q.Planned}
	}
	s.Sent++
	s.maxSeq = max(s.maxSeq, q.Seq)
	s.first, s.last = min(s.first, q.Planned), max(s.last, q.Planned)
	if q.Late() > LateAfter {
		s.Late++
		// Requests held up by the same stall overlap; the time counts once.
		s.LateTime += max(0, q.Sent-max(q.Planned, s.lateUntil))
		s.lateUntil = max(s.lateUntil, q.Sent)
		j.stall(signal, steadystate.Span{From: q.Planned, To: q.Sent})
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

// stall notes that the load was behind its schedule. The requests that one
// stall held up make one.
func (j *judge) stall(signal string, s steadystate.Span) {
	list := j.stalls[signal]
	if n := len(list); n > 0 && list[n-1].Overlaps(s) {
		list[n-1] = list[n-1].Hull(s)
		return
	}
	j.stalls[signal] = append(list, s)
}

// traffic completes the sums and the signals' timelines.
func (j *judge) traffic() {
	for signal, list := range j.requests {
		t := j.timeline(signal)
		for _, o := range list {
			t.Add(doubt(o, j.stalls[signal]))
		}
	}
	for signal, s := range j.Traffic {
		s.Missing = int(s.maxSeq) + 1 - s.Sent //nolint:gosec // a count of requests
		if s.Sent > 1 && s.last > s.first {
			s.Rate = float64(s.maxSeq) / (s.last - s.first).Seconds()
		}
		j.Traffic[signal] = s
	}
}

// held says whether the load kept to its schedule, which is what makes its
// signal worth judging. A stall now and then makes a coarser resolution by
// itself; this is about a load that fell behind for good.
func (s Traffic) held() (steadystate.Verdict, string) {
	text := fmt.Sprintf("%d requests at %.4g/s; behind its schedule for %s (%d sent over %s late, worst %s); %d failed on the load's machine, %d missing",
		s.Sent, s.Rate, s.LateTime.Round(time.Millisecond), s.Late, LateAfter, s.WorstLate.Round(time.Millisecond), s.Local, s.Missing)
	behind := float64(s.LateTime) > 0.05*float64(s.last-s.first)
	lost := float64(s.Local+s.Missing) > 0.01*float64(s.Sent)
	if behind || lost {
		return steadystate.Unknown, text
	}
	return steadystate.Held, text
}

// doubt turns a request's observation to unknown if the machine that drives
// the load stood still while it was in flight: its answer may have lain there
// unread, so that it was slow, or came too late, says nothing of the service.
// A refusal or a wrong answer does all the same.
func doubt(o steadystate.Observation, stalls []steadystate.Span) steadystate.Observation {
	if o.Unknown != "" || (o.Failed != "" && o.Failed != TimedOut) || o.Width() < LateAfter {
		return o
	}
	for _, s := range stalls {
		if o.Overlaps(s) {
			o.Unknown = fmt.Sprintf("the load's machine stood still for %s while a request was in flight", s.Width().Round(time.Millisecond))
			o.Failed, o.Value = "", 0
			return o
		}
	}
	return o
}
