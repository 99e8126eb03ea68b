package rollout

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// restore puts the image back that was there before and takes the note off, in
// one request, so that the note is never copied to the replica set of the good
// revision. An image that another client has set stays. It returns the image
// that was there.
func (w Workload) restore(ctx context.Context, n note) (was string, err error) {
	d, err := w.read(ctx)
	if err != nil {
		return "", err
	}
	c := container(&d.Spec.Template.Spec, n.Container)
	if c != nil {
		was = c.Image
	}
	noted, _ := noteOf(d.Annotations)
	ours := noted != nil && noted.Run == n.Run
	if was != n.Bad && !ours {
		return was, nil
	}
	return was, w.patch(ctx, d, func(d *appsv1.Deployment) {
		if was == n.Bad {
			container(&d.Spec.Template.Spec, n.Container).Image = n.Image
		}
		if ours {
			delete(d.Annotations, Annotation)
		}
	})
}

// fenceAnnotation is there for an instant.
const fenceAnnotation = "aftershock.dev/fence"

// fence makes the deployment another version, if the bad image has not come.
func (w Workload) fence(ctx context.Context, run string) error {
	return unlessChanged(func() error {
		d, err := w.read(ctx)
		if err != nil {
			return err
		}
		if _, came := d.Annotations[Annotation]; came {
			return nil
		}
		if err := w.patch(ctx, d, func(d *appsv1.Deployment) { metav1.SetMetaDataAnnotation(&d.ObjectMeta, fenceAnnotation, run) }); err != nil {
			return err
		}
		return w.patch(ctx, d, func(d *appsv1.Deployment) { delete(d.Annotations, fenceAnnotation) })
	})
}

// bearing are the pods of the deployment that have the bad image.
func (w Workload) bearing(ctx context.Context, d *appsv1.Deployment, n note) ([]corev1.Pod, error) {
	pods, err := w.pods(ctx, d)
	var bad []corev1.Pod
	for _, pod := range pods {
		if n.bears(&pod.Spec) {
			bad = append(bad, pod)
		}
	}
	return bad, err
}

// forget deletes the replica sets of the bad revision, which want no pods any
// more: of those that have the image, the ones that the run has made.
func (w Workload) forget(ctx context.Context, n note) error {
	d, err := w.read(ctx)
	if err != nil {
		return err
	}
	sets, err := w.revisions(ctx, d)
	if err != nil {
		return err
	}
	var errs []error
	for _, set := range sets {
		noted, _ := noteOf(set.Annotations)
		if noted == nil || noted.Run != n.Run || !n.bears(&set.Spec.Template.Spec) || ptr.Deref(set.Spec.Replicas, 1) > 0 || set.Status.Replicas > 0 {
			continue
		}
		as := client.Preconditions{UID: &set.UID, ResourceVersion: &set.ResourceVersion}
		if err := w.Cluster.Client.Delete(ctx, &set, as, client.PropagationPolicy(metav1.DeletePropagationBackground)); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("delete replica set %s: %w", set.Name, faults.Explain(err, "the right to delete replicasets")))
		}
	}
	return errors.Join(errs...)
}
