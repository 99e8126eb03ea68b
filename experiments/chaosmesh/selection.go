package chaosmesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// selections are the pods that an object is about and those that it names
// besides, as far as they can be checked before it is created. The object's
// selectors are completed on the way: without a namespace Chaos Mesh may mean
// all of them, without a phase pods that are pending or done, too.
func selections(obj v1alpha1.InnerObject) (own peer, peers []peer, err error) {
	with, ok := obj.(v1alpha1.InnerObjectWithSelector)
	if !ok {
		return own, nil, fmt.Errorf("%w: %T selects nothing", ErrRefused, obj)
	}
	for key, value := range with.GetSelectorSpecs() {
		selector := podSelector(value)
		if selector == nil {
			return own, nil, fmt.Errorf("%w: it does not select pods, and the guard says nothing about anything else", ErrRefused)
		}
		p, err := selection(obj.GetNamespace(), selector)
		if err != nil {
			return own, nil, err
		}
		if key != targetKey {
			p.touched = true
			own = p
			continue
		}
		if n, ok := obj.(*v1alpha1.NetworkChaos); ok {
			p.touched = touchesTarget(n.Spec.Action, n.Spec.Direction)
		}
		peers = append(peers, p)
	}
	return own, peers, nil
}

// podSelector is the part of a selector that selects pods, if there is one.
func podSelector(selector any) *v1alpha1.PodSelector {
	switch s := selector.(type) {
	case *v1alpha1.PodSelector:
		return s
	case *v1alpha1.ContainerSelector:
		return &s.PodSelector
	case *v1alpha1.ContainerNodeVolumePathSelector:
		return &s.PodSelector
	}
	return nil
}

func selection(namespace string, s *v1alpha1.PodSelector) (peer, error) {
	refuse := func(format string, args ...any) (peer, error) {
		return peer{}, fmt.Errorf("%w: selector: "+format, append([]any{ErrRefused}, args...)...)
	}
	spec := &s.Selector
	if len(spec.Namespaces) == 0 {
		spec.Namespaces = []string{namespace}
	}
	if len(spec.PodPhaseSelectors) == 0 {
		spec.PodPhaseSelectors = []string{string(corev1.PodRunning)}
	}
	for name, used := range map[string]bool{
		"annotationSelectors": len(spec.AnnotationSelectors) > 0,
		"fieldSelectors":      len(spec.FieldSelectors) > 0,
		"nodeSelectors":       len(spec.NodeSelectors) > 0,
		"nodes":               len(spec.Nodes) > 0,
	} {
		if used {
			return refuse("%s: what it would hit cannot be checked before; select by labels or by pods", name)
		}
	}
	if len(spec.Namespaces) > 1 {
		return refuse("namespaces %s: one object is for one namespace", strings.Join(spec.Namespaces, ", "))
	}
	if !slices.Equal(spec.PodPhaseSelectors, []string{string(corev1.PodRunning)}) {
		return refuse("podPhaseSelectors %s: nothing is taken from pods that do not run; leave it out", strings.Join(spec.PodPhaseSelectors, ", "))
	}
	p := peer{Pods: Pods{Namespace: spec.Namespaces[0], Selector: spec.LabelSelectors}}
	for within, names := range spec.Pods {
		if within != p.Namespace {
			return refuse("pods of namespace %q, and namespace %q", within, p.Namespace)
		}
		p.named = names
	}
	expressions, err := metav1.LabelSelectorAsSelector(&metav1.LabelSelector{MatchExpressions: spec.ExpressionSelectors})
	if err != nil {
		return refuse("%w", err)
	}
	p.further, _ = expressions.Requirements()
	switch s.Mode {
	case v1alpha1.OneMode:
		p.count = One
	case v1alpha1.AllMode:
		p.count = All
	case v1alpha1.FixedMode:
		p.count = Count(s.Value)
	case v1alpha1.FixedPercentMode:
		p.count = Count(s.Value + "%")
	default:
		return refuse("mode %q; one, all, fixed or fixed-percent: what is asked for is what must be hit", s.Mode)
	}
	return p, nil
}
