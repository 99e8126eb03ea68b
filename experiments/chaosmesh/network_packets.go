package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// packets are the faults that hit single packets at random: [NetworkLoss],
// [NetworkDuplicate] and [NetworkCorrupt] have these fields.
type packets struct {
	Pods        faults.Pods
	Count       faults.Count
	Packets     Share
	Correlation Share
	To          faults.Pods
	Direction   Direction
	Outside     []string
	Device      string
	Follow      bool
	Effects     []record.Effect
}

func (f packets) validate(does v1alpha1.NetworkChaosAction) error {
	errs := append(f.network().wrong(does), wrongCorrelation(f.Correlation)...)
	if !f.Packets.some() {
		errs = append(errs, field.Invalid(at("packets"), f.Packets.String(), "must be above 0% and at most 100%"))
	}
	return wrong(errs)
}

func (f packets) network() network {
	return network{pods: f.Pods, count: f.Count, to: f.To, direction: f.Direction, outside: f.Outside, device: f.Device, follow: f.Follow, declared: f.Effects}
}

func (f packets) plan(does v1alpha1.NetworkChaosAction, verb, noun string, tc v1alpha1.TcParameter) plan {
	return f.network().plan(does, verb+" "+f.Packets.String()+" of the packets", tc, undeclared("the "+noun+" of packets"))
}
