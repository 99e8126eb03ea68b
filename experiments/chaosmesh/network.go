package chaosmesh

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// A Direction selects the affected packets between pods and others.
type Direction string

// The directions between Pods and To.
const (
	// Both: packets that the pods and the others send to each other. The default.
	Both Direction = "both"
	// Egress: packets that the pods send to the addresses of the others. Packets to the
	// address of a service do not match, because the node rewrites it to that of a pod
	// later (kube-proxy does): use Both or Ingress there, which match the replies.
	Egress Direction = "egress"
	// Ingress: packets that the others send to the pods. The fault then also touches those
	// of the others that run, because it disturbs what they send.
	Ingress Direction = "ingress"
)

// directions are Chaos Mesh's words for them, and those for people.
var directions = map[Direction]struct {
	chaos v1alpha1.Direction
	text  string
}{
	Both:    {v1alpha1.Both, " to and from the "},
	Egress:  {v1alpha1.To, " to the "},
	Ingress: {v1alpha1.From, " from the "},
}

// UnmarshalText reads "both", "egress" or "ingress".
func (d *Direction) UnmarshalText(text []byte) error {
	if _, known := directions[Direction(text)]; !known {
		return fmt.Errorf("no direction %q; directions: %s, %s, %s", text, Both, Egress, Ingress)
	}
	*d = Direction(text)
	return nil
}

// networkKinds are the kinds of faults that act on the network, by Chaos Mesh's action.
var networkKinds = map[v1alpha1.NetworkChaosAction]string{
	v1alpha1.DelayAction:     record.KindNetworkDelay,
	v1alpha1.LossAction:      record.KindNetworkLoss,
	v1alpha1.DuplicateAction: record.KindNetworkDuplicate,
	v1alpha1.CorruptAction:   record.KindNetworkCorrupt,
	v1alpha1.BandwidthAction: record.KindNetworkBandwidth,
	v1alpha1.PartitionAction: record.KindNetworkPartition,
}

// network has the common part of the network faults. They act in the pods' own
// network namespaces, on outgoing packets, so they hold on every node.
type network struct {
	pods      faults.Pods
	count     faults.Count
	to        faults.Pods
	direction Direction
	outside   []string
	device    string
	follow    bool
	declared  []record.Effect
}

// way is the direction in Chaos Mesh's terms.
func (n network) way(does v1alpha1.NetworkChaosAction) v1alpha1.Direction {
	switch {
	case !n.to.IsZero():
		return directions[cmp.Or(n.direction, Both)].chaos
	case does == v1alpha1.PartitionAction && len(n.outside) == 0:
		return v1alpha1.Both // cut off from everything
	}
	return v1alpha1.To
}

func (n network) wrong(does v1alpha1.NetworkChaosAction) field.ErrorList {
	errs := wrongHit(n.pods, cmp.Or(n.count, faults.All), n.declared)
	if !n.to.IsZero() {
		errs = append(errs, wrongPods("to", n.to)...)
	}
	direction := cmp.Or(n.direction, Both)
	switch _, known := directions[direction]; {
	case !known:
		errs = append(errs, field.NotSupported(at("direction"), n.direction, []Direction{Both, Egress, Ingress}))
	case n.direction != "" && n.to.IsZero():
		errs = append(errs, field.Forbidden(at("direction"), "a direction needs the other end: set to, or remove direction"))
	case !n.to.IsZero() && direction != Egress && len(n.outside) > 0 && does != v1alpha1.PartitionAction:
		errs = append(errs, field.Forbidden(at("outside"), "together with to it needs the direction egress, since packets from outside cannot be hit; or make two faults"))
	}
	for i, address := range n.outside {
		if address == "" {
			errs = append(errs, field.Required(at("outside").Index(i), "an address outside of the cluster"))
		}
	}
	return errs
}

// plan is the plan of a network fault.
func (n network) plan(does v1alpha1.NetworkChaosAction, verb string, tc v1alpha1.TcParameter, sees effects) plan {
	way := n.way(does)
	var peers []peer
	ends := slices.Clone(n.outside)
	if !n.to.IsZero() {
		ends = append([]string{n.to.String()}, ends...)
		verb += directions[cmp.Or(n.direction, Both)].text + n.to.String()
		peers = []peer{{Pods: n.to, count: faults.All, touched: touchesTarget(does, way)}}
	}
	if len(n.outside) > 0 {
		verb += " to " + strings.Join(n.outside, ", ")
	}
	return plan{
		does: networkKinds[does], ends: ends, action: "network-" + string(does), verb: verb + " for", kind: v1alpha1.KindNetworkChaos,
		pods: n.pods, count: cmp.Or(n.count, faults.All), follow: n.follow, peers: peers,
		object: func(s placement) (client.Object, error) {
			for _, pod := range s.pods {
				if pod.Spec.HostNetwork {
					return nil, faults.Refuse("pod %s is in its node's network, where Chaos Mesh injects nothing; narrow the selector", pod.Name)
				}
			}
			spec := v1alpha1.NetworkChaosSpec{
				PodSelector:     s.selector,
				Action:          does,
				Device:          n.device,
				Duration:        s.duration(),
				TcParameter:     *tc.DeepCopy(),
				Direction:       way,
				ExternalTargets: n.outside,
			}
			if !n.to.IsZero() {
				spec.Target = &v1alpha1.PodSelector{Mode: v1alpha1.AllMode, Selector: selectorSpec(n.to)}
			}
			return &v1alpha1.NetworkChaos{TypeMeta: typeMeta(v1alpha1.KindNetworkChaos), ObjectMeta: s.meta, Spec: spec}, nil
		},
		declared: n.declared, effects: sees,
	}
}

// touchesTarget reports whether the fault also acts in the targets. A partition
// drops packets on both sides whatever their direction; any other fault acts on
// the sender.
func touchesTarget(does v1alpha1.NetworkChaosAction, direction v1alpha1.Direction) bool {
	return does == v1alpha1.PartitionAction || (direction != v1alpha1.To && direction != "")
}

// oneUnit is a duration as one number of one unit: the CRD rejects "1m30s".
func oneUnit(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Millisecond, "ms"}, {time.Microsecond, "us"}} {
		if d%unit.size == 0 {
			return strconv.FormatInt(int64(d/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}

// wrongCorrelation accepts zero.
func wrongCorrelation(s Share) field.ErrorList {
	if s == 0 || s.some() {
		return nil
	}
	return field.ErrorList{field.Invalid(at("correlation"), s.String(), "must be from 0% to 100%")}
}

// correlation is in Chaos Mesh's terms, empty for its default.
func correlation(s Share) string {
	if s == 0 {
		return ""
	}
	return s.number()
}
