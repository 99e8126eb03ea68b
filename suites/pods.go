package suites

import (
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// pods is the suite of what can happen to pods. A crash, without grace, and an
// eviction, with it and with the PodDisruptionBudget, are two things.
var pods = []standard{
	{
		id: "pods/kill-one", name: "kill one pod of %s",
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.Fault(chaosmesh.PodKill{Pods: t.pods(), Count: faults.One})
		},
	},
	{
		id: "pods/kill-third", name: "kill a third of the pods of %s",
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.Fault(chaosmesh.PodKill{Pods: t.pods(), Count: faults.Percent(33)})
		},
	},
	{
		id: "pods/container-kill", name: "kill the container of one pod of %s",
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.Fault(chaosmesh.ContainerKill{Pods: t.pods(), Count: faults.One, Containers: []string{t.Service.Container}})
		},
	},
	{
		id: "pods/failure", name: "one pod of %s fails for a while", hold: 30 * time.Second,
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return chaosmesh.PodFailure{Pods: t.pods(), Count: faults.One, Follow: follow}
		},
	},
	{
		id: "pods/evict", name: "evict one pod of %s",
		fault: func(t *Target) experiments.Fault {
			return &eviction.Fault{Cluster: t.guarded(), Pods: t.pods(), Count: faults.One}
		},
	},
}
