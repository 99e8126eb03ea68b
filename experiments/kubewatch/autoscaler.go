package kubewatch

import (
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/aftershockhq/aftershock/record"
)

// autoscalerEvents returns the events between two states of a horizontal
// autoscaler: its spec and its status, as the JSON of its API.
func autoscalerEvents(before, after *autoscalingv2.HorizontalPodAutoscaler, first bool) []happening {
	if after == nil {
		return []happening{{kind: record.EventGone, subject: "hpa/" + before.Namespace + "/" + before.Name, uid: string(before.UID)}}
	}
	h := happening{subject: "hpa/" + after.Namespace + "/" + after.Name, uid: string(after.UID)}
	spec := ""
	switch {
	case before == nil:
		h.kind, spec = arrival(first), compact(after.Spec)
	case !equality.Semantic.DeepEqual(before.Spec, after.Spec):
		h.kind, spec = record.EventChanged, compact(after.Spec)
	case !equality.Semantic.DeepEqual(before.Status, after.Status):
		h.kind = record.EventChanged
	default:
		return nil
	}
	h.attrs = attrs(record.AttrSpec, spec, record.AttrStatus, compact(after.Status))
	return []happening{h}
}

// arrival is the kind of event of a new object.
func arrival(first bool) string {
	if first {
		return record.EventExists
	}
	return record.EventCreated
}

// compact is a value's JSON; marshalling the API's own types cannot fail.
func compact(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
