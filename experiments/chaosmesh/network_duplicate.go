package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkDuplicate sends packets that the pods send twice.
type NetworkDuplicate struct {
	// Pods and Count say which pods are hit, and how many of them. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Packets is the share of the packets that are sent twice, each by chance.
	Packets Share `yaml:"packets"`
	// Correlation is how much that depends on the packet before. Default 0.
	Correlation Share `yaml:"correlation"`
	// To, Direction, Outside and Device are those of [NetworkDelay].
	To        faults.Pods `yaml:"-"`
	Direction Direction   `yaml:"direction"`
	Outside   []string    `yaml:"outside"`
	Device    string      `yaml:"device"`
	// Follow hits pods that appear while the fault is held, too; see [Fault].
	Follow bool `yaml:"follow"`
	// Effects are what must be seen. There is no default, and without them no
	// verdict can be held.
	Effects []record.Effect `yaml:"effects"`
}

// Validate names the fields that are wrong.
func (f NetworkDuplicate) Validate() error { return packets(f).validate(v1alpha1.DuplicateAction) }

func (f NetworkDuplicate) plan() plan {
	return packets(f).plan(v1alpha1.DuplicateAction, "duplicate", "duplication", v1alpha1.TcParameter{Duplicate: &v1alpha1.DuplicateSpec{
		Duplicate:   f.Packets.number(),
		Correlation: correlation(f.Correlation),
	}})
}
