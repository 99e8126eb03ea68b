package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Workload names the object that creates a service's pods: a Deployment, a
// StatefulSet, a DaemonSet, or a Rollout of Argo Rollouts.
type Workload struct {
	Kind      Kind
	Namespace string
	Name      string
}

// ErrNoWorkload is wrapped by errors about a workload that does not exist.
var ErrNoWorkload = errors.New("there is no")

// ErrUnsupported is wrapped by errors about a workload that cannot be tested, however
// often it is read.
var ErrUnsupported = errors.New("not supported")

// An UnseenError is the error of [Workloads] if it has all that the cluster's own kinds
// have, and the account may not list these kinds of custom resources.
type UnseenError struct {
	Kinds []Kind
	err   error
}

func (e *UnseenError) Error() string { return "not seen: " + e.err.Error() }

// Unwrap returns the API server's answers.
func (e *UnseenError) Unwrap() error { return e.err }

// ParseWorkload reads a kind and a name, as in "deployment/checkout" or
// "statefulset/ledger". It leaves the namespace empty.
func ParseWorkload(text string) (Workload, error) {
	of, name, _ := strings.Cut(text, "/")
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.word() == strings.ToLower(of) })
	if i < 0 || name == "" || strings.Contains(name, "/") {
		var choices []string
		for _, k := range kinds {
			choices = append(choices, k.word()+"/NAME")
		}
		return Workload{}, fmt.Errorf("workload %q: want one of %s", text, strings.Join(choices, ", "))
	}
	return Workload{Kind: kinds[i].Kind, Name: name}, nil
}

// UnmarshalText reads the form of [ParseWorkload], and keeps the namespace.
func (w *Workload) UnmarshalText(text []byte) error {
	parsed, err := ParseWorkload(string(text))
	w.Kind, w.Name = parsed.Kind, parsed.Name
	return err
}

// String returns "deployment checkout in shop".
func (w Workload) String() string {
	return fmt.Sprintf("%s %s in %s", w.Kind.word(), w.Name, w.Namespace)
}

// Text returns the form that [ParseWorkload] reads, as in "deployment/checkout".
func (w Workload) Text() string { return w.Kind.word() + "/" + w.Name }

// Subject returns its name in events, as in "deployment/shop/checkout".
func (w Workload) Subject() string { return w.Kind.word() + "/" + w.Namespace + "/" + w.Name }

// Resource returns the API's plural, as in "deployments".
func (w Workload) Resource() string { return w.Kind.word() + "s" }

// Valid says what is missing.
func (w Workload) Valid() error {
	if w.Namespace == "" || w.Name == "" || w.of().state == nil {
		return fmt.Errorf("needs a workload with a kind, a namespace and a name; got %q, %q and %q", w.Kind, w.Namespace, w.Name)
	}
	return nil
}

// APIVersion returns the group and version of its kind, as in "apps/v1".
func (w Workload) APIVersion() string { return w.of().of.String() }

// Scales reports whether its number of pods can be set, so that an autoscaler
// can control it.
func (w Workload) Scales() bool { return !w.of().perNode }

// Drains reports whether draining a node evicts its pods. "kubectl drain" leaves
// those of a DaemonSet, which would return at once.
func (w Workload) Drains() bool { return !w.of().perNode }

// Sticks reports whether a pod that never becomes ready blocks its rollouts for
// good, so that no other template replaces the pod until it is deleted.
// Kubernetes documents this for a StatefulSet under "forced rollback"; with a
// maxUnavailable it also applies to the pod management policy Parallel.
func (w Workload) Sticks() bool { return w.of().sticks }

// PodNames returns a regular expression that matches the names of its pods, but not
// those of workloads whose names begin with its own.
func (w Workload) PodNames() string { return regexp.QuoteMeta(w.Name) + w.of().podNames }

// NewList returns an empty list of its kind.
func (w Workload) NewList() client.ObjectList { return w.of().list() }

// Read reads its state. The error wraps [ErrNoWorkload] if it does not exist, and
// [ErrUnsupported] if its template is elsewhere, see [State.Unreadable], or the client
// lacks the type of its kind.
func (w Workload) Read(ctx context.Context, c client.Reader) (State, error) {
	if err := w.Valid(); err != nil {
		return State{}, err
	}
	object := w.of().object()
	switch err := c.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: w.Name}, object); {
	case w.of().custom && meta.IsNoMatchError(err):
		return State{}, fmt.Errorf("%w %s: %s", ErrNoWorkload, w, w.of().lacking(err))
	case runtime.IsNotRegisteredError(err):
		return State{}, fmt.Errorf("read %s: %w: %s", w, ErrUnsupported, w.of().lacking(err))
	case apierrors.IsNotFound(err):
		return State{}, fmt.Errorf("%w %s", ErrNoWorkload, w)
	case err != nil:
		return State{}, fmt.Errorf("read %s: %w", w, Explain(err, "the right to get "+w.Resource()))
	}
	s, _ := StateOf(object)
	if s.Unreadable != "" {
		return State{}, fmt.Errorf("read %s: %w: %s", w, ErrUnsupported, s.Unreadable)
	}
	return s, nil
}

