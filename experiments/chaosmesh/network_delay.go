package chaosmesh

import (
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkDelay delays every packet that the pods send by so much. A request on
// a new connection waits for two packets of the server's, its answer and the
// connection's, so it takes twice as long.
//
// The effect is that the requests that the targets answer take longer, by at
// least eight tenths of the delay; Seen names another signal, in seconds, that
// does.
func (c *Cluster) NetworkDelay(pods faults.Pods, latency time.Duration) *NetworkFault {
	n := &network{
		does:    v1alpha1.DelayAction,
		text:    "delay by " + latency.String(),
		latency: latency,
		tc:      v1alpha1.TcParameter{Delay: &v1alpha1.DelaySpec{Latency: oneUnit(latency)}},
		sees: func(signal string) ([]record.Effect, string, error) {
			if signal == "" {
				signal = record.TrafficSignal
			}
			return []record.Effect{{Signal: signal, Rise: 0.8 * latency.Seconds()}}, "", nil
		},
	}
	if latency <= 0 {
		n.wrong("delay of %s; it is above zero", latency)
	}
	return c.newNetwork(pods, n)
}
