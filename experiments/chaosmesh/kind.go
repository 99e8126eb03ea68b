package chaosmesh

import (
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// A kind is what differs between one kind of fault and another. Everything
// else, an object's whole life, is the same for all and in [Fault].
type kind interface {
	// action is Chaos Mesh's word for it; objects are named after it.
	action() string
	// verb is what it does to pods, for people.
	verb() string
	// object is the Chaos Mesh object, without defaults. The error says what
	// was asked for and makes no sense on these pods.
	object(s site) (client.Object, error)
	// empty is an object of the type, with nothing in it.
	empty() client.Object
	// peers are further pods that the object names.
	peers() []peer
	visibility
}

// A visibility is what can be seen of a kind of fault.
type visibility interface {
	// effects are what must be seen for a verdict to be believed; signal is
	// the one that the user named, if any. Without effects unprovable says why
	// and what to do.
	effects(signal string, pods []corev1.Pod) (effects []record.Effect, unprovable string, err error)
	// shows is the kind of event that a sight of a victim, or its deletion,
	// proves: the fault has taken effect on it. Empty: nothing is proven.
	shows(before, pod *corev1.Pod, deleted bool) string
	// within are the containers that it is proven of; none: of the pod.
	within() []string
	// proof is how long to wait, once Chaos Mesh says that it injected, for
	// the victims to show it. Zero: their objects show nothing.
	proof(p Patience) time.Duration
	// early: Chaos Mesh says that it injected before the fault is there, so
	// that only the victims can date it.
	early() bool
}

// A site is where and for how long an object acts.
type site struct {
	meta     metav1.ObjectMeta
	selector v1alpha1.PodSelector
	lifetime time.Duration
	// pods run and match.
	pods []corev1.Pod
}

// duration is the lifetime as Chaos Mesh takes it.
func (s site) duration() *string {
	text := s.lifetime.String()
	return &text
}

// A peer is pods that an object names, mostly beside those that it is about.
type peer struct {
	faults.Pods
	// touched: something happens to them, too.
	touched bool
	// count of them; more than there are is refused.
	count faults.Count
	// hit: they are targets like the others.
	hit bool
}

// plain is a kind without peers whose effect is not visible on the pod object.
type plain struct{}

func (plain) peers() []peer { return nil }

func (plain) shows(_, _ *corev1.Pod, _ bool) string { return "" }

func (plain) within() []string { return nil }

func (plain) proof(Patience) time.Duration { return 0 }

func (plain) early() bool { return false }

// typeMeta is that of a kind of Chaos Mesh's.
func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: kind}
}
