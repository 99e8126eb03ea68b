package kubewatch

import (
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// podEvents returns the events between two states of a pod. The pod may have
// passed several stages between them; each is a separate event, in the order in
// which a pod passes them.
func podEvents(before, after *corev1.Pod, arrival string) []happening {
	var list []happening
	add := func(kind string, attrs map[string]string) {
		list = append(list, happening{kind: kind, attrs: attrs})
	}
	switch arrival {
	case record.EventExists:
		add(arrival, attrs(
			record.AttrNode, after.Spec.NodeName,
			"ready", strconv.FormatBool(kube.PodReady(after)),
			record.AttrOwner, owner(after),
			record.AttrRevision, kube.PodRevision(after),
		))
		// It passed its stages before the watch began.
		before = after.DeepCopy()
		before.DeletionTimestamp = nil
	case record.EventCreated:
		add(arrival, attrs(record.AttrOwner, owner(after), record.AttrRevision, kube.PodRevision(after)))
		before = &corev1.Pod{}
	}
	if is := unschedulable(after); is.Reason != "" && unschedulable(before).Reason == "" {
		add(record.EventUnschedulable, attrs(record.AttrReason, is.Reason, record.AttrMessage, is.Message))
	}
	if before.Spec.NodeName == "" && after.Spec.NodeName != "" {
		add(record.EventScheduled, attrs(record.AttrNode, after.Spec.NodeName))
	}
	stopped := stoppedContainers(before, after)
	list = append(list, stopped...)
	list = append(list, waitingContainers(before, after)...)
	// Ready in both, but since another instant: it was unready in between.
	again := kube.PodReady(before) && kube.PodReady(after) && !readySince(before).Equal(readySince(after))
	if kube.PodReady(before) && (again || !kube.PodReady(after)) {
		add(record.EventNotReady, nil)
	}
	if before.Status.Phase != corev1.PodFailed && after.Status.Phase == corev1.PodFailed {
		add(record.EventFailed, attrs(record.AttrReason, after.Status.Reason))
	}
	list = append(list, restartedContainers(before, after)...)
	if started(after) && (len(stopped) > 0 || !started(before)) {
		add(record.EventStarted, attrs(record.AttrIP, after.Status.PodIP))
	}
	if kube.PodReady(after) && (again || !kube.PodReady(before)) {
		add(record.EventReady, attrs(record.AttrNode, after.Spec.NodeName, record.AttrIP, after.Status.PodIP))
	}
	if before.DeletionTimestamp == nil && after.DeletionTimestamp != nil {
		add(record.EventTerminating, attrs(record.AttrReason, kube.PodCondition(after, corev1.DisruptionTarget).Reason))
	}
	return list
}

// unschedulable is the condition of a pod that the scheduler finds no node for.
func unschedulable(pod *corev1.Pod) (c corev1.PodCondition) {
	if is := kube.PodCondition(pod, corev1.PodScheduled); is.Status == corev1.ConditionFalse && is.Reason == corev1.PodReasonUnschedulable {
		return is
	}
	return c
}

// readySince is when the pod last became ready or unready, by its kubelet's
// clock.
func readySince(pod *corev1.Pod) time.Time {
	return kube.PodCondition(pod, corev1.PodReady).LastTransitionTime.Time
}

// owner is an object's controller, as kind/name.
func owner(of metav1.Object) string {
	if o := metav1.GetControllerOfNoCopy(of); o != nil {
		return o.Kind + "/" + o.Name
	}
	return ""
}

// attrs are pairs of names and values; empty values are omitted.
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
