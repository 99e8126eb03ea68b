package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// NetworkDuplicate sends so many percent of the packets that the pods send
// twice, each by chance. The effect must be said with SeenAs.
func (c *Cluster) NetworkDuplicate(pods faults.Pods, percent float64) *NetworkFault {
	text, err := percentage("duplication", percent)
	return c.newNetwork(pods, packets(v1alpha1.DuplicateAction, "duplicate", "duplication", percent, err, v1alpha1.TcParameter{Duplicate: &v1alpha1.DuplicateSpec{Duplicate: text}}))
}
