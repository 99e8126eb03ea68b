package chaosmesh

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// SignalMemory is the signal of memory use that stress is seen in, in bytes
// of a pod; of each target apart, see [record.TargetSignal].
const SignalMemory = "memory"

// MemoryStress allocates and holds memory in each container: "256Mi", "256MB",
// or "80%" of the container's limit, which all of them must have and which
// must be the same. More than the limit gets something in the container
// killed.
//
// The effect is that the memory use of the targets, as the signal
// [SignalMemory] or the one that Seen names, lies higher by eight tenths of
// the size, or of the container's limit if that is lower.
func (c *Cluster) MemoryStress(pods faults.Pods, size string) *StressFault {
	k := &memoryStress{stress: &stress{}, size: size}
	return c.newStress(pods, k, k.stress)
}

type memoryStress struct {
	*stress
	size string
}

func (k *memoryStress) action() string { return "stress-memory" }

func (k *memoryStress) verb() string { return "hold " + k.size + " of memory in" }

func (k *memoryStress) object(s site) (client.Object, error) {
	bytes, err := k.bytes(s.pods)
	if err != nil {
		return nil, err
	}
	return k.place(s, v1alpha1.Stressors{MemoryStressor: &v1alpha1.MemoryStressor{
		Stressor: v1alpha1.Stressor{Workers: 1},
		// In plain bytes: what takes the size reads both MB and MiB as
		// millions, and a percentage as one of the node's memory.
		Size: strconv.FormatInt(bytes, 10) + "B",
	}})
}

// leastMemory is the smallest size that could be told from a container's
// ordinary changes.
const leastMemory = 1 << 20

// bytes is the size in bytes, a percentage resolved against the limit of the
// containers.
func (k *memoryStress) bytes(pods []corev1.Pod) (int64, error) {
	if digits, ok := strings.CutSuffix(k.size, "%"); ok {
		percent, err := strconv.Atoi(digits)
		if err != nil || percent < 1 || percent > 100 {
			return 0, faults.Refuse("%s of the memory limit; a percentage is from 1%% to 100%%", k.size)
		}
		limit, err := k.limit(pods)
		return max(limit/100*int64(percent), leastMemory), err
	}
	size, err := resource.ParseQuantity(strings.TrimSuffix(k.size, "B"))
	if err != nil {
		return 0, faults.Refuse("memory size %q is no size; write \"256Mi\", \"256MB\" or \"80%%\"", k.size)
	}
	if size.Value() < leastMemory {
		return 0, faults.Refuse("memory size %q is %d bytes; a MiB is the least", k.size, size.Value())
	}
	return size.Value(), nil
}

// limit is the memory limit that all stressed containers have.
func (k *memoryStress) limit(pods []corev1.Pod) (int64, error) {
	var limit int64
	for _, pod := range pods {
		for _, c := range k.stressed(pod) {
			own, ok := c.Resources.Limits[corev1.ResourceMemory]
			switch {
			case !ok || own.IsZero():
				return 0, faults.Refuse("%s of a limit that container %s of pod %s does not have; say a size", k.size, c.Name, pod.Name)
			case limit != 0 && limit != own.Value():
				return 0, faults.Refuse("%s of limits that differ (%d and %d bytes, container %s of pod %s); say a size", k.size, limit, own.Value(), c.Name, pod.Name)
			}
			limit = own.Value()
		}
	}
	return limit, nil
}

func (k *memoryStress) effects(signal string, pods []corev1.Pod) ([]record.Effect, string, error) {
	bytes, err := k.bytes(pods)
	if err != nil {
		return nil, "", err
	}
	return []record.Effect{{
		Signal: cmp.Or(signal, SignalMemory),
		Rise:   0.8 * k.least(pods, corev1.ResourceMemory, float64(bytes)),
	}}, "", nil
}
