package kubewatch

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/record"
)

// nodeEvents returns the events between two states of a node: its arrival, its
// end, and its readiness in between.
func nodeEvents(before, after *corev1.Node, first bool) []happening {
	node := after
	if after == nil {
		node = before
	}
	var list []happening
	add := func(kind string, attrs map[string]string) {
		list = append(list, happening{kind: kind, subject: "node/" + node.Name, uid: string(node.UID), attrs: attrs})
	}
	switch {
	case after == nil:
		add(record.EventGone, nil)
		return list
	case before == nil && first:
		add(record.EventExists, attrs(record.AttrReady, strconv.FormatBool(nodeReady(after))))
		return list
	case before == nil:
		add(record.EventCreated, nil)
	}
	was := before != nil && nodeReady(before)
	switch is := nodeReady(after); {
	case is && !was:
		add(record.EventReady, nil)
	case was && !is:
		add(record.EventNotReady, nil)
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
