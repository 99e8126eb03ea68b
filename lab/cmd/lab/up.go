package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/lab/internal/lifecycle"
	"github.com/aftershockhq/aftershock/lab/internal/plan"
	"github.com/aftershockhq/aftershock/lab/shop"
)

func up() *cobra.Command {
	var o lifecycle.Options
	c := &cobra.Command{
		Use:   "up",
		Short: "Bring the lab up, or see that it is up and ready",
		Long: `Up brings the lab up and waits until it is usable: nodes ready, the service under test answering from each of its pods,
Prometheus scraping, Chaos Mesh accepting experiments.

What is missing on the machine is installed with apt-get, and Kubernetes is built if it is not in the cache. If the lab is up
already, it only checks that all is ready, and starts again what was stopped. If an earlier attempt left something half done or
broken, that is removed first. The cluster of a lab that was killed is used again.`,
		Example: `  lab up
  lab up --nodes 2
  lab up --fresh              begin with an empty cluster`,
		RunE: func(c *cobra.Command, _ []string) error {
			l, err := here(c)
			if err != nil {
				return err
			}
			s, err := l.Up(c.Context(), o)
			if err != nil {
				return err
			}
			summarise(c.OutOrStdout(), s)
			return nil
		},
	}
	c.Flags().IntVar(&o.Nodes, "nodes", 0, "how many nodes, each in a zone of its own: 1 or 2 (default: as many as there are, or 1)")
	c.Flags().BoolVar(&o.Fresh, "fresh", false, "begin with an empty cluster, even if one is running")
	c.Flags().DurationVar(&o.Timeout, "timeout", 3*time.Minute, "how long the start may take; building is not counted")
	return c
}

func summarise(w io.Writer, s lifecycle.Summary) {
	how := fmt.Sprintf("The lab is up: %d node(s), ready after %.1f s.", s.Nodes, s.Took.Seconds())
	if s.Already {
		how = fmt.Sprintf("The lab is already up: %d node(s), all ready.", s.Nodes)
	}
	if s.Defect != shop.None {
		how += fmt.Sprintf(" Checkout is deployed with the defect %s.", s.Defect)
	}
	fmt.Fprintf(w, `%s

  API         %s
  checkout    %s
  Prometheus  %s
  kubeconfig  %s
  harness     %s
  truth       %s

%sNext: make e2e
`, how, plan.API, shop.URL(), plan.Prometheus, s.Kubeconfig, s.Configuration, s.Truth, emulation(s.Netem))
}

// emulation says of which nodes the faults of the network are emulated; "" is none.
func emulation(netem map[string]string) string {
	var nodes []string
	for node, kind := range netem {
		if kind == plan.NetemEmulated {
			nodes = append(nodes, node)
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	slices.Sort(nodes)
	return fmt.Sprintf(`Delay and loss of packets are EMULATED in user space on %s: the kernel has no netem. Delay, jitter and loss work; duplicate,
corrupt, reorder and a rate within netem are refused. The nodes say so in their annotation %s.

`, strings.Join(nodes, ", "), plan.NetemAnnotation)
}
