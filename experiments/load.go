package experiments

import (
	"context"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Load drives requests. It may also be a [Validator], a [Signaler], a
// [Recordable] or a [Stopper].
type Load interface {
	// String says in one line what is requested, and how often.
	fmt.Stringer
	// Drive sends requests until ctx ends, waits for those in flight, and returns.
	// It gives the outcome of each to each, which is safe for use by many
	// goroutines, with its times by clock. A failed request is such an outcome; the
	// error is the harness's, and ends the run.
	Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error
	// Stages are the plan by signal: the judge compares it with what was sent.
	Stages() map[string][]record.Stage
}

// A Signaler is a load of several streams, each a signal of its own. The
// requests of any other load are the signal [record.TrafficSignal].
type Signaler interface {
	Load
	// Signals describes each stream by its signal, see [record.Request].
	Signals() map[string]string
}

// A Recordable is a load that writes to the record, or labels its objects with
// the run.
type Recordable interface {
	Load
	// Recorded is the load of the run that rec records. It is driven in place of
	// the original.
	Recorded(rec *record.Recorder) Load
}

// A Stopper is a load that knows how long Drive goes on, at most, when its context has
// ended: until the requests in flight are answered, say. Others are expected to stop at
// once.
type Stopper interface {
	Load
	StopTimeout() time.Duration
}
