package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Kill is the fault that kills a service's process with kill -9. The bench
// starts the next one by itself, after Options.RestartAfter.
//
// Inject returns when the kernel has given the process back, and records an
// [record.EventGone] of "process/NAME" whose UID is the process's number;
// its span, and the injection's, begins before the signal was sent and ends
// when the process was reaped. When the next process has answered, an
// [record.EventReady] with that one's number is recorded, at once, also
// while the fault is held. A service without a process is the injection's
// failure reason; a service that the bench does not have is an error.
//
// Recover waits for the next process: there is nothing else to undo.
func (b *Bench) Kill(service string) experiments.Fault {
	return &kill{bench: b, service: service}
}

var (
	_ experiments.Targeter = (*kill)(nil)
	_ experiments.OneShot  = (*kill)(nil)
)

type kill struct {
	bench   *Bench
	service string

	mu     sync.Mutex
	victim *process  // killed and not yet recovered from; nil: none
	follow *follower // waits for the next process
}

// String says what is killed.
func (k *kill) String() string { return "kill -9 " + k.service }

// OneShot is true.
func (*kill) OneShot() bool { return true }

func (k *kill) subject() string { return "process/" + k.service }

// Targets is the process that runs now; none while it is being started again.
func (k *kill) Targets(context.Context) ([]record.Target, error) {
	s, err := k.bench.supervisor(k.service)
	if err != nil {
		return nil, err
	}
	p := s.running()
	if p == nil {
		return nil, nil
	}
	return []record.Target{{Name: k.service, UID: strconv.Itoa(p.pid())}}, nil
}

// Inject kills the process and returns when it is reaped.
func (k *kill) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	injection := record.Injection{OneShot: true, Span: steadystate.Instant(rec.Clock().Now())}
	s, err := k.bench.supervisor(k.service)
	if err != nil {
		return injection, err
	}
	if k.victim != nil {
		return injection, fmt.Errorf("process %d was killed and not recovered from: call Recover first", k.victim.pid())
	}
	p := s.running()
	if p == nil {
		injection.FailureReason = k.service + " has no process to kill: it is being started again"
		return injection, nil
	}
	switch err := p.kill(Killed); {
	case errors.Is(err, os.ErrProcessDone):
		injection.FailureReason = fmt.Sprintf("process %d of %s ended by itself before it could be killed", p.pid(), k.service)
		return injection, nil
	case err != nil:
		return injection, err
	}
	// From here on there is something to recover from.
	k.victim = p
	k.follow = k.bench.follow(s, p, k.subject(), rec)
	select {
	case <-p.gone:
	case <-ctx.Done():
		return injection, fmt.Errorf("wait for process %d of %s to be reaped: %w", p.pid(), k.service, context.Cause(ctx))
	}
	known := p.known()
	injection.Span = known.Gone.On(rec.Clock())
	if known.End != Killed {
		injection.FailureReason = fmt.Sprintf("process %d of %s ended by itself before the signal reached it", p.pid(), k.service)
		return injection, nil
	}
	uid := strconv.Itoa(p.pid())
	rec.Event(record.Event{Span: injection.Span, Kind: record.EventGone, Subject: k.subject(), UID: uid})
	injection.Targets = []record.Target{{Name: k.service, UID: uid}}
	injection.Effects = []record.Effect{{Event: record.EventGone}}
	return injection, nil
}

// Recover waits until the service has a process again, and returns when that
// one became ready.
func (k *kill) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := steadystate.Instant(rec.Clock().Now())
	if k.victim == nil {
		return now, nil
	}
	if k.follow == nil {
		// An earlier call gave up.
		s, err := k.bench.supervisor(k.service)
		if err != nil {
			return now, err
		}
		k.follow = k.bench.follow(s, k.victim, k.subject(), rec)
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
		return now, fmt.Errorf("%w; its process %d was killed and is not undone until the next one answers", f.err, k.victim.pid())
	}
	k.victim, k.follow = nil, nil
	return f.back.On(rec.Clock()), nil
}
