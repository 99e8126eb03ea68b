package chaosmesh

import (
	"context"
	"fmt"
	"maps"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
)

// Pods are the running pods of one namespace that have all the labels. Neither
// may be empty.
type Pods struct {
	Namespace string
	Selector  map[string]string
}

// String is "pods app=checkout in shop".
func (p Pods) String() string {
	return fmt.Sprintf("pods %s in %s", labels.FormatLabels(p.Selector), p.Namespace)
}

// list lists the pods that match now, in whatever state they are.
func (p Pods) list(ctx context.Context, c client.Reader) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := c.List(ctx, &list, client.InNamespace(p.Namespace), client.MatchingLabels(p.Selector)); err != nil {
		return nil, fmt.Errorf("list %s: %w", p, err)
	}
	return list.Items, nil
}

// running are the pods that a fault can take something away from: those that
// run and are not on their way out.
func running(pods []corev1.Pod) []experiments.Target {
	var targets []experiments.Target
	for _, pod := range pods {
		if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
			targets = append(targets, experiments.Target{Name: pod.Name, UID: string(pod.UID)})
		}
	}
	return targets
}

// selector is the pods and how many of them as Chaos Mesh takes it.
func (p Pods) selector(asked int) v1alpha1.PodSelector {
	mode, value := mode(asked)
	return v1alpha1.PodSelector{
		Mode:  mode,
		Value: value,
		Selector: v1alpha1.PodSelectorSpec{
			GenericSelectorSpec: v1alpha1.GenericSelectorSpec{
				// Without it Chaos Mesh would select in every namespace where
				// its webhooks are not registered.
				Namespaces:     []string{p.Namespace},
				LabelSelectors: maps.Clone(p.Selector),
			},
			// Without it pods that are pending or done are selected too.
			PodPhaseSelectors: []string{string(corev1.PodRunning)},
		},
	}
}
