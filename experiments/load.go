package experiments

import (
	"context"
	"fmt"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Load drives requests until ctx ends, waits for those in flight, and
// returns. The error is the harness's; failed requests are data. It may also be
// a [Validator], a [Signaler] or a [Recordable].
type Load interface {
	fmt.Stringer
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
