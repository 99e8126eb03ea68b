package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/place"
)

// Exit codes besides 0.
const (
	failure = 1 // it did not work, or something is not ready
	usage   = 2 // another command line would have worked
	isDown  = 3 // the lab is not up
)

// errDown is returned by commands that need the lab when it is not up.
var errDown = errors.New("the lab is not up: start it with lab up")

// errNotReady is returned by status when something is not ready.
var errNotReady = errors.New("not everything is ready")

// exec runs one command line.
func exec(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	root := &cobra.Command{
		Use:   "lab",
		Short: "A real Kubernetes with Chaos Mesh and Prometheus on this machine, isolated from it",
		Long: `Lab runs a real Kubernetes with Chaos Mesh, Prometheus and a service to experiment on, on one Linux machine with root.

Everything runs in namespaces and a cgroup of its own, uses addresses of 198.18.0.0/15 only and has no route out. The first
start builds Kubernetes from its Go modules, which takes about ten minutes on two cores; later starts take seconds.

Exit codes: 0 done, 1 failed or not ready, 2 wrong usage, 3 the lab is not up. "lab kubectl" exits as kubectl
does, and "lab with" as its command.`,
		Example: `  lab up                          bring it up, or see that it is
  lab up --nodes 2 --fresh        two nodes in two zones, an empty cluster
  lab status                      what runs, and what it costs
  lab deploy --defect one-replica break the service under test
  lab stop prometheus             take a component away
  lab down                        remove every trace`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fmt.Errorf("%w: %w", lifecycle.ErrUsage, err) })
	root.AddCommand(
		up(), down(), build(), status(), logs(), kubectl(), stop(), start(), deploy(), image(), with(), truth(), snapshot(),
		supervisorCommand(), guestCommand(), nodeCommand(),
	)
	for _, c := range root.Commands() {
		if c.Args == nil {
			c.Args = cobra.NoArgs
		}
		if check := c.Args; check != nil {
			c.Args = func(c *cobra.Command, args []string) error {
				if err := check(c, args); err != nil {
					return fmt.Errorf("%w: %w", lifecycle.ErrUsage, err)
				}
				return nil
			}
		}
	}
	return root.ExecuteContext(ctx)
}

// code says what went wrong and returns the exit code for it.
func code(err error, stderr io.Writer) int {
	var kubectl kubectlError
	var ended exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &kubectl):
		return kubectl.code // it has said what is wrong itself
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(stderr, "lab: interrupted: lab up goes on from here, lab down removes what there is")
		return failure
	}
	fmt.Fprintln(stderr, "lab:", strings.TrimPrefix(err.Error(), lifecycle.ErrUsage.Error()+": "))
	switch {
	case errors.Is(err, lifecycle.ErrUsage), strings.HasPrefix(err.Error(), "unknown command"):
		return usage
	case errors.Is(err, errDown):
		return isDown
	case errors.As(err, &ended):
		return ended.code
	}
	return failure
}

// here is the lab of this user, with this module's folder.
func here(c *cobra.Command) (lifecycle.Lab, error) {
	cache, err := place.FromEnv()
	if err != nil {
		return lifecycle.Lab{}, err
	}
	module, err := findModule()
	if err != nil {
		return lifecycle.Lab{}, err
	}
	return lifecycle.Lab{Cache: cache, Module: module, Out: c.ErrOrStderr()}, nil
}

// findModule finds the folder of the lab's go.mod: this one, one above, or "lab" in one of those.
func findModule() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		for _, candidate := range []string{dir, filepath.Join(dir, "lab")} {
			content, err := os.ReadFile(filepath.Join(candidate, "go.mod"))
			if err == nil && strings.HasPrefix(string(content), "module github.com/aftershockhq/aftershock/lab\n") {
				return candidate, nil
			}
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", fmt.Errorf("%w: not inside a checkout of aftershock: the lab is built from its folder lab", lifecycle.ErrUsage)
		}
		dir = above
	}
}
