package chaosmesh

import (
	"cmp"
	"strconv"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// SignalMemory is the signal of memory use that shows stress, in bytes of a
// pod; one for each target, see [record.TargetSignal].
const SignalMemory = "memory"

// StressMemory allocates and holds memory in each container, either a size or a
// share of its limit. Beyond the container's limit a process in it gets killed. A
// container that restarts meanwhile is free of the stress, and Chaos Mesh does
// not notice.
type StressMemory struct {
	// Pods selects the possible targets, Count says how many are hit. Default of
	// Count: all.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Containers are the stressed containers. Default: the first of each pod.
	Containers []string `yaml:"containers"`
	// Size is in bytes, at least a MiB. It or OfLimit is required. Example: 256Mi.
	Size resource.Quantity `yaml:"size"`
	// OfLimit is a share of the container's memory limit, in whole percents. All
	// stressed containers must have the same limit. Example: 70%.
	OfLimit Share `yaml:"ofLimit"`
	// Follow also hits pods that appear while the fault is held; see [Fault].
	// Default: false.
	Follow bool `yaml:"follow"`
	// Signal is the signal of each target, in bytes, that rises by at least
	// eight tenths of the size, or of the container's limit if that is lower.
	// Default: memory.
	Signal string `yaml:"signal"`
	// Effects must be seen, in place of Signal.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f StressMemory) Validate() error {
	errs := append(wrongHit(f.Pods, cmp.Or(f.Count, faults.All), f.Effects), wrongContainers(f.Containers)...)
	switch {
	case f.Size.IsZero() && f.OfLimit == 0:
		errs = append(errs, field.Required(at("size"), "say a size, as in 256Mi, or ofLimit, as in 80%"))
	case !f.Size.IsZero() && f.OfLimit != 0:
		errs = append(errs, field.Forbidden(at("ofLimit"), "size is set too; keep one of the two"))
	case f.OfLimit != 0 && !f.OfLimit.whole():
		errs = append(errs, field.Invalid(at("ofLimit"), f.OfLimit.String(), "must be a whole percentage from 1% to 100%"))
	case f.OfLimit == 0 && f.Size.Value() < leastMemory:
		errs = append(errs, field.Invalid(at("size"), f.Size.String(), "must be at least a MiB: it is in bytes, as in 256Mi"))
	}
	return wrong(errs, wrongSignal(f.Signal, f.Effects))
}

// text is the size for people.
func (f StressMemory) text() string {
	if f.OfLimit != 0 {
		return f.OfLimit.String()
	}
	return f.Size.String()
}

func (f StressMemory) plan() plan {
	return plan{
		does: record.KindStressMemory, action: "stress-memory", verb: "hold " + f.text() + " of memory in", kind: v1alpha1.KindStressChaos,
		pods: f.Pods, count: cmp.Or(f.Count, faults.All), follow: f.Follow,
		object: func(s placement) (client.Object, error) {
			bytes, err := f.bytes(s.pods)
			if err != nil {
				return nil, err
			}
			return stressChaos(s, f.Containers, v1alpha1.Stressors{MemoryStressor: &v1alpha1.MemoryStressor{
				Stressor: v1alpha1.Stressor{Workers: 1},
				// In plain bytes: the stressor reads both MB and MiB as millions, and a
				// percentage as one of the node's memory.
				Size: strconv.FormatInt(bytes, 10) + "B",
			}})
		},
		declared: f.Effects, effects: func(pods []corev1.Pod) ([]record.Effect, string, error) {
			bytes, err := f.bytes(pods)
			if err != nil {
				return nil, "", err
			}
			return []record.Effect{{
				Signal: cmp.Or(f.Signal, SignalMemory),
				Rise:   0.8 * containers(f.Containers).least(pods, corev1.ResourceMemory, float64(bytes)),
			}}, "", nil
		},
	}
}

// leastMemory is the smallest size that stands out from a container's ordinary
// changes.
const leastMemory = 1 << 20

// bytes is the size in bytes, a share resolved against the limit of the
// containers.
func (f StressMemory) bytes(pods []corev1.Pod) (int64, error) {
	if f.OfLimit == 0 {
		return f.Size.Value(), nil
	}
	limit, err := f.limit(pods)
	return max(limit/100*int64(f.OfLimit.percent()), leastMemory), err
}

// limit is the common memory limit of all stressed containers.
func (f StressMemory) limit(pods []corev1.Pod) (int64, error) {
	var limit int64
	for _, pod := range pods {
		for _, c := range containers(f.Containers).of(pod) {
			own, ok := c.Resources.Limits[corev1.ResourceMemory]
			switch {
			case !ok || own.IsZero():
				return 0, faults.Refuse("%s of a limit that container %s of pod %s does not have; say a size", f.OfLimit, c.Name, pod.Name)
			case limit != 0 && limit != own.Value():
				return 0, faults.Refuse("%s of limits that differ (%d and %d bytes, container %s of pod %s); say a size", f.OfLimit, limit, own.Value(), c.Name, pod.Name)
			}
			limit = own.Value()
		}
	}
	return limit, nil
}
