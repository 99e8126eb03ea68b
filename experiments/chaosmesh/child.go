package chaosmesh

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
)

// childrenOf lists the objects made by a workflow or a schedule, and those made
// by the schedules among them. They carry Chaos Mesh's own labels, not those of
// the run. Kinds that are not installed, or that the account cannot see, have
// no children that it could see.
func childrenOf(ctx context.Context, c client.Reader, parent client.Object) ([]client.Object, error) {
	var match client.MatchingLabels
	switch parent.(type) {
	case *v1alpha1.Workflow:
		match = client.MatchingLabels{v1alpha1.LabelWorkflow: parent.GetName()}
	case *v1alpha1.Schedule:
		match = client.MatchingLabels{v1alpha1.LabelManagedBy: parent.GetName()}
	default:
		return nil, nil
	}
	return madeWith(ctx, c, parent.GetNamespace(), match)
}

// madeWith lists the objects with these labels of Chaos Mesh, and those made by
// the schedules among them.
func madeWith(ctx context.Context, c client.Reader, namespace string, match client.ListOption) ([]client.Object, error) {
	kinds := v1alpha1.AllKindsIncludeScheduleAndWorkflow()
	var children []client.Object
	var errs []error
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		made, err := listKind(ctx, c, kinds[kind], client.InNamespace(namespace), match)
		switch {
		case meta.IsNoMatchError(err), apierrors.IsForbidden(err):
			continue
		case err != nil:
			errs = append(errs, fmt.Errorf("list %s in %s: %w", kind, namespace, err))
		}
		for _, child := range made {
			more, err := childrenOf(ctx, c, child)
			children, errs = append(append(children, child), more...), append(errs, err)
		}
	}
	return children, errors.Join(errs...)
}

// offspring lists the objects made by this one, also through its schedules that
// are gone: those leave nothing but their names behind. One that could not be read is
// called after its template.
func (g *going) offspring(ctx context.Context) ([]client.Object, error) {
	children, err := childrenOf(ctx, g.client, g.object)
	errs := []error{err}
	there := map[string]bool{}
	for _, child := range children {
		if _, ok := child.(*v1alpha1.Schedule); ok {
			there[child.GetName()] = true
		}
	}
	for _, name := range g.schedules {
		if !there[name] {
			more, err := madeWith(ctx, g.client, g.object.GetNamespace(), client.MatchingLabels{v1alpha1.LabelManagedBy: name})
			children, errs = append(children, more...), append(errs, err)
		}
	}
	if w, ok := g.object.(*v1alpha1.Workflow); ok && g.unnamed {
		more, err := madeWith(ctx, g.client, w.Namespace, client.HasLabels{v1alpha1.LabelManagedBy})
		more = slices.DeleteFunc(more, func(made client.Object) bool { return !schedules(w, made.GetLabels()[v1alpha1.LabelManagedBy]) })
		children, errs = append(children, more...), append(errs, err)
	}
	for name := range there {
		if !slices.Contains(g.schedules, name) {
			g.schedules = append(g.schedules, name)
		}
	}
	return children, errors.Join(errs...)
}

// children removes the objects made by this one. The cluster does so by itself,
// but later and without reporting whether the faults were undone.
func (g *going) children(ctx context.Context) error {
	if _, acts := g.object.(v1alpha1.InnerObject); acts {
		return nil
	}
	// Twice in a row: one may be made while its parent goes.
	for none := 0; none < 2; {
		var nodes v1alpha1.WorkflowNodeList
		if err := g.client.List(ctx, &nodes, client.InNamespace(g.object.GetNamespace()), client.MatchingLabels{v1alpha1.LabelWorkflow: g.object.GetName()}); err != nil && !meta.IsNoMatchError(err) {
			return fmt.Errorf("list the objects made by %s: %w", g.name, explain(err, "WorkflowNode"))
		}
		children, err := g.offspring(ctx)
		if err != nil {
			return fmt.Errorf("remove the objects made by %s: %w", g.name, err)
		}
		if len(nodes.Items)+len(children) == 0 {
			none++
		} else {
			none = 0
		}
		if len(nodes.Items) > 0 {
			// A node that still exists would recreate its child.
			children = nil
		}
		for _, child := range children {
			r := g.removal
			r.placed = nil
			if _, err := r.run(ctx, child); err != nil {
				return fmt.Errorf("remove the objects made by %s: %w", g.name, err)
			}
		}
		if err := experiments.Wait(ctx, pollEvery); err != nil {
			return fmt.Errorf("remove the objects made by %s: %w", g.name, err)
		}
	}
	return nil
}