// lacking says why a request for any object of the kind fails: the cluster lacks the
// kind, or the client its type. Empty: neither is the reason.
func (k kind) lacking(err error) string {
	switch {
	case meta.IsNoMatchError(err):
		return fmt.Sprintf("the cluster has no kind %s of %s", k.Kind, k.of)
	case runtime.IsNotRegisteredError(err):
		return fmt.Sprintf("the scheme of the client has no kind %s of %s; add it, as by argo.AddToScheme", k.Kind, k.of)
	}
	return ""
}

// Workloads returns the states of all workloads in a namespace, or in all of them if it
// is "". If some kinds cannot be listed, it returns the others with an error, which is an
// [UnseenError] if these are custom resources that the account may not list. A custom
// resource that the cluster or the client lacks has no objects. Must are kinds whose
// objects must be seen: that one is lacking, or may not be listed, is an error like any
// other.
func Workloads(ctx context.Context, c client.Reader, namespace string, must ...Kind) ([]State, error) {
	var states []State
	var errs, unseen []error
	var hidden []Kind
	for _, k := range kinds {
		list := k.list()
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			resource := Workload{Kind: k.Kind}.Resource()
			lacking := k.lacking(err)
			if k.custom && apierrors.IsNotFound(err) { // the answer once its definition is deleted
				lacking = k.lacking(&meta.NoKindMatchError{})
			}
			explained := fmt.Errorf("list %s in %s: %w", resource, cmp.Or(namespace, "all namespaces"), Explain(err, "the right to list "+resource))
			switch optional := k.custom && !slices.Contains(must, k.Kind); {
			case optional && lacking != "":
			case optional && apierrors.IsForbidden(err):
				unseen, hidden = append(unseen, explained), append(hidden, k.Kind)
			case lacking != "":
				errs = append(errs, fmt.Errorf("%w: %s, and its objects must be seen", explained, lacking))
			default:
				errs = append(errs, explained)
			}
			continue
		}
		items, err := meta.ExtractList(list)
		if err != nil {
			errs = append(errs, err)
		}
		for _, item := range items {
			if object, ok := item.(client.Object); ok {
				s, _ := StateOf(object)
				states = append(states, s)
			}
		}
	}
	if len(errs) == 0 && len(unseen) > 0 {
		return states, &UnseenError{hidden, errors.Join(unseen...)}
	}
	return states, errors.Join(append(errs, unseen...)...)
}

// A State is a workload's status, in terms that fit every kind.
type State struct {
	Workload
	// Object is the API's object. Selector and Template are parts of it:
	// changing them changes the object.
	Object   client.Object
	Selector *metav1.LabelSelector
	Template *corev1.PodTemplateSpec

	Desired  int32 // desired pods; for a DaemonSet, as its controller reports them
	Existing int32
	Ready    int32
	// Available have been ready for the workload's minReadySeconds.
	Available int32
	// Updated pods have the revision they should have: the newest one or, below
	// a StatefulSet's partition, the one that all pods had before. A restart of a
	// Rollout makes no revision: its pods stay up to date.
	Updated int32
	// Terminating pods are shutting down. Only a Deployment counts them apart
	// from those that exist.
	Terminating int32
	// Observed is the newest generation that its controller has observed.
	Observed int64
	// Held says why a new template does not replace every pod by itself; empty:
	// it does.
	Held string
	// Lingers says why pods stay for a while after their update was taken back; empty:
	// they go at once.
	Lingers string
	// Unreadable says why Template, and perhaps Selector, are not those of its pods;
	// empty: they are.
	Unreadable string

	revisions []string // in use, if the status names any
	// unfinished says why the newest revision is not rolled out although its pods may
	// be; empty: nothing says so.
	unfinished string
	// reverted: the newest revision is the one that all pods had last. No
	// rollout to it is under way, but a rollback to it may be.
	reverted bool
}

// StateOf returns the state of a workload's object; ok is false for an object of
// another kind.
func StateOf(object client.Object) (s State, ok bool) {
	for _, k := range kinds {
		if s, ok = k.state(object); ok {
			s.Workload = Workload{Kind: k.Kind, Namespace: object.GetNamespace(), Name: object.GetName()}
			s.Object = object
			return s, true
		}
	}
	return State{}, false
}

