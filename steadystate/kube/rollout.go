package kube

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Rollout observes how far the newest revision of a workload is rolled out: the
// share of its pods, of those that are there and at least of those that are
// desired, that are up to date and ready; see [State.Updated]. It is 1 when the
// rollout is complete, as "kubectl rollout status" says it, and less while an
// old pod is left or a new one is not ready. Until the controller has seen the
// newest generation, that of a change of scale too, it is 0. Pods of a
// Deployment that are on their way out do not count.
//
// Of an incomplete rollout a workload's status does not tell which of the
// ready pods are the new ones: the value is then known to a bucket, which lies
// below 1. It is observed as often as [Replicas], and what is unknown or failed
// there is so here.
func Rollout(c client.WithWatch, w Workload) steadystate.Source {
	return observe(c, w, "rollout", rolledOut)
}

func rolledOut(s State) steadystate.Observation {
	if s.Observed < s.Object.GetGeneration() {
		return steadystate.Observation{}
	}
	// At least so many of the ready ones are new: all but as many as are old.
	low, high := max(0, s.Ready-(s.Existing-s.Updated)), min(s.Ready, s.Updated)
	all := float64(max(s.Desired, s.Existing))
	o := steadystate.Observation{Value: float64(low) / all}
	if low < high {
		o.Bucket = steadystate.Bucket{Low: float64(low) / all, High: float64(high) / all}
	}
	return o
}
