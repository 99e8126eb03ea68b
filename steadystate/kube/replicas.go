package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Replicas observes the ready replicas of a deployment over the wanted ones: 1
// when all are ready, more than 1 while it is scaled down. While nothing
// changes there is an observation a second; each change is observed beside,
// however short. Zero wanted replicas are unknown, since nothing can be said
// of their share, and so is an API server that does not answer. A deployment
// that is deleted meanwhile is a failure, one that is not there from the start
// an error.
func Replicas(c client.WithWatch, namespace, deployment string) steadystate.Source {
	return observeDeployment(c, namespace, deployment, "replicas", func(d *appsv1.Deployment) steadystate.Observation {
		return steadystate.Observation{Value: float64(d.Status.ReadyReplicas) / float64(Wanted(d))}
	})
}
