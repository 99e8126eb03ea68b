package eviction

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// budgets are the PodDisruptionBudgets of a namespace. Without the right to
// list them it is nil, and only the timeout shows that a budget refuses for
// good.
type budgets []policyv1.PodDisruptionBudget

func (f *Fault) budgets(ctx context.Context) (budgets, error) {
	var list policyv1.PodDisruptionBudgetList
	err := f.Cluster.Client.List(ctx, &list, client.InNamespace(f.Pods.Namespace))
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the disruption budgets of %s: %w", f.Pods.Namespace, err)
	}
	return append(budgets{}, list.Items...), nil
}

// covering returns the budgets of a pod.
func (b budgets) covering(pod *corev1.Pod) (list budgets) {
	for _, budget := range b {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(pod.Labels)) {
			list = append(list, budget)
		}
	}
	return list
}

// never says why the pod cannot be evicted: its budget allows no disruption
// although all the pods it expects are healthy, or several budgets cover it,
// for which the API server grants no eviction. Expected is the number of pods
// for which that holds; 0: any number. Empty: the pod may be evicted, if not
// now.
func (b budgets) never(pod *corev1.Pod) (why string, expected int32) {
	list := b.covering(pod)
	if len(list) > 1 {
		return "more than one budget covers it, and then the API server grants no eviction: " + list.String(), 0
	}
	for _, budget := range list {
		s := budget.Status
		if s.ObservedGeneration >= budget.Generation && s.ExpectedPods > 0 && s.DesiredHealthy >= s.ExpectedPods && s.DisruptionsAllowed == 0 {
			return list.String(), s.ExpectedPods
		}
	}
	return "", 0
}

// away is how many of the pods can be evicted at one time, and what decides
// that. A budget counts in pods that are not ready for other reasons, and so it
// bounds all that are away. Nothing is known of budgets that may not be read.
func (b budgets) away(pods []corev1.Pod, asked int) (n int, by string) {
	if b == nil {
		return 0, ""
	}
	free := 0 // of any budget
	allowed := map[string]int{}
	for _, pod := range pods {
		list := b.covering(&pod)
		if len(list) == 0 {
			free++
			continue
		}
		for _, budget := range list {
			allowed[budget.Name] = int(budget.Status.DisruptionsAllowed)
		}
	}
	if len(allowed) == 0 {
		return asked, "no PodDisruptionBudget covers them"
	}
	var texts []string
	n = free
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		n += allowed[name]
		texts = append(texts, fmt.Sprintf("PodDisruptionBudget %s allows %d at a time", name, allowed[name]))
	}
	return min(n, asked), strings.Join(texts, ", ")
}

// String quotes them: "PodDisruptionBudget checkout (maxUnavailable 0):
// disruptionsAllowed 0, desiredHealthy 3 of 3 expected, currentHealthy 3".
func (b budgets) String() string {
	var texts []string
	for _, budget := range b {
		asks := "asks for nothing"
		switch {
		case budget.Spec.MinAvailable != nil:
			asks = "minAvailable " + budget.Spec.MinAvailable.String()
		case budget.Spec.MaxUnavailable != nil:
			asks = "maxUnavailable " + budget.Spec.MaxUnavailable.String()
		}
		s := budget.Status
		texts = append(texts, fmt.Sprintf("PodDisruptionBudget %s (%s): disruptionsAllowed %d, desiredHealthy %d of %d expected, currentHealthy %d",
			budget.Name, asks, s.DisruptionsAllowed, s.DesiredHealthy, s.ExpectedPods, s.CurrentHealthy))
	}
	return strings.Join(texts, "; ")
}

// byBudget reports whether a budget refuses, and not an overloaded API server.
func byBudget(err error) bool { return apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause) }
