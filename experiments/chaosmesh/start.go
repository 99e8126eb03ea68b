package chaosmesh

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// start starts a goroutine that wg waits for. A panic ends it and not the
// program, which has faults to undo: it is an error like any other, and failed
// takes it.
func start(wg *sync.WaitGroup, do func() error, failed func(error)) {
	wg.Go(func() {
		err := func() (err error) {
			defer func() {
				if p := recover(); p != nil {
					err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
				}
			}()
			return do()
		}()
		if err != nil {
			failed(err)
		}
	})
}
