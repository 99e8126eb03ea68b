package chaosmesh

import (
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
)

// start runs do in a goroutine that wg waits for. A panic does not end the program, which
// has faults to undo: failed receives it as an error, like the one that do returns.
func start(wg *sync.WaitGroup, do func() error, failed func(error)) {
	wg.Go(func() {
		if err := experiments.CatchPanic(do); err != nil {
			failed(err)
		}
	})
}
