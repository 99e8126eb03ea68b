package chaosmesh

import (
	"math"
	"strconv"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkBandwidth lets the pods send only so many bits a second. What is too
// much waits in a queue of a fifth of a second and is lost beyond it. The
// effect must be said with SeenAs.
func (c *Cluster) NetworkBandwidth(pods faults.Pods, bitsPerSecond uint64) *NetworkFault {
	n := &network{
		does: v1alpha1.BandwidthAction,
		text: "limit to " + strconv.FormatUint(bitsPerSecond, 10) + " bit/s what is sent",
		tc: v1alpha1.TcParameter{Bandwidth: &v1alpha1.BandwidthSpec{
			Rate:   strconv.FormatUint(bitsPerSecond, 10) + "bit",
			Limit:  atLeastPackets(10, bitsPerSecond/8/5),
			Buffer: atLeastPackets(2, bitsPerSecond/8/100),
		}},
		sees: func(signal string) ([]record.Effect, string, error) {
			return shapeless("a narrow network", signal)
		},
	}
	if bitsPerSecond < 8 {
		n.wrong("%d bit/s; a byte a second is the least", bitsPerSecond)
	}
	return c.newNetwork(pods, n)
}

// packet is the largest frame of an Ethernet device, in bytes. A bucket that
// does not hold one lets nothing pass at all.
const packet = 1514

func atLeastPackets(n, bytes uint64) uint32 {
	return uint32(min(max(n*packet, bytes), math.MaxUint32)) //nolint:gosec // bounded
}
