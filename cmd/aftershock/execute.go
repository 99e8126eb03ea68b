package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aftershockhq/aftershock/internal/near"
	"github.com/aftershockhq/aftershock/internal/terminal"
)

// execute runs the command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if !terminal.Is(stdout) {
		stdout = lenient{stdout}
	}
	root := &cobra.Command{
		Use:   "aftershock",
		Short: "Test a service's resilience, with proof and error bars",
		Long: `Aftershock tests a hypothesis about a service: it injects faults while it drives
load, undoes them, and says with proof and error bars whether the hypothesis held.
Each run writes a record, which can be judged again at any time.

` + exitCodes,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	version := root.Flags().BoolP("version", "v", false, "version for aftershock")
	root.RunE = func(cmd *cobra.Command, args []string) error {
		if *version {
			_, err := io.WriteString(stdout, thisBuild().String())
			return err
		}
		return noCommand(cmd, args)
	}
	// Most arguments and flags are not files.
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		meant := ""
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
			var flags []string
			cmd.Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, f.Name) })
			meant = strings.Replace(near.Meant(unknown.GetSpecifiedName(), flags), `"`, `"--`, 1)
		}
		return usageError{fmt.Errorf("%w; see \"%s --help\"%s", err, cmd.CommandPath(), meant)}
	})
	root.AddCommand(demoCommand(), initCommand(), catalogCommand(), schemaCommand(), explainCommand(), calibrateCommand(), runCommand(), preflightCommand(), rbacCommand(), judgeCommand(), reportCommand(), diffCommand(), trendCommand(), gateCommand(), gamedayCommand(), noteCommand(), auditCommand(), sweepCommand(), stopCommand(), resumeCommand(), versionCommand(), loadWorkerCommand(), switchCommand())
	err := root.ExecuteContext(ctx)
	_, _ = io.WriteString(stderr, message(err))
	return exitCode(err)
}

// lenient writes until its reader has gone (| head), which is no reason to stop a run
// or to lose its verdict.
type lenient struct{ io.Writer }

func (l lenient) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// given is the writer that the program was given, for another program.
func given(w io.Writer) io.Writer {
	if l, ok := w.(lenient); ok {
		return l.Writer
	}
	return w
}

// noCommand refuses what names none of the command's own: nothing, or another name.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		_ = cmd.Help()
		return usageError{errors.New("no command given")}
	}
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return usageError{fmt.Errorf("unknown command %q; \"%s --help\" lists the commands%s", args[0], cmd.CommandPath(), near.Meant(args[0], names))}
}

// takes refuses fewer or more arguments than a command takes, as a usage error.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usageError{fmt.Errorf("an argument is missing; usage: %s", cmd.UseLine())}
		case len(args) > most:
			return usageError{fmt.Errorf("one argument too many: %q; usage: %s", args[most], cmd.UseLine())}
		}
		return nil
	}
}

// noArgs refuses arguments.
func noArgs(cmd *cobra.Command, args []string) error { return takes(0, 0)(cmd, args) }

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}
