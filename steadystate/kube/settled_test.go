package kube_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestADeploymentIsAtRestOnlyWhenNothingIsUnderWay(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*appsv1.Deployment)
		want   string
	}{
		{"at rest", func(*appsv1.Deployment) {}, ""},
		{"a single one by default", func(d *appsv1.Deployment) { *d = *checkout(1); d.Spec.Replicas = nil }, ""},
		{"a change not seen yet", func(d *appsv1.Deployment) { d.Generation = 3 }, "deployment shop/checkout: its controller has seen generation 2 of 3"},
		{"a rollout", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }, "deployment shop/checkout: a rollout is under way, 1 of 3 replicas are up to date"},
		{"a paused rollout", func(d *appsv1.Deployment) { d.Status.UpdatedReplicas, d.Spec.Paused = 1, true }, "deployment shop/checkout: its rollout is paused, 1 of 3 replicas are up to date"},
		{"old replicas still there", func(d *appsv1.Deployment) { d.Status.Replicas = 4 }, "deployment shop/checkout: 4 replicas exist and 3 are wanted"},
		{"one not ready", func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 2 }, "deployment shop/checkout: 2 of 3 replicas are ready"},
		{"one only just ready", func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 2 }, "deployment shop/checkout: 2 of 3 replicas have been ready for long enough"},
		{"one on its way out", func(d *appsv1.Deployment) { d.Status.TerminatingReplicas = ptr.To[int32](1) }, "deployment shop/checkout: 1 replicas are still terminating"},
		{"none wanted", func(d *appsv1.Deployment) { *d = *checkout(0) }, "deployment shop/checkout wants no replicas"},
		{"being deleted", func(d *appsv1.Deployment) { now := metav1.Now(); d.DeletionTimestamp = &now }, "deployment shop/checkout is being deleted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := kube.Unsettled(checkout(3, row.change)); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestSettledReadsTheDeployment(t *testing.T) {
	busy := checkout(3, func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 1 })
	reason, err := kube.Settled(t.Context(), newClient(t, interceptor.Funcs{}, busy), "shop", "checkout")
	if want := "deployment shop/checkout: 1 of 3 replicas are ready"; err != nil || reason != want {
		t.Errorf("%q, %v; want %q", reason, err, want)
	}
	_, err = kube.Settled(t.Context(), newClient(t, interceptor.Funcs{}), "shop", "checkout")
	wantError(t, err, "read deployment shop/checkout")
}
