package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func down() *cobra.Command {
	var purge bool
	c := &cobra.Command{
		Use:   "down",
		Short: "End the lab and remove every trace of it",
		Long: `Down ends all processes of the lab and removes its link, cgroups and data. What was built stays in the cache, so that the
next start is quick; --purge-cache removes that too. Debian packages that the lab installed stay installed.`,
		Example: `  lab down
  lab down --purge-cache`,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			begin := time.Now()
			there, err := l.Down(c.Context(), purge)
			if err != nil {
				return err
			}
			if !there {
				fmt.Fprintln(c.OutOrStdout(), "The lab was not up.")
				return nil
			}
			fmt.Fprintf(c.OutOrStdout(), "The lab is down, after %.1f s.\n", time.Since(begin).Seconds())
			return nil
		},
	}
	c.Flags().BoolVar(&purge, "purge-cache", false, "remove what was built, too")
	return c
}
