package chaosmesh

import (
	"slices"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// PodFailure makes pods fail in place for as long as the fault is held: the
// images of all their containers are replaced by one that does nothing, so the
// pod keeps its name, its node and its address and does not serve. Undone means
// that the images are back; how long the containers then take to serve is for
// the experiment to see.
//
// Chaos Mesh says "injected" as soon as the pod's specification is changed,
// seconds before the containers die, so the first sight of a dead one dates the
// injection.
type PodFailure struct {
	// Pods and Count say which pods are hit, and how many of them.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Follow hits pods that appear while the fault is held, too; see [Fault].
	Follow bool `yaml:"follow"`
	// Effects are what must be seen. Default: each target is not ready.
	Effects []record.Effect `yaml:"effects"`
}

// Validate names the fields that are wrong.
func (f PodFailure) Validate() error { return wrong(wrongHit(f.Pods, f.Count, f.Effects)) }

func (f PodFailure) plan() plan {
	return plan{
		action: string(v1alpha1.PodFailureAction), verb: "fail", kind: v1alpha1.KindPodChaos,
		pods: f.Pods, count: f.Count, follow: f.Follow,
		object:   podChaos(v1alpha1.PodFailureAction, nil),
		declared: f.Effects, effects: always(record.Effect{Event: record.EventNotReady}),
		sight: sight{shows: unready, proof: kubeletProof, early: true},
	}
}

// unready: the pod is not ready any more, or was not for a moment, since a
// container of it is another one.
func unready(before, pod *corev1.Pod, deleted bool) string {
	if deleted || !ready(before) || (ready(pod) && restarts(pod) <= restarts(before)) {
		return ""
	}
	return record.EventNotReady
}

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
