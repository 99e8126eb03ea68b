package kubewatch

import (
	"cmp"
	"encoding/json"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/aftershockhq/aftershock/record"
)

// autoscalerEvents returns the events between two states of a horizontal
// autoscaler.
func autoscalerEvents(before, after *autoscalingv2.HorizontalPodAutoscaler, arrival string) []happening {
	if arrival != "" {
		before = &autoscalingv2.HorizontalPodAutoscaler{}
	}
	return changes(arrival, before.Spec, after.Spec, before.Status, after.Status)
}

// changes are the events of an object of which the record has its spec and its
// status, as the JSON of its API. The spec is in it where it has changed.
func changes(arrival string, oldSpec, spec, oldStatus, status any) []happening {
	h := happening{kind: cmp.Or(arrival, record.EventChanged)}
	switch {
	case arrival != "" || !equality.Semantic.DeepEqual(oldSpec, spec):
		h.attrs = attrs(record.AttrSpec, compact(spec), record.AttrStatus, compact(status))
	case !equality.Semantic.DeepEqual(oldStatus, status):
		h.attrs = attrs(record.AttrStatus, compact(status))
	default:
		return nil
	}
	return []happening{h}
}

// compact is a value's JSON; marshalling the API's own types cannot fail.
func compact(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}
