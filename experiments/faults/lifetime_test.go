package faults_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

func TestWhatIsCreatedEndsByItself(t *testing.T) {
	for _, row := range []struct {
		sentence      string
		set, deadline time.Duration
		want          time.Duration
	}{
		{"after as long as is set, whatever the deadline", 5 * time.Minute, time.Hour, 5 * time.Minute},
		{"a grace after the deadline", 0, 20 * time.Minute, 20*time.Minute + experiments.Grace},
		{"a grace from now if that is over", 0, -time.Hour, experiments.Grace},
		{"without a deadline after what is said for that", 0, 0, 10 * time.Minute},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if row.deadline != 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, row.deadline)
					defer cancel()
				}
				if got := faults.Lifetime(ctx, row.set, 10*time.Minute); got != row.want {
					t.Errorf("after %s, want %s", got, row.want)
				}
				if got := (faults.Guard{Lifetime: row.set}).Expiry(ctx); got != row.want {
					t.Errorf("a fault after %s, want %s", got, row.want)
				}
			})
		})
	}
}
