package chaosmesh

import (
	"context"
	"fmt"
	"strings"
	"time"

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
func complete(ctx context.Context, obj v1alpha1.InnerObject) error {
	if err := obj.Default(ctx, obj); err != nil {
		return fmt.Errorf("default %s: %w", obj.GetGenerateName(), err)
	}
	if _, err := obj.ValidateCreate(ctx, obj); err != nil {
		return fmt.Errorf("%w by Chaos Mesh's own rules: %w", ErrRefused, err)
	}
	return nil
}

// subject is the object's full name: PodChaos/shop/pod-kill-4f1c2a9d3b-x7k2p.
func subject(scheme *runtime.Scheme, obj client.Object) string {
	return kindOf(scheme, obj) + "/" + obj.GetNamespace() + "/" + obj.GetName()
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

// pollEvery is how often the removal of an object is looked at.
const pollEvery = 50 * time.Millisecond

// lateCreate is how long an object whose creation had no answer may take to
// appear after all.
const lateCreate = 10 * time.Second

// A removal removes one object and is done when the object is really gone.
type removal struct {
	client   client.Client
	patience Patience
	note     func(format string, args ...any)
	// unsure: the request that creates the object had no answer, it may still
	// be on its way.
	unsure bool
}

// A remedy is what is tried on an object that was deleted and stays.
type remedy struct {
	what  string
	patch string
	// undoes: Chaos Mesh undoes the fault if the remedy helps. Otherwise the
	// object goes and what it did may stay.
	undoes bool
}

// The remedies, in the order in which they are tried, one more after each
// Patience.Nudge. Chaos Mesh does not look again at an object whose recovery
// it failed to note, until somebody changes the object. Its own way to give an
// object up is an annotation, which it does not reach while recovery keeps
// failing; the last resort does without it.
func remedies() []remedy {
	return []remedy{
		{"touched it", `{"metadata":{"annotations":{"aftershock.dev/nudged":"true"}}}`, true},
		{"asked Chaos Mesh to give it up", `{"metadata":{"annotations":{"chaos-mesh.chaos-mesh.org/cleanFinalizer":"forced"}}}`, false},
		{"removed its finalizers", `{"metadata":{"finalizers":null}}`, false},
	}
}

// run removes obj, of which name, namespace and type are used. found is whether
// there was anything; a remedy that leaves undone what the fault did makes an
// error although the object is gone.
func (r removal) run(ctx context.Context, obj client.Object) (found bool, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.patience.Remove, fmt.Errorf("it is still there after %s", r.patience.Remove))
	defer cancel()
	name := subject(r.client.Scheme(), obj)
	begin := time.Now()
	var trouble error // the last one that may pass
	var last *remedy
	left := remedies()
	deleted, over := false, false
	for {
		err := r.step(ctx, obj, &deleted)
		found = found || deleted
		switch {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
			if r.unsure && !found && time.Since(begin) < lateCreate {
				break
			}
			if r.unsure && !found {
				return false, fmt.Errorf("remove %s: its creation had no answer, and in %s it was never seen: it may still appear; run sweep", name, lateCreate)
			}
			if last != nil && !last.undoes && !over {
				return found, fmt.Errorf("remove %s: Chaos Mesh never said that it undid the fault, and the object went only when we %s; check the pods it was on, or restart them", name, last.what)
			}
			return found, nil
		case permanent(err):
			return found, fmt.Errorf("remove %s: %w", name, explain(err, kindOf(r.client.Scheme(), obj)))
		case err != nil:
			trouble = err
		default:
			over = oneShot(obj)
			if len(left) > 0 && time.Since(begin) >= r.patience.Nudge*time.Duration(1+len(remedies())-len(left)) {
				last, left = &left[0], left[1:]
				r.note("%s was deleted %s ago and is still there (finalizers %s): %s", name, time.Since(begin).Round(time.Second), strings.Join(obj.GetFinalizers(), ", "), last.what)
				if err := r.client.Patch(ctx, obj, client.RawPatch("application/merge-patch+json", []byte(last.patch))); client.IgnoreNotFound(err) != nil {
					trouble = err
				}
			}
		}
		if wait(ctx, pollEvery) != nil {
			err := fmt.Errorf("remove %s: %w; finalizers: %s; run sweep once Chaos Mesh's controller is back", name, context.Cause(ctx), strings.Join(obj.GetFinalizers(), ", "))
			if trouble != nil {
				err = fmt.Errorf("%w; last trouble: %w", err, trouble)
			}
			return found, err
		}
	}
}

// step deletes the object, once, and reads it.
func (r removal) step(ctx context.Context, obj client.Object, deleted *bool) error {
	if !*deleted {
		if err := r.client.Delete(ctx, obj, client.PropagationPolicy(metav1.DeletePropagationBackground)); err != nil {
			return err
		}
		*deleted = true
	}
	return r.client.Get(ctx, client.ObjectKeyFromObject(obj), obj)
}

// oneShot reports whether the fault is over when it is done, so that there is
// nothing to undo.
func oneShot(obj client.Object) bool {
	inner, ok := obj.(v1alpha1.InnerObject)
	return ok && inner.IsOneShot()
}

// wait waits for d, or until ctx ends and returns why.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
