package suites

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

func TestTheRevisionIsThatOfEveryPod(t *testing.T) {
	controller := true
	set := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-1", UID: "set", OwnerReferences: []metav1.OwnerReference{
		{APIVersion: "apps/v1", Kind: "Deployment", Name: "checkout", UID: "checkout", Controller: &controller},
	}}}
	pod := func(name string, labels ...string) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name), Labels: map[string]string{"app": "checkout"}, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "checkout-1", UID: "set", Controller: &controller},
		}}}
		for _, l := range labels {
			key, value, _ := strings.Cut(l, "=")
			p.Labels[key] = value
		}
		return p
	}
	ending := func(p *corev1.Pod) *corev1.Pod {
		now := metav1.Now()
		p.DeletionTimestamp, p.Finalizers = &now, []string{"test/finalizer"}
		return p
	}
	foreign := pod("d", "pod-template-hash=1")
	foreign.OwnerReferences = nil
	const a, b = "pod-template-hash=1", "pod-template-hash=2"
	for _, row := range []struct {
		sentence string
		change   func(*appsv1.Deployment)
		pods     []client.Object
		want     string // the revision, or a part of the error
		later    bool   // it may be known later
	}{
		{"of a Deployment", nil, []client.Object{pod("a", a), pod("b", a)}, a, false},
		{"of Argo Rollouts, whose label is the checksum", nil, []client.Object{pod("a", "rollouts-pod-template-hash=9")}, "rollouts-pod-template-hash=9", false},
		{"of a StatefulSet or a DaemonSet", nil, []client.Object{pod("a", "controller-revision-hash=3")}, "controller-revision-hash=3", false},
		{"a pod that is ending is of the build before", nil, []client.Object{pod("a", a), ending(pod("b", b))}, a, false},
		{"two builds run", nil, []client.Object{pod("a", a), pod("b", b)}, "are of 2 templates: pod-template-hash=1, pod-template-hash=2", true},
		{"no pod runs", nil, []client.Object{ending(pod("a", a))}, "no pod of deployment checkout in shop runs", true},
		{"there is no pod", nil, nil, "matches none of the 0 pods", false},
		{"a label is missing", nil, []client.Object{pod("a")}, "have no label of their template", false},
		{"a change was not seen by its controller yet", func(d *appsv1.Deployment) { d.Generation = 2 }, []client.Object{pod("a", a)}, "a change is under way", true},
		{"a rollout is under way", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }, []client.Object{pod("a", a)}, "a rollout is under way", true},
		{"the selector takes a pod of another workload", nil, []client.Object{pod("a", a), foreign}, "which deployment checkout in shop does not control", false},
	} {
		d := deployed("checkout")
		d.UID = "checkout"
		if row.change != nil {
			row.change(d)
		}
		s := connected(t, valid, interceptor.Funcs{}, append(row.pods, d, set)...)
		got, err := s.Revision(t.Context(), s.Plan.Services[0])
		switch {
		case err != nil:
			if !strings.Contains(err.Error(), row.want) || errors.Is(err, ErrUnavailable) != row.later {
				t.Errorf("%s: %v, want %q; later %t", row.sentence, err, row.want, row.later)
			}
		case got != row.want:
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
	s := connected(t, strings.Replace(valid, "0b1c", "another", 1), interceptor.Funcs{}, deployed("checkout"))
	if _, err := s.Revision(t.Context(), s.Plan.Services[0]); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("another cluster: %v", err)
	}
}
