package chaosmesh

import (
	"cmp"
	"fmt"
	"math"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// SignalCPU is the signal of CPU use that shows stress, in cores of a pod; one
// for each target, see [record.TargetSignal].
const SignalCPU = "cpu"

// maxWorkers is the CRD's maximum.
const maxWorkers = 8192

// StressCPU keeps workers busy in each container, each on one core if one is
// free. A container that restarts meanwhile is free of the stress, and Chaos
// Mesh does not notice.
type StressCPU struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Containers are the stressed containers. Default: the first of each pod.
	Containers []string `yaml:"containers"`
	// Workers are how many there are in each container, from 1 to 8192. Required.
	// Example: 1.
	Workers int `yaml:"workers"`
	// Load is how busy each worker is, in whole percents of a core. Default:
	// 100%. Example: 80%.
	Load Share `yaml:"load"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Signal is the signal of each target, in cores, that rises by at least half
	// of the workers' planned use, or of the container's limit if that is lower.
	// Default: cpu.
	Signal string `yaml:"signal"`
	// Effects must be seen, in place of Signal.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f StressCPU) Validate() error {
	errs := append(wrongHit(f.Pods, cmp.Or(f.Count, faults.All), f.Effects), wrongContainers(f.Containers)...)
	if f.Workers < 1 || f.Workers > maxWorkers {
		errs = append(errs, field.Invalid(at("workers"), f.Workers, fmt.Sprintf("must be from 1 to %d", maxWorkers)))
	}
	if f.Load != 0 && !f.Load.whole() {
		errs = append(errs, field.Invalid(at("load"), f.Load.String(), "must be a whole percentage from 1% to 100%"))
	}
	return wrong(errs, wrongSignal(f.Signal, f.Effects))
}

func (f StressCPU) plan() plan {
	percent := int(cmp.Or(f.Load, 1).percent())
	stressor := &v1alpha1.CPUStressor{Stressor: v1alpha1.Stressor{Workers: f.Workers}}
	if f.Load != 0 {
		stressor.Load = &percent
	}
	return plan{
		does: record.KindStressCPU, action: "stress-cpu", verb: fmt.Sprintf("keep %d CPU workers %d%% busy in", f.Workers, percent), kind: v1alpha1.KindStressChaos,
		pods: f.Pods, count: cmp.Or(f.Count, faults.All), follow: f.Follow,
		object: func(s placement) (client.Object, error) {
			return stressChaos(s, f.Containers, v1alpha1.Stressors{CPUStressor: stressor.DeepCopy()})
		},
		declared: f.Effects, effects: func(pods []corev1.Pod) ([]record.Effect, string, error) {
			c, cores := containers(f.Containers), float64(f.Workers*percent)/100
			effect := record.Effect{
				Signal: cmp.Or(f.Signal, SignalCPU),
				Rise:   0.5 * c.least(pods, corev1.ResourceCPU, cores),
			}
			// Where limits, not the workers, bound the use, a container that was busy
			// before has less room to rise.
			if limits := c.least(pods, corev1.ResourceCPU, math.Inf(1)); !math.IsInf(limits, 1) && limits <= 2*effect.Rise {
				effect.Ceiling = limits
			}
			return []record.Effect{effect}, "", nil
		},
	}
}
