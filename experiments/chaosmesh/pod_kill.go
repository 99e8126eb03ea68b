package chaosmesh

import (
	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments"
)

// PodKill kills pods without grace, as a crash of the machine or the kernel
// would: no SIGTERM, no preStop hook, no draining. It is over when it is done;
// what comes back, and how soon, is what the experiment is about. The effect
// is that each victim, by its UID, is gone.
func (c *Cluster) PodKill(pods Pods, count Count) *Fault {
	return &Fault{cluster: c, kind: podKill{}, pods: pods, count: count}
}

type podKill struct{}

func (podKill) action() string { return "pod-kill" }

func (podKill) verb() string { return "kill" }

func (podKill) object(meta metav1.ObjectMeta, pods v1alpha1.PodSelector, duration string) v1alpha1.InnerObject {
	return &v1alpha1.PodChaos{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: v1alpha1.KindPodChaos},
		ObjectMeta: meta,
		Spec: v1alpha1.PodChaosSpec{
			ContainerSelector: v1alpha1.ContainerSelector{PodSelector: pods},
			Action:            v1alpha1.PodKillAction,
			GracePeriod:       0,
			Duration:          &duration,
		},
	}
}

func (podKill) list() v1alpha1.GenericChaosList { return &v1alpha1.PodChaosList{} }

func (podKill) effects() []experiments.Effect {
	return []experiments.Effect{{Event: experiments.EventGone}}
}

// shows: a pod is killed once the API server has marked it for deletion.
func (podKill) shows(pod *corev1.Pod, deleted bool) bool {
	return deleted || pod.DeletionTimestamp != nil
}
