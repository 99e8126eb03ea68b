package kubewatch

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/experiments"
)

// podEvents is what happened between two states of a pod. Several stages may
// have been passed between them; each is an event of its own, in the order in
// which a pod passes them.
func podEvents(before, after *corev1.Pod, first bool) []happening {
	pod := after
	if after == nil {
		pod = before
	}
	var list []happening
	add := func(kind string, attrs map[string]string) {
		list = append(list, happening{kind: kind, subject: "pod/" + pod.Namespace + "/" + pod.Name, uid: string(pod.UID), attrs: attrs})
	}
	if after == nil {
		add(experiments.EventGone, nil)
		return list
	}
	if before == nil {
		before = &corev1.Pod{}
		if first {
			add(EventExists, attrs("node", after.Spec.NodeName, "ready", strconv.FormatBool(ready(after)), "owner", owner(after)))
			// It passed its stages before anybody looked.
			before = after.DeepCopy()
			before.DeletionTimestamp = nil
		} else {
			add(EventCreated, attrs("owner", owner(after)))
		}
	}
	if before.Spec.NodeName == "" && after.Spec.NodeName != "" {
		add(EventScheduled, attrs("node", after.Spec.NodeName))
	}
	if !started(before) && started(after) {
		add(EventStarted, attrs("ip", after.Status.PodIP))
	}
	if was, is := restarts(before), restarts(after); is > was {
		add(EventRestarted, attrs("restarts", strconv.Itoa(int(is)), "reason", lastReason(after)))
	}
	switch was, is := ready(before), ready(after); {
	case is && !was:
		add(experiments.EventReady, attrs("node", after.Spec.NodeName, "ip", after.Status.PodIP))
	case was && !is:
		add(EventNotReady, nil)
	}
	if before.DeletionTimestamp == nil && after.DeletionTimestamp != nil {
		add(EventTerminating, nil)
	}
	return list
}

func ready(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// started reports whether every container of the pod runs.
func started(pod *corev1.Pod) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Running == nil {
			return false
		}
	}
	return len(pod.Status.ContainerStatuses) > 0 && len(pod.Status.ContainerStatuses) == len(pod.Spec.Containers)
}

func restarts(pod *corev1.Pod) int32 {
	var n int32
	for _, c := range pod.Status.ContainerStatuses {
		n += c.RestartCount
	}
	return n
}

// lastReason is why a container of the pod ended the last time: Error,
// OOMKilled, Completed.
func lastReason(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		if t := c.LastTerminationState.Terminated; t != nil {
			return t.Reason
		}
	}
	return ""
}

// owner is what made the pod, as kind/name.
func owner(pod *corev1.Pod) string {
	for _, o := range pod.OwnerReferences {
		if o.Controller != nil && *o.Controller {
			return o.Kind + "/" + o.Name
		}
	}
	return ""
}

// attrs are pairs of names and values; those without a value are left out.
func attrs(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			m[pairs[i]] = pairs[i+1]
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}
