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
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
