package record

import (
	"strconv"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Request is one request of the load and its outcome.
type Request struct {
	// Seq numbers the requests of one signal in the order they were sent; the
	// service sees it too.
	Seq uint64
	// Planned is when the schedule called for it, Sent when it was sent,
	// Answered when the last byte of the answer was read or the failure known.
	Planned, Sent, Answered time.Duration
	// Stalled is how long, between Sent and Answered, the load's process did not
	// run: the request may have been sent, or its answer read, that much later.
	// For a request that timed out it is the time in which an answer may have
	// remained unread.
	Stalled time.Duration
	// Skew bounds the common error of Planned, Sent and Answered, in either
	// direction, for a request from another machine with a clock known only to
	// Skew. It does not affect the time that the request took.
	Skew time.Duration
	// Signal names its stream, for loads with more than one; empty:
	// [TrafficSignal].
	Signal string
	Outcome
}

// An Outcome is the result of a request.
type Outcome struct {
	Code     int    `json:"code,omitempty"`  // HTTP status; 0: no answer
	Error    string `json:"error,omitempty"` // why there was no good answer
	Backend  string `json:"by,omitempty"`    // the backend that answered, as the service names it
	Attempts int    `json:"attempts"`        // number of connections it was written to
	// Local: the machine that drives the load failed (no ports, no file
	// handles), so the request says nothing about the service.
	Local bool `json:"local,omitempty"`
}

// TimedOut is the Error of a request whose answer did not come in time, and
// ConnectionRefused that of one at whose address nothing listened.
const (
	TimedOut          = steadystate.TimedOut
	ConnectionRefused = steadystate.ConnectionRefused
)

// Late is how much later than planned the request was sent.
func (r Request) Late() time.Duration { return max(0, r.Sent-r.Planned) }

// Flight is the time in flight: from the earliest instant at which the request
// may have been sent to the latest at which it may have been answered.
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

// FailedFirst reports whether the first attempt failed, even if the client's
// own retry succeeded.
func (r Request) FailedFirst() bool { return !r.Local && r.Observation().Failed != "" }

// FailedFinally reports whether every attempt failed.
func (r Request) FailedFinally() bool {
	r.Attempts = 1
	return r.FailedFirst()
}

// LateAfter is how much later than planned a request may be sent before the
// load counts as behind its schedule, because its machine stalled or ran out of
// workers.
const LateAfter = 100 * time.Millisecond
