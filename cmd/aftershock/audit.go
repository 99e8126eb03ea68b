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
		Short: "Check whether records were changed, removed or added afterwards",
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
		Short: "Check records against their hash chain",
		Long: `Verify checks the records in a directory of runs against their hash chain, the file
` + audit.File + ` there, to which each run appends the hashes of its records. It names
what was changed, is missing, was inserted, reordered or truncated, in the records
and in the chain. The log of a game day is chained line by line. DIR is the directory
of "run --out"; default: runs.

It prints the head: the hash of the chain's last line. Keep it where people who can
write to the directory cannot change it; each run prints it, too, so that a pipeline's
log has it. With --head, verify says whether everything up to that line is unchanged.
Without it, it cannot detect that the end of the chain was cut off together with its
records, or that the whole chain was rewritten.

A killed run is not tampering: its record is listed as unfinished. Reports are not
chained; "aftershock report" generates them from the records.

Exit codes:
  0  everything is as chained
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
	cmd.Flags().StringVar(&head, "head", "", "the hash of the chain's last line, as a run printed it")
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
	case err != nil && len(found.Findings) == 0:
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
		fmt.Fprintln(out, "unknown without --head: whether the end of the chain was cut off with its records, or the whole chain was rewritten")
	case found.Since > 0:
		fmt.Fprintf(out, "%d lines were added since that head\n", found.Since)
	}
	if found.Head != "" {
		fmt.Fprintf(out, "head %s\n", found.Head)
	}
	if len(found.Findings) > 0 {
		return errors.Join(errVerdict(exitBroken), err)
	}
	return nil
}
