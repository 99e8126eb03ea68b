package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkDuplicate duplicates packets that the pods send.
type NetworkDuplicate struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Packets is the share of duplicated packets; each is chosen at random. Required.
	// Example: 5%.
	Packets Share `yaml:"packets"`
	// Correlation is how much the choice depends on the previous packet. Default:
	// 0%.
	Correlation Share `yaml:"correlation"`
	// To, Direction, Outside and Device are those of [NetworkDelay].
	To        faults.Pods `yaml:"-"`
	Direction Direction   `yaml:"direction"`
	Outside   []string    `yaml:"outside"`
	Device    string      `yaml:"device"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Effects must be seen. There is no default, and without them the verdict
	// cannot be held.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f NetworkDuplicate) Validate() error { return packets(f).validate(v1alpha1.DuplicateAction) }

func (f NetworkDuplicate) plan() plan {
	return packets(f).plan(v1alpha1.DuplicateAction, "duplicate", "duplication", v1alpha1.TcParameter{Duplicate: &v1alpha1.DuplicateSpec{
		Duplicate:   f.Packets.number(),
		Correlation: correlation(f.Correlation),
	}})
}
