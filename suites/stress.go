package suites

import (
	"time"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// stress is the suite of what happens when something else uses up what the
// service needs. Its effects are seen in the pods' own use.
var stress = []standard{
	{
		id: "stress/cpu-one", name: "one pod of %s is short of CPU", hold: 30 * time.Second, signals: []string{SignalCPU},
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return t.cpuStress(faults.One, follow)
		},
	},
	{
		id: "stress/cpu-all", name: "all pods of %s are short of CPU", hold: 30 * time.Second, signals: []string{SignalCPU},
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return t.cpuStress(faults.All, follow)
		},
	},
	{
		id: "stress/memory", name: "one pod of %s is short of memory", hold: 30 * time.Second, signals: []string{SignalMemory},
		held: func(t *Target, follow bool) chaosmesh.Spec {
			return chaosmesh.StressMemory{
				Pods: t.pods(), Count: faults.One, Containers: []string{t.Service.Container},
				OfLimit: 70 * chaosmesh.Percent, Follow: follow, Signal: SignalMemory,
			}
		},
	},
}

// cpuStress takes the service's container most of one core.
func (t *Target) cpuStress(count faults.Count, follow bool) chaosmesh.Spec {
	return chaosmesh.StressCPU{
		Pods: t.pods(), Count: count, Containers: []string{t.Service.Container},
		Workers: 1, Load: 80 * chaosmesh.Percent, Follow: follow, Signal: SignalCPU,
	}
}
