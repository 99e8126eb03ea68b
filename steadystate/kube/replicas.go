package kube

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Replicas observes the ready pods of a workload over the desired ones: 1 when
// all are ready, more than 1 while it scales down. It observes once a second,
// and each change besides, however short. The share is unknown with zero desired
// pods, and while the API server does not answer. A workload deleted during the
// observation is a failure; one that does not exist at the start is an error.
func Replicas(c client.WithWatch, w Workload) steadystate.Source {
	return observe(c, w, "replicas", func(s State) steadystate.Observation {
		return steadystate.Observation{Value: float64(s.Ready) / float64(s.Desired)}
	})
}
