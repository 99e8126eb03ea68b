package main

import (
	"context"
	"errors"
	"fmt"
	osexec "os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
)

func with() *cobra.Command {
	return &cobra.Command{
		Use:   "with CONTROLLER... -- COMMAND [ARGUMENT...]",
		Short: "Run controllers of progressive delivery beside the lab while a command runs",
		Long: `With builds ` + strings.Join(lifecycle.Controllers(), " and ") + ` where the cache does not hold them, which takes minutes, and runs them in the lab's
network. It runs the command once they are ready, and exits as the command does.

Then it ends them and deletes their definitions, and with these all objects of their kinds. "lab down" ends them too.`,
		Example: `  lab with flagger -- sleep 1h
  lab with flagger argo-rollouts -- go run -C .. ./internal/progressive`,
		Args:      cobra.MinimumNArgs(1),
		ValidArgs: lifecycle.Controllers(),
		RunE: func(c *cobra.Command, args []string) error {
			at := c.ArgsLenAtDash()
			if at < 1 || at == len(args) {
				return fmt.Errorf("%w: want controllers, -- and a command: lab with flagger -- sleep 1h", lifecycle.ErrUsage)
			}
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, held := lock.Holder(l.Cache.Alive()); !held {
				return errDown
			}
			return l.With(c.Context(), args[:at], func(ctx context.Context) error {
				// In a group of its own: what "go run" starts must be asked to end too, and once.
				command := osexec.CommandContext(ctx, args[at], args[at+1:]...)
				command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
				command.WaitDelay = 5 * time.Minute // it may have faults to undo
				command.Stdout, command.Stderr = c.OutOrStdout(), c.ErrOrStderr()
				err := command.Run()
				if command.Process != nil {
					_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // what it started goes with it
				}
				if ended, ok := errors.AsType[*osexec.ExitError](err); ok && ended.Exited() {
					return exitError{args[at], ended.ExitCode()}
				}
				return err
			})
		},
	}
}

// exitError is the exit code of a command that With ran.
type exitError struct {
	command string
	code    int
}

func (e exitError) Error() string { return fmt.Sprintf("%s exited with %d", e.command, e.code) }
