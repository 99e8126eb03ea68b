package experiments

import (
	"context"
	"fmt"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Fault can be put in place and undone. It may also be a [Validator], a
// [Targeter], a [OneShot] or a [Previewer].
type Fault interface {
	// String says what the fault does and to what, in one line.
	fmt.Stringer
	// Inject puts the fault in place and returns when it is there. Its context
	// ends when the run does or fails, and not before the fault is undone
	// otherwise. The error is the harness's; what could not be shown is in the
	// Injection, for the judge. Recover is called in any case, also after an
	// error, and never at the same time.
	Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error)
	// Recover undoes the fault and returns when it is gone, with the span in
	// which it went. Nothing to undo is not an error.
	Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error)
}

// A Validator is a load or a fault that can be invalid by itself. An experiment
// with an invalid one is refused before anything is touched.
type Validator interface {
	// Validate reports everything invalid, without asking a cluster.
	Validate() error
}

// A Targeter is a fault that knows its possible targets before it is injected.
// It is injected only if each of them answers requests of the load or, without
// a load, serves by [Experiment.Traffic]: a fault on a pod without traffic
// shows nothing.
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

// A Previewer is a fault that can describe its injection before a run.
// Preflight shows the preview, and refuses the run if it fails.
type Previewer interface {
	Fault
	// Preview says what Inject would do now in the run of that id, and changes
	// nothing. Its error is the one that Inject would return.
	Preview(ctx context.Context, run string) (Preview, error)
}

// A Preview is what a fault would do if it were injected now.
type Preview struct {
	// Object is what would be created or changed, for printing as YAML. On a
	// cluster it is a client.Object of controller-runtime.
	Object any
	// Candidates are the targets that may be hit.
	Candidates []record.Target
	// Requested is how many of them would be hit.
	Requested int
	// Effects are what must be seen for a verdict to be held.
	Effects []record.Effect
	// Unprovable says why there are no effects, so that no verdict can be
	// held, and what to do.
	Unprovable string
	// Warning is shown before injection; usually empty.
	Warning string
}
