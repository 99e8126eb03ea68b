package chaosmesh

import (
	"strconv"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkLoss loses so many percent of the packets that the pods send, each
// by chance. TCP sends them again, so some requests take longer, and by how
// much is the kernel's affair: the effect must be said with SeenAs.
func (c *Cluster) NetworkLoss(pods faults.Pods, percent float64) *NetworkFault {
	text, err := percentage("loss", percent)
	return c.newNetwork(pods, packets(v1alpha1.LossAction, "lose", "loss", percent, err, v1alpha1.TcParameter{Loss: &v1alpha1.LossSpec{Loss: text}}))
}

// packets is what befalls single packets by chance.
func packets(does v1alpha1.NetworkChaosAction, verb, noun string, percent float64, err error, tc v1alpha1.TcParameter) *network {
	n := &network{
		does: does,
		text: verb + " " + strconv.FormatFloat(percent, 'f', -1, 64) + "% of the packets",
		tc:   tc,
		sees: func(signal string) ([]record.Effect, string, error) {
			return shapeless("the "+noun+" of packets", signal)
		},
	}
	if err != nil {
		n.errs = append(n.errs, err)
	}
	return n
}
