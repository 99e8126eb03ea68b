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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Workload is the deployment that is rolled out, within the guard of a
// cluster.
type Workload struct {
	// Cluster has the guard: a deployment outside of its namespaces, or one
	// with a pod that it protects, is refused.
	Cluster    faults.Cluster
	Namespace  string
	Deployment string
	// Timeout bounds each wait: for the controller to see a change, for a bad
	// pod to fail, for a rollout to end. Default 1 min.
	Timeout time.Duration
	// Every is how often is looked. Default 250 ms.
	Every time.Duration
}

// String is "deployment checkout in shop".
func (w Workload) String() string {
	return fmt.Sprintf("deployment %s in %s", w.Deployment, w.Namespace)
}

func (w Workload) subject() string { return "deployment/" + w.Namespace + "/" + w.Deployment }

// errNoDeployment is wrapped where the deployment is not there.
var errNoDeployment = errors.New("there is no such deployment")

func (w Workload) read(ctx context.Context) (*appsv1.Deployment, error) {
	var d appsv1.Deployment
	switch err := w.Cluster.Client.Get(ctx, client.ObjectKey{Namespace: w.Namespace, Name: w.Deployment}, &d); {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: %s", errNoDeployment, w)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", w, faults.Explain(err, "the right to get deployments"))
	}
	return &d, nil
}

// choose reads the deployment and its running pods. The error wraps
// [faults.ErrRefused] where the guard refuses, a rollout is under way, or a
// run has left a bad image.
func (w Workload) choose(ctx context.Context) (*appsv1.Deployment, []corev1.Pod, error) {
	if w.Cluster.Client == nil || w.Namespace == "" || w.Deployment == "" {
		return nil, nil, errors.New("needs a client of a cluster, a namespace and a deployment")
	}
	d, err := w.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	candidates, _, err := w.Cluster.Choose(ctx, faults.PodsOf(w.Namespace, d.Spec.Selector), faults.All)
	if err != nil {
		return nil, nil, err
	}
	if note, there := d.Annotations[Annotation]; there {
		return nil, nil, faults.Refuse("%s has a bad image of a run already, or had one (%s: %s); wait for that run, or remove it with sweep", w, Annotation, note)
	}
	if why := busy(d); why != "" {
		return nil, nil, faults.Refuse("%s: %s", w, why)
	}
	sets, err := w.revisions(ctx, d)
	if err != nil {
		return nil, nil, err
	}
	serving := slices.DeleteFunc(candidates, func(pod corev1.Pod) bool { return !of(pod, sets) })
	if len(serving) == 0 {
		return nil, nil, faults.Refuse("%s has no running pod", w)
	}
	return d, serving, nil
}

// busy is why the deployment cannot be rolled out now; empty: it can.
func busy(d *appsv1.Deployment) string {
	s, want := d.Status, ptr.Deref(d.Spec.Replicas, 1)
	switch {
	case d.DeletionTimestamp != nil:
		return "it is being deleted"
	case d.Spec.Paused:
		return "its rollouts are paused: kubectl rollout resume"
	case s.ObservedGeneration < d.Generation:
		return fmt.Sprintf("a change is under way, its controller has seen generation %d of %d", s.ObservedGeneration, d.Generation)
	case s.UpdatedReplicas < want || s.Replicas > s.UpdatedReplicas:
		return fmt.Sprintf("a rollout is under way, %d of %d replicas are up to date, and %d are there", s.UpdatedReplicas, want, s.Replicas)
	}
	return ""
}

// revisions are the replica sets of the deployment.
func (w Workload) revisions(ctx context.Context, d *appsv1.Deployment) ([]appsv1.ReplicaSet, error) {
	var list appsv1.ReplicaSetList
	if err := w.Cluster.Client.List(ctx, &list, client.InNamespace(w.Namespace)); err != nil {
		return nil, fmt.Errorf("list the replica sets of %s: %w", w, faults.Explain(err, "the right to list replicasets"))
	}
	return slices.DeleteFunc(list.Items, func(set appsv1.ReplicaSet) bool { return !metav1.IsControlledBy(&set, d) }), nil
}

// pods are all pods of the deployment, whatever their state.
func (w Workload) pods(ctx context.Context, d *appsv1.Deployment) ([]corev1.Pod, error) {
	sets, err := w.revisions(ctx, d)
	if err != nil {
		return nil, err
	}
	var list corev1.PodList
	if err := w.Cluster.Client.List(ctx, &list, client.InNamespace(w.Namespace)); err != nil {
		return nil, fmt.Errorf("list the pods of %s: %w", w, faults.Explain(err, "the right to list pods"))
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool { return !of(pod, sets) }), nil
}

// of reports whether the pod is of one of the replica sets.
func of(pod corev1.Pod, sets []appsv1.ReplicaSet) bool {
	return slices.ContainsFunc(sets, func(set appsv1.ReplicaSet) bool { return metav1.IsControlledBy(&pod, &set) })
}

// patch changes the deployment, if it is still in the version that d was read
// in; then d is what came of it. It sends what differs and nothing else, so
// that fields which this program does not know stay.
func (w Workload) patch(ctx context.Context, d *appsv1.Deployment, change func(*appsv1.Deployment), options ...client.PatchOption) error {
	before := d.DeepCopy()
	change(d)
	if err := w.Cluster.Client.Patch(ctx, d, client.StrategicMergeFrom(before, client.MergeFromWithOptimisticLock{}), options...); err != nil {
		return fmt.Errorf("patch %s: %w", w, faults.Explain(err, "the right to patch deployments"))
	}
	return nil
}

// unlessChanged does it again when another client has changed the deployment
// between reading and patching; the controller does so all the time.
func unlessChanged(f func() error) error { return retry.RetryOnConflict(retry.DefaultBackoff, f) }

// await looks until nothing is missing or the time-out is over; missing is then
// what is. The span is from the last look at which something was missing to the
// first at which nothing was. What may pass by itself is looked over; the error
// is for the rest.
func (w Workload) await(ctx context.Context, clock steadystate.Clock, look func() (missing string, err error)) (span steadystate.Span, missing string, err error) {
	span = steadystate.Instant(clock.Now())
	until := span.From + cmp.Or(w.Timeout, time.Minute)
	for {
		at := clock.Now()
		missing, err = look()
		span.To = clock.Now()
		switch {
		case err == nil && missing == "":
			return span, "", nil
		case err == nil:
			span.From = at
		case errors.Is(err, errNoDeployment), faults.Permanent(err):
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
