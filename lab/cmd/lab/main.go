// Lab runs a real Kubernetes with Chaos Mesh, Prometheus and a service to experiment on, on this machine and isolated from it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(code(exec(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr))
}
