package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// ErrLeftBehind is wrapped by the error of a run that could not show that its
// faults are gone: something may still be in place.
var ErrLeftBehind = errors.New("a fault may still be in place")

// Run carries the experiment out and records it. It returns when everything
// it started has stopped and every fault is undone, also when ctx ends first.
//
// The error is the harness's: ErrLeftBehind, the context's, that of a load or
// of writing the record. What the service did is in the record alone; an
// experiment that could not be carried out because the service was not steady
// or because a fault could not be shown to be in place is no error either: the
// record says so and cannot be judged as held.
func (e Experiment) Run(ctx context.Context, rec *record.Recorder) (err error) {
	if err := e.Validate(); err != nil {
		return err
	}
	e = e.withDefaults()
	rec.Record(record.Entry{Plan: e.plan()})
	if len(e.Environment) > 0 {
		rec.Record(record.Entry{Environment: e.Environment})
	}

	r := &run{Experiment: e, rec: rec, gate: judge.NewGate(e.Hypothesis.Checks, e.Settle)}
	rec.Tap(r.gate.See)
	end := record.End{Reason: record.Failed}
	defer func() {
		if err != nil {
			end.Detail = err.Error()
			if end.Reason == record.Completed {
				end.Reason = record.Failed // as it stopped: the last of the data may be missing
			}
			if ctx.Err() != nil && !errors.Is(err, ErrLeftBehind) {
				end.Reason = record.Interrupted
			}
		}
		rec.Flush()
		rec.Record(record.Entry{End: &end})
		err = errors.Join(err, rec.Err())
	}()

	// Whatever observes stops after the last phase, and is waited for.
	observing, stop := context.WithCancelCause(ctx)
	stopped := r.observe(observing, stop)
	defer func() {
		stop(nil)
		err = errors.Join(err, stopped())
	}()

	bounded, cancel := context.WithTimeoutCause(observing, e.Deadline, fmt.Errorf("the run's deadline of %s is over", e.Deadline))
	defer cancel()
	end, err = r.phases(bounded)
	return err
}

// run is a running experiment.
type run struct {
	Experiment
	rec  *record.Recorder
	gate *judge.Gate
}

// observe starts the load, the signals and the observers. One that fails ends
// the run through stop; stopped waits for all and returns their errors.
func (r *run) observe(ctx context.Context, stop context.CancelCauseFunc) (stopped func() error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	start := func(what string, f func() error) {
		wg.Go(func() {
			err := guard(f)
			if err == nil || (ctx.Err() != nil && errors.Is(err, ctx.Err())) {
				return
			}
			err = fmt.Errorf("%s: %w", what, err)
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
			stop(err)
		})
	}
	clock := r.rec.Clock()
	if load := r.Load; load != nil {
		if l, ok := load.(interface {
			Recorded(rec *record.Recorder) Load
		}); ok {
			load = l.Recorded(r.rec)
		}
		start("load", func() error {
			return load.Drive(ctx, clock, func(q record.Request) { r.rec.Request(cmp.Or(q.Signal, record.TrafficSignal), q) })
		})
	}
	for _, s := range r.Hypothesis.Signals {
		start("observe "+s.Name, func() error {
			return s.Source.Observe(ctx, clock, func(o steadystate.Observation) { r.rec.Observe(s.Name, o) })
		})
	}
	for _, o := range r.Observers {
		start("observe", func() error { return o.Observe(ctx, r.rec) })
	}
	return func() error {
		wg.Wait()
		return errors.Join(errs...)
	}
}

// guard turns a panic into an error, so that what else is running can undo
// its faults.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// phases goes through the phases. The context's end is an error, and undoing
// happens all the same.
func (r *run) phases(ctx context.Context) (end record.End, err error) {
	end.Reason = record.Failed
	r.phase(record.PhaseSettle)
	steady, err := r.settle(ctx)
	if err != nil {
		return end, err
	}
	if !steady {
		return record.End{Reason: record.NotSteady, Detail: r.gate.Unsteady(r.rec.Clock().Now(), r.Settle)}, nil
	}

	undone := false
	undo := func() error {
		if undone {
			return nil
		}
		undone = true
		return r.undo(ctx)
	}
	// Also when a phase panics or the context ends.
	defer func() {
		if !undone {
			r.phase(record.PhaseRecover)
		}
		err = errors.Join(err, undo())
	}()

	r.phase(record.PhaseInject)
	var shortfall string
	for _, f := range r.Faults {
		var injection record.Injection
		err := guard(func() (err error) {
			injection, err = f.Inject(ctx, r.rec)
			return err
		})
		if err != nil {
			return end, fmt.Errorf("inject %s: %w", f, err)
		}
		injection.Fault = f.String()
		r.rec.Record(record.Entry{Injection: &injection})
		if injection.Shortfall != "" {
			shortfall = fmt.Sprintf("%s: %s", f, injection.Shortfall)
			break
		}
	}
	if shortfall == "" {
		r.phase(record.PhaseHold)
		if err := r.wait(ctx, r.Hold); err != nil {
			return end, err
		}
	}
	r.phase(record.PhaseRecover)
	if err := undo(); err != nil {
		return end, err
	}
	if shortfall != "" {
		return record.End{Reason: record.NotInjected, Detail: shortfall}, nil
	}
	r.phase(record.PhaseWatch)
	if err := r.wait(ctx, r.Watch); err != nil {
		return end, err
	}
	return record.End{Reason: record.Completed}, nil
}

func (r *run) phase(name string) {
	r.rec.Flush()
	r.rec.Record(record.Entry{Phase: name})
}

// settle waits until the hypothesis has been good for the settle time.
func (r *run) settle(ctx context.Context) (steady bool, err error) {
	begin := r.rec.Clock().Now()
	for {
		now := r.rec.Clock().Now()
		if now-begin >= r.Settle && r.gate.Unsteady(now, r.Settle) == "" {
			return true, nil
		}
		if now-begin >= r.SettleTimeout {
			return false, nil
		}
		if err := r.wait(ctx, flushEvery); err != nil {
			return false, err
		}
	}
}

// flushEvery is how long a request may wait to be written while a run waits
// for something else.
const flushEvery = 200 * time.Millisecond

// wait waits, flushing the record as it goes.
func (r *run) wait(ctx context.Context, d time.Duration) error {
	until := r.rec.Clock().Now() + d
	for {
		left := until - r.rec.Clock().Now()
		if left <= 0 {
			return r.rec.Err()
		}
		timer := time.NewTimer(min(left, flushEvery))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
			r.rec.Flush()
		}
	}
}

// undo undoes all faults, in reverse order, on a context of its own: the run's
// may have ended. A fault that was never injected has nothing to undo.
func (r *run) undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.UndoTimeout)
	defer cancel()
	var errs []error
	for i := range r.Faults {
		f := r.Faults[len(r.Faults)-1-i]
		removal := record.Removal{Fault: f.String()}
		err := guard(func() (err error) {
			removal.Span, err = f.Recover(ctx, r.rec)
			return err
		})
		if err != nil {
			removal.Error = err.Error()
			errs = append(errs, fmt.Errorf("undo %s: %w: %w", f, ErrLeftBehind, err))
		}
		r.rec.Record(record.Entry{Removal: &removal})
	}
	return errors.Join(errs...)
}
