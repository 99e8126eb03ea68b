package experiments

import (
	"context"
	"fmt"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Load drives requests until ctx ends, waits for those in flight, and
// returns. The error is the harness's; requests that fail are data. It may also
// be a [Validator], a [Signaler] or a [Recordable].
type Load interface {
	fmt.Stringer
	Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error
	// Stages are what it is going to send, by signal: the judge compares it with
	// what was sent.
	Stages() map[string][]record.Stage
}

// A Signaler is a load of several streams, each of which is a signal. The
// requests of any other load are the signal [record.TrafficSignal].
type Signaler interface {
	Load
	// Signals describes each stream by its signal, see [record.Request].
	Signals() map[string]string
}

// A Recordable is a load that has something to say in the record, or that
// labels what it makes with the run.
type Recordable interface {
	Load
	// Recorded is the load of the run that rec records. It is driven in place of
	// the load itself.
	Recorded(rec *record.Recorder) Load
}