// Incomplete says why the newest revision is not rolled out; empty: it is. The
// rule is that of "kubectl rollout status" (k8s.io/kubectl, polymorphichelpers,
// rollout_status.go): the controller has observed the newest generation, as many
// pods as desired are updated, and none of another revision is left.
// [State.Unsettled] checks that they are available. For a StatefulSet, kubectl
// compares the two revisions in the status, which are equal as soon as a rollout
// is reverted; Incomplete counts its pods. A Rollout must be Healthy by its
// conditions and its phase besides.
func (s State) Incomplete() string {
	switch {
	case s.Object.GetDeletionTimestamp() != nil:
		return fmt.Sprintf("%s is being deleted", s)
	case s.Observed < s.Object.GetGeneration():
		return fmt.Sprintf("%s: a change is under way, its controller has seen generation %d of %d", s, s.Observed, s.Object.GetGeneration())
	case s.unfinished != "":
		return fmt.Sprintf("%s is not rolled out: %s", s, s.unfinished)
	case s.Existing > s.Updated && s.reverted:
		// A StatefulSet does not count a terminating pod toward any revision.
		return fmt.Sprintf("%s: %d of %d pods are up to date, the others are terminating or of another revision", s, s.Updated, s.Existing)
	case s.Existing > s.Updated && s.Held != "":
		return fmt.Sprintf("%s: a rollout is not complete, %d of %d pods are up to date, and it goes no further: %s", s, s.Updated, s.Existing, s.Held)
	case s.Existing > s.Updated:
		return fmt.Sprintf("%s: a rollout is under way, %d of %d pods are up to date", s, s.Updated, s.Existing)
	case s.Updated < s.Desired:
		return fmt.Sprintf("%s: %d pods exist and %d are desired", s, s.Existing, s.Desired)
	}
	return ""
}

// Unsettled says why the workload is not at rest; empty: it is. At rest, no
// rollout is under way, and exactly the desired pods exist and have been ready
// for long enough.
func (s State) Unsettled() string {
	incomplete := s.Incomplete()
	switch {
	case incomplete != "":
		return incomplete
	case s.Desired == 0:
		return fmt.Sprintf("%s desires no pods", s)
	case s.Existing != s.Desired:
		return fmt.Sprintf("%s: %d pods exist and %d are desired", s, s.Existing, s.Desired)
	case s.Ready != s.Desired:
		return fmt.Sprintf("%s: %d of %d pods are ready", s, s.Ready, s.Desired)
	case s.Available != s.Desired:
		return fmt.Sprintf("%s: %d of %d pods have been ready for long enough", s, s.Available, s.Desired)
	case s.Terminating > 0:
		return fmt.Sprintf("%s: %d pods are still terminating", s, s.Terminating)
	}
	return ""
}

// Pods returns the pods that it controls, in any state. Labels do not identify them:
// the selectors of two workloads may overlap.
func (s State) Pods(ctx context.Context, c client.Reader) ([]corev1.Pod, error) {
	owners := map[types.UID]bool{s.Object.GetUID(): true}
	if s.of().indirect {
		sets, err := s.Revisions(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, set := range sets {
			owners[set.Object.GetUID()] = true
		}
	}
	var list corev1.PodList
	if err := c.List(ctx, &list, client.InNamespace(s.Namespace)); err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", s, Explain(err, "the right to list pods"))
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		owner := metav1.GetControllerOf(&pod)
		return owner == nil || !owners[owner.UID]
	}), nil
}

// Fronts returns the Services of a list that select its pods; first the one that has
// the workload's name.
func (s State) Fronts(services []corev1.Service) (fronts []corev1.Service) {
	for _, front := range services {
		// Without a selector its endpoints are managed elsewhere.
		if front.Namespace == s.Namespace && front.Spec.Type != corev1.ServiceTypeExternalName && len(front.Spec.Selector) > 0 &&
			labels.SelectorFromSet(front.Spec.Selector).Matches(labels.Set(s.Template.Labels)) {
			fronts = append(fronts, front)
		}
	}
	slices.SortStableFunc(fronts, func(a, b corev1.Service) int {
		switch s.Name {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return 0
	})
	return fronts
}

// A Revision is a current or earlier template of a workload, from its history.
type Revision struct {
	// Object is a ReplicaSet or a ControllerRevision. Both carry the annotations
	// that the workload had when the revision was created.
	Object   client.Object
	Resource string // the API's plural of it
	Template corev1.PodTemplateSpec
	Used     bool // pods of it are desired or exist
}

// Revisions returns the revisions in its history, by reading them from the API.
func (s State) Revisions(ctx context.Context, c client.Reader) ([]Revision, error) {
	return s.of().revisions(ctx, c, s)
}
