package faults

import (
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
)

// Start starts a goroutine that wg waits for. A panic ends it and not the
// program, which has faults to undo: it is an error like any other, and failed
// takes it.
func Start(wg *sync.WaitGroup, do func() error, failed func(error)) {
	wg.Go(func() {
		if err := experiments.CatchPanic(do); err != nil {
			failed(err)
		}
	})
}
