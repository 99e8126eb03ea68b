package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/lock"
)

func stop() *cobra.Command {
	return component("stop", false, "Take a component away until it is started again",
		`Stop ends a component and keeps it from being started again, to see what happens without it. Stopping a node is pulling
its plug. "lab up" starts everything again.`,
		`  lab stop prometheus
  lab stop chaos-controller-manager
  lab stop node2`)
}

func start() *cobra.Command {
	return component("start", true, "Start a component that was stopped, and wait until it is ready",
		`Start starts a component that was stopped by name, and waits until it is ready.`,
		`  lab start prometheus
  lab start node1/kubelet`)
}

func component(verb string, wanted bool, short, long, example string) *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use: verb + " COMPONENT", Short: short, Long: long, Example: example,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			l, err := here(c)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			reports, _ := lifecycle.Reports(c.Context(), l.Cache.Run())
			var all []string
			for _, r := range reports {
				for _, s := range r.Components {
					all = append(all, lifecycle.Qualified(s))
				}
			}
			return all, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, held := lock.Holder(l.Cache.Alive()); !held {
				return errDown
			}
			ctx, cancel := context.WithTimeout(c.Context(), timeout)
			defer cancel()
			begin := time.Now()
			s, err := l.Want(ctx, args[0], wanted)
			if err != nil {
				return err
			}
			done := "stopped"
			if wanted {
				done = "ready"
			}
			fmt.Fprintf(c.OutOrStdout(), "%s is %s after %.1f s\n", lifecycle.Qualified(s), done, time.Since(begin).Seconds())
			return nil
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", time.Minute, "how long to wait")
	return c
}
