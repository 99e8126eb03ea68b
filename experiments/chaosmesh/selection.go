package chaosmesh

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// Selected returns the selections of a fault's pods and of its peers, as far as its [Spec]
// names them.
func Selected(s Spec) []faults.Pods {
	p := s.plan()
	list := []faults.Pods{p.pods}
	for _, peer := range p.peers {
		list = append(list, peer.Pods)
	}
	return list
}

// selections are the pods that an object targets and its peers, as far as they
// can be checked before its creation. It also completes the object's selectors:
// without a namespace Chaos Mesh may select from all of them, without a phase
// also pending or completed pods.
func selections(obj v1alpha1.InnerObject) (own peer, peers []peer, err error) {
	with, ok := obj.(v1alpha1.InnerObjectWithSelector)
	if !ok {
		return own, nil, faults.Refuse("%T selects nothing", obj)
	}
	for key, value := range with.GetSelectorSpecs() {
		selector := podSelector(value)
		if selector == nil {
			return own, nil, faults.Refuse("it does not select pods, and the guard says nothing about anything else")
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

// podSelector is the part of a selector that selects pods, if any.
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
		return peer{}, faults.Refuse("selector: "+format, args...)
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
	p := peer{Pods: faults.Pods{Namespace: spec.Namespaces[0], Selector: spec.LabelSelectors, Expressions: spec.ExpressionSelectors}}
	for within, names := range spec.Pods {
		if within != p.Namespace {
			return refuse("pods of namespace %q, and namespace %q", within, p.Namespace)
		}
		p.Names = names
	}
	switch s.Mode {
	case v1alpha1.OneMode:
		p.count = faults.One
	case v1alpha1.AllMode:
		p.count = faults.All
	case v1alpha1.FixedMode:
		p.count = faults.Count(s.Value)
	case v1alpha1.FixedPercentMode:
		p.count = faults.Count(s.Value + "%")
	default:
		return refuse("mode %q; one, all, fixed or fixed-percent: what is asked for is what must be hit", s.Mode)
	}
	return p, nil
}

// selector is the selection of pods and their number in Chaos Mesh's terms. A
// percentage is sent as the resolved number, so that it cannot change in
// between.
func selector(pods faults.Pods, asked int) v1alpha1.PodSelector {
	s := v1alpha1.PodSelector{Mode: v1alpha1.FixedMode, Value: strconv.Itoa(asked), Selector: selectorSpec(pods)}
	if asked == 1 {
		s.Mode, s.Value = v1alpha1.OneMode, ""
	}
	return s
}

func selectorSpec(pods faults.Pods) v1alpha1.PodSelectorSpec {
	spec := v1alpha1.PodSelectorSpec{
		GenericSelectorSpec: v1alpha1.GenericSelectorSpec{
			// Without it Chaos Mesh would select from every namespace where its
			// webhooks are not registered.
			Namespaces:          []string{pods.Namespace},
			LabelSelectors:      maps.Clone(pods.Selector),
			ExpressionSelectors: slices.Clone(pods.Expressions),
		},
		// Without it pending or completed pods are selected too.
		PodPhaseSelectors: []string{string(corev1.PodRunning)},
	}
	if len(pods.Names) > 0 {
		spec.Pods = map[string][]string{pods.Namespace: slices.Clone(pods.Names)}
	}
	return spec
}

// only selects a single pod in Chaos Mesh's terms.
func only(namespace, name string) v1alpha1.PodSelector {
	return v1alpha1.PodSelector{
		Mode: v1alpha1.OneMode,
		Selector: v1alpha1.PodSelectorSpec{
			GenericSelectorSpec: v1alpha1.GenericSelectorSpec{Namespaces: []string{namespace}},
			Pods:                map[string][]string{namespace: {name}},
		},
	}
}
