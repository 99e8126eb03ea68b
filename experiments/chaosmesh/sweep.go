package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
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
//
// Before it removes an object of a run by force, it tells the doubts of that run in which
// pods the fault may stay, and leaves the object if they cannot keep that. Default, and for an
// object without the label of its run: they are told in the error alone.
func Sweep(ctx context.Context, c client.Client, scope faults.Scope, timeouts Timeouts, doubts func(run string) faults.Doubts) ([]faults.Leftover, error) {
	look := func() (found []finding, hidden, err error) { return find(ctx, c, scope) }
	timeouts = timeouts.withDefaults()
	return faults.Sweep(look, func(f *finding) error {
		var kept faults.Doubts
		if doubts != nil && f.Run != "" {
			kept = doubts(f.Run)
		}
		if f.source != "" {
			return f.withdraw(ctx, c, timeouts, kept)
		}
		_, err := removal{
			client:   c,
			timeouts: timeouts,
			doubts:   kept,
			clock:    steadystate.StartClock(),
			note:     func(format string, args ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, args...)) },
		}.run(ctx, f.object)
		if err != nil {
			for _, u := range faults.Unprovens(err) {
				u.Run = f.Run
			}
			return errors.Join(err, context.Cause(ctx))
		}
		return nil
	})
}

// finding is a leftover and its object.
type finding struct {
	faults.Leftover
	object client.Object
	source string // the NetworkChaos whose rules a PodNetworkChaos has; empty: it is another object
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
	for _, namespace := range scope.Namespaces {
		rules, err := orphans(ctx, c, namespace)
		switch found = append(found, slices.DeleteFunc(rules, func(f finding) bool { return !scope.Has(f.Run) })...); {
		case apierrors.IsForbidden(err):
			forbidden = append(forbidden, err)
		case err != nil:
			errs = append(errs, err)
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

// rulesKind is the kind of leftover of rules in the network of a pod whose NetworkChaos
// is gone: another client removed its finalizers, say. Chaos Mesh takes the rules out
// before it lets an object go.
const rulesKind = "rules in PodNetworkChaos"

// orphans are such rules.
func orphans(ctx context.Context, c client.Reader, namespace string) (found []finding, err error) {
	list := func(kind string, list client.ObjectList) error {
		err := c.List(ctx, list, client.InNamespace(namespace))
		if err == nil || meta.IsNoMatchError(err) { // not installed
			return nil
		}
		return fmt.Errorf("list %s in %s: %w", kind, namespace, explain(err, kind))
	}
	var plans v1alpha1.PodNetworkChaosList
	if err := list("PodNetworkChaos", &plans); err != nil {
		return nil, err
	}
	for i := range plans.Items {
		plan := &plans.Items[i]
		for _, source := range sources(plan) {
			if run := runOfName(source); run != "" {
				found = append(found, finding{Leftover: faults.NewLeftover(rulesKind, run, plan), object: plan, source: source})
			}
		}
	}
	if len(found) == 0 {
		return nil, nil
	}
	// Looked for after the rules, which come after their object: those of one that begins
	// are no orphans. Both may go between the two lists; then nothing is left to take out.
	var all v1alpha1.NetworkChaosList
	if err := list(v1alpha1.KindNetworkChaos, &all); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(f finding) bool {
		return slices.ContainsFunc(all.Items, func(n v1alpha1.NetworkChaos) bool { return n.Namespace+"/"+n.Name == f.source })
	}), nil
}

// sources are the NetworkChaos whose rules a pod's network has, as namespace/name.
func sources(plan *v1alpha1.PodNetworkChaos) (list []string) {
	for _, s := range plan.Spec.IPSets {
		list = append(list, s.Source)
	}
	for _, t := range plan.Spec.Iptables {
		list = append(list, t.Source)
	}
	for _, t := range plan.Spec.TrafficControls {
		list = append(list, t.Source)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// runInName finds a run in the name of an object that it made: ACTION-RUN-RANDOM.
var runInName = regexp.MustCompile(`-([0-9a-f]{10})-[^/]*$`)

func runOfName(name string) string {
	if is := runInName.FindStringSubmatch(name); is != nil {
		return is[1]
	}
	return ""
}

// withdraw takes the rules out, and waits until Chaos Mesh says that the pod's network
// is without them.
func (f *finding) withdraw(ctx context.Context, c client.Client, timeouts Timeouts, doubts faults.Doubts) error {
	plan, ok := f.object.(*v1alpha1.PodNetworkChaos)
	if !ok {
		return fmt.Errorf("%s: %T has no rules", f, f.object)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeouts.Remove, fmt.Errorf("its network was not made anew within %s", timeouts.Remove))
	defer cancel()
	fault := v1alpha1.KindNetworkChaos + "/" + f.source
	if doubts != nil {
		if err := doubts.Doubt(ctx, fault, unprovenIn(ctx, c, []string{f.Namespace + "/" + f.Name}, nil).Pods...); err != nil {
			return err
		}
	}
	for {
		err := withdrawFrom(ctx, c, plan, f.source)
		if now := (&v1alpha1.PodNetworkChaos{}); err == nil || apierrors.IsConflict(err) {
			if err = c.Get(ctx, client.ObjectKeyFromObject(plan), now); err == nil {
				plan = now
			}
		}
		switch {
		case apierrors.IsNotFound(err):
			return nil // with its pod
		case faults.Permanent(err):
			return fmt.Errorf("take the rules of %s out of %s: %w", fault, f, explain(err, "PodNetworkChaos"))
		case err == nil && without(plan, f.source):
			f.Notes = append(f.Notes, fmt.Sprintf("NetworkChaos/%s was gone, and its rules were not", f.source))
			if doubts != nil {
				return doubts.Clear(ctx, fault, client.ObjectKeyFromObject(plan))
			}
			return nil
		}
		if experiments.Wait(ctx, pollEvery) != nil {
			err = fmt.Errorf("take the rules of %s out of %s: %w", fault, f, errors.Join(context.Cause(ctx), err, errors.New(plan.Status.FailedMessage)))
			if slices.Contains(sources(plan), f.source) {
				return err // the next sweep finds it
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
			defer cancel()
			u := unprovenIn(ctx, c, []string{f.Namespace + "/" + f.Name}, err)
			u.Run, u.Fault = f.Run, fault
			return u
		}
	}
}

// without reports whether Chaos Mesh has made the pod's network anew without the rules of a
// NetworkChaos.
func without(plan *v1alpha1.PodNetworkChaos, source string) bool {
	return !slices.Contains(sources(plan), source) && plan.Status.ObservedGeneration == plan.Generation && plan.Status.FailedMessage == ""
}

// Undone says what shows that a fault is gone from a pod although Chaos Mesh never said so;
// empty: nothing does. The fault is named by its object, such as "NetworkChaos/shop/slow",
// which is gone.
func Undone(ctx context.Context, c client.Reader, fault string, was faults.PodID) (why string, err error) {
	kind, source, _ := strings.Cut(fault, "/")
	of, known := v1alpha1.AllKinds()[kind]
	switch {
	case kind == v1alpha1.KindNetworkChaos:
		var plans v1alpha1.PodNetworkChaosList
		if err := c.List(ctx, &plans, client.InNamespace(was.Namespace)); err != nil && !meta.IsNoMatchError(err) {
			return "", fmt.Errorf("list PodNetworkChaos in %s: %w", was.Namespace, explain(err, "PodNetworkChaos"))
		}
		for i := range plans.Items {
			if plans.Items[i].Name == was.Name && without(&plans.Items[i], source) {
				return "Chaos Mesh has made its network anew without the rules of " + fault, nil
			}
		}
	case known && endsOnRestart(of.SpawnObject()):
		pods, err := faults.Pods{Namespace: was.Namespace, Names: []string{was.Name}}.List(ctx, c)
		if err != nil {
			return "", err
		}
		for i := range pods {
			if was.Restarted(&pods[i]) {
				return "its containers have restarted since, which ended the processes of " + fault, nil
			}
		}
	}
	return "", nil
}
