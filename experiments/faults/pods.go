package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// Pods selects the running pods of one namespace that a fault may hit, whatever workload
// owns them. An empty selection is refused.
type Pods struct {
	Namespace string
	// Selector holds the labels that each pod must have.
	Selector map[string]string
	// Expressions holds further requirements on the labels.
	Expressions []metav1.LabelSelectorRequirement
	// Names restricts the selection to these pods, whatever their labels.
	// Default: all.
	Names []string
}

// PodsOf selects the pods of a workload by its selector.
func PodsOf(namespace string, selector *metav1.LabelSelector) Pods {
	if selector == nil {
		return Pods{Namespace: namespace}
	}
	return Pods{Namespace: namespace, Selector: selector.MatchLabels, Expressions: selector.MatchExpressions}
}

// IsZero reports whether the selection is unset.
func (p Pods) IsZero() bool {
	return p.Namespace == "" && len(p.Selector)+len(p.Expressions)+len(p.Names) == 0
}

// Validate reports mistakes in the selection. It asks no cluster.
func (p Pods) Validate() error {
	switch {
	case p.Namespace == "":
		return errors.New("no namespace; say which one the pods are in")
	case p.empty() && len(p.Expressions) > 0:
		return fmt.Errorf("selector %q would select every pod of namespace %q that has no labels, also of other services; say which labels the pods have", p.labels(), p.Namespace)
	case p.empty():
		return fmt.Errorf("an empty selector would select every pod of namespace %q; say which labels the pods have", p.Namespace)
	}
	if _, err := labels.ValidatedSelectorFromSet(p.Selector); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	if _, err := p.requirements(); err != nil {
		return fmt.Errorf("selector: %w", err)
	}
	return nil
}

// String returns "pods app=checkout in shop".
func (p Pods) String() string {
	if len(p.Names) > 0 {
		return fmt.Sprintf("pods %s in %s", strings.Join(p.Names, ", "), p.Namespace)
	}
	return fmt.Sprintf("pods %s in %s", p.labels(), p.Namespace)
}

// labels select nothing where an expression is invalid, which [Guard.Allow]
// refuses.
func (p Pods) labels() labels.Selector {
	further, err := p.requirements()
	if err != nil {
		return labels.Nothing()
	}
	return labels.SelectorFromSet(p.Selector).Add(further...)
}

func (p Pods) requirements() (labels.Requirements, error) {
	selector, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: p.Expressions})
	if err != nil {
		return nil, err
	}
	list, _ := selector.Requirements()
	return list, nil
}

// empty: without any requirement the selection would include pods of other
// services.
func (p Pods) empty() bool {
	return len(p.Names) == 0 && p.labels().Matches(labels.Set{})
}

// Options returns the options to list or watch the pods. If the selection has names, they
// select more than it does: filter by [Pods.Match].
func (p Pods) Options() []client.ListOption {
	if len(p.Names) > 0 {
		return []client.ListOption{client.InNamespace(p.Namespace)}
	}
	return []client.ListOption{client.InNamespace(p.Namespace), client.MatchingLabelsSelector{Selector: p.labels()}}
}

// List returns the pods that match now, in any state.
func (p Pods) List(ctx context.Context, c client.Reader) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := c.List(ctx, &list, p.Options()...); err != nil {
		return nil, fmt.Errorf("list %s: %w", p, kube.Explain(err, "the right to list pods"))
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !p.Match(&pod) }), nil
}

// Match reports whether the selection includes the pod, in any state.
func (p Pods) Match(pod *corev1.Pod) bool {
	if pod.Namespace != p.Namespace {
		return false
	}
	if len(p.Names) > 0 {
		return slices.Contains(p.Names, pod.Name)
	}
	return p.labels().Matches(labels.Set(pod.Labels))
}

// Running returns the pods that run and are not terminating. A fault has an effect on
// these only.
func Running(pods []corev1.Pod) []corev1.Pod {
	var up []corev1.Pod
	for _, pod := range pods {
		if Runs(&pod) {
			up = append(up, pod)
		}
	}
	return up
}

// Runs reports whether the pod runs and is not terminating.
func Runs(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil
}
