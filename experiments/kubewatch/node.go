package kubewatch

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/record"
)

// nodeEvents returns the events between two states of a node: its arrival and
// its readiness.
func nodeEvents(before, after *corev1.Node, arrival string) []happening {
	var list []happening
	was, is := false, nodeReady(after)
	switch arrival {
	case record.EventExists:
		return []happening{{kind: arrival, attrs: attrs(record.AttrReady, strconv.FormatBool(is))}}
	case record.EventCreated:
		list = append(list, happening{kind: arrival})
	default:
		was = nodeReady(before)
	}
	switch {
	case is && !was:
		list = append(list, happening{kind: record.EventReady})
	case was && !is:
		list = append(list, happening{kind: record.EventNotReady})
	}
	return list
}

// nodeReady reports whether the node reports itself ready.
func nodeReady(node *corev1.Node) bool {
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
