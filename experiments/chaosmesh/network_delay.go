package chaosmesh

import (
	"cmp"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// NetworkDelay delays every packet that the pods send. A request on a new
// connection waits for two packets of the server, the connection's SYN-ACK and
// the answer, so it takes twice as long.
type NetworkDelay struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Latency is the delay of each packet. Required. Example: 200ms.
	Latency time.Duration `yaml:"latency"`
	// Jitter is how much the delay varies to either side; at most Latency. Default:
	// not at all. Example: 50ms.
	Jitter time.Duration `yaml:"jitter"`
	// Correlation is how much the delay of a packet depends on that of the
	// previous one. Default: 0%.
	Correlation Share `yaml:"correlation"`
	// To narrows the fault to the packets between the pods and these, in the
	// Direction. Default: all packets.
	To faults.Pods `yaml:"-"`
	// Direction selects packets between the pods and the others: both, egress, those
	// that the pods send, or ingress, those that they are sent. Packets to the address of a
	// service are met by both and ingress only. Default: both.
	Direction Direction `yaml:"direction"`
	// Outside narrows the fault to packets that the pods send to addresses
	// outside the cluster: an address, a range, an address with a port, or a name,
	// which Chaos Mesh's controller resolves once. IPv4 only. Example:
	// [203.0.113.0/24, "203.0.113.7:5432"].
	Outside []string `yaml:"outside"`
	// Device is the network device of the pods. Default: eth0.
	Device string `yaml:"device"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Signal is the signal of each target (see [record.TargetSignal]), in
	// seconds, that rises by at least eight tenths of Latency. Default: the
	// requests that the targets answer.
	Signal string `yaml:"signal"`
	// Effects must be seen, in place of Signal.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f NetworkDelay) Validate() error {
	errs := append(f.network().wrong(v1alpha1.DelayAction), wrongCorrelation(f.Correlation)...)
	switch {
	case f.Latency <= 0:
		errs = append(errs, field.Invalid(at("latency"), f.Latency.String(), "must be above zero, as in 100ms"))
	case f.Jitter < 0 || f.Jitter > f.Latency:
		errs = append(errs, field.Invalid(at("jitter"), f.Jitter.String(), "must be from zero to the latency, which is "+f.Latency.String()))
	}
	return wrong(errs, wrongSignal(f.Signal, f.Effects))
}

func (f NetworkDelay) network() network {
	return network{pods: f.Pods, count: f.Count, to: f.To, direction: f.Direction, outside: f.Outside, device: f.Device, follow: f.Follow, declared: f.Effects}
}

func (f NetworkDelay) plan() plan {
	verb := "delay by " + f.Latency.String()
	delay := &v1alpha1.DelaySpec{Latency: oneUnit(f.Latency), Correlation: correlation(f.Correlation)}
	if f.Jitter > 0 {
		verb += " ± " + f.Jitter.String()
		delay.Jitter = oneUnit(f.Jitter)
	}
	effect := record.Effect{Signal: cmp.Or(f.Signal, record.TrafficSignal), Rise: 0.8 * f.Latency.Seconds()}
	return f.network().plan(v1alpha1.DelayAction, verb, v1alpha1.TcParameter{Delay: delay}, always(effect))
}
