package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/shop"
)

func deploy() *cobra.Command {
	var name string
	var timeout time.Duration
	var names []string
	var defects strings.Builder
	for _, d := range shop.Defects() {
		names = append(names, string(d))
		fmt.Fprintf(&defects, "  %-24s  %s\n", d, d.Wrong())
	}
	c := &cobra.Command{
		Use:   "deploy",
		Short: "Deploy the service under test again, healthy or with a defect, and wait until it has settled",
		Long: `Deploy applies the service under test, checkout, payments and the ledger in the namespace shop, with one defect or none:

` + defects.String() + `
It has settled when the pods of the new deployment answer all requests and each order is paid, each pod of the ledger takes
traffic, the old pods have gone, Prometheus scrapes the new, and the autoscaler, where there is one, has its metric. The
harness's configuration is written anew.`,
		Example: `  lab deploy --defect no-graceful-shutdown
  lab deploy                              healthy again`,
		RunE: func(c *cobra.Command, _ []string) error {
			defect, err := shop.ParseDefect(name)
			if err != nil {
				return fmt.Errorf("%w: %w", lifecycle.ErrUsage, err)
			}
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, held := lock.Holder(l.Cache.Alive()); !held {
				return errDown
			}
			begin := time.Now()
			if err := l.Deploy(c.Context(), defect, timeout); err != nil {
				return fmt.Errorf("deploy with defect %s: %w", defect, err)
			}
			fmt.Fprintf(c.OutOrStdout(), "the shop is deployed with defect %s and has settled after %.1f s: %s\n",
				defect, time.Since(begin).Seconds(), shop.URL())
			return nil
		},
	}
	c.Flags().StringVar(&name, "defect", string(shop.None), "one of those above")
	c.Flags().DurationVar(&timeout, "timeout", 2*time.Minute, "how long to wait until it has settled")
	_ = c.RegisterFlagCompletionFunc("defect", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}
