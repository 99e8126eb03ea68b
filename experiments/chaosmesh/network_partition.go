package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkPartition drops what the pods send and are sent: to the pods or
// addresses that To, From, Both or Outside name, or to and from everything, the
// kubelet's probes among them. Connections hang, they are not refused.
//
// The effect needs a signal, named with Seen, that does not rise above zero
// while the network is cut and does before and after: successful calls a
// second from the pods to the others, for instance.
func (c *Cluster) NetworkPartition(pods faults.Pods) *NetworkFault {
	return c.newNetwork(pods, &network{
		does: v1alpha1.PartitionAction,
		text: "cut the network",
		sees: func(signal string) ([]record.Effect, string, error) {
			if signal == "" {
				return nil, unnamed("a cut network"), nil
			}
			return []record.Effect{{Signal: signal, AtMost: new(float64)}}, "", nil
		},
	})
}
