package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
)

func catalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog [SUITE | SUITE/EXPERIMENT | SUITE/CHECK]",
		Short: "List the standard experiments and checks, or print one to copy",
		Long: `Catalog lists the standard experiments and checks, what each does, and what it needs
from a service. A service runs those that its suites select, as in
"suites: [pods, network/delay]"; an experiment whose needs are not met is skipped.

With a name it prints a suite, an experiment or a check as YAML, to copy into a
configuration and change. It needs no configuration and no cluster.`,
		Example: `  aftershock catalog
  aftershock catalog network/delay
  aftershock catalog pods
  aftershock catalog rollout/complete`,
		Args: takes(0, 1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return config.Catalogue().Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		catalogue := config.Catalogue()
		if len(args) == 0 {
			listCatalogue(cmd.OutOrStdout(), catalogue)
			return nil
		}
		text, err := catalogue.YAML(args[0])
		if err != nil {
			return usageError{err}
		}
		_, err = io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	return cmd
}

func listCatalogue(w io.Writer, c config.Catalog) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(cells ...string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	line("EXPERIMENT", "WHAT IT DOES", "NEEDS", "FAULTS")
	for _, e := range c.Experiments {
		line(e.ID, e.Title, orDash(strings.Join(e.Needs, ", ")), orDash(strings.Join(e.Faults, "; ")))
	}
	_ = table.Flush() // the reader may have gone
	line("\nCHECK", "OF", "GOOD", "LIMITS")
	for _, check := range c.Checks {
		line(check.ID, check.Signal, check.Good, strings.Join(check.Limits, "; "))
	}
	_ = table.Flush()
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
