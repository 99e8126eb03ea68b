package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// NetworkCorrupt flips a bit in so many percent of the packets that the pods
// send, each by chance. Checksums find most of them, which are then lost. The
// effect must be said with SeenAs.
func (c *Cluster) NetworkCorrupt(pods faults.Pods, percent float64) *NetworkFault {
	text, err := percentage("corruption", percent)
	return c.newNetwork(pods, packets(v1alpha1.CorruptAction, "corrupt", "corruption", percent, err, v1alpha1.TcParameter{Corrupt: &v1alpha1.CorruptSpec{Corrupt: text}}))
}
