package chaosmesh

import (
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// PodKill kills pods without grace, as a crash of the machine or the kernel
// would: no SIGTERM, no preStop hook, no draining. It is over when it is done;
// what comes back, and how soon, is what the experiment is about. The effect
// is that each victim, by its UID, is gone.
func (c *Cluster) PodKill(pods faults.Pods, count faults.Count) *Fault {
	return c.fault(podKill{}, pods, count)
}

type podKill struct{ plain }

func (podKill) action() string { return string(v1alpha1.PodKillAction) }

func (podKill) verb() string { return "kill" }

func (podKill) empty() client.Object { return &v1alpha1.PodChaos{} }

func (podKill) object(s site) (client.Object, error) {
	return podChaos(s, v1alpha1.PodKillAction, nil), nil
}

func (podKill) effects(signal string, _ []corev1.Pod) ([]record.Effect, string, error) {
	return events(record.EventGone, signal)
}

// shows: a pod is killed once the API server has marked it for deletion.
func (podKill) shows(_, pod *corev1.Pod, deleted bool) string {
	switch {
	case deleted:
		return record.EventGone
	case pod.DeletionTimestamp != nil:
		return record.EventTerminating
	}
	return ""
}

func (podKill) proof(p Patience) time.Duration { return p.Proof }

// podChaos is an object of kind PodChaos.
func podChaos(s site, action v1alpha1.PodChaosAction, containers []string) *v1alpha1.PodChaos {
	return &v1alpha1.PodChaos{
		TypeMeta:   typeMeta(v1alpha1.KindPodChaos),
		ObjectMeta: s.meta,
		Spec: v1alpha1.PodChaosSpec{
			ContainerSelector: v1alpha1.ContainerSelector{PodSelector: s.selector, ContainerNames: containers},
			Action:            action,
			Duration:          s.duration(),
		},
	}
}
