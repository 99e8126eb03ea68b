package chaosmesh

import (
	"slices"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// PodFailure makes pods fail in place for as long as the fault is held: the
// images of all their containers are replaced by one that does nothing, so the
// pod keeps its name, its node and its address and does not serve. Undone means
// that the images are back; how long the containers then take to serve is for
// the experiment to see.
//
// The effect is that each target is not ready. Chaos Mesh says "injected" as
// soon as the pod's specification is changed, seconds before the containers
// die, so the first sight of a dead one dates the injection.
func (c *Cluster) PodFailure(pods faults.Pods, count faults.Count) *Fault {
	return c.fault(podFailure{}, pods, count)
}

type podFailure struct{ plain }

func (podFailure) action() string { return string(v1alpha1.PodFailureAction) }

func (podFailure) verb() string { return "fail" }

func (podFailure) empty() client.Object { return &v1alpha1.PodChaos{} }

func (podFailure) object(s site) (client.Object, error) {
	return podChaos(s, v1alpha1.PodFailureAction, nil), nil
}

func (podFailure) effects(signal string, _ []corev1.Pod) ([]record.Effect, string, error) {
	return events(record.EventNotReady, signal)
}

// shows: the pod is not ready any more, or was not for a moment, since a
// container of it is another one.
func (podFailure) shows(before, pod *corev1.Pod, deleted bool) string {
	if deleted || !ready(before) || (ready(pod) && restarts(pod) <= restarts(before)) {
		return ""
	}
	return record.EventNotReady
}

func (podFailure) proof(p Patience) time.Duration { return max(p.Proof, kubeletProof) }

func (podFailure) early() bool { return true }

// kubeletProof is how long a kubelet may take to act on a pod and to say so.
const kubeletProof = 15 * time.Second

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// restarts is how often containers of these names, or without any all of the
// pod's, were started again.
func restarts(pod *corev1.Pod, names ...string) int32 {
	var n int32
	for _, c := range pod.Status.ContainerStatuses {
		if len(names) == 0 || slices.Contains(names, c.Name) {
			n += c.RestartCount
		}
	}
	return n
}
