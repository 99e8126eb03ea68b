package chaosmesh

import (
	"errors"
	"math"
	"slices"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// A StressFault burns what a container may use, from inside its control group:
// it counts as the container's own use and against its limits. Its methods
// come before those of [Fault]. All of the pods are hit unless Only says
// otherwise.
//
// A container that restarts meanwhile is free of the stress, and Chaos Mesh
// does not notice.
type StressFault struct {
	*Fault
	stress *stress
}

func (c *Cluster) newStress(pods faults.Pods, k kind, s *stress) *StressFault {
	return &StressFault{Fault: c.fault(k, pods, faults.All), stress: s}
}

// Containers are those that are stressed. Default: the first of each pod.
func (f *StressFault) Containers(names ...string) *StressFault {
	f.stress.containers = names
	return f
}

// stress is what the kinds of stress have in common.
type stress struct {
	plain
	containers []string
	errs       []error
}

func (s *stress) wrong(format string, args ...any) {
	s.errs = append(s.errs, faults.Refuse(format, args...))
}

func (s *stress) empty() client.Object { return &v1alpha1.StressChaos{} }

func (s *stress) place(at site, stressors v1alpha1.Stressors) (client.Object, error) {
	return &v1alpha1.StressChaos{
		TypeMeta:   typeMeta(v1alpha1.KindStressChaos),
		ObjectMeta: at.meta,
		Spec: v1alpha1.StressChaosSpec{
			ContainerSelector: v1alpha1.ContainerSelector{PodSelector: at.selector, ContainerNames: s.containers},
			Stressors:         &stressors,
			Duration:          at.duration(),
		},
	}, errors.Join(append(s.errs, have(at.pods, s.containers))...)
}

// stressed are the containers of a pod that are stressed.
func (s *stress) stressed(pod corev1.Pod) []corev1.Container {
	if len(s.containers) == 0 {
		return pod.Spec.Containers[:min(1, len(pod.Spec.Containers))]
	}
	return slices.DeleteFunc(slices.Clone(pod.Spec.Containers), func(c corev1.Container) bool {
		return !slices.Contains(s.containers, c.Name)
	})
}

// least is what the stress uses in the pod where it can use least: amount in
// each stressed container, or the container's limit if that is lower.
func (s *stress) least(pods []corev1.Pod, of corev1.ResourceName, amount float64) float64 {
	least := math.Inf(1)
	for _, pod := range pods {
		used := 0.0
		for _, c := range s.stressed(pod) {
			limit, limited := c.Resources.Limits[of]
			if limited && !limit.IsZero() {
				used += min(amount, limit.AsApproximateFloat64())
			} else {
				used += amount
			}
		}
		least = min(least, used)
	}
	if math.IsInf(least, 1) {
		return amount
	}
	return least
}
