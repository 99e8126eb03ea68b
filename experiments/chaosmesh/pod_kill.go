package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
)

// PodKill kills pods without grace, as a crash of the machine or the kernel
// would: no SIGTERM, no preStop hook, no draining. It is a one-shot fault.
type PodKill struct {
	// Pods selects the possible targets, Count says how many are hit.
	Pods  faults.Pods  `yaml:"-"`
	Count faults.Count `yaml:"pods"`
	// Effects must be seen. Default: each victim, by its UID, is gone.
	Effects []record.Effect `yaml:"-"`
}

// Validate names the invalid fields.
func (f PodKill) Validate() error { return wrong(wrongHit(f.Pods, f.Count, f.Effects)) }

func (f PodKill) plan() plan {
	return plan{
		does: record.KindPodKill, action: string(v1alpha1.PodKillAction), verb: "kill", kind: v1alpha1.KindPodChaos,
		pods: f.Pods, count: f.Count,
		object:   podChaos(v1alpha1.PodKillAction, nil),
		declared: f.Effects, effects: always(record.Effect{Event: record.EventGone}),
		sight: sight{shows: killed},
	}
}

// killed: a pod is killed once the API server has marked it for deletion.
func killed(_, pod *corev1.Pod, deleted bool) string {
	switch {
	case deleted:
		return record.EventGone
	case pod.DeletionTimestamp != nil:
		return record.EventTerminating
	}
	return ""
}

// podChaos makes objects of kind PodChaos. It refuses pods that lack one of the
// containers.
func podChaos(action v1alpha1.PodChaosAction, containers []string) func(placement) (client.Object, error) {
	return func(s placement) (client.Object, error) {
		return &v1alpha1.PodChaos{
			TypeMeta:   typeMeta(v1alpha1.KindPodChaos),
			ObjectMeta: s.meta,
			Spec: v1alpha1.PodChaosSpec{
				ContainerSelector: v1alpha1.ContainerSelector{PodSelector: s.selector, ContainerNames: containers},
				Action:            action,
				Duration:          s.duration(),
			},
		}, have(s.pods, containers)
	}
}
