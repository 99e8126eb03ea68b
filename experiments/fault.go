package experiments

import (
	"context"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Fault can be put in place and undone. It may also be a [Validator], a
// [Targeter], a [OneShot], a [Bounded], a [Watcher] or a [Previewer].
type Fault interface {
	// String says in one line what the fault does, and to which target.
	fmt.Stringer
	// Inject puts the fault in place and returns once it is there. Its context
	// stays alive until the fault is undone, unless the run ends or fails before.
	// The context's deadline is the latest time at which the undoing begins: what
	// Inject creates elsewhere ends by itself [Grace] after that.
	// The error is the harness's; missing proof is in the Injection, for the
	// judge. Recover is always called, even after an error, and never
	// concurrently with Inject.
	Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error)
	// Recover undoes the fault and returns once it is gone, with the span in
	// which it went. It is not an error if there is nothing to undo.
	Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error)
}

// A Validator is a load or a fault that can be invalid by itself. An experiment
// with an invalid one is refused before anything is touched.
type Validator interface {
	// Validate reports everything invalid, without asking a cluster.
	Validate() error
}

// A Targeter is a fault that knows its possible targets before it is injected.
// The settle phase ends only once each of them answers requests of the load or,
// without a load, serves by [Experiment.Traffic]: a fault on a pod without traffic
// shows nothing. Of a fault that is injected later the judge finds out, by the
// proof "exposed".
type Targeter interface {
	Fault
	// Targets are all that the fault may hit if it is injected now, perhaps
	// only one of them.
	Targets(ctx context.Context) ([]record.Target, error)
}

// A OneShot is a fault that knows before its injection whether it is over at
// once, as a kill is. Others are held. [record.Injection] has what it knows
// afterwards.
type OneShot interface {
	Fault
	OneShot() bool
}

// A Bounded is a fault that knows how long its injection takes at most. Only
// between such faults is the planned end of a fault known; beside another one, a
// fault may stay until the run's deadline.
type Bounded interface {
	Fault
	InjectTimeout() time.Duration
}

// A Watcher is a fault that notices when it is over before it is undone: someone
// else removed it, or it ended by itself. The run ends then, since what is
// observed from that moment on is not the fault's.
type Watcher interface {
	Fault
	// Watch runs while the fault is held. It returns why the fault is over, in words
	// that "after 7.2s of 20s" completes, or "" when ctx ends. Recover is called
	// once it has returned, or a second after ctx has ended.
	Watch(ctx context.Context, rec *record.Recorder) (over string)
}

// A Previewer is a fault that can describe its injection before a run.
// Preflight shows the preview, and refuses the run if it fails.
type Previewer interface {
	Fault
	// Preview describes the Inject of the run with that id, as of now, and
	// changes nothing. Its error is the one that Inject would return.
	Preview(ctx context.Context, run string) (Preview, error)
}

// A Preview describes an injection as of now.
type Preview struct {
	// Object would be created or changed, for printing as YAML. On a cluster it
	// is a client.Object of controller-runtime.
	Object any
	// Candidates are the possible targets.
	Candidates []record.Target
	// Requested is how many of them would be hit.
	Requested int
	// Effects must be seen for the verdict held.
	Effects []record.Effect
	// Unprovable says why there are no effects, so that the verdict cannot be
	// held, and what to do.
	Unprovable string
	// Away is how many of the targets at most the fault makes not ready at one
	// time; 0: none, as far as the fault itself says.
	Away int
	// AwayBy says what else decides whether so many are, such as a disruption
	// budget; empty: the fault alone.
	AwayBy string
	// Warning is shown before injection; usually empty.
	Warning string
}
