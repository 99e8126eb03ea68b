package main

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/cluster"
)

func kubectl() *cobra.Command {
	return &cobra.Command{
		Use:   "kubectl -- ARGUMENTS",
		Short: "Run kubectl, of the cluster's own version, against the lab",
		Example: `  lab kubectl -- get pods -A
  lab kubectl -- -n shop logs deploy/checkout -f`,
		Args:               cobra.ArbitraryArgs,
		DisableFlagParsing: true, // kubectl's flags are its own, with and without --
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return c.Help()
			}
			if len(args) > 0 && args[0] == "--" {
				args = args[1:]
			}
			l, err := here(c)
			if err != nil {
				return err
			}
			run := l.Cache.Run()
			if _, err := os.Stat(run.Kubeconfig()); err != nil {
				return errDown
			}
			args = append([]string{"--kubeconfig", run.Kubeconfig(), "--context", cluster.Context}, args...)
			k := osexec.CommandContext(c.Context(), run.Bin("kubectl"), args...)
			k.Stdin, k.Stdout, k.Stderr = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
			err = k.Run()
			var ended *osexec.ExitError
			if errors.As(err, &ended) && ended.Exited() {
				return kubectlError{ended.ExitCode()}
			}
			return err
		},
	}
}

// kubectlError is kubectl's own exit code.
type kubectlError struct{ code int }

func (e kubectlError) Error() string { return fmt.Sprintf("kubectl exited with %d", e.code) }
