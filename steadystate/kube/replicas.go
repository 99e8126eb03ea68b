package kube

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Replicas observes the ready pods of a workload over the desired ones: 1 when
// all are ready, more than 1 while it is scaled down. While nothing changes
// there is an observation a second; each change is observed beside, however
// short. Zero desired pods are unknown, since nothing can be said of their
// share, and so is an API server that does not answer. A workload that is
// deleted meanwhile is a failure, one that is not there from the start an error.
func Replicas(c client.WithWatch, w Workload) steadystate.Source {
	return observe(c, w, "replicas", func(s State) steadystate.Observation {
		return steadystate.Observation{Value: float64(s.Ready) / float64(s.Desired)}
	})
}
