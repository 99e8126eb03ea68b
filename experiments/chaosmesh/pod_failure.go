package chaosmesh

import (
	"slices"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// PodFailure makes pods fail in place while the fault is held: the images of
// all their containers are replaced by one that does nothing, so the pod keeps
// its name, its node and its address but does not serve. It is undone once the
// images are restored; the experiment observes how long the containers then
// take to serve.
//
// Chaos Mesh reports "injected" as soon as the pod's specification is changed,
// seconds before the containers die, so the first sight of a dead one dates the
// injection.
type PodFailure struct {
	// Pods selects the possible targets, Count says how many are hit.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Effects must be seen. Default: each target is not ready.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f PodFailure) Validate() error { return wrong(wrongHit(f.Pods, f.Count, f.Effects)) }

func (f PodFailure) plan() plan {
	return plan{
		does: record.KindPodFailure, action: string(v1alpha1.PodFailureAction), verb: "fail", kind: v1alpha1.KindPodChaos,
		pods: f.Pods, count: f.Count, follow: f.Follow,
		object:   podChaos(v1alpha1.PodFailureAction, nil),
		declared: f.Effects, effects: always(record.Effect{Event: record.EventNotReady}),
		sight: sight{shows: unready, proof: kubeletProof, early: true},
	}
}

// unready: the pod is no longer ready, or was unready for a moment, since one
// of its containers was replaced.
func unready(before, pod *corev1.Pod, deleted bool) string {
	if deleted || !kube.PodReady(before) || (kube.PodReady(pod) && restarts(pod) <= restarts(before)) {
		return ""
	}
	return record.EventNotReady
}

// kubeletProof is how long a kubelet may take to act on a pod and to report it.
const kubeletProof = 15 * time.Second

// restarts counts the restarts of the named containers, by default of all of
// the pod.
func restarts(pod *corev1.Pod, names ...string) int32 {
	var n int32
	for _, c := range pod.Status.ContainerStatuses {
		if len(names) == 0 || slices.Contains(names, c.Name) {
			n += c.RestartCount
		}
	}
	return n
}
