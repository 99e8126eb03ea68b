package suites

import (
	"time"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// network is the suite of what can happen to the network of the service.
var network = []standard{
	{
		id: "network/delay", name: "%s on a slow network", hold: 20 * time.Second,
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return chaosmesh.NetworkDelay{Pods: t.pods(), Latency: 200 * time.Millisecond, Jitter: 50 * time.Millisecond, Follow: follow}
		},
	},
	{
		id: "network/loss", name: "%s on a network that loses packets", hold: 30 * time.Second,
		held: func(t *Target, follow bool) chaosmesh.Spec {
			// Of one new connection in twenty the answer to the first packet is
			// lost, and is sent again after a second. What is lost later is
			// noticed sooner. The quantile leaves room for chance: of a thousand
			// answers 50 are slow, and 21 must be.
			return chaosmesh.NetworkLoss{
				Pods: t.pods(), Packets: 5 * chaosmesh.Percent, Follow: follow,
				Effects: []record.Effect{{Signal: record.TrafficSignal, Quantile: 0.98, Rise: 0.5}},
			}
		},
	},
	{
		id: "network/partition", name: "%s is cut off from its dependency", hold: 20 * time.Second, peer: true, signals: []string{SignalCalls},
		held: func(t *Target, follow bool) chaosmesh.Spec {
			peer := faults.Pods{Namespace: t.Dependency.Namespace, Selector: t.Dependency.Selector}
			return chaosmesh.NetworkPartition{Pods: t.pods(), To: peer, Follow: follow, Signal: SignalCalls}
		},
	},
}
