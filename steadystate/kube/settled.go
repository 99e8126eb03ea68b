package kube

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Settled says why a deployment is not at rest; the reason is empty if it is.
func Settled(ctx context.Context, c client.Reader, namespace, deployment string) (reason string, err error) {
	var d appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: deployment}, &d); err != nil {
		return "", fmt.Errorf("read deployment %s/%s: %w", namespace, deployment, err)
	}
	return Unsettled(&d), nil
}

// Unsettled says why a deployment is not at rest; it is empty if it is: its
// controller has seen its latest generation, no rollout is under way, and
// exactly the wanted replicas exist and are ready.
func Unsettled(d *appsv1.Deployment) string {
	name, want, s := d.Namespace+"/"+d.Name, Wanted(d), d.Status
	switch {
	case d.DeletionTimestamp != nil:
		return fmt.Sprintf("deployment %s is being deleted", name)
	case s.ObservedGeneration < d.Generation:
		return fmt.Sprintf("deployment %s: its controller has seen generation %d of %d", name, s.ObservedGeneration, d.Generation)
	case want == 0:
		return fmt.Sprintf("deployment %s wants no replicas", name)
	case s.UpdatedReplicas < want && d.Spec.Paused:
		return fmt.Sprintf("deployment %s: its rollout is paused, %d of %d replicas are up to date", name, s.UpdatedReplicas, want)
	case s.UpdatedReplicas < want:
		return fmt.Sprintf("deployment %s: a rollout is under way, %d of %d replicas are up to date", name, s.UpdatedReplicas, want)
	case s.Replicas != want:
		return fmt.Sprintf("deployment %s: %d replicas exist and %d are wanted", name, s.Replicas, want)
	case s.ReadyReplicas != want:
		return fmt.Sprintf("deployment %s: %d of %d replicas are ready", name, s.ReadyReplicas, want)
	case s.AvailableReplicas != want:
		return fmt.Sprintf("deployment %s: %d of %d replicas have been ready for long enough", name, s.AvailableReplicas, want)
	case ptr.Deref(s.TerminatingReplicas, 0) > 0:
		return fmt.Sprintf("deployment %s: %d replicas are still terminating", name, *s.TerminatingReplicas)
	}
	return ""
}
