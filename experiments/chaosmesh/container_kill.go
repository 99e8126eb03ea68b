package chaosmesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// ContainerKill kills containers of pods, as a crash of the program would. The
// kubelet restarts them in the same pod. It is a one-shot fault.
type ContainerKill struct {
	// Pods selects the possible targets, Count says how many are hit.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Containers are the names of the containers to kill; at least one is needed,
	// and every pod must have them all.
	Containers []string `yaml:"containers"`
	// Effects must be seen. Default: each of the containers of each target is
	// restarted.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f ContainerKill) Validate() error {
	errs := append(wrongHit(f.Pods, f.Count, f.Effects), wrongContainers(f.Containers)...)
	if len(f.Containers) == 0 {
		errs = append(errs, field.Required(at("containers"), "no container; say which ones by their names"))
	}
	return wrong(errs)
}

func (f ContainerKill) plan() plan {
	var effects []record.Effect
	for _, name := range f.Containers {
		effects = append(effects, record.Effect{Event: record.EventRestarted, Container: name})
	}
	return plan{
		does: record.KindContainerKill, action: string(v1alpha1.ContainerKillAction), verb: fmt.Sprintf("kill container %s of", strings.Join(f.Containers, ", ")),
		kind: v1alpha1.KindPodChaos,
		pods: f.Pods, count: f.Count,
		object:   podChaos(v1alpha1.ContainerKillAction, f.Containers),
		declared: f.Effects, effects: always(effects...),
		sight: sight{shows: f.restarted, within: f.Containers, proof: kubeletProof},
	}
}

// restarted: each of the containers was replaced. A different container that
// crashes by itself proves nothing.
func (f ContainerKill) restarted(before, pod *corev1.Pod, deleted bool) string {
	same := func(name string) bool { return restarts(pod, name) <= restarts(before, name) }
	if deleted || slices.ContainsFunc(f.Containers, same) || restarts(pod) <= restarts(before) {
		return ""
	}
	return record.EventRestarted
}

// have refuses pods that lack one of the containers: Chaos Mesh would silently
// skip it.
func have(pods []corev1.Pod, containers []string) error {
	for _, pod := range pods {
		var names []string
		for _, c := range pod.Spec.Containers {
			names = append(names, c.Name)
		}
		for _, name := range containers {
			if !slices.Contains(names, name) {
				return faults.Refuse("pod %s has no container %q; it has %s", pod.Name, name, strings.Join(names, ", "))
			}
		}
	}
	return nil
}
