package kubewatch_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgo "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestAnAutoscalerAndItsScaleTargetAreFollowedByName(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := clientgo.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	byName := func(o client.Object) []string { return []string{o.GetName()} }
	noSuchKind := false
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithIndex(&autoscalingv2.HorizontalPodAutoscaler{}, "metadata.name", byName).
		WithIndex(&appsv1.Deployment{}, "metadata.name", byName).
		WithIndex(&appsv1.StatefulSet{}, "metadata.name", byName).
		WithStatusSubresource(&autoscalingv2.HorizontalPodAutoscaler{}).
		WithObjects(
			&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta("checkout"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: 8}},
			&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: meta("other")},
			&appsv1.Deployment{ObjectMeta: meta("checkout"), Spec: appsv1.DeploymentSpec{Replicas: new(int32(2))}},
			&appsv1.Deployment{ObjectMeta: meta("other")},
			&appsv1.StatefulSet{ObjectMeta: meta("ledger"), Spec: appsv1.StatefulSetSpec{Replicas: new(int32(3))}},
		).
		WithInterceptorFuncs(interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				switch list.(type) {
				case *corev1.NodeList:
					return apierrors.NewForbidden(schema.GroupResource{Resource: "nodes"}, "", errors.New("no"))
				case *unstructured.UnstructuredList:
					noSuchKind = true
					return &apimeta.NoKindMatchError{GroupKind: schema.GroupKind{Group: "autoscaling.k8s.io", Kind: "VerticalPodAutoscaler"}}
				}
				return c.List(ctx, list, opts...)
			},
		}).Build()
	var got, notes []string
	synctest.Test(t, func(t *testing.T) {
		var buffer bytes.Buffer
		rec := record.NewRecorder(&buffer)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			err := kubewatch.Observer{
				Client: c, Namespace: "shop", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}},
				Autoscalers: []string{"checkout"}, Workloads: []kube.Workload{{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}, {Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}}, VerticalAutoscalers: []string{"checkout"}, Nodes: true,
			}.Observe(ctx, rec)
			if err != nil {
				t.Error(err)
			}
		})
		time.Sleep(1500 * time.Millisecond)
		var hpa autoscalingv2.HorizontalPodAutoscaler
		var deployment appsv1.Deployment
		for _, step := range []error{
			c.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "checkout"}, &deployment),
			c.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "checkout"}, &hpa),
		} {
			if step != nil {
				t.Fatal(step)
			}
		}
		deployment.Spec.Replicas, hpa.Status.DesiredReplicas = new(int32(4)), 4
		if err := errors.Join(c.Update(ctx, &deployment), c.Status().Update(ctx, &hpa)); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		stop()
		wg.Wait()
		for entry, err := range record.Read(&buffer) {
			switch {
			case err != nil:
				t.Fatal(err)
			case entry.Event != nil:
				got = append(got, strings.Join([]string{entry.Event.Kind, entry.Event.Subject, entry.Event.Attrs["replicas"], entry.Event.Attrs["spec"], entry.Event.Attrs["status"]}, " "))
			case entry.Note != "":
				notes = append(notes, entry.Note)
			}
		}
	})
	slices.Sort(got) // of different watches, in any order
	want := []string{
		"changed deployment/shop/checkout 4  ",
		`changed hpa/shop/checkout   {"desiredReplicas":4,"currentMetrics":null}`,
		"exists deployment/shop/checkout 2  ",
		`exists hpa/shop/checkout  {"scaleTargetRef":{"kind":"","name":""},"maxReplicas":8} {"desiredReplicas":0,"currentMetrics":null}`,
		"exists statefulset/shop/ledger 3  ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "watch nodes in shop") || !noSuchKind {
		t.Errorf("notes %q, want one of the nodes that may not be seen, and none of the kind that there is not", notes)
	}
}
