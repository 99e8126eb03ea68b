package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Kill returns the fault that kills the service's process with kill -9.
//
// Inject returns once the process has ended, and records a [record.EventGone] of
// "process/NAME" with the PID as its UID; its span, and the injection's, begins before the
// signal was sent. As soon as the service has its next process, and that is ready, a
// [record.EventReady] with the new PID is recorded. If the service has no process, the
// injection's failure reason says so.
//
// Recover calls [Service.Start], if it is set, and waits for the next process. Without a
// Start the fault is over at once.
func Kill(service Service) experiments.Fault {
	return &kill{Service: service, verb: "kill -9", signal: syscall.SIGKILL}
}

// Restart is like [Kill] but ends the process with SIGTERM, so that it may finish its
// requests. If it still runs after 30 s, Inject returns an error, because a kill is another
// fault; Recover then kills it before it starts the next one.
func Restart(service Service) experiments.Fault {
	return &kill{Service: service, verb: "restart", signal: syscall.SIGTERM}
}

// endsWithin is how long a process may take to end: as a pod's, see
// terminationGracePeriodSeconds.
const endsWithin = 30 * time.Second

var (
	_ experiments.Targeter  = (*kill)(nil)
	_ experiments.OneShot   = (*kill)(nil)
	_ experiments.Validator = (*kill)(nil)
)

type kill struct {
	Service
	verb   string
	signal syscall.Signal

	victim  Process   // signalled and not yet recovered from; nil: none
	runs    bool      // the victim was not seen to end
	start   bool      // Start is still to be called
	unready time.Time // when the next process was last seen not to be ready; at first that of the signal
	follow  *follower // waits for the next process; nil: the victim runs, or an earlier Recover gave up
}

// String says what is killed.
func (k *kill) String() string { return k.verb + " " + k.Name }

// OneShot reports whether the service is started again by others.
func (k *kill) OneShot() bool { return k.Start == nil }

// Inject ends the process and returns when it is gone.
func (k *kill) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	in := record.Injection{OneShot: k.OneShot(), ChangesPods: true, Span: steadystate.Instant(rec.Clock().Now())}
	if k.victim != nil {
		return in, fmt.Errorf("process %d was killed and not recovered from: call Recover first", k.victim.PID())
	}
	p, err := k.Find(ctx)
	if err != nil {
		return in, err
	}
	if p == nil {
		in.FailureReason = k.Name + " has no process to kill: " + noProcess
		return in, nil
	}
	early := fmt.Sprintf("process %d of %s ended by itself before it could be killed", p.PID(), k.Name)
	k.unready = time.Now()
	in.Span = steadystate.Instant(rec.Clock().Now())
	switch err := p.Signal(k.signal); {
	case errors.Is(err, os.ErrProcessDone):
		in.FailureReason = early
		return in, nil
	case err != nil:
		return in, fmt.Errorf("kill process %d of %s: %w", p.PID(), k.Name, err)
	}
	// From here on there is something to recover from.
	k.victim, k.start, k.runs = p, k.Start != nil, true
	bounded, cancel := context.WithTimeoutCause(ctx, endsWithin, fmt.Errorf("it still runs %s after the signal", endsWithin))
	defer cancel()
	err = p.Wait(bounded)
	in.To = rec.Clock().Now()
	if err == nil || errors.Is(err, os.ErrProcessDone) {
		k.runs = false
		k.follow = k.Service.follow(p, rec, &k.unready)
	}
	switch {
	case errors.Is(err, os.ErrProcessDone):
		in.FailureReason = early
		return in, nil
	case err != nil:
		return in, fmt.Errorf("wait for the end of process %d of %s: %w", p.PID(), k.Name, err)
	}
	gone := k.event(p, record.EventGone)
	gone.Span = in.Span
	rec.Event(gone)
	in.Targets = []record.Target{k.target(p)}
	in.Effects = []record.Effect{{Event: record.EventGone}}
	return in, nil
}

// Recover waits until the service has a process again, and returns when that one
// became ready.
func (k *kill) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	now := steadystate.Instant(rec.Clock().Now())
	if k.victim == nil {
		return now, nil
	}
	if k.runs {
		if err := k.end(ctx); err != nil {
			return now, fmt.Errorf("kill process %d of %s, which %s did not end: %w", k.victim.PID(), k.Name, k.verb, err)
		}
		k.runs = false
	}
	if k.start {
		if err := k.Start(ctx); err != nil {
			return now, fmt.Errorf("start %s again: %w", k.Name, err)
		}
		k.start = false
	}
	if k.follow == nil {
		k.follow = k.Service.follow(k.victim, rec, &k.unready)
	}
	f := k.follow
	select {
	case <-f.done:
	case <-ctx.Done():
		// Nothing may be recorded after the caller has gone on.
		f.cancel(context.Cause(ctx))
		<-f.done
	}
	if f.err != nil {
		k.follow = nil
		return now, fmt.Errorf("%w; its process %d was killed and is not undone until the next one answers", f.err, k.victim.PID())
	}
	k.victim, k.follow = nil, nil
	return f.back.On(rec.Clock()), nil
}

// end kills the victim.
func (k *kill) end(ctx context.Context) error {
	err := k.victim.Signal(syscall.SIGKILL)
	if err == nil {
		err = k.victim.Wait(ctx)
	}
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
