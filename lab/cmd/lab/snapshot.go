package main

import (
	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/host"
)

func snapshot() *cobra.Command {
	return &cobra.Command{
		Use:   "snapshot",
		Short: "List what the lab could have left on this machine, to compare before and after",
		Long: `Snapshot lists processes, mounts, links, routes, packet filter rules, cgroups and kernel settings of the host, without what
differs from one moment to the next. Two snapshots of a host are equal when the lab left nothing.`,
		Example: `  lab snapshot > before
  lab up && lab down
  lab snapshot | diff before -`,
		RunE: func(c *cobra.Command, _ []string) error { return host.Snapshot(c.Context(), c.OutOrStdout()) },
	}
}
