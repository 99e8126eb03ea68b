package suites

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

var away = &url.Error{Op: "Get", URL: "https://cluster", Err: errors.New("connection refused")}

func refused(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("no role"))
}

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
		{"a pod that is ending is of it, too", nil, []client.Object{pod("a", a), ending(pod("b", a))}, a, false},
		{"a pod of the build before is still ending", nil, []client.Object{pod("a", a), ending(pod("b", b))}, "not at rest: pod b of an earlier template, pod-template-hash=2, is still terminating", true},
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
	// What cannot be read now may be read later, unless it is refused.
	for _, row := range []struct {
		sentence string
		err      error
		of       string // "Namespace", "Deployment", or a list
		want     string
		later    bool
	}{
		{"the cluster may not be identified", refused("namespaces"), "Namespace", "give the account the right to get the namespace kube-system", false},
		{"the cluster does not answer", away, "Namespace", "cannot be tested now: ", true},
		{"the workload may not be read", refused("deployments"), "Deployment", "give the account the right to get deployments", false},
		{"there is no such kind", &meta.NoKindMatchError{GroupKind: schema.GroupKind{Kind: "Deployment"}}, "Deployment", "no matches for kind", false},
		{"the API server is away", away, "Deployment", "cannot be tested now: ", true},
		{"there is no such workload", apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, "checkout"), "Deployment", "there is no deployment checkout in shop", false},
		{"its pods may not be read", refused("pods"), "list", "give the account the right to list pods", false},
		{"its pods cannot be read", away, "list", "cannot be tested now: ", true},
	} {
		s := connected(t, valid, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
				if reflect.TypeOf(o).Elem().Name() == row.of {
					return row.err
				}
				return c.Get(ctx, key, o, opts...)
			},
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				if row.of == "list" {
					return row.err
				}
				return c.List(ctx, list, opts...)
			},
		}, deployed("checkout"))
		_, err := s.Revision(t.Context(), s.Plan.Services[0])
		if err == nil || !strings.Contains(err.Error(), row.want) || errors.Is(err, ErrUnavailable) != row.later || errors.Is(err, ErrNotAtRest) || errors.Is(err, kube.ErrNoWorkload) != apierrors.IsNotFound(row.err) {
			t.Errorf("%s: %v, want %q; later %t", row.sentence, err, row.want, row.later)
		}
	}
	s := connected(t, strings.Replace(valid, "0b1c", "another", 1), interceptor.Funcs{}, deployed("checkout"))
	if _, err := s.Revision(t.Context(), s.Plan.Services[0]); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("another cluster: %v", err)
	}
}
