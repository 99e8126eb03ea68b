package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments/workers"
)

func loadWorkerCommand() *cobra.Command {
	var run, listen string
	cmd := &cobra.Command{
		Use:   "load-worker",
		Short: "Drive a share of another program's load; the Job of load.workers runs it",
		Long: `Load-worker waits until its run sends it a share of a load, drives it, and sends back
the outcome of each request. The pods of load.workers run it; run it by hand only to
test an image.

It accepts only requests that carry its run's ID, takes one load, and exits when no
client has connected for three minutes, or shortly after its load is over. On SIGTERM
it ends the load after the requests in flight.`,
		Example: `  aftershock load-worker --run 4f1c2a9d3b --listen :8642`,
		Args:    noArgs,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if run == "" {
				return usageError{errors.New("--run is missing: the ID of its run")}
			}
			return loadWorker(cmd.Context(), cmd.OutOrStdout(), run, listen, os.Getenv("JOB_COMPLETION_INDEX"))
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "the ID of its run")
	cmd.Flags().StringVar(&listen, "listen", fmt.Sprintf(":%d", workers.Port), "address to listen on")
	return cmd
}

// loadWorker serves until its load is over. Its index is for the log alone:
// which share it drives it is told.
func loadWorker(ctx context.Context, out io.Writer, run, listen, index string) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", listen)
	if err != nil {
		return usageError{fmt.Errorf("listen: %w", err)}
	}
	if index != "" {
		index = " " + index
	}
	fmt.Fprintf(out, "load worker%s of run %s listens on %s\n", index, run, listener.Addr())
	return workers.Worker{Run: run}.Serve(ctx, listener)
}
