package faults

import (
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
)

// Start starts a goroutine that wg waits for. A panic ends it but not the
// program, which has faults to undo: failed receives it like any other error.
func Start(wg *sync.WaitGroup, do func() error, failed func(error)) {
	wg.Go(func() {
		if err := experiments.CatchPanic(do); err != nil {
			failed(err)
		}
	})
}
