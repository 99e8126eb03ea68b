package kube

import corev1 "k8s.io/api/core/v1"

// NodeReady reports whether a node says that it is ready.
func NodeReady(node *corev1.Node) bool {
	return NodeCondition(node, corev1.NodeReady).Status == corev1.ConditionTrue
}

// NodeCondition returns the node's condition of a type, or the zero value if it has none.
func NodeCondition(node *corev1.Node, of corev1.NodeConditionType) corev1.NodeCondition {
	for _, c := range node.Status.Conditions {
		if c.Type == of {
			return c
		}
	}
	return corev1.NodeCondition{}
}
