package experiments

import (
	"fmt"
	"runtime/debug"
)

// CatchPanic calls f and turns a panic into an error, so that the rest of the
// run can undo its faults: for goroutines, which the run's own guard does not
// cover.
func CatchPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}
