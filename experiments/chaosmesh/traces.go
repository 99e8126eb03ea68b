package chaosmesh

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// A Trace is a resource of Chaos Mesh, in a namespace, whose objects exist while a fault
// is in place. To undo the fault takes the right to patch them and, unless they are kept,
// to delete them.
type Trace struct {
	Namespace string
	Resource  string // plural, such as "networkchaos"
	Kept      bool   // Chaos Mesh keeps them, empty
}

// Traces returns what the fault leaves until it is undone: its own object, those that
// Chaos Mesh makes of a workflow, and the rules in the networks of pods.
func (f *Fault) Traces() (list []Trace) {
	if f.wrong != nil {
		return nil
	}
	kinds := []string{f.plan.kind}
	if f.plan.kind == v1alpha1.KindWorkflow {
		kinds = append(kinds, f.plan.makes()...)
	}
	for _, kind := range kinds {
		list = append(list, Trace{Namespace: f.plan.pods.Namespace, Resource: resourceOf(kind)})
	}
	if slices.Contains(kinds, v1alpha1.KindNetworkChaos) {
		namespaces := []string{f.plan.pods.Namespace}
		for _, p := range f.plan.peers {
			namespaces = append(namespaces, p.Namespace)
		}
		for _, namespace := range namespaces {
			list = append(list, Trace{Namespace: namespace, Resource: "podnetworkchaos", Kept: true})
		}
	}
	slices.SortFunc(list, func(a, b Trace) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return slices.Compact(list)
}

// makes are the kinds of what Chaos Mesh makes of a workflow.
func (p plan) makes() (kinds []string) {
	object, err := p.object(placement{meta: faults.NewMeta(p.action, p.pods.Namespace, "run"), selector: selector(p.pods, 1), lifetime: time.Minute})
	w, ok := object.(*v1alpha1.Workflow)
	if err != nil || !ok {
		return nil
	}
	for _, t := range w.Spec.Templates {
		switch {
		case t.Schedule != nil:
			kinds = append(kinds, v1alpha1.KindSchedule, string(t.Schedule.Type))
		case t.EmbedChaos != nil:
			kinds = append(kinds, string(t.Type))
		}
	}
	return kinds
}

// resourceOf is the plural of a kind.
func resourceOf(kind string) string {
	if strings.HasSuffix(kind, "Chaos") {
		return strings.ToLower(kind)
	}
	return strings.ToLower(kind) + "s"
}
