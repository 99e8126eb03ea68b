package kube_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func ExampleReplicas() {
	// A real client comes from client.NewWithWatch.
	c := fake.NewClientBuilder().
		WithObjects(&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](3)},
			Status:     appsv1.DeploymentStatus{ReadyReplicas: 2},
		}).
		WithIndex(&appsv1.Deployment{}, "metadata.name", func(o client.Object) []string { return []string{o.GetName()} }).
		Build()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := kube.Replicas(c, kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}).Observe(ctx, steadystate.StartClock(), func(o steadystate.Observation) {
		fmt.Printf("%.2f\n", o.Value)
		stop()
	})
	fmt.Println(err)
	// Output:
	// 0.67
	// <nil>
}

func ExampleRollout() {
	c := fake.NewClientBuilder().
		WithObjects(&appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](3)},
			// One of the new revision has come, beside three old ones.
			Status: appsv1.DeploymentStatus{Replicas: 4, UpdatedReplicas: 1, ReadyReplicas: 3},
		}).
		WithIndex(&appsv1.Deployment{}, "metadata.name", func(o client.Object) []string { return []string{o.GetName()} }).
		Build()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	err := kube.Rollout(c, kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}).Observe(ctx, steadystate.StartClock(), func(o steadystate.Observation) {
		fmt.Println(o.Bucket, o.Good(steadystate.AtLeast(1)))
		stop()
	})
	fmt.Println(err)
	// Output:
	// 0..0.25 false
	// <nil>
}

func ExampleState_Unsettled() {
	state, _ := kube.StateOf(&appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ledger"},
		Spec:       appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3)},
		Status:     appsv1.StatefulSetStatus{Replicas: 3, UpdatedReplicas: 1, ReadyReplicas: 3, CurrentRevision: "ledger-1", UpdateRevision: "ledger-2"},
	})
	fmt.Println(state.Unsettled())
	// Output: statefulset ledger in shop: a rollout is under way, 1 of 3 pods are up to date
}

func ExampleIdentity() {
	c := fake.NewClientBuilder().WithObjects(&corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "7e5f0d3c"},
	}).Build()
	fmt.Println(kube.Identity(context.Background(), c))
	// Output: 7e5f0d3c <nil>
}
