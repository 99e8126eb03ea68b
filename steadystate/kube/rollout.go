package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Rollout observes how far the newest revision of a deployment is rolled out:
// the share of its pods, of those that are there and at least of those that are
// wanted, that are of the newest revision and ready. It is 1 when the rollout
// is complete, as "kubectl rollout status" says it, and less while an old pod
// is left or a new one is not ready. Until the controller has seen the newest
// generation, that of a change of scale too, it is 0. Pods that are on their
// way out do not count.
//
// Of an incomplete rollout a deployment's status does not tell which of the
// ready pods are the new ones: the value is then known to a bucket, which lies
// below 1. It is observed as often as [Replicas], and what is unknown or failed
// there is so here.
func Rollout(c client.WithWatch, namespace, deployment string) steadystate.Source {
	return observeDeployment(c, namespace, deployment, "rollout", rolledOut)
}

func rolledOut(d *appsv1.Deployment) steadystate.Observation {
	s := d.Status
	if s.ObservedGeneration < d.Generation {
		return steadystate.Observation{}
	}
	// At least so many of the ready ones are new: all but as many as are old.
	low, high := max(0, s.ReadyReplicas-(s.Replicas-s.UpdatedReplicas)), min(s.ReadyReplicas, s.UpdatedReplicas)
	all := float64(max(Wanted(d), s.Replicas))
	o := steadystate.Observation{Value: float64(low) / all}
	if low < high {
		o.Bucket = steadystate.Bucket{Low: float64(low) / all, High: float64(high) / all}
	}
	return o
}
