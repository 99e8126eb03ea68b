package chaosmesh

import (
	"math"
	"slices"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// stressChaos makes objects that use up resources from inside the containers'
// control groups: it counts as a container's own use and against its limits. It
// refuses pods that lack one of the containers.
func stressChaos(s placement, c containers, stressors v1alpha1.Stressors) (client.Object, error) {
	return &v1alpha1.StressChaos{
		TypeMeta:   typeMeta(v1alpha1.KindStressChaos),
		ObjectMeta: s.meta,
		Spec: v1alpha1.StressChaosSpec{
			ContainerSelector: v1alpha1.ContainerSelector{PodSelector: s.selector, ContainerNames: c},
			Stressors:         &stressors,
			Duration:          s.duration(),
		},
	}, have(s.pods, c)
}

// containers are the names of the stressed containers; none: the first of each
// pod.
type containers []string

// of returns the stressed containers of a pod.
func (c containers) of(pod corev1.Pod) []corev1.Container {
	if len(c) == 0 {
		return pod.Spec.Containers[:min(1, len(pod.Spec.Containers))]
	}
	return slices.DeleteFunc(slices.Clone(pod.Spec.Containers), func(own corev1.Container) bool {
		return !slices.Contains(c, own.Name)
	})
}

// least is the stress in the pod where it is lowest: amount in each stressed
// container, or the container's limit if that is lower.
func (c containers) least(pods []corev1.Pod, of corev1.ResourceName, amount float64) float64 {
	least := math.Inf(1)
	for _, pod := range pods {
		used := 0.0
		for _, own := range c.of(pod) {
			limit, limited := own.Resources.Limits[of]
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
