package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/runs/audit"
)

func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Tell whether records were changed, removed or put in afterwards",
		Args:  cobra.ArbitraryArgs,
		RunE:  noCommand,
	}
	cmd.AddCommand(verifyCommand())
	return cmd
}

func verifyCommand() *cobra.Command {
	var head string
	cmd := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Compare records with the chain of their hashes",
		Long: `Verify compares the records in a directory of runs with their chain, the file
` + audit.File + ` there, to which each run appends the hashes of its records. It names
what was changed, is missing, was inserted, reordered or truncated, in the records
and in the chain. The log of a game day is chained with each of its lines. DIR is
the one that "run --out" names; default: runs.

It prints the head: the hash of the chain's last line. Keep it out of reach of all
who can write the directory: each run prints it, too, so that a pipeline's log has
it. With --head verify says whether all up to that line is still there. Without
it one thing cannot be seen: that the end of the chain was cut off together with
the records there, or that the chain was written anew as a whole.

A run that was killed is no tampering: its record is named as unfinished. Reports
are not chained; "aftershock report" makes them again from the records.

Exit codes:
  0  all is as it was chained
  1  something was changed, removed or inserted
  2  usage: there is no such directory
  3  unknown: there is no chain
  4  something cannot be read`,
		Example: `  aftershock audit verify
  aftershock audit verify runs --head 51a84e7b...`,
		Args: takes(0, 1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	cmd.Flags().StringVar(&head, "head", "", "the hash of the chain's last line, as it was printed before")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir := "runs"
		if len(args) > 0 {
			dir = args[0]
		}
		return verify(cmd.OutOrStdout(), dir, head)
	}
	return cmd
}

func verify(out io.Writer, dir, head string) error {
	found, err := audit.Verify(dir, head)
	switch {
	case errors.Is(err, audit.ErrNoChain):
		return unavailable{err}
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return usageError{err}
	case err != nil:
		return err
	}
	for _, note := range found.Notes {
		fmt.Fprintf(out, "  note  %s\n", note)
	}
	for _, f := range found.Findings {
		fmt.Fprintf(out, "  %s\n", f)
	}
	logs := ""
	if found.Logs > 0 {
		logs = " and " + counted(found.Logs, "log")
	}
	fmt.Fprintf(out, "%s; %s%s as chained; %s\n", counted(found.Lines, "line"), counted(found.Records, "record"), logs, counted(len(found.Findings), "finding"))
	switch {
	case head == "":
		fmt.Fprintln(out, "not told without --head: whether the chain's end was cut off with its records, or all of it was written anew")
	case found.Since > 0:
		fmt.Fprintf(out, "%d lines were added since that head\n", found.Since)
	}
	if found.Head != "" {
		fmt.Fprintf(out, "head %s\n", found.Head)
	}
	if len(found.Findings) > 0 {
		return errVerdict(exitBroken)
	}
	return nil
}
