package main

import (
	"fmt"
	"log"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/guest"
	"github.com/aftershockhq/aftershock/lab/internal/host"
	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/place"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
)

// The commands that the lab starts itself with.

func supervisorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "supervise", Hidden: true, Short: "Hold the lab's namespaces, on the host",
		RunE: func(c *cobra.Command, _ []string) error {
			log.SetPrefix("lab supervise: ")
			cache, err := place.FromEnv()
			if err != nil {
				return err
			}
			return host.Supervise(c.Context(), cache)
		},
	}
}

func guestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "guest FOLDER NODES", Hidden: true, Short: "Be the control plane, in the lab's namespaces", Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			nodes, err := count(args[1])
			if err != nil {
				return err
			}
			return guest.Control(c.Context(), args[0], nodes)
		},
	}
}

func nodeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "node N", Hidden: true, Short: "Be a node, in the node's namespaces", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := count(args[0])
			if err != nil {
				return err
			}
			return guest.Node(c.Context(), n)
		},
	}
}

func count(arg string) (int, error) {
	n, err := strconv.Atoi(arg)
	if err != nil || n < 1 || n > plan.MaxNodes {
		return 0, fmt.Errorf("%w: %q is not a number from 1 to %d", lifecycle.ErrUsage, arg, plan.MaxNodes)
	}
	return n, nil
}
