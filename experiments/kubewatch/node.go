package kubewatch

import (
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// hosts are the nodes on which pods were seen to run.
type hosts struct {
	mu    sync.Mutex
	names map[string]bool
}

// pods adds the nodes of pods to what is told of them.
func (h *hosts) pods(next between) between {
	return func(before, after client.Object, first bool) []happening {
		if pod, ok := after.(*corev1.Pod); ok && pod.Spec.NodeName != "" {
			h.mu.Lock()
			if h.names == nil {
				h.names = map[string]bool{}
			}
			h.names[pod.Spec.NodeName] = true
			h.mu.Unlock()
		}
		return next(before, after, first)
	}
}

// nodes leaves out what is told of other nodes.
func (h *hosts) nodes(next between) between {
	return func(before, after client.Object, first bool) []happening {
		node := after
		if node == nil {
			node = before
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.names[node.GetName()] {
			return nil
		}
		return next(before, after, first)
	}
}

// nodeEvents returns the events between two states of a node: its arrival and
// its readiness.
func nodeEvents(before, after *corev1.Node, arrival string) []happening {
	var list []happening
	was, is := false, kube.NodeReady(after)
	switch arrival {
	case record.EventExists:
		return []happening{{kind: arrival, attrs: attrs(record.AttrReady, strconv.FormatBool(is))}}
	case record.EventCreated:
		list = append(list, happening{kind: arrival})
	default:
		was = kube.NodeReady(before)
	}
	switch {
	case is && !was:
		list = append(list, happening{kind: record.EventReady})
	case was && !is:
		list = append(list, happening{kind: record.EventNotReady, attrs: attrs(record.AttrReason, unready(after))})
	}
	return list
}

// unready is why a node is not ready, in Kubernetes' words.
func unready(node *corev1.Node) string {
	c := kube.NodeCondition(node, corev1.NodeReady)
	return strings.Trim(c.Reason+": "+c.Message, ": ")
}
