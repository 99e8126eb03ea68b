package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkPartition drops all packets from and to the pods, the kubelet's probes
// included. Connections hang; they are not refused.
type NetworkPartition struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// To, Direction, Outside and Device are those of [NetworkDelay]. Default: the
	// pods are cut off from everything.
	To        faults.Pods `yaml:"-"`
	Direction Direction   `yaml:"direction"`
	Outside   []string    `yaml:"outside"`
	Device    string      `yaml:"device"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Signal is a signal of each target (see [record.TargetSignal]) that does not
	// rise above zero while the network is cut and does before and after:
	// successful calls per second from the pods to the others, for example. Default:
	// there is none, and effects must say what is to be seen. Example: calls.
	Signal string `yaml:"signal"`
	// Effects must be seen, in place of Signal. Without Signal and Effects the
	// verdict cannot be held.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f NetworkPartition) Validate() error {
	return wrong(f.network().wrong(v1alpha1.PartitionAction), wrongSignal(f.Signal, f.Effects))
}

func (f NetworkPartition) network() network {
	return network{pods: f.Pods, count: f.Count, to: f.To, direction: f.Direction, outside: f.Outside, device: f.Device, follow: f.Follow, declared: f.Effects}
}

func (f NetworkPartition) plan() plan {
	sees := undeclared("a cut network")
	if f.Signal != "" {
		sees = always(record.Effect{Signal: f.Signal, AtMost: new(float64)})
	}
	return f.network().plan(v1alpha1.PartitionAction, "cut the network", v1alpha1.TcParameter{}, sees)
}
