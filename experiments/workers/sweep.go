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

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// Find lists the Jobs of workers that runs have left behind, those of runs in
// progress included, and pods of theirs whose Job is gone. It changes nothing.
// An account that may not list them cannot have made them either.
func Find(ctx context.Context, c client.Reader, scope faults.Scope) ([]faults.Leftover, error) {
	found, _, err := find(ctx, c, scope)
	return found, err
}

// find lists the leftovers. Kinds that the account may not list are in hidden.
func find(ctx context.Context, c client.Reader, scope faults.Scope) (left []faults.Leftover, hidden, err error) {
	if err := scope.Validate(); err != nil {
		return nil, nil, err
	}
	var errs, forbidden []error
	for _, namespace := range scope.Namespaces {
		var jobs batchv1.JobList
		var pods corev1.PodList
		for _, of := range []struct {
			what string
			list client.ObjectList
		}{{"Job", &jobs}, {"Pod", &pods}} {
			err := c.List(ctx, of.list, client.InNamespace(namespace), scope.Labels(), client.HasLabels{JobLabel})
			if err == nil {
				continue
			}
			failed := fmt.Errorf("list %s in %s: %w", of.what, namespace, explain(err))
			if apierrors.IsForbidden(err) {
				forbidden = append(forbidden, failed)
			} else {
				errs = append(errs, failed)
			}
		}
		for _, o := range jobs.Items {
			if scope.Has(o.Labels[faults.RunLabel]) {
				left = append(left, leftover("Job", &o))
			}
		}
		for _, o := range pods.Items {
			if scope.Has(o.Labels[faults.RunLabel]) && !slices.ContainsFunc(jobs.Items, func(job batchv1.Job) bool { return job.Name == o.Labels[JobLabel] }) {
				left = append(left, leftover("Pod", &o))
			}
		}
	}
	return left, errors.Join(forbidden...), errors.Join(errs...)
}

func leftover(kind string, o client.Object) faults.Leftover {
	return faults.NewLeftover(kind, o.GetLabels()[faults.RunLabel], o)
}

// sweepWithin bounds the removal of one Job and its pods.
const sweepWithin = time.Minute

// Sweep removes the leftovers that [Find] finds, and proves by looking again
// that none is left. The error names all that may still exist, and all that the
// account may not list; it always returns what it removed.
func Sweep(ctx context.Context, c client.Client, scope faults.Scope) ([]faults.Leftover, error) {
	look := func() (left []faults.Leftover, hidden, err error) { return find(ctx, c, scope) }
	return faults.Sweep(look, func(l *faults.Leftover) error { return sweep(ctx, c, *l) })
}

func sweep(ctx context.Context, c client.Client, l faults.Leftover) error {
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	meta := metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name}
	if l.Kind == "Job" {
		return remove(ctx, c, &batchv1.Job{ObjectMeta: meta}, false)
	}
	// A pod without its Job is left to the garbage collector, which is on its way
	// or does not run.
	for pod := (&corev1.Pod{ObjectMeta: meta}); ; {
		err := c.Delete(ctx, pod.DeepCopy())
		if apierrors.IsNotFound(err) {
			return nil
		}
		if ended := experiments.Wait(ctx, askEvery); ended != nil {
			return fmt.Errorf("remove pod %s/%s: still there: %w", l.Namespace, l.Name, errors.Join(explain(err), ended))
		}
	}
}
