package abort_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/aftershockhq/aftershock/experiments/abort"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// What a run of an experiment with these conditions does, and when it ends.
func ExampleConditions() {
	conditions := &abort.Conditions{Unless: []abort.Condition{
		{Name: "half of it is up", Signal: "replicas", Good: steadystate.AtLeast(0.5)},
	}}
	rec := record.NewRecorder(io.Discard)
	if err := conditions.Begin(context.Background(), rec); err != nil {
		fmt.Println(err)
		return
	}
	see := func(share float64) {
		rec.Observe("replicas", steadystate.Observation{Span: steadystate.Instant(time.Second), Value: share})
	}
	see(0.6)
	if err := conditions.Allow(context.Background(), time.Minute); err != nil {
		fmt.Println(err)
		return
	}
	see(0.3)
	fmt.Println(conditions.Watch(context.Background()))
	// Output: aborted: abort condition "half of it is up": replicas must be >= 0.5, seen 0.3 at 1.000s
}
