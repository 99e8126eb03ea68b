package eviction_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

func ExampleDrain() {
	drain := eviction.Drain(faults.Cluster{}, faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}})
	fmt.Println(drain)
	// Output: drain the pods app=checkout in shop
}

func ExampleFault() {
	// A real one comes from kube.NewClient.
	c := fake.NewClientBuilder().
		WithObjects(pod("a"), pod("b"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}}).
		Build()
	cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: "0b1c", Namespaces: []string{"shop"}}}
	drain := &eviction.Fault{
		Cluster: cluster,
		Pods:    faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
		Count:   "50%",
		Timeout: time.Minute, // as long as a budget may refuse
	}
	candidates, asked, err := cluster.Choose(context.Background(), drain.Pods, drain.Count)
	fmt.Println(drain)
	fmt.Println(asked, "of", len(candidates), err)
	// Output:
	// evict 50% of the pods app=checkout in shop
	// 1 of 2 <nil>
}
