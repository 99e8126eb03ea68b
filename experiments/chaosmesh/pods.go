package chaosmesh

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
)

// Pods are the running pods of one namespace that have all the labels. Neither
// may be empty.
type Pods struct {
	Namespace string
	Selector  map[string]string

	// Of selectors that are read from YAML: further requirements on labels,
	// and the names of those that are meant, whatever their labels.
	further labels.Requirements
	named   []string
}

// String is "pods app=checkout in shop".
func (p Pods) String() string {
	if len(p.named) > 0 {
		return fmt.Sprintf("pods %s in %s", strings.Join(p.named, ", "), p.Namespace)
	}
	return fmt.Sprintf("pods %s in %s", p.labels(), p.Namespace)
}

func (p Pods) labels() labels.Selector {
	return labels.SelectorFromSet(p.Selector).Add(p.further...)
}

// empty: it says nothing that a pod must have, so that it would select pods of
// other services.
func (p Pods) empty() bool {
	return len(p.named) == 0 && p.labels().Matches(labels.Set{})
}

// options are how the pods are listed and watched; of named ones it is more
// than is meant.
func (p Pods) options() []client.ListOption {
	if len(p.named) > 0 {
		return []client.ListOption{client.InNamespace(p.Namespace)}
	}
	return []client.ListOption{client.InNamespace(p.Namespace), client.MatchingLabelsSelector{Selector: p.labels()}}
}

// list lists the pods that match now, in whatever state they are.
func (p Pods) list(ctx context.Context, c client.Reader) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := c.List(ctx, &list, p.options()...); err != nil {
		return nil, fmt.Errorf("list %s: %w", p, err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !p.match(&pod) }), nil
}

func (p Pods) match(pod *corev1.Pod) bool {
	if pod.Namespace != p.Namespace {
		return false
	}
	if len(p.named) > 0 {
		return slices.Contains(p.named, pod.Name)
	}
	return p.labels().Matches(labels.Set(pod.Labels))
}

// running are the pods that a fault can take something away from: those that
// run and are not on their way out.
func running(pods []corev1.Pod) []corev1.Pod {
	var up []corev1.Pod
	for _, pod := range pods {
		if runs(&pod) {
			up = append(up, pod)
		}
	}
	return up
}

func runs(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
}

// targets are the pods as the record names them.
func targets(pods []corev1.Pod) []record.Target {
	var list []record.Target
	for _, pod := range pods {
		list = append(list, record.Target{Name: pod.Name, UID: string(pod.UID)})
	}
	return list
}

// selector is the pods and how many of them as Chaos Mesh takes it.
func (p Pods) selector(asked int) v1alpha1.PodSelector {
	mode, value := mode(asked)
	return v1alpha1.PodSelector{Mode: mode, Value: value, Selector: p.spec()}
}

func (p Pods) spec() v1alpha1.PodSelectorSpec {
	return v1alpha1.PodSelectorSpec{
		GenericSelectorSpec: v1alpha1.GenericSelectorSpec{
			// Without it Chaos Mesh would select in every namespace where its
			// webhooks are not registered.
			Namespaces:     []string{p.Namespace},
			LabelSelectors: maps.Clone(p.Selector),
		},
		// Without it pods that are pending or done are selected too.
		PodPhaseSelectors: []string{string(corev1.PodRunning)},
	}
}

// only is the one pod as Chaos Mesh takes it.
func only(namespace, name string) v1alpha1.PodSelector {
	return v1alpha1.PodSelector{
		Mode: v1alpha1.OneMode,
		Selector: v1alpha1.PodSelectorSpec{
			GenericSelectorSpec: v1alpha1.GenericSelectorSpec{Namespaces: []string{namespace}},
			Pods:                map[string][]string{namespace: {name}},
		},
	}
}
