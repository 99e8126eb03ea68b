package experiments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// A Safeguard decides whether a run may begin, whether a fault may be injected,
// and whether the run may go on: a lock on the workload, a stop that a person
// sets, a condition under which the run is aborted.
//
// Each error ends the run, and its faults are undone. An [Ending] says that this
// is no failure of the harness.
type Safeguard interface {
	fmt.Stringer
	// Begin is called before the settle phase, in the order of the list; its error
	// keeps the run from beginning.
	Begin(ctx context.Context, rec *record.Recorder) error
	// Allow is asked right before each injection; its error keeps the fault from
	// being injected. lifetime is how long, at most, what is injected stays in
	// place without the harness.
	Allow(ctx context.Context, lifetime time.Duration) error
	// Watch returns an error once the run must not go on, and nil when ctx ends: once
	// every fault is undone, also of a run that was interrupted.
	Watch(ctx context.Context) error
	// End is called once every fault is undone, in reverse order, if Begin was
	// called, also where Begin failed. The run's own context may have ended; that of
	// End ends 30 s after the first of the ends has begun.
	End(ctx context.Context) error
}

// A Readier is a safeguard that may have to wait for something before an injection, such
// as for a pod to run. All are waited for before any safeguard is asked by Allow, so that
// what Allow decides is not decided before the wait.
type Readier interface {
	Safeguard
	// Ready is called before each injection and returns once nothing has to be waited
	// for; its error keeps the fault from being injected.
	Ready(ctx context.Context) error
}

// An Ending is the error of a safeguard that ends a run for a reason which is no
// failure of the harness: [record.Refused], [record.Stopped], [record.Aborted] or
// [record.Blind].
type Ending struct {
	Reason string
	Detail string // who or what, for people
}

// Error is "stopped: by ann, ...".
func (e Ending) Error() string { return e.Reason + ": " + e.Detail }

// endTimeout bounds the ends of all safeguards. The faults are gone then or will not go,
// and what safeguards leave expires, or is swept.
const endTimeout = 30 * time.Second

// begin begins the safeguards. The returned end ends those that were begun, and is
// never nil.
func (r *run) begin(ctx context.Context) (end func() error, err error) {
	var begun []Safeguard
	end = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		var errs []error
		for _, s := range slices.Backward(begun) {
			if err := CatchPanic(func() error { return s.End(ctx) }); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", s, err))
			}
		}
		return errors.Join(errs...)
	}
	for _, s := range r.Safeguards {
		begun = append(begun, s)
		if err := CatchPanic(func() error { return s.Begin(ctx, r.rec) }); err != nil {
			return end, fmt.Errorf("%s: %w", s, err)
		}
	}
	return end, nil
}

// watch starts the watches of the safeguards. The first error ends the run, ctx,
// through stop; one that comes when it has ended is a note. unwatched ends the
// watches and returns the errors.
func (r *run) watch(ctx context.Context, stop context.CancelCauseFunc) (unwatched func() []error) {
	watching, end := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, s := range r.Safeguards {
		wg.Go(func() {
			err := CatchPanic(func() error { return s.Watch(watching) })
			switch {
			case watching.Err() != nil && (err == nil || errors.Is(err, watching.Err())):
				return
			case err == nil:
				err = errors.New("it stopped watching")
			}
			err = fmt.Errorf("%s: %w", s, err)
			if ctx.Err() != nil {
				r.rec.Note("when the run had ended: %v", err)
				return
			}
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
			stop(err)
		})
	}
	return func() []error {
		end()
		wg.Wait()
		return errs
	}
}

// allow asks every safeguard whether a fault may be injected now, once all are ready.
func (r *run) allow(ctx context.Context, lifetime time.Duration) error {
	for _, s := range r.Safeguards {
		if waits, ok := s.(Readier); ok {
			if err := waits.Ready(ctx); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
	}
	for _, s := range r.Safeguards {
		if err := s.Allow(ctx, lifetime); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
