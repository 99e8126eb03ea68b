package kubewatch

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/record"
)

// stoppedContainers and restartedContainers return the events of a pod's
// containers between two states. A container whose restart count went up has
// stopped in between, whether or not that was seen.
func stoppedContainers(before, after *corev1.Pod) []happening {
	var list []happening
	for _, is := range after.Status.ContainerStatuses {
		was := container(before, is.Name)
		if was.State.Running == nil || (is.State.Running != nil && is.RestartCount <= was.RestartCount) {
			continue
		}
		reason, code := ending(is)
		list = append(list, happening{
			kind:  record.EventStopped,
			attrs: attrs(record.AttrContainer, is.Name, record.AttrReason, reason, record.AttrCode, code),
		})
	}
	return list
}

// waitingContainers are those that have begun to wait for an unusual reason.
func waitingContainers(before, after *corev1.Pod) []happening {
	var list []happening
	for _, is := range after.Status.ContainerStatuses {
		if why := trouble(is); why != "" && trouble(container(before, is.Name)) == "" {
			list = append(list, happening{
				kind:  record.EventWaiting,
				attrs: attrs(record.AttrContainer, is.Name, record.AttrReason, why, record.AttrMessage, is.State.Waiting.Message),
			})
		}
	}
	return list
}

// trouble is why a container waits, if it should not.
func trouble(c corev1.ContainerStatus) string {
	if w := c.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
		return w.Reason
	}
	return ""
}

func restartedContainers(before, after *corev1.Pod) []happening {
	var list []happening
	for _, is := range after.Status.ContainerStatuses {
		if is.RestartCount <= container(before, is.Name).RestartCount {
			continue
		}
		reason, code := ending(is)
		list = append(list, happening{
			kind: record.EventRestarted,
			attrs: attrs(
				record.AttrContainer, is.Name,
				record.AttrRestarts, strconv.Itoa(int(is.RestartCount)),
				record.AttrReason, reason,
				record.AttrCode, code,
			),
		})
	}
	return list
}

// container is the status of the named container, zero if there is none yet.
func container(pod *corev1.Pod, name string) corev1.ContainerStatus {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == name {
			return c
		}
	}
	return corev1.ContainerStatus{}
}

// ending is the reason of a container's last end, Error, OOMKilled or
// Completed, and its exit code.
func ending(c corev1.ContainerStatus) (reason, code string) {
	for _, t := range []*corev1.ContainerStateTerminated{c.State.Terminated, c.LastTerminationState.Terminated} {
		if t != nil {
			return t.Reason, strconv.Itoa(int(t.ExitCode))
		}
	}
	return "", ""
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
