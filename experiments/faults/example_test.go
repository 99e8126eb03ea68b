package faults_test

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

func ExampleCluster_Choose() {
	checkout := map[string]string{"app": "checkout"}
	// A real one comes from kube.NewClient.
	c := fake.NewClientBuilder().WithObjects(
		&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout-a", Labels: checkout},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}},
	).Build()
	cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: "0b1c", Namespaces: []string{"shop"}}}

	candidates, asked, err := cluster.Choose(context.Background(), faults.Pods{Namespace: "shop", Selector: checkout}, faults.One)
	fmt.Println(asked, "of", candidates[0].Name, err)
	_, _, err = cluster.Choose(context.Background(), faults.Pods{Namespace: "bank", Selector: checkout}, faults.One)
	fmt.Println(err)
	// Output:
	// 1 of checkout-a <nil>
	// refused: namespace "bank" is not among those that faults may touch: shop
}
