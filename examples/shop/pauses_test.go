package shop_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Pauses is a fault of our own: a process stands still for a moment again and
// again, as one does whose garbage collector stops the world.
type Pauses struct {
	local.Service // whose Validate and Targets are those of this fault
	Length, Every time.Duration

	stop context.CancelFunc // nil: not injected
	done chan error
}

// String says what the fault does, and to which target.
func (p *Pauses) String() string {
	return fmt.Sprintf("pause %s for %s every %s", p.Name, p.Length, p.Every)
}

// Inject returns when the first pause has begun.
func (p *Pauses) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	from := rec.Clock().Now()
	targets, err := p.Targets(ctx)
	if err != nil {
		return record.Injection{}, err
	}
	if len(targets) == 0 {
		return record.Injection{Span: steadystate.Instant(from), FailureReason: p.Name + " has no process"}, nil
	}
	ctx, p.stop = context.WithCancel(ctx)
	p.done = make(chan error, 1)
	begun := make(chan struct{}, 1)
	go func() { p.done <- experiments.CatchPanic(func() error { return p.pauses(ctx, begun) }) }()
	select {
	case <-begun:
	case err := <-p.done:
		p.done <- err // Recover waits for it too
		return record.Injection{}, err
	}
	return record.Injection{
		Targets: targets,
		Span:    steadystate.Span{From: from, To: rec.Clock().Now()},
		// The proof that it was there: of the requests that the target answers, one
		// in five takes at least 20 ms longer, and those of the others do not.
		Effects: []record.Effect{{Signal: record.TrafficSignal, Rise: 0.02, Quantile: 0.8}},
	}, nil
}

// pauses makes pauses until the context ends. Each is undone even if this program
// dies in the middle of it: that is what local.Pause sees to.
func (p *Pauses) pauses(ctx context.Context, begun chan<- struct{}) error {
	one, unread := local.Pause(p.Service), record.NewRecorder(io.Discard)
	for ctx.Err() == nil {
		_, err := one.Inject(ctx, unread)
		select {
		case begun <- struct{}{}:
		default:
		}
		_ = experiments.Wait(ctx, p.Length)
		_, undo := one.Recover(context.WithoutCancel(ctx), unread)
		if undo != nil || err != nil && ctx.Err() == nil { // of the pause that Recover ended
			return errors.Join(err, undo)
		}
		_ = experiments.Wait(ctx, p.Every-p.Length)
	}
	return nil
}

// Recover returns when the last pause is over.
func (p *Pauses) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	from := rec.Clock().Now()
	if p.stop == nil {
		return steadystate.Instant(from), nil
	}
	p.stop()
	p.stop = nil
	err := <-p.done
	return steadystate.Span{From: from, To: rec.Clock().Now()}, err
}
