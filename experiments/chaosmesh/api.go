package chaosmesh

import (
	"context"
	"fmt"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A NotInstalledError reports a kind of Chaos Mesh that the cluster does not have.
type NotInstalledError struct{ Kind string }

// Error returns "Chaos Mesh is not installed in this cluster: no kind PodChaos", with the
// next step.
func (e *NotInstalledError) Error() string {
	return "Chaos Mesh is not installed in this cluster: no kind " + e.Kind + "; install it, or check the context"
}

// complete fills in Chaos Mesh's defaults and validates the object by its
// rules. Its webhooks do the same, where they are registered; elsewhere the
// cluster accepts an object with a mistake, which then does nothing.
func complete(ctx context.Context, obj client.Object) error {
	if w, ok := obj.(*v1alpha1.Workflow); ok {
		if err := completeTemplates(ctx, w); err != nil {
			return err
		}
	}
	checked, ok := obj.(v1alpha1.WebhookObject)
	if !ok {
		return faults.Refuse("Chaos Mesh has no rules for %T", obj)
	}
	if err := checked.Default(ctx, obj); err != nil {
		return fmt.Errorf("default %s: %w", obj.GetGenerateName(), err)
	}
	if _, err := checked.ValidateCreate(ctx, obj); err != nil {
		return fmt.Errorf("%w by Chaos Mesh's own rules: %w", faults.ErrRefused, err)
	}
	return rejectUnsupported(obj)
}

// held reports whether the fault stays until it is undone, by an object that
// itself acts on pods.
func held(obj client.Object) bool {
	inner, ok := obj.(v1alpha1.InnerObject)
	return ok && !inner.IsOneShot()
}

// subject is the object's full name: PodChaos/shop/pod-kill-4f1c2a9d3b-x7k2p.
func subject(scheme *runtime.Scheme, obj client.Object) string {
	return kindOf(scheme, obj) + "/" + obj.GetNamespace() + "/" + obj.GetName()
}

// listOf returns an empty list of a kind.
func listOf(kind string) (client.ObjectList, error) {
	entry, ok := v1alpha1.AllKindsIncludeScheduleAndWorkflow()[kind]
	if !ok {
		return nil, fmt.Errorf("list %s: Chaos Mesh has no such kind", kind)
	}
	list, ok := entry.SpawnList().(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("list %s: %T is not a client.ObjectList", kind, entry.SpawnList())
	}
	return list, nil
}

// kindOf is the kind of an object, or of the objects in a list: PodChaos.
func kindOf(scheme *runtime.Scheme, obj runtime.Object) string {
	gvk, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return fmt.Sprintf("%T", obj)
	}
	return strings.TrimSuffix(gvk.Kind, "List")
}

// explain adds meaning and next steps to errors of the API about a kind.
func explain(err error, kind string) error {
	if meta.IsNoMatchError(err) {
		return &NotInstalledError{Kind: kind}
	}
	if faults.Unadmitted(err) {
		return fmt.Errorf("a webhook does not answer, that of Chaos Mesh or another (kubectl -n %s get pods): %w", Namespace, err)
	}
	return kube.Explain(err, "this right")
}

// Installed checks that the cluster has Chaos Mesh by listing its objects in a namespace.
// The error is a [NotInstalledError] if it does not.
func Installed(ctx context.Context, c client.Reader, namespace string) error {
	if err := c.List(ctx, &v1alpha1.PodChaosList{}, client.InNamespace(namespace), client.Limit(1)); err != nil {
		return explain(err, v1alpha1.KindPodChaos)
	}
	return nil
}
