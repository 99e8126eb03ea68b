package suites

import (
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
)

// Pods is the suite of what can happen to pods.
func Pods(t *Target) []experiments.Experiment {
	pods := chaosmesh.Pods{Namespace: t.Service.Namespace, Selector: t.Service.Selector}
	return []experiments.Experiment{
		t.experiment("kill one pod of "+t.Service.Deployment, []string{"pods", "kill"}, t.Chaos.PodKill(pods, chaosmesh.One)),
	}
}

// All is every suite.
func All(t *Target) []experiments.Experiment {
	return Pods(t)
}
