package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2/types"
	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/suites"
)

// defaultConfig is the configuration that is read if none is named. If there
// is no such file that is an error: never a stand-in.
const defaultConfig = "aftershock.yaml"

func fileFlag(cmd *cobra.Command) *string {
	file := cmd.Flags().StringP("file", "f", defaultConfig, "the configuration")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	return file
}

// connect reads the configuration and connects to what it names.
func connect(file string) (*suites.Target, error) {
	config, err := suites.Load(file)
	if errors.Is(err, fs.ErrNotExist) && file == defaultConfig {
		return nil, usageError{errors.New("no configuration: there is no aftershock.yaml here; name one with -f FILE, or see \"aftershock demo\" for a first run without a cluster")}
	}
	if err != nil {
		return nil, usageError{err}
	}
	target, err := config.Connect()
	return target, asUsage(err)
}

// withTarget connects to what the configuration names, for as long as f takes.
func withTarget(file string, f func(*suites.Target) error) error {
	target, err := connect(file)
	if err != nil {
		return err
	}
	defer target.Close()
	return f(target)
}

// withService connects to what the configuration names, prints it, and reads from
// the cluster what the file does not say of its service, for as long as f takes.
func withService(ctx context.Context, out io.Writer, file string, f func(*suites.Target) error) error {
	return withTarget(file, func(target *suites.Target) error {
		fmt.Fprintf(out, "%s\n", target)
		if err := untouched(ctx, target.Read(ctx)); err != nil {
			return err
		}
		return f(target)
	})
}

// preflight checks the target for the experiments and prints what it found.
func preflight(ctx context.Context, out io.Writer, target *suites.Target, chosen []experiments.Experiment) error {
	return untouched(ctx, target.Preflight(ctx, chosen, func(what, found string) {
		fmt.Fprintf(out, "  ok  %s: %s\n", what, found)
	}))
}

// untouched is an error from before anything was touched, with its exit code.
func untouched(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, suites.ErrUnavailable):
		return unavailable{fmt.Errorf("preflight, nothing was touched:\n%w", err)}
	case err != nil:
		return usageError{fmt.Errorf("preflight, nothing was touched:\n%w", err)}
	}
	return nil
}

func runCommand() *cobra.Command {
	var labels, out string
	cmd := &cobra.Command{
		Use:   "run [EXPERIMENT...]",
		Short: "Run experiments on a cluster",
		Long: `Run checks the target (see preflight), then runs the standard suites on it, or
the experiments named ("aftershock preflight" lists their ids), one after the
other: it waits until the hypothesis is
good, injects the fault under load, undoes it, watches the recovery, and judges
the record. The first line says which cluster and which service are meant.

Stop it with ^C or SIGTERM: it undoes its faults first. If it is killed, the
cluster ends the faults at their deadlines, but for a bad image that is being
rolled out; "aftershock sweep" undoes all of them at once.

` + exitCodes,
		Example: `  aftershock run -f aftershock.yaml
  aftershock run -f aftershock.yaml --label-filter 'pods && !slow'
  aftershock run -f aftershock.yaml network/delay pods/kill-one`,
	}
	file := fileFlag(cmd)
	cmd.Flags().StringVar(&labels, "label-filter", "", "which experiments, in Ginkgo's language of label filters")
	cmd.Flags().StringVar(&out, "out", "runs", "directory for records and reports")
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		return withService(cmd.Context(), cmd.OutOrStdout(), *file, func(target *suites.Target) error {
			chosen, err := choose(suites.All(target), names, labels)
			if err != nil {
				return err
			}
			chosen = target.Controlled(chosen)
			if err := preflight(cmd.Context(), cmd.OutOrStdout(), target, chosen); err != nil {
				return err
			}
			return runAll(cmd.Context(), cmd.OutOrStdout(), out, chosen)
		})
	}
	return cmd
}

// choose selects experiments by name and by label.
func choose(all []experiments.Experiment, names []string, labels string) ([]experiments.Experiment, error) {
	matches := func([]string) bool { return true }
	if labels != "" {
		filter, err := types.ParseLabelFilter(labels)
		if err != nil {
			return nil, usageError{fmt.Errorf("--label-filter: %w", err)}
		}
		matches = filter
	}
	var known []string
	var chosen []experiments.Experiment
	for _, e := range all {
		known = append(known, fmt.Sprintf("%s (%s)", suites.ID(e), e.Name))
		named := slices.Contains(names, e.Name) || slices.Contains(names, suites.ID(e))
		if (len(names) == 0 || named) && matches(e.Labels) {
			chosen = append(chosen, e)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(all, func(e experiments.Experiment) bool { return e.Name == name || suites.ID(e) == name }) {
			return nil, usageError{fmt.Errorf("no experiment %q; experiments: %s", name, strings.Join(known, "; "))}
		}
	}
	if len(chosen) == 0 {
		return nil, usageError{fmt.Errorf("no experiment is left by --label-filter %q; experiments: %s", labels, strings.Join(known, "; "))}
	}
	return chosen, nil
}

// runAll runs the experiments. A failure of the harness ends it; a verdict
// does not.
func runAll(ctx context.Context, stdout io.Writer, out string, chosen []experiments.Experiment) error {
	r, err := newSession(out, stdout)
	if err != nil {
		return err
	}
	for _, e := range chosen {
		if _, err = r.carryOut(ctx, e); err != nil {
			break
		}
	}
	if err := errors.Join(err, r.finish()); err != nil {
		return err
	}
	return verdict(r.Reports...)
}

func preflightCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preflight",
		Short: "Say what would be hit, what is missing and what is refused; change nothing",
		Long: `Preflight reads the configuration, asks the cluster and Prometheus, and says what
a run would hit and everything that would stop it. What the file does not say of
the service (its selector, its container, its Service) is read from the cluster
and printed. It changes nothing.`,
		Example: `  aftershock preflight -f aftershock.yaml`,
		Args:    noArgs,
	}
	file := fileFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withService(cmd.Context(), cmd.OutOrStdout(), *file, func(target *suites.Target) error {
			return preflight(cmd.Context(), cmd.OutOrStdout(), target, suites.All(target))
		})
	}
	return cmd
}

func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Remove what any run left behind, and prove it",
		Long: `Sweep finds every fault of any run in the namespaces of the configuration, and
every Job of load workers in theirs, removes it, and looks again. It ends with 0 when nothing is left and with 5 when
something may be. A run that is still under way loses its faults too.`,
		Example: `  aftershock sweep -f aftershock.yaml`,
		Args:    noArgs,
	}
	file := fileFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withTarget(*file, func(target *suites.Target) error { return sweep(cmd.Context(), cmd.OutOrStdout(), target) })
	}
	return cmd
}

// sweep removes what is left and prints it.
func sweep(ctx context.Context, out io.Writer, target *suites.Target) error {
	fmt.Fprintf(out, "%s\n", target)
	removed, err := target.Sweep(ctx)
	for _, l := range removed {
		fmt.Fprintf(out, "  removed %s\n", l)
		for _, note := range l.Notes {
			fmt.Fprintf(out, "    %s\n", note)
		}
	}
	switch {
	case errors.Is(err, suites.ErrOtherCluster):
		return usageError{err}
	case err != nil:
		return fmt.Errorf("sweep: %w: %w", experiments.ErrLeftBehind, err)
	}
	fmt.Fprintf(out, "nothing is left in %s\n", strings.Join(target.Swept(), ", "))
	return nil
}
