package bench

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aftershockhq/aftershock/record"
)

// A follower waits for the successor of a victim and records it.
type follower struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has ended
	back   Moment
	err    error
}

// follow starts a follower. It ends when the service is back, when it is
// cancelled, or with the bench, which waits for it.
func (b *Bench) follow(s *supervisor, victim *process, subject string, rec *record.Recorder) *follower {
	ctx, cancel := context.WithCancelCause(context.Background())
	f := &follower{cancel: cancel, done: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopping {
		cancel(nil)
		f.err = fmt.Errorf("wait for %s to be back: %w", s.service, errStopped)
		close(f.done)
		return f
	}
	b.wg.Go(func() {
		defer close(f.done)
		defer cancel(nil)
		next, err := s.after(ctx, victim)
		if err != nil {
			f.err = err
			return
		}
		known := next.known()
		f.back = known.Ready
		rec.Event(record.Event{
			Span:    known.Ready.On(rec.Clock()),
			Kind:    record.EventReady,
			Subject: subject,
			UID:     strconv.Itoa(known.PID),
		})
	})
	return f
}
