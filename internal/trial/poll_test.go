package trial

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestAPollEndsWithTheLastLookThatHadItsTime(t *testing.T) {
	for _, row := range []struct {
		sentence string
		right    int           // which look has no error; zero: none has
		takes    time.Duration // each look, unless it has no more time
		want     string
		after    time.Duration
	}{
		{"the first look is right", 1, 0, "<nil>", 0},
		{"a later one is", 3, 0, "<nil>", 2 * time.Second},
		{"none is", 0, 0, "look 6 at 5s", 5500 * time.Millisecond},
		{"the last is cut short", 0, 3 * time.Second, "look 1 at 3s", 5500 * time.Millisecond},
		{"the first is", 0, time.Minute, "context deadline exceeded", 5500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			begun, n := time.Now(), 0
			err := Poll(t.Context(), time.Second, 5500*time.Millisecond, func(ctx context.Context) error {
				n++
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(row.takes):
				}
				if n == row.right {
					return nil
				}
				return fmt.Errorf("look %d at %s", n, time.Since(begun))
			})
			if got, took := fmt.Sprint(err), time.Since(begun); got != row.want || took != row.after {
				t.Errorf("%s: %s after %s, want %s after %s", row.sentence, got, took, row.want, row.after)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Poll(ctx, time.Minute, time.Minute, func(context.Context) error { return errors.New("no") }); err == nil {
		t.Error("want an error of a poll that was interrupted")
	}
}
