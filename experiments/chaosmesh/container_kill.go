package chaosmesh

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// ContainerKill kills the named containers of pods, as a crash of the program
// would; at least one name is needed, and every pod must have them all. The
// kubelet starts them again in the same pod. It is over when it is done. The
// effect is that each of the containers of each target was restarted.
func (c *Cluster) ContainerKill(pods faults.Pods, count faults.Count, containers ...string) *Fault {
	return c.fault(containerKill{containers: containers}, pods, count)
}

type containerKill struct {
	plain
	containers []string
}

func (containerKill) action() string { return string(v1alpha1.ContainerKillAction) }

func (k containerKill) verb() string {
	return fmt.Sprintf("kill container %s of", strings.Join(k.containers, ", "))
}

func (containerKill) empty() client.Object { return &v1alpha1.PodChaos{} }

func (k containerKill) object(s site) (client.Object, error) {
	if len(k.containers) == 0 {
		return nil, faults.Refuse("no container; say which ones by their names")
	}
	if err := have(s.pods, k.containers); err != nil {
		return nil, err
	}
	return podChaos(s, v1alpha1.ContainerKillAction, k.containers), nil
}

func (k containerKill) effects(signal string, _ []corev1.Pod) ([]record.Effect, string, error) {
	effects, unprovable, err := events(record.EventRestarted, signal)
	if err != nil || len(k.containers) == 0 {
		return effects, unprovable, err
	}
	effects = nil
	for _, name := range k.containers {
		effects = append(effects, record.Effect{Event: record.EventRestarted, Container: name})
	}
	return effects, unprovable, nil
}

// shows: each of the containers is another one. One beside them that crashes by
// itself proves nothing.
func (k containerKill) shows(before, pod *corev1.Pod, deleted bool) string {
	same := func(name string) bool { return restarts(pod, name) <= restarts(before, name) }
	if deleted || slices.ContainsFunc(k.containers, same) || restarts(pod) <= restarts(before) {
		return ""
	}
	return record.EventRestarted
}

func (k containerKill) within() []string { return k.containers }

func (containerKill) proof(p Patience) time.Duration { return max(p.Proof, kubeletProof) }

// have refuses pods that lack one of the containers: Chaos Mesh would pass
// over it without a word.
func have(pods []corev1.Pod, containers []string) error {
	for _, pod := range pods {
		var names []string
		for _, c := range pod.Spec.Containers {
			names = append(names, c.Name)
		}
		for _, name := range containers {
			if !slices.Contains(names, name) {
				return faults.Refuse("pod %s has no container %q; it has %s", pod.Name, name, strings.Join(names, ", "))
			}
		}
	}
	return nil
}
