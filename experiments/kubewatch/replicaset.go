package kubewatch

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/record"
)

// replicaSetEvents returns the events between two states of a replica set.
func replicaSetEvents(before, after *appsv1.ReplicaSet, first bool) []happening {
	set := after
	if after == nil {
		set = before
	}
	var list []happening
	add := func(kind string, attrs map[string]string) {
		list = append(list, happening{kind: kind, subject: "replicaset/" + set.Namespace + "/" + set.Name, uid: string(set.UID), attrs: attrs})
	}
	switch {
	case after == nil:
		add(record.EventGone, nil)
	case first:
		add(record.EventExists, attrs("replicas", replicas(after)))
	case before == nil:
		add(record.EventCreated, attrs("replicas", replicas(after)))
	case replicas(before) != replicas(after):
		add(record.EventScaled, attrs("from", replicas(before), "to", replicas(after)))
	}
	return list
}

// replicas is the desired number of replicas; Kubernetes treats unset as one.
func replicas(set *appsv1.ReplicaSet) string {
	return strconv.Itoa(int(ptr.Deref(set.Spec.Replicas, 1)))
}
