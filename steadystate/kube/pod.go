package kube

import corev1 "k8s.io/api/core/v1"

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
