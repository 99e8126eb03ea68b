package rollout

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// A Workload is the object of a rollout, within the guard of a cluster.
type Workload struct {
	kube.Workload
	// Cluster has the guard: it refuses a workload outside its namespaces, or one
	// with a protected pod.
	Cluster faults.Cluster
	// Timeout bounds each wait: for the controller to see a change, for a bad
	// pod to fail, for a rollout to end. Default 1 min.
	Timeout time.Duration
	// Every is the poll interval. Default 250 ms.
	Every time.Duration
}

// InjectTimeout is how long a rollout takes at most to begin, or to fail.
func (w Workload) InjectTimeout() time.Duration {
	return faults.Preparing + w.timeout()
}

func (w Workload) timeout() time.Duration { return cmp.Or(w.Timeout, time.Minute) }

func (w Workload) read(ctx context.Context) (kube.State, error) { return w.Read(ctx, w.Cluster.Client) }

// choose reads the workload and its running pods. The error wraps
// [faults.ErrRefused] where the guard refuses, a rollout is in progress or
// would not reach every pod, or a run has left a bad image.
func (w Workload) choose(ctx context.Context) (kube.State, []corev1.Pod, error) {
	if err := w.Cluster.Validate(); err != nil {
		return kube.State{}, nil, err
	}
	s, err := w.read(ctx)
	if err != nil {
		return kube.State{}, nil, err
	}
	candidates, _, err := w.Cluster.Choose(ctx, faults.PodsOf(w.Namespace, s.Selector), faults.All)
	if err != nil {
		return kube.State{}, nil, err
	}
	if note, there := s.Object.GetAnnotations()[Annotation]; there {
		return kube.State{}, nil, faults.Refuse("%s has a bad image of a run already, or had one (%s: %s); wait for that run, or remove it with sweep", w, Annotation, note)
	}
	if text, there := s.Object.GetLabels()[RestartLabel]; there {
		return kube.State{}, nil, faults.Refuse("%s has a restart of a run already, or had one (%s: %s); wait for that run, or remove it with sweep", w, RestartLabel, text)
	}
	if s.Held != "" {
		return kube.State{}, nil, faults.Refuse("no rollout of %s reaches every pod: %s", w, s.Held)
	}
	if why := s.Incomplete(); why != "" {
		return kube.State{}, nil, faults.Refuse("%s", why)
	}
	own, err := s.Pods(ctx, w.Cluster.Client)
	if err != nil {
		return kube.State{}, nil, err
	}
	serving := slices.DeleteFunc(candidates, func(pod corev1.Pod) bool {
		return !slices.ContainsFunc(own, func(o corev1.Pod) bool { return o.UID == pod.UID })
	})
	if len(serving) == 0 {
		return kube.State{}, nil, faults.Refuse("%s has no running pod", w)
	}
	return s, serving, nil
}

// patch changes the workload, if it is still in the version that was read, and
// updates the state's object with the result. It sends only the difference, so
// that fields unknown to this program stay: of a custom resource by their paths,
// since the API server would replace the whole list of containers.
func (w Workload) patch(ctx context.Context, s kube.State, change func(kube.State), options ...client.PatchOption) error {
	before, ok := s.Object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("patch %s: %T is not a client.Object", w, s.Object)
	}
	change(s)
	patch := client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{})
	r, custom := before.(*argo.Rollout)
	if custom {
		patch = paths{r}
	}
	err := w.Cluster.Client.Patch(ctx, s.Object, patch, options...)
	if custom && apierrors.IsInvalid(err) {
		// A path that is no longer there is found before the version is compared.
		if now, again := w.read(ctx); again == nil && now.Object.GetResourceVersion() != r.ResourceVersion {
			err = apierrors.NewConflict(schema.GroupResource{Group: argo.GroupVersion.Group, Resource: w.Resource()}, w.Name, err)
		}
	}
	if err != nil {
		return fmt.Errorf("patch %s: %w", w, kube.Explain(err, "the right to patch "+w.Resource()))
	}
	return nil
}

