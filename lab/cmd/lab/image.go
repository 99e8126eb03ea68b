package main

import (
	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lock"
)

func image() *cobra.Command {
	return &cobra.Command{
		Use:   "image REFERENCE BINARY",
		Short: "Make an image of a static program, and bring it to the nodes of the lab that is up",
		Long: `Image makes an image whose only file is a static program, its entry point, and imports it into each node: there is no registry
in the lab. Pods name it by the reference. To do it again brings a new program under the old name, for pods that start from then
on. It is gone with the lab.`,
		Example: "  lab image docker.io/aftershock/aftershock:lab ../bin/aftershock",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			if _, held := lock.Holder(l.Cache.Alive()); !held {
				return errDown
			}
			return l.Image(c.Context(), args[0], args[1])
		},
	}
}
