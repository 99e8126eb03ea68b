package chaosmesh

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A remedy is an attempt to remove an object that stays after its deletion.
type remedy struct {
	what string
	try  func(ctx context.Context, c client.Client, object client.Object) error
	// undoes: Chaos Mesh undoes the fault if the remedy helps. Otherwise the
	// object goes and its effect may stay.
	undoes bool
}

// remedies are tried in this order, one more after each Timeouts.Nudge. After
// Chaos Mesh fails to note a recovery, it ignores the object until a client
// changes it. It retries a rule that it cannot apply to a pod's network without
// end, and undoes nothing before it succeeds; once the rule is removed from its
// plan for the pod, it finds nothing to do and goes on. An annotation makes it
// give an object up, but it does not get there while recovery keeps failing;
// the last resort bypasses it. While the fault is in pods, those two wait for
// Timeouts.GiveUp after Chaos Mesh has noticed the deletion: one that has not will
// undo the fault once it does, and nothing would if its object were gone.
func remedies(object client.Object) []remedy {
	list := []remedy{{"touched it", patch(`{"metadata":{"annotations":{"aftershock.dev/nudged":"true"}}}`), true}}
	if _, ok := object.(*v1alpha1.NetworkChaos); ok {
		list = append(list, remedy{"took its rules out of the PodNetworkChaos of its pods", withdraw, true})
	}
	return append(
		list,
		remedy{"asked Chaos Mesh to give it up", patch(`{"metadata":{"annotations":{"chaos-mesh.chaos-mesh.org/cleanFinalizer":"forced"}}}`), false},
		remedy{"removed its finalizers", patch(`{"metadata":{"finalizers":null}}`), false},
	)
}

// patch changes the object's metadata.
func patch(text string) func(context.Context, client.Client, client.Object) error {
	return func(ctx context.Context, c client.Client, object client.Object) error {
		return c.Patch(ctx, object, client.RawPatch(types.MergePatchType, []byte(text)))
	}
}

// withdraw removes the rules of a NetworkChaos, and only those, from the
// PodNetworkChaos of each pod that it was on. The daemon then rebuilds the
// pod's network from the rest.
func withdraw(ctx context.Context, c client.Client, object client.Object) error {
	chaos, ok := object.(*v1alpha1.NetworkChaos)
	if !ok {
		return nil
	}
	source := chaos.Namespace + "/" + chaos.Name
	var errs []error
	for _, record := range chaos.Status.Experiment.Records {
		namespace, name, _ := strings.Cut(record.Id, "/")
		var plan v1alpha1.PodNetworkChaos
		if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &plan); err != nil {
			errs = append(errs, client.IgnoreNotFound(err))
			continue
		}
		errs = append(errs, client.IgnoreNotFound(withdrawFrom(ctx, c, &plan, source)))
	}
	return errors.Join(errs...)
}

// withdrawFrom removes the rules of a NetworkChaos from one PodNetworkChaos, if it is in
// the version that was read, so that concurrent rules are not lost.
func withdrawFrom(ctx context.Context, c client.Client, plan *v1alpha1.PodNetworkChaos, source string) error {
	if !slices.Contains(sources(plan), source) {
		return nil
	}
	before, after := plan, plan.DeepCopy() // the rules are there until the server has it
	after.Spec.IPSets = slices.DeleteFunc(after.Spec.IPSets, func(s v1alpha1.RawIPSet) bool { return s.Source == source })
	after.Spec.Iptables = slices.DeleteFunc(after.Spec.Iptables, func(t v1alpha1.RawIptables) bool { return t.Source == source })
	after.Spec.TrafficControls = slices.DeleteFunc(after.Spec.TrafficControls, func(t v1alpha1.RawTrafficControl) bool { return t.Source == source })
	if err := c.Patch(ctx, after, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	*plan = *after
	return nil
}
