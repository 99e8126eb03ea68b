package chaosmesh

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// A NetworkFault is a fault in the network of pods. Its methods narrow it and
// return it; they come before those of [Fault]. It is in the pods' own network
// namespaces, on what they send, so it holds on every node.
//
// Without To, From or Both it concerns all traffic. All of the pods are hit
// unless Only says otherwise.
type NetworkFault struct {
	*Fault
	network *network
}

// newNetwork is a fault in the network of all of the pods.
func (c *Cluster) newNetwork(pods faults.Pods, n *network) *NetworkFault {
	n.direction = v1alpha1.To
	return &NetworkFault{Fault: c.fault(n, pods, faults.All), network: n}
}

// To narrows the fault to what the pods send to these, by the addresses of the
// pods. Where they are reached by the address of a service, which the node
// turns into that of a pod on the way (kube-proxy does), nothing that is sent
// matches: there, Both or From meet what comes back.
func (f *NetworkFault) To(pods faults.Pods) *NetworkFault { return f.toward(v1alpha1.To, pods) }

// From narrows the fault to what these send to the pods. Of these, the ones
// that run are touched, too: what they send is what suffers.
func (f *NetworkFault) From(pods faults.Pods) *NetworkFault { return f.toward(v1alpha1.From, pods) }

// Both narrows the fault to what the pods and these send to each other.
func (f *NetworkFault) Both(pods faults.Pods) *NetworkFault { return f.toward(v1alpha1.Both, pods) }

func (f *NetworkFault) toward(direction v1alpha1.Direction, pods faults.Pods) *NetworkFault {
	if f.network.peer != nil {
		f.network.wrong("two directions are asked for; use Both, or two faults")
	}
	f.network.direction, f.network.peer = direction, &pods
	return f
}

// Outside narrows the fault to what the pods send to addresses outside of the
// cluster: "203.0.113.7", "203.0.113.0/24", "203.0.113.7:5432" or a name, which
// Chaos Mesh's controller resolves once. IPv4 only.
func (f *NetworkFault) Outside(addresses ...string) *NetworkFault {
	if len(addresses) == 0 {
		f.network.wrong("no address outside; say which, or leave Outside out")
	}
	f.network.outside = append(f.network.outside, addresses...)
	return f
}

// Device is the network device of the pods. Default eth0.
func (f *NetworkFault) Device(name string) *NetworkFault {
	f.network.device = name
	return f
}

// Jitter lets a delay vary by so much to either side. It is shorter than the
// delay.
func (f *NetworkFault) Jitter(jitter time.Duration) *NetworkFault {
	n := f.network
	switch {
	case n.tc.Delay == nil:
		n.wrong("jitter is for a delay")
	case jitter <= 0 || jitter > n.latency:
		n.wrong("jitter %s; it is above zero and at most the delay of %s", jitter, n.latency)
	default:
		n.tc.Delay.Jitter = oneUnit(jitter)
		n.text += " ± " + jitter.String()
	}
	return f
}

// Correlation is how much, in percent, what befalls a packet depends on what
// befell the one before. Default 0.
func (f *NetworkFault) Correlation(percent float64) *NetworkFault {
	n := f.network
	text, err := percentage("correlation", percent)
	if err != nil {
		n.errs = append(n.errs, err)
		return f
	}
	switch {
	case n.tc.Delay != nil:
		n.tc.Delay.Correlation = text
	case n.tc.Loss != nil:
		n.tc.Loss.Correlation = text
	case n.tc.Duplicate != nil:
		n.tc.Duplicate.Correlation = text
	case n.tc.Corrupt != nil:
		n.tc.Corrupt.Correlation = text
	default:
		n.wrong("correlation is for a delay, loss, duplication or corruption")
	}
	return f
}

// network is the kind of all faults in the network; what differs is in its
// fields.
type network struct {
	plain
	does v1alpha1.NetworkChaosAction
	text string // for people
	tc   v1alpha1.TcParameter
	// sees are the effects; signal may be empty.
	sees    func(signal string) ([]record.Effect, string, error)
	latency time.Duration // of a delay

	direction v1alpha1.Direction
	peer      *faults.Pods
	outside   []string
	device    string
	errs      []error // what was asked for and makes no sense
}

func (n *network) wrong(format string, args ...any) {
	n.errs = append(n.errs, faults.Refuse(format, args...))
}

func (n *network) action() string { return "network-" + string(n.does) }

func (n *network) verb() string {
	text := n.text
	if n.peer != nil {
		text += map[v1alpha1.Direction]string{v1alpha1.To: " to the ", v1alpha1.From: " from the ", v1alpha1.Both: " to and from the "}[n.direction] + n.peer.String()
	}
	if len(n.outside) > 0 {
		text += " to " + strings.Join(n.outside, ", ")
	}
	return text + " for"
}

func (n *network) empty() client.Object { return &v1alpha1.NetworkChaos{} }

func (n *network) object(s site) (client.Object, error) {
	for _, pod := range s.pods {
		if pod.Spec.HostNetwork {
			return nil, faults.Refuse("pod %s is in its node's network, where Chaos Mesh injects nothing; narrow the selector", pod.Name)
		}
	}
	direction := n.direction
	if n.does == v1alpha1.PartitionAction && n.peer == nil && len(n.outside) == 0 {
		direction = v1alpha1.Both // cut off from everything
	}
	spec := v1alpha1.NetworkChaosSpec{
		PodSelector:     s.selector,
		Action:          n.does,
		Device:          n.device,
		Duration:        s.duration(),
		TcParameter:     n.tc,
		Direction:       direction,
		ExternalTargets: n.outside,
	}
	if n.peer != nil {
		spec.Target = &v1alpha1.PodSelector{Mode: v1alpha1.AllMode, Selector: selectorSpec(*n.peer)}
	}
	return &v1alpha1.NetworkChaos{
		TypeMeta:   typeMeta(v1alpha1.KindNetworkChaos),
		ObjectMeta: s.meta,
		Spec:       spec,
	}, errors.Join(n.errs...)
}

func (n *network) peers() []peer {
	if n.peer == nil {
		return nil
	}
	return []peer{{Pods: *n.peer, count: faults.All, touched: touchesTarget(n.does, n.direction)}}
}

// touchesTarget reports whether something happens in the targets, too. A
// partition drops packets on both sides whichever way they travel; anything
// else is where the packets are sent.
func touchesTarget(does v1alpha1.NetworkChaosAction, direction v1alpha1.Direction) bool {
	return does == v1alpha1.PartitionAction || (direction != v1alpha1.To && direction != "")
}

func (n *network) effects(signal string, _ []corev1.Pod) ([]record.Effect, string, error) {
	return n.sees(signal)
}

// oneUnit is a duration as one number of one unit: the CRD takes no "1m30s".
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

// percentage is above 0 and at most 100, as Chaos Mesh takes it.
func percentage(name string, percent float64) (string, error) {
	if !(percent > 0 && percent <= 100) {
		return "", faults.Refuse("%s of %v%%; it is above 0 and at most 100", name, percent)
	}
	return strconv.FormatFloat(percent, 'f', -1, 64), nil
}
