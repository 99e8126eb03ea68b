package kubewatch

import (
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/record"
)

// vertical is a list of vertical autoscalers. Their API is not part of
// Kubernetes itself, and many clusters lack it.
func vertical() *unstructured.UnstructuredList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "autoscaling.k8s.io", Version: "v1", Kind: "VerticalPodAutoscalerList"})
	return list
}

// verticalEvents returns the events between two states of a vertical
// autoscaler: its spec and its status, the recommendation included.
func verticalEvents(before, after *unstructured.Unstructured, first bool) []happening {
	if after == nil {
		return []happening{{kind: record.EventGone, subject: "vpa/" + before.GetNamespace() + "/" + before.GetName(), uid: string(before.GetUID())}}
	}
	h := happening{subject: "vpa/" + after.GetNamespace() + "/" + after.GetName(), uid: string(after.GetUID())}
	spec := ""
	switch {
	case before == nil:
		h.kind, spec = arrival(first), compact(after.Object["spec"])
	case !equality.Semantic.DeepEqual(before.Object["spec"], after.Object["spec"]):
		h.kind, spec = record.EventChanged, compact(after.Object["spec"])
	case !equality.Semantic.DeepEqual(before.Object["status"], after.Object["status"]):
		h.kind = record.EventChanged
	default:
		return nil
	}
	h.attrs = attrs(record.AttrSpec, spec, record.AttrStatus, compact(after.Object["status"]))
	return []happening{h}
}
