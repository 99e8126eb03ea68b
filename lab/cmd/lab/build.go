package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func build() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build what the lab runs, without starting it",
		Long: `Build installs what is missing on the machine and builds what is not in the cache: what lab up does first. A pipeline can run it
apart, and keep the cache.`,
		Example: "  lab build",
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			built, err := l.Build(c.Context())
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "%d products are in the cache %s\n", len(built), l.Cache.Built())
			}
			return err
		},
	}
}
