package readiness

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

func TestUpdated(t *testing.T) {
	settled := appsv1.StatefulSetStatus{
		ObservedGeneration: 2, Replicas: 3, ReadyReplicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, CurrentRevision: "b", UpdateRevision: "b",
	}
	with := func(change func(*appsv1.StatefulSetStatus)) appsv1.StatefulSetStatus {
		s := settled
		change(&s)
		return s
	}
	for _, c := range []struct {
		says   string
		status appsv1.StatefulSetStatus
		want   string
	}{
		{"settled", settled, ""},
		{"not looked at yet", with(func(s *appsv1.StatefulSetStatus) { s.ObservedGeneration = 1 }), "has not been taken up"},
		{"one is replaced", with(func(s *appsv1.StatefulSetStatus) { s.ReadyReplicas, s.UpdatedReplicas, s.CurrentRevision = 2, 1, "a" }), "3 are there, 1 new, 2 ready"},
		{"all are ready, not all new", with(func(s *appsv1.StatefulSetStatus) { s.UpdatedReplicas, s.CurrentRevision = 2, "a" }), "3 are there, 2 new, 3 ready"},
		{"one is not there", with(func(s *appsv1.StatefulSetStatus) { s.Replicas, s.ReadyReplicas = 2, 2 }), "2 are there"},
	} {
		t.Run(c.says, func(t *testing.T) {
			set := &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: new(int32(3))}, Status: c.status}
			set.Generation = 2
			err := updated(set)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
