package experiments

import (
	"context"
	"time"
)

// Wait waits for d, or until ctx ends and returns why: for faults, which wait
// for what they look for.
func Wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return context.Cause(ctx) // nil unless it ended; both may be ready at once
}
