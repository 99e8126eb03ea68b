package kubewatch

import (
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/record"
)

// replicaSetEvents returns the events between two states of a replica set.
func replicaSetEvents(before, after *appsv1.ReplicaSet, arrival string) []happening {
	switch {
	case arrival != "":
		return []happening{{kind: arrival, attrs: attrs("replicas", replicas(after), record.AttrOwner, owner(after))}}
	case replicas(before) != replicas(after):
		return []happening{{kind: record.EventScaled, attrs: attrs("from", replicas(before), "to", replicas(after))}}
	}
	return nil
}

// replicas is the desired number of replicas; Kubernetes treats unset as one.
func replicas(set *appsv1.ReplicaSet) string {
	return strconv.Itoa(int(ptr.Deref(set.Spec.Replicas, 1)))
}
