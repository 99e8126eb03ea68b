package suites

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestAWorkloadIsDescribed(t *testing.T) {
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64(20)),
		Containers: []corev1.Container{
			{
				Name:           "checkout",
				ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz"}}},
				LivenessProbe:  &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}},
				Lifecycle:      &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}},
				Resources:      corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("50m")}},
			},
			{Name: "proxy"},
		},
	}}
	object := &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Strategy: appsv1.DeploymentStrategy{
		Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: new(intstr.FromString("25%"))},
	}}}
	got := describe(kube.State{Workload: kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}, Object: object, Template: &template, Desired: 3})
	want := record.Workload{
		Subject: "deployment/shop/checkout", Replicas: 3, Strategy: "RollingUpdate", MaxUnavailable: "25%", GraceSeconds: 20, Nodes: map[string]string{},
		Containers: []record.Container{
			{Name: "checkout", Readiness: "GET /readyz every 1s", Liveness: "TCP 8080 every 10s", PreStop: true, Requests: map[string]string{"cpu": "50m"}},
			{Name: "proxy"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAWorkloadThatCannotBeReadIsANote(t *testing.T) {
	s := connected(t, valid, interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return errors.New("no answer")
	}})
	rec, notes := record.NewRecorder(&bytes.Buffer{}), ""
	rec.Tap(func(e record.Entry) {
		notes += e.Note
		if e.Workload != nil {
			t.Errorf("described as %+v", e.Workload)
		}
	})
	if err := (described{s.Client, &service{Target: s.Plan.Services[0]}}).Observe(t.Context(), rec); err != nil {
		t.Error(err)
	}
	if !strings.Contains(notes, "how deployment checkout in shop is configured is unknown") {
		t.Errorf("notes %q", notes)
	}
}
