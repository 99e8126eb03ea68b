package record

import (
	"strconv"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Request is one request of the load and what became of it.
type Request struct {
	// Seq numbers the requests of one signal in the order they were sent; the
	// service sees it too.
	Seq uint64
	// Planned is when the load's schedule wanted it sent, Sent when it was,
	// Answered when the last byte of the answer was read or the failure known.
	Planned, Sent, Answered time.Duration
	// Stalled is for how long, between Sent and Answered, the load is known not
	// to have run although it wanted to: the request may have gone out, or its
	// answer been read, later by as much. Of a request that timed out it is the
	// part in which an answer that came in time may have lain unread.
	Stalled time.Duration
	// Skew is by how much Planned, Sent and Answered may be off, all three by
	// the same and either way: the request was driven on another machine, whose
	// clock is known to that. What it took does not depend on it.
	Skew time.Duration
	// Signal names the stream of requests that it belongs to, for loads that
	// drive more than one; empty: [TrafficSignal].
	Signal string
	Outcome
}

// An Outcome is what became of a request.
type Outcome struct {
	Code     int    `json:"code,omitempty"`  // HTTP status; 0: no answer
	Error    string `json:"error,omitempty"` // why there was no good answer
	Backend  string `json:"by,omitempty"`    // who answered, by the service's own word
	Attempts int    `json:"attempts"`        // connections it was written to
	// Local: the failure is of the machine that drives the load (no ports, no
	// file handles), so the request says nothing of the service.
	Local bool `json:"local,omitempty"`
}

// TimedOut is the Error of a request that had no answer in time.
const TimedOut = steadystate.TimedOut

// Late is how much later than planned the request was sent.
func (r Request) Late() time.Duration { return max(0, r.Sent-r.Planned) }

// Flight is the span in which the request was under way, as far as it is known:
// from the earliest instant at which it may have been sent to the latest one at
// which it may have been answered.
func (r Request) Flight() steadystate.Span {
	return steadystate.Span{From: r.Sent - r.Skew, To: r.Answered + r.Skew}
}

// Observation is the request as an observation: the seconds it took, at some
// instant between sending and answer, both widened by its skew. If the load
// stalled meanwhile, the service may have answered earlier by up to the stall,
// and a request that timed out during the stall is unknown. More than one attempt
// is a failure of the first: HTTP clients silently repeat a request on a broken
// reused connection, but the service failed all the same.
func (r Request) Observation() steadystate.Observation {
	o := steadystate.Observation{
		Span:  r.Flight(),
		Value: (r.Answered - r.Sent).Seconds(),
	}
	switch {
	case r.Local:
		o.Unknown = "the load's machine: " + r.Error
	case r.Error == TimedOut && r.Stalled > 0:
		o.Unknown = "the load stood still for " + r.Stalled.String() + " when the answer was due"
	case r.Error != "":
		o.Failed = r.Error
	case r.Code < 200 || r.Code >= 400:
		o.Failed = strconv.Itoa(r.Code)
	case r.Attempts > 1:
		o.Failed = "answered at attempt " + strconv.Itoa(r.Attempts) + " only"
	case r.Stalled > 0:
		o.Bucket = steadystate.Bucket{Low: max(0, r.Answered-r.Sent-r.Stalled).Seconds(), High: o.Value}
	}
	return o
}

// FailedFirst reports whether the first attempt was not answered well, whether
// or not the client's own retry was.
func (r Request) FailedFirst() bool { return !r.Local && r.Observation().Failed != "" }

// FailedFinally reports whether no attempt was answered well.
func (r Request) FailedFinally() bool {
	r.Attempts = 1
	return r.FailedFirst()
}

// LateAfter is how much later than planned a request may be sent before the
// load counts as behind its schedule: its machine was stalled or out of
// workers.
const LateAfter = 100 * time.Millisecond
