package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// A Service runs as one process of this machine at a time.
type Service struct {
	// Name is the name in the backend header of the service's answers. Events in the
	// record have the subject "process/NAME". Required.
	Name string
	// Find returns the service's current process, or nil if it has none: [PIDFile], [PID],
	// or a function of your own that calls [Find]. Required.
	Find func(ctx context.Context) (Process, error)
	// Ready returns an error that says why a process does not serve yet. Default: a
	// process serves as soon as it is found.
	Ready func(ctx context.Context, p Process) error
	// Start starts the service again when the fault is undone. Default: a supervisor
	// restarts it as soon as it has ended, so a kill is over at once.
	Start func(ctx context.Context) error
	// Next waits for the process that follows the one that is gone, and returns it with
	// the moment at which it became ready. Default: it calls Find and Ready every 5 ms.
	Next func(ctx context.Context, gone Process) (Process, Moment, error)
}

// Validate reports what is missing.
func (s Service) Validate() error {
	var errs []error
	if s.Name == "" {
		errs = append(errs, errors.New("a service needs a Name: that in the backend header of its answers"))
	}
	if s.Find == nil {
		errs = append(errs, fmt.Errorf("service %q needs Find: local.PIDFile or local.PID", s.Name))
	}
	return errors.Join(errs...)
}

// Targets returns the service's process, or nothing while it has none.
func (s Service) Targets(ctx context.Context) ([]record.Target, error) {
	p, err := s.Find(ctx)
	if p == nil || err != nil {
		return nil, err
	}
	return []record.Target{s.target(p)}, nil
}

func (s Service) target(p Process) record.Target {
	return record.Target{Name: s.Name, UID: strconv.Itoa(p.PID())}
}

// event is one of a process of the service.
func (s Service) event(p Process, kind string) record.Event {
	return record.Event{Kind: kind, Subject: "process/" + s.Name, UID: strconv.Itoa(p.PID())}
}

// nextEvery is how often the default of Next looks.
const nextEvery = 5 * time.Millisecond

// noProcess is why a service has none, as far as it is known.
const noProcess = "it does not run now, or Find looks elsewhere, as in another PID file"

// next is the process that follows. It notes when that one was last seen not to be
// there, or not to be ready.
func (s Service) next(ctx context.Context, gone Process, unready *time.Time) (Process, Moment, error) {
	if s.Next != nil {
		return s.Next(ctx, gone)
	}
	for {
		now := time.Now()
		p, why := s.Find(ctx)
		known := why == nil
		switch {
		case !known:
		case p == nil:
			why = errors.New(noProcess)
		case p.PID() == gone.PID():
			why = fmt.Errorf("its process is still %d", gone.PID())
		case s.Ready != nil:
			why = s.Ready(ctx, p)
		}
		if why == nil {
			return p, Moment{From: *unready, To: time.Now()}, nil
		}
		if known && ctx.Err() == nil {
			*unready = now // at some instant since
		}
		if err := experiments.Wait(ctx, nextEvery); err != nil {
			return nil, Moment{}, fmt.Errorf("wait for %s to be back: %w; %w", s.Name, err, why)
		}
	}
}

// A follower waits for the process that follows a killed one and records when it
// became ready, at once, also while the fault is held.
type follower struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended
	back   Moment
	err    error
}

func (s Service) follow(gone Process, rec *record.Recorder, unready *time.Time) *follower {
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &follower{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		defer cancel(nil)
		f.err = experiments.CatchPanic(func() error {
			next, back, err := s.next(ctx, gone, unready)
			if err != nil {
				return err
			}
			f.back = back
			e := s.event(next, record.EventReady)
			e.Span = back.On(rec.Clock())
			rec.Event(e)
			return nil
		})
	}()
	return f
}
