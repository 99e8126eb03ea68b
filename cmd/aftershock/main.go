// Command aftershock puts a service to the test: it injects faults under load
// and says, with proof and with error bars, whether the service held.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // of freezes, where the machine has none

	"github.com/aftershockhq/aftershock/internal/bench"
)

func main() {
	if bench.IsService() {
		os.Exit(bench.Serve())
	}
	ctx, stop := signals()
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// signals is a context that a signal ends, so that the run undoes its faults. A
// second one does not cut the undoing short, but for that of a person: see
// [remainder.leaveTwice]. A session that is dropped is such a signal too.
func signals() (ctx context.Context, stop context.CancelFunc) {
	// Without this a write to a reader that has gone (| head) would kill the
	// program, with its faults in place.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}
