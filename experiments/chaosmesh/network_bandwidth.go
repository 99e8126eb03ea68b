package chaosmesh

import (
	"math"
	"strconv"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkBandwidth limits the pods' outgoing bandwidth. Excess packets wait in
// a queue of a fifth of a second and are dropped beyond it.
type NetworkBandwidth struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Rate is the limit in bits per second, as in Kubernetes' own annotation
	// kubernetes.io/egress-bandwidth: 10M is ten megabits per second. Required.
	// Example: 10M.
	Rate resource.Quantity `yaml:"rate"`
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
func (f NetworkBandwidth) Validate() error {
	errs := f.network().wrong(v1alpha1.BandwidthAction)
	if f.Rate.Value() < 8 {
		errs = append(errs, field.Invalid(at("rate"), f.Rate.String(), "must be at least 8, which is one byte per second: the unit is bits per second, as in 10M"))
	}
	return wrong(errs)
}

func (f NetworkBandwidth) network() network {
	return network{pods: f.Pods, count: f.Count, to: f.To, direction: f.Direction, outside: f.Outside, device: f.Device, follow: f.Follow, declared: f.Effects}
}

func (f NetworkBandwidth) plan() plan {
	bits := f.Rate.Value()
	rate := strconv.FormatInt(bits, 10)
	return f.network().plan(v1alpha1.BandwidthAction, "limit to "+rate+" bit/s what is sent", v1alpha1.TcParameter{Bandwidth: &v1alpha1.BandwidthSpec{
		Rate:   rate + "bit",
		Limit:  atLeastPackets(10, bits/8/5),
		Buffer: atLeastPackets(2, bits/8/100),
	}}, undeclared("a narrow network"))
}

// packet is the largest frame of an Ethernet device, in bytes. A bucket smaller
// than one packet passes no traffic at all.
const packet = 1514

func atLeastPackets(n, bytes int64) uint32 {
	return uint32(min(max(n*packet, bytes), math.MaxUint32)) //nolint:gosec // bounded
}
