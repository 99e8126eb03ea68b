package kube

import (
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Rollout observes the progress of a workload's newest revision: the number of
// pods that are up to date and ready, over the existing pods or the desired
// ones, whichever are more; see [State.Updated]. It is 1 when the rollout is
// complete, as in "kubectl rollout status", and less while an old pod is left or
// a new one is not ready. It is 0 until the controller has observed the newest
// generation, including a change of scale. A Deployment's terminating pods do
// not count.
//
// During a rollout a workload's status does not tell which ready pods are new:
// the value is then known to a bucket, which lies below 1. So it is while a
// Rollout of Argo Rollouts is not healthy, whatever its pods are: invalid, aborted,
// paused, restarting. Rollout observes as often as [Replicas], and is unknown or
// failed in the same cases.
func Rollout(c client.WithWatch, w Workload) steadystate.Source {
	return observe(c, w, "rollout", rolledOut)
}

func rolledOut(s State) steadystate.Observation {
	if s.Observed < s.Object.GetGeneration() {
		return steadystate.Observation{}
	}
	// At least this many ready pods are new: all but the number of old ones.
	low, high := max(0, s.Ready-(s.Existing-s.Updated)), min(s.Ready, s.Updated)
	all := float64(max(s.Desired, s.Existing))
	if s.unfinished != "" {
		low, high = 0, min(high, max(s.Desired, s.Existing)-1)
	}
	o := steadystate.Observation{Value: float64(low) / all}
	if low < high {
		o.Bucket = steadystate.Bucket{Low: float64(low) / all, High: float64(high) / all}
	}
	return o
}
