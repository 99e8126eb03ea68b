package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments"
)

// A kind is what differs between one kind of fault and another. Everything
// else, an object's whole life, is the same for all and in [Fault].
type kind interface {
	// action is Chaos Mesh's word for it; objects are named after it.
	action() string
	// verb is what it does to pods, for people.
	verb() string
	// object is the Chaos Mesh object, without defaults.
	object(meta metav1.ObjectMeta, pods v1alpha1.PodSelector, duration string) v1alpha1.InnerObject
	// list is an empty list of such objects.
	list() v1alpha1.GenericChaosList
	// effects are what must be seen for a verdict to be believed.
	effects() []experiments.Effect
	// shows reports whether a sight of a victim, or its deletion, proves that
	// the fault has taken effect on it. A kind whose effect is not visible on
	// the pod object always says no.
	shows(pod *corev1.Pod, deleted bool) bool
}
