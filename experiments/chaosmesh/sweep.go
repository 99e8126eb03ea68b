package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Find returns the leftovers of runs, of every kind of Chaos Mesh that is installed, and
// changes nothing.
//
// It skips a kind that the account may not list: the account cannot have injected one
// either, since Inject watches the objects it creates.
func Find(ctx context.Context, c client.Reader, scope faults.Scope) ([]faults.Leftover, error) {
	found, _, err := find(ctx, c, scope)
	return faults.Leftovers(found), err
}

// Sweep removes the leftovers that [Find] finds, as [Fault.Recover] does, and looks again
// to prove that none is left. It continues after a failure; the error then names all
// objects that may still be in place, and each kind that could not be listed. It always
// returns what it removed, with notes on the removal.
func Sweep(ctx context.Context, c client.Client, scope faults.Scope, timeouts Timeouts) ([]faults.Leftover, error) {
	look := func() (found []finding, hidden, err error) { return find(ctx, c, scope) }
	return faults.Sweep(look, func(f *finding) error {
		_, err := removal{
			client:   c,
			timeouts: timeouts.withDefaults(),
			clock:    steadystate.StartClock(),
			note:     func(format string, args ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, args...)) },
		}.run(ctx, f.object)
		if err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		return nil
	})
}

// finding is a leftover and its object.
type finding struct {
	faults.Leftover
	object client.Object
}

// find lists the leftovers of every kind. Kinds that the account may not list
// are in hidden, other failures in err; found is returned in any case.
func find(ctx context.Context, c client.Reader, scope faults.Scope) (found []finding, hidden, err error) {
	if err := scope.Validate(); err != nil {
		return nil, nil, err
	}
	var errs, forbidden []error
	// Schedules and workflows create objects of their own, so they must go first.
	kinds := v1alpha1.AllKindsIncludeScheduleAndWorkflow()
	names := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for _, kind := range names {
	namespaces:
		for _, namespace := range scope.Namespaces {
			// The objects made by a workflow of a run, and those that outlive the
			// workflow itself, carry only the workflow's name, and those made by a
			// schedule in it the schedule's.
			for _, match := range []client.ListOption{scope.Labels(), client.HasLabels{v1alpha1.LabelWorkflow}, client.HasLabels{v1alpha1.LabelManagedBy}} {
				objects, err := listKind(ctx, c, kinds[kind], client.InNamespace(namespace), match)
				switch {
				case meta.IsNoMatchError(err):
					break namespaces
				case apierrors.IsForbidden(err):
					forbidden = append(forbidden, fmt.Errorf("list %s in %s: %w", kind, namespace, explain(err, kind)))
					continue namespaces
				case err != nil:
					errs = append(errs, fmt.Errorf("list %s in %s: %w", kind, namespace, explain(err, kind)))
					continue namespaces
				}
				for _, object := range objects {
					known := func(f finding) bool {
						return f.Kind == kind && f.Namespace == object.GetNamespace() && f.Name == object.GetName()
					}
					if run, ok := runOf(object); ok && scope.Has(run) && !slices.ContainsFunc(found, known) {
						found = append(found, finding{Leftover: faults.NewLeftover(kind, run, object), object: object})
					}
				}
			}
		}
	}
	return found, errors.Join(forbidden...), errors.Join(errs...)
}

func rank(kind string) int {
	if kind == v1alpha1.KindSchedule || kind == v1alpha1.KindWorkflow {
		return 0
	}
	return 1
}

// listKind lists the objects of one kind.
func listKind(ctx context.Context, c client.Reader, kind *v1alpha1.ChaosKind, options ...client.ListOption) ([]client.Object, error) {
	list, ok := kind.SpawnList().(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%T is not a client.ObjectList", kind.SpawnList())
	}
	if err := c.List(ctx, list, options...); err != nil {
		return nil, err
	}
	items, err := meta.ExtractList(list)
	var objects []client.Object
	for _, item := range items {
		if object, ok := item.(client.Object); ok {
			objects = append(objects, object)
		}
	}
	return objects, err
}

// runOf is the run of an object, by its own label or by the name of the
// workflow or the schedule that made it. Not ok: it belongs to no run.
func runOf(object client.Object) (run string, ok bool) {
	labels := object.GetLabels()
	if labels[faults.ManagedLabel] == faults.Managed {
		return labels[faults.RunLabel], true
	}
	for _, label := range []string{v1alpha1.LabelWorkflow, v1alpha1.LabelManagedBy} {
		if name, ok := strings.CutPrefix(labels[label], workflowAction+"-"); ok {
			run, _, _ = strings.Cut(name, "-")
			return run, true
		}
	}
	return "", false
}
