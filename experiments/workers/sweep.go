package workers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
)

// Find lists the Jobs of workers that runs have left behind, of runs under way
// too, and pods of theirs whose Job is gone. It changes nothing. Where the
// account may not list them it cannot have made them either.
func Find(ctx context.Context, c client.Reader, scope chaosmesh.Scope) ([]chaosmesh.Leftover, error) {
	if len(scope.Namespaces) == 0 {
		return nil, errors.New("find load workers: no namespace; say where to look")
	}
	ours := client.MatchingLabels{chaosmesh.ManagedLabel: chaosmesh.Managed}
	if scope.Run != "" {
		ours[chaosmesh.RunLabel] = scope.Run
	}
	var left []chaosmesh.Leftover
	var errs []error
	for _, namespace := range scope.Namespaces {
		var jobs batchv1.JobList
		var pods corev1.PodList
		for what, list := range map[string]client.ObjectList{"Job": &jobs, "Pod": &pods} {
			err := c.List(ctx, list, client.InNamespace(namespace), ours, client.HasLabels{JobLabel})
			if err != nil && !apierrors.IsForbidden(err) {
				errs = append(errs, fmt.Errorf("list %s in %s: %w", what, namespace, explain(err)))
			}
		}
		for _, o := range jobs.Items {
			left = append(left, leftover("Job", o.ObjectMeta))
		}
		for _, o := range pods.Items {
			if !slices.ContainsFunc(jobs.Items, func(job batchv1.Job) bool { return job.Name == o.Labels[JobLabel] }) {
				left = append(left, leftover("Pod", o.ObjectMeta))
			}
		}
	}
	return left, errors.Join(errs...)
}

func leftover(kind string, meta metav1.ObjectMeta) chaosmesh.Leftover {
	return chaosmesh.Leftover{
		Kind:       kind,
		Namespace:  meta.Namespace,
		Name:       meta.Name,
		Run:        meta.Labels[chaosmesh.RunLabel],
		Created:    meta.CreationTimestamp.Time,
		Finalizers: meta.Finalizers,
	}
}

// sweepWithin is how long one Job and its pods may take to go.
const sweepWithin = time.Minute

// Sweep removes what [Find] finds, and proves by looking again that nothing is
// left. The error names all that may still be there; what was removed is
// returned in any case.
func Sweep(ctx context.Context, c client.Client, scope chaosmesh.Scope) ([]chaosmesh.Leftover, error) {
	found, err := Find(ctx, c, scope)
	errs := []error{err}
	var removed []chaosmesh.Leftover
	for _, l := range found {
		if err := sweep(ctx, c, l); err != nil {
			errs = append(errs, err)
			continue
		}
		removed = append(removed, l)
	}
	again, err := Find(ctx, c, scope)
	if err != nil {
		errs = append(errs, fmt.Errorf("look again: %w", err))
	}
	if len(again) > 0 {
		errs = append(errs, fmt.Errorf("still in place: %s", chaosmesh.Named(again)))
	}
	return removed, errors.Join(errs...)
}

func sweep(ctx context.Context, c client.Client, l chaosmesh.Leftover) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	meta := metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name}
	if l.Kind == "Job" {
		return remove(ctx, c, &batchv1.Job{ObjectMeta: meta})
	}
	// A pod without its Job is the garbage collector's, which is on its way or
	// does not run.
	for pod := (&corev1.Pod{ObjectMeta: meta}); ; {
		err := c.Delete(ctx, pod.DeepCopy())
		if apierrors.IsNotFound(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove pod %s/%s: still there: %w", l.Namespace, l.Name, errors.Join(explain(err), context.Cause(ctx)))
		case <-time.After(askEvery):
		}
	}
}
