package experiments

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends and returns the cause: for faults that
// poll.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return context.Cause(ctx) // nil unless it ended; both may be ready at once
}
