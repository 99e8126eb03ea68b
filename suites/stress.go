package suites

import (
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// stress is the suite of what happens when something else uses up what the
// service needs. Its effects are seen in the pods' own use.
var stress = []standard{
	{
		id: "stress/cpu-one", name: "one pod of %s is short of CPU", hold: 30 * time.Second, signals: []string{SignalCPU},
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.CPUStress(t.pods(), 1).Load(80).Containers(t.Service.Container).Only(faults.One).Seen(SignalCPU)
		},
	},
	{
		id: "stress/cpu-all", name: "all pods of %s are short of CPU", hold: 30 * time.Second, signals: []string{SignalCPU},
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.CPUStress(t.pods(), 1).Load(80).Containers(t.Service.Container).Only(faults.All).Seen(SignalCPU)
		},
	},
	{
		id: "stress/memory", name: "one pod of %s is short of memory", hold: 30 * time.Second, signals: []string{SignalMemory},
		fault: func(t *Target) experiments.Fault {
			return t.Chaos.MemoryStress(t.pods(), "70%").Containers(t.Service.Container).Only(faults.One).Seen(SignalMemory)
		},
	},
}
