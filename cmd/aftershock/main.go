// Command aftershock puts a service to the test: it injects faults under load
// and says, with proof and with error bars, whether the service held.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/aftershockhq/aftershock/internal/bench"
)

func main() {
	if bench.IsService() {
		os.Exit(bench.Serve())
	}
	// A signal stops the run, which undoes its faults; a second one does not
	// cut the undoing short. A session that is dropped is such a signal too.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	// Without this a write to a reader that has gone (| head) would kill the
	// program, with its faults in place.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
