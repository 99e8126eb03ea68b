package kubewatch

import (
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/record"
)

// deploymentEvents is what happened between two states of a deployment: how
// many pods it wants, and how many it has.
func deploymentEvents(before, after *appsv1.Deployment, first bool) []happening {
	if after == nil {
		return []happening{{kind: record.EventGone, subject: "deployment/" + before.Namespace + "/" + before.Name, uid: string(before.UID)}}
	}
	h := happening{kind: record.EventChanged, subject: "deployment/" + after.Namespace + "/" + after.Name, uid: string(after.UID), attrs: counts(after)}
	switch {
	case before == nil:
		h.kind = arrival(first)
	case maps.Equal(counts(before), h.attrs):
		return nil
	}
	return []happening{h}
}

// counts are a deployment's numbers of pods; Kubernetes takes unset for one
// wanted.
func counts(d *appsv1.Deployment) map[string]string {
	number := func(n int32) string { return strconv.Itoa(int(n)) }
	return attrs(
		record.AttrWanted, number(ptr.Deref(d.Spec.Replicas, 1)),
		record.AttrExisting, number(d.Status.Replicas),
		record.AttrReady, number(d.Status.ReadyReplicas),
		record.AttrUpdated, number(d.Status.UpdatedReplicas),
	)
}
