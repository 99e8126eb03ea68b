package kubewatch

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// vertical is a list of vertical autoscalers. Their API is not part of
// Kubernetes itself, and many clusters lack it.
func vertical() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "autoscaling.k8s.io", Version: "v1", Kind: "VerticalPodAutoscalerList"})
	return list
}

// verticalEvents returns the events between two states of a vertical autoscaler,
// whose recommendation is in its status.
func verticalEvents(before, after *unstructured.Unstructured, arrival string) []happening {
	if arrival != "" {
		before = &unstructured.Unstructured{}
	}
	return changes(arrival, before.Object["spec"], after.Object["spec"], before.Object["status"], after.Object["status"])
}
