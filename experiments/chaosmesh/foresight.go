package chaosmesh

import (
	"context"
	"errors"
	"slices"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// errPruned is a cluster whose Chaos Mesh is newer than its CRDs, as after "helm
// upgrade", which leaves CRDs as they are.
var errPruned = errors.New("the webhook of this Chaos Mesh sets partitionBehavior, which its CRD networkchaos.chaos-mesh.org lacks: " +
	"every update by its controller is then refused, and the fault neither takes effect nor can be undone; " +
	"apply the CRDs of the installed version of Chaos Mesh (helm upgrades none)")

// pruned returns [errPruned] if that is so: created is what a dry run made of
// the object, which has no partitionBehavior.
func (f *Fault) pruned(ctx context.Context, object, created client.Object) error {
	if n, ok := created.(*v1alpha1.NetworkChaos); !ok || n.Spec.PartitionBehavior == "" {
		return nil
	}
	// Set by the webhook, or by the CRD as its default: the CRD's own field is not
	// refused.
	trial, ok := object.DeepCopyObject().(*v1alpha1.NetworkChaos)
	if !ok {
		return nil
	}
	trial.Spec.PartitionBehavior = v1alpha1.DropPartitionBehavior
	faults.SettleName(trial)
	err := f.cluster.Client.Create(ctx, trial, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict))
	if apierrors.IsBadRequest(err) {
		return errPruned
	}
	return explain(err, f.plan.kind)
}

// away is how many of the pods the fault makes not ready at one time at most,
// and what else decides that. What a fault of the network or a stress does to
// the readiness of a pod is for the run to find.
func away(object client.Object, pods []corev1.Pod, asked int) (n int, by string) {
	chaos, ok := object.(*v1alpha1.PodChaos)
	if !ok {
		return 0, ""
	}
	switch chaos.Spec.Action {
	case v1alpha1.ContainerKillAction:
		return asked, "a container that is back at once is not missed"
	case v1alpha1.PodFailureAction:
		// Without a probe a pod is ready once its containers run, also by an image
		// that does nothing.
		if slices.ContainsFunc(pods, unprobed) {
			return asked, "without a readiness probe a pod that fails may count as ready"
		}
	}
	return asked, ""
}

// unprobed reports whether none of the pod's containers has a readiness probe.
func unprobed(pod corev1.Pod) bool {
	return !slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool { return c.ReadinessProbe != nil })
}
