package kube

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// PodReady reports whether a pod is ready.
func PodReady(pod *corev1.Pod) bool {
	return PodCondition(pod, corev1.PodReady).Status == corev1.ConditionTrue
}

// PodCondition returns the pod's condition of a type, or the zero value if it has none.
func PodCondition(pod *corev1.Pod, of corev1.PodConditionType) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == of {
			return c
		}
	}
	return corev1.PodCondition{}
}

// PodRevision is the label that the pods of one template have and those of others do
// not, as in "pod-template-hash=5d8f7c"; empty: it has none. Argo Rollouts has a label
// of its own.
func PodRevision(pod *corev1.Pod) string {
	for _, label := range []string{"rollouts-pod-template-hash", appsv1.DefaultDeploymentUniqueLabelKey, appsv1.ControllerRevisionHashLabelKey} {
		if hash := pod.Labels[label]; hash != "" {
			return label + "=" + hash
		}
	}
	return ""
}