// annotate sets an annotation of an object; an empty value removes it.
func annotate(o client.Object, key, value string) {
	o.SetAnnotations(with(o.GetAnnotations(), key, value))
}

// label sets a label of an object; an empty value removes it. Controllers copy the
// annotations of a workload to its ReplicaSets, and not its labels.
func label(o client.Object, key, value string) { o.SetLabels(with(o.GetLabels(), key, value)) }

// with sets a value of a map, which may be nil; an empty one removes it.
func with(values map[string]string, key, value string) map[string]string {
	if values == nil {
		values = map[string]string{}
	}
	if values[key] = value; value == "" {
		delete(values, key)
	}
	return values
}

// unlessChanged retries when another client has changed the workload between
// reading and patching; the controller does so all the time.
func unlessChanged(f func() error) error { return retry.RetryOnConflict(retry.DefaultBackoff, f) }

// await polls until nothing is missing or the timeout passes; missing is then
// what is left. The span is from the last look at which something was missing
// to the first at which nothing was. Transient errors are ignored; the error is
// for the rest.
func (w Workload) await(ctx context.Context, clock steadystate.Clock, look func() (missing string, err error)) (span steadystate.Span, missing string, err error) {
	span = steadystate.Instant(clock.Now())
	until := span.From + w.timeout()
	for {
		at := clock.Now()
		missing, err = look()
		span.To = clock.Now()
		switch {
		case err == nil && missing == "":
			return span, "", nil
		case err == nil:
			span.From = at
		case errors.Is(err, kube.ErrNoWorkload), faults.Permanent(err):
			return span, err.Error(), err
		default:
			missing = err.Error()
		}
		if span.To >= until {
			return span, missing, nil
		}
		if err := experiments.Wait(ctx, min(cmp.Or(w.Every, 250*time.Millisecond), until-span.To)); err != nil {
			return span, missing, err
		}
	}
}

// away is how many of the workload's pods a rollout, or a restart of all of them,
// makes unavailable at one time at most, and what decides that.
func away(s kube.State, restart bool) (n int, by string) {
	const strategy = "the update strategy of %s makes up to %d pods unavailable at a time"
	said := func(n int) (int, string) { return n, fmt.Sprintf(strategy, s.Text(), n) }
	share := func(of *intstr.IntOrString, otherwise string, up bool) int {
		value := ptr.Deref(of, intstr.Parse(otherwise))
		n, err := intstr.GetScaledValueFromIntOrPercent(&value, int(s.Desired), up)
		if err != nil {
			return 0 // which the API server would not have taken
		}
		return n
	}
	switch o := s.Object.(type) {
	case *appsv1.Deployment:
		if o.Spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
			return int(s.Desired), "the update strategy of " + s.Text() + " is Recreate"
		}
		// As its controller resolves it.
		rolling := ptr.Deref(o.Spec.Strategy.RollingUpdate, appsv1.RollingUpdateDeployment{})
		n := share(rolling.MaxUnavailable, "25%", false)
		if n == 0 && share(rolling.MaxSurge, "25%", true) == 0 {
			n = 1
		}
		return said(n)
	case *appsv1.DaemonSet:
		rolling := ptr.Deref(o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
		n := share(rolling.MaxUnavailable, "1", true)
		if n == 0 && share(rolling.MaxSurge, "0", true) == 0 {
			n = 1
		}
		return said(n)
	case *argo.Rollout:
		n := share(o.MaxUnavailable(), "25%", false)
		switch canary := o.Spec.Strategy.Canary; {
		case restart: // it evicts pods, and new ones come after that
			n = max(1, n)
		case canary == nil: // all new ones are ready before the old ones go
			n = 0
		case n == 0 && share(canary.MaxSurge, "25%", true) == 0:
			n = 1
		}
		return said(n)
	case *appsv1.StatefulSet:
		rolling := ptr.Deref(o.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateStatefulSetStrategy{})
		return said(max(1, share(rolling.MaxUnavailable, "1", true)))
	}
	return 0, ""
}
