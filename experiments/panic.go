package experiments

import (
	"fmt"
	"runtime/debug"

	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// CatchPanic calls f and turns a panic into an error, so that the rest of the
// run can undo its faults: for goroutines, which the run's own guard does not
// cover. URLs in the error, which libraries quote, are shown as [redact.URL] does.
func CatchPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %s\n%s", redact.Text(fmt.Sprint(p)), debug.Stack())
		}
	}()
	return redact.Error(f())
}
