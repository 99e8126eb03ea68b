package chaosmesh

import (
	"cmp"
	"fmt"
	"math"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// SignalCPU is the signal of CPU use that stress is seen in, in cores of a
// pod; of each target apart, see [record.TargetSignal].
const SignalCPU = "cpu"

// CPUStress keeps so many workers busy in each container, each on one core if
// there is one free; Load makes them less than fully busy.
//
// The effect is that the CPU use of the targets, as the signal [SignalCPU] or
// the one that Seen names, lies higher by half of what the workers would use,
// or of the container's limit if that is lower.
func (c *Cluster) CPUStress(pods faults.Pods, workers int) *StressFault {
	k := &cpuStress{stress: &stress{}, workers: workers}
	if workers < 1 || workers > maxWorkers {
		k.wrong("%d workers; from 1 to %d", workers, maxWorkers)
	}
	return c.newStress(pods, k, k.stress)
}

// maxWorkers is the most that the CRD takes.
const maxWorkers = 8192

// Load is how busy each worker is, in percent of a core. Default 100.
func (f *StressFault) Load(percent int) *StressFault {
	k, ok := f.kind.(*cpuStress)
	switch {
	case !ok:
		f.stress.wrong("a load is for the stress of CPUs")
	case percent < 1 || percent > 100:
		f.stress.wrong("load of %d%%; from 1 to 100", percent)
	default:
		k.load = &percent
	}
	return f
}

type cpuStress struct {
	*stress
	workers int
	load    *int
}

func (k *cpuStress) action() string { return "stress-cpu" }

func (k *cpuStress) verb() string {
	return fmt.Sprintf("keep %d CPU workers %d%% busy in", k.workers, k.percent())
}

func (k *cpuStress) percent() int {
	if k.load == nil {
		return 100
	}
	return *k.load
}

func (k *cpuStress) object(s site) (client.Object, error) {
	return k.place(s, v1alpha1.Stressors{CPUStressor: &v1alpha1.CPUStressor{
		Stressor: v1alpha1.Stressor{Workers: k.workers},
		Load:     k.load,
	}})
}

func (k *cpuStress) effects(signal string, pods []corev1.Pod) ([]record.Effect, string, error) {
	cores := float64(k.workers*k.percent()) / 100
	effect := record.Effect{
		Signal: cmp.Or(signal, SignalCPU),
		Rise:   0.5 * k.least(pods, corev1.ResourceCPU, cores),
	}
	// Where limits and not the workers bound what can be used, a container that
	// was busy before has less to rise by.
	if limits := k.least(pods, corev1.ResourceCPU, math.Inf(1)); !math.IsInf(limits, 1) && limits <= 2*effect.Rise {
		effect.Ceiling = limits
	}
	return []record.Effect{effect}, "", nil
}
