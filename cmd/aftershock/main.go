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
	// The first signal stops the run, which undoes its faults; a second one
	// does not cut the undoing short.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
