package chaosmesh

import (
	"context"
	"fmt"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// The labels that every object carries from the instant it exists. By
// ManagedLabel with the value Managed the objects of all runs are found, by
// RunLabel those of one run; its value is the record's Run.
const (
	RunLabel     = "aftershock.dev/run"
	ManagedLabel = "app.kubernetes.io/managed-by"
	Managed      = "aftershock"
)

// A NotInstalledError says that the cluster does not know a kind of Chaos
// Mesh's.
type NotInstalledError struct{ Kind string }

// Error is "Chaos Mesh is not installed in this cluster: no kind PodChaos", and
// what to do.
func (e *NotInstalledError) Error() string {
	return "Chaos Mesh is not installed in this cluster: no kind " + e.Kind + "; install it, or check the context"
}

// newMeta is the metadata of an object of a run. Its name is found when it is
// created.
func newMeta(action, namespace, run string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		GenerateName: action + "-" + run + "-",
		Namespace:    namespace,
		Labels:       map[string]string{ManagedLabel: Managed, RunLabel: run},
	}
}

// settleName gives the object its name. The server could do it; but what is
// not named before it is created cannot be written down before.
func settleName(obj client.Object) {
	obj.SetName(obj.GetGenerateName() + rand.String(5))
	obj.SetGenerateName("")
}

// complete fills in Chaos Mesh's defaults and checks the object by its rules.
// Its webhooks do the same, where they are registered; where they are not, an
// object with a mistake is accepted and then does nothing.
func complete(ctx context.Context, obj client.Object) error {
	if w, ok := obj.(*v1alpha1.Workflow); ok {
		if err := completeTemplates(ctx, w); err != nil {
			return err
		}
	}
	checked, ok := obj.(v1alpha1.WebhookObject)
	if !ok {
		return fmt.Errorf("%w: Chaos Mesh has no rules for %T", ErrRefused, obj)
	}
	if err := checked.Default(ctx, obj); err != nil {
		return fmt.Errorf("default %s: %w", obj.GetGenerateName(), err)
	}
	if _, err := checked.ValidateCreate(ctx, obj); err != nil {
		return fmt.Errorf("%w by Chaos Mesh's own rules: %w", ErrRefused, err)
	}
	return untrapped(obj)
}

// held reports whether the fault stays until it is undone, by an object that
// acts on pods itself.
func held(obj client.Object) bool {
	inner, ok := obj.(v1alpha1.InnerObject)
	return ok && !inner.IsOneShot()
}

// subject is the object's full name: PodChaos/shop/pod-kill-4f1c2a9d3b-x7k2p.
func subject(scheme *runtime.Scheme, obj client.Object) string {
	return kindOf(scheme, obj) + "/" + obj.GetNamespace() + "/" + obj.GetName()
}

// listOf is an empty list of objects like this one.
func listOf(scheme *runtime.Scheme, obj client.Object) (client.ObjectList, error) {
	kind := kindOf(scheme, obj)
	entry, ok := v1alpha1.AllKindsIncludeScheduleAndWorkflow()[kind]
	if !ok {
		return nil, fmt.Errorf("list %s: Chaos Mesh has no such kind", kind)
	}
	list, ok := entry.SpawnList().(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("list %s: %T is no list of a cluster", kind, entry.SpawnList())
	}
	return list, nil
}

// kindOf is the kind of an object or of the objects in a list: PodChaos.
func kindOf(scheme *runtime.Scheme, obj runtime.Object) string {
	gvk, err := apiutil.GVKForObject(obj, scheme)
	if err != nil {
		return fmt.Sprintf("%T", obj)
	}
	return strings.TrimSuffix(gvk.Kind, "List")
}

// explain makes errors of the API about a kind say what they mean here and
// what can be done.
func explain(err error, kind string) error {
	switch {
	case err == nil:
		return nil
	case meta.IsNoMatchError(err):
		return &NotInstalledError{Kind: kind}
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w; give the account this right, or use another account", err)
	}
	return err
}

// permanent reports whether asking again would yield the same.
func permanent(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) ||
		apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) || apierrors.IsMethodNotSupported(err)
}

// refused reports whether a failed request certainly created nothing. After a
// time-out, a broken connection or a failure inside the server, it may have.
func refused(err error) bool {
	reason := apierrors.ReasonForError(err)
	return meta.IsNoMatchError(err) || (reason != metav1.StatusReasonUnknown &&
		!apierrors.IsTimeout(err) && !apierrors.IsServerTimeout(err) && !apierrors.IsInternalError(err))
}
