package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/suites"
)

func stopCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop runs: undo their faults, and let none begin",
		Long: `Stop ends runs on any machine and lets none begin until "aftershock resume": all runs,
those on a service, or one run. They undo their faults and exit with 4. It writes an
entry to the ConfigMap aftershock-stop in cluster.namespace, which every run watches,
and reads before each injection; a run that cannot read it injects nothing. Stop exits
once the entry is written. Without this program, kubectl does the same:

  kubectl create configmap aftershock-stop -n aftershock --from-literal=stop='{"all":true,"reason":"incident 42"}'

Only cluster and allow of the configuration must be valid, and the namespace and the
workload of a named service; mistakes elsewhere do not matter.

It exits with 0 if the runs are stopped, with 2 if the configuration is invalid or
this is another cluster, and with 4 if the stop could not be written.`,
		Example: `  aftershock stop -f aftershock.yaml --all --reason 'incident 42'
  aftershock stop -f aftershock.yaml --service checkout --reason 'sale' --until 2h
  aftershock stop -f aftershock.yaml --run 4f1c2a9d3b --reason 'wrong environment'
  aftershock stop -f aftershock.yaml --list`,
		Args: noArgs,
	}
	file := fileFlag(cmd)
	of := scopeFlags(cmd, file)
	var reason, until string
	var list bool
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the people whose runs are stopped (required)")
	cmd.Flags().StringVar(&until, "until", "", "when the stop ends by itself, as in 2h or 2026-12-01T08:00:00+01:00 (default: only by resume)")
	cmd.Flags().BoolVar(&list, "list", false, "print the current stops, and change nothing")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		now := time.Now()
		end, err := untilOf(until, now)
		switch {
		case list && (cmd.Flags().Changed("reason") || cmd.Flags().Changed("until") || *of != stop.Scope{}):
			return usageError{errors.New("--list takes no other flag but -f")}
		case list:
		case of.Validate() != nil:
			return usageError{errors.New("say what to stop: one of --all, --service NAME and --run ID")}
		case strings.TrimSpace(reason) == "":
			return usageError{errors.New("--reason is missing: it tells people why their runs were stopped")}
		case err != nil:
			return usageError{err}
		}
		return onStops(cmd, *file, func(ctx context.Context, out io.Writer, session *suites.Session) error {
			if list {
				return listStops(ctx, out, session)
			}
			set, err := session.Stop(ctx, *of, reason, end)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  stopped: %s\n  %s\n", set, set.Hint())
			return nil
		})
	}
	return cmd
}

func resumeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "resume",
		Short: "Remove stops, so that runs may begin again",
		Long: `Resume removes the stops that "aftershock stop" set with the same flag, including
those of other people, and prints them. Stops with another flag stay and are printed,
too: those of a service when all runs are resumed, for example. Stopped runs do not
continue; start them again. An entry that cannot be parsed stops all runs; --all
removes it.

It exits with 0 if none of these stops is left, even if there was none; with 2 if the
configuration is invalid or this is another cluster; and with 4 if a stop could not be
removed.`,
		Example: `  aftershock resume -f aftershock.yaml --all
  aftershock resume -f aftershock.yaml --service checkout`,
		Args: noArgs,
	}
	file := fileFlag(cmd)
	of := scopeFlags(cmd, file)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if of.Validate() != nil {
			return usageError{errors.New("say what to resume: one of --all, --service NAME and --run ID")}
		}
		return onStops(cmd, *file, func(ctx context.Context, out io.Writer, session *suites.Session) error {
			removed, err := session.Resume(ctx, *of)
			if err != nil {
				return err
			}
			for _, s := range removed {
				fmt.Fprintf(out, "  resumed: %s\n", s)
			}
			if len(removed) == 0 {
				fmt.Fprintf(out, "  nothing to resume: no stop of %s\n", *of)
			}
			return listStops(ctx, out, session)
		})
	}
	return cmd
}

// scopeFlags are the flags that say what is stopped.
func scopeFlags(cmd *cobra.Command, file *string) *stop.Scope {
	var of stop.Scope
	cmd.Flags().BoolVar(&of.All, "all", false, "all runs")
	cmd.Flags().StringVar(&of.Service, "service", "", "runs on this service of the configuration, or that touch it")
	cmd.Flags().StringVar(&of.Run, "run", "", "one run, by the ID in its record")
	completeFlag(cmd, "service", completeServices(file))
	return &of
}

// untilOf is the time that a duration from now or a time says; zero: none.
func untilOf(text string, now time.Time) (end time.Time, err error) {
	if text == "" {
		return end, nil
	}
	length, err := time.ParseDuration(text)
	if end = now.Add(length); err != nil {
		if end, err = time.Parse(time.RFC3339, text); err != nil {
			return end, fmt.Errorf("--until %q: want a duration or a time with its offset, as in 2h or 2026-12-01T08:00:00+01:00", text)
		}
	}
	if !end.After(now) {
		return end, fmt.Errorf("--until %s: want a time in the future", text)
	}
	return end, nil
}

// onStops runs f on the cluster of a configuration, which may have mistakes.
func onStops(cmd *cobra.Command, file string, f func(context.Context, io.Writer, *suites.Session) error) error {
	return connectedDespite(cmd, file, func(session *suites.Session) error {
		ctx, cancel := context.WithTimeout(cmd.Context(), time.Minute)
		defer cancel()
		err := f(ctx, cmd.OutOrStdout(), session)
		if errors.Is(err, suites.ErrOtherCluster) || errors.Is(err, suites.ErrNoService) {
			return usageError{err}
		}
		return err
	})
}

// listStops prints the stops that there are.
func listStops(ctx context.Context, out io.Writer, session *suites.Session) error {
	stops, err := session.Stops(ctx)
	for _, s := range stops {
		state := "in force"
		if !s.InForce(time.Now()) {
			state = "over"
		}
		fmt.Fprintf(out, "  %s: %s\n", state, s)
	}
	if err == nil && len(stops) == 0 {
		fmt.Fprintln(out, "  no stop is set")
	}
	return err
}
