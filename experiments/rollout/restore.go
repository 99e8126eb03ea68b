package rollout

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// restore sets the previous image and removes the note, in one request, so that
// the note is never copied to the good revision. An image that another client
// has set stays. It returns the image that was in place.
func (w Workload) restore(ctx context.Context, n note) (was string, err error) {
	s, err := w.read(ctx)
	if err != nil {
		return "", err
	}
	c := container(&s.Template.Spec, n.Container)
	if c != nil {
		was = c.Image
	}
	noted, _ := noteOf(s.Object.GetAnnotations())
	ours := noted != nil && noted.Run == n.Run
	if was != n.Bad && !ours {
		return was, nil
	}
	return was, w.patch(ctx, s, func(s kube.State) {
		if was == n.Bad {
			container(&s.Template.Spec, n.Container).Image = n.Image
		}
		if ours {
			annotate(s.Object, Annotation, "")
		}
	})
}

// fenceLabel names the run. It exists for an instant only, unless the API goes away in it.
const fenceLabel = "aftershock.dev/fence"

// fence makes a new version of the workload, unless the run's change of it came.
func (w Workload) fence(ctx context.Context, run string, came func(kube.State) bool) error {
	return unlessChanged(func() error {
		s, err := w.read(ctx)
		if err != nil {
			return err
		}
		if !came(s) {
			if err := w.patch(ctx, s, func(s kube.State) { label(s.Object, fenceLabel, run) }); err != nil {
				return err
			}
		}
		return w.unfence(ctx, s, run)
	})
}

// unfence removes the label of a run, if it is there.
func (w Workload) unfence(ctx context.Context, s kube.State, run string) error {
	if s.Object.GetLabels()[fenceLabel] != run {
		return nil
	}
	return w.patch(ctx, s, func(s kube.State) { label(s.Object, fenceLabel, "") })
}

// bearing lists the pods of the workload that have the bad image.
func (w Workload) bearing(ctx context.Context, s kube.State, n note) ([]corev1.Pod, error) {
	pods, err := s.Pods(ctx, w.Cluster.Client)
	var bad []corev1.Pod
	for _, pod := range pods {
		if n.bears(&pod.Spec) {
			bad = append(bad, pod)
		}
	}
	return bad, err
}

// clear waits until no pod with the bad image is left and, if complete, until
// the rollout is complete; tell is told of pods that it deletes. Left is how many
// bad pods were left at the last look, -1 if none succeeded.
func (w Workload) clear(ctx context.Context, clock steadystate.Clock, n note, complete bool, tell func(format string, args ...any)) (left int, span steadystate.Span, missing string, err error) {
	left = -1
	span, missing, err = w.await(ctx, clock, func() (string, error) {
		s, err := w.read(ctx)
		if err != nil {
			return "", err
		}
		bad, err := w.bearing(ctx, s, n)
		if err != nil {
			return "", err
		}
		freed, err := w.free(ctx, s, bad, n)
		for _, name := range freed {
			tell("deleted pod %s, which had the bad image: a %s replaces no pod that never became ready", name, w.Kind)
		}
		switch left = len(bad); {
		case left > 0 || err != nil:
			return fmt.Sprintf("%d pods with the image %s are still there", left, n.Bad), err
		case complete:
			return s.Unsettled(), nil
		}
		return "", nil
	})
	return left, span, missing, err
}

// free deletes those of the bad pods that keep the rollout from starting, and
// returns their names: the ones of a StatefulSet that are not ready. A new
// template does not replace them, see [kube.Workload.Sticks]. Before the
// controller has seen the template it would recreate them from the old one.
func (w Workload) free(ctx context.Context, s kube.State, bad []corev1.Pod, n note) ([]string, error) {
	if !w.Sticks() || n.bears(&s.Template.Spec) || s.Observed < s.Object.GetGeneration() {
		return nil, nil
	}
	var names []string
	for _, pod := range bad {
		if pod.DeletionTimestamp != nil || kube.PodReady(&pod) {
			continue
		}
		// Exactly this pod, as it was seen: if it has become ready it stays.
		err := w.Cluster.Client.Delete(ctx, &pod, client.Preconditions{UID: &pod.UID, ResourceVersion: &pod.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return names, fmt.Errorf("delete pod %s, which has the bad image and stops the rollout: %w", pod.Name, kube.Explain(err, "the right to delete pods"))
		}
		names = append(names, pod.Name)
	}
	return names, nil
}

// freeable asks the API server in a dry run whether free could delete a pod.
func (w Workload) freeable(ctx context.Context, pod corev1.Pod) error {
	if !w.Sticks() {
		return nil
	}
	if err := w.Cluster.Client.Delete(ctx, &pod, client.DryRunAll, client.Preconditions{UID: &pod.UID}); err != nil {
		return fmt.Errorf("try to delete pod %s, as the rollback must do with the bad one: %w", pod.Name, kube.Explain(err, "the right to delete pods"))
	}
	return nil
}

// forget deletes the bad revisions, which no pod belongs to any more: of those
// with the bad image, the ones that the run has made.
func (w Workload) forget(ctx context.Context, n note) error {
	s, err := w.read(ctx)
	if err != nil {
		return err
	}
	revisions, err := s.Revisions(ctx, w.Cluster.Client)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range revisions {
		noted, _ := noteOf(r.Object.GetAnnotations())
		if noted == nil || noted.Run != n.Run || !n.bears(&r.Template.Spec) || r.Used {
			continue
		}
		uid, version := r.Object.GetUID(), r.Object.GetResourceVersion()
		as := client.Preconditions{UID: &uid, ResourceVersion: &version}
		if err := w.Cluster.Client.Delete(ctx, r.Object, as, client.PropagationPolicy(metav1.DeletePropagationBackground)); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("delete %s of %s: %w", r.Object.GetName(), w, kube.Explain(err, "the right to delete "+r.Resource)))
		}
	}
	return errors.Join(errs...)
}
