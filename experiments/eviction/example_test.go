package eviction_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/eviction"
)

func ExampleDrain() {
	drain := eviction.Drain(nil, nil, chaosmesh.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}})
	fmt.Println(drain)
	// Output: drain the pods app=checkout in shop
}

func ExampleFault() {
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		fmt.Println(err)
		return
	}
	// A real one comes from chaosmesh.NewClient.
	c := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(pod("a"), pod("b"), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}}).
		Build()
	cluster, err := chaosmesh.New(c, chaosmesh.Guard{Cluster: "0b1c", Namespaces: []string{"shop"}}, chaosmesh.Patience{})
	if err != nil {
		fmt.Println(err)
		return
	}
	drain := &eviction.Fault{
		Client:  c,
		Cluster: cluster,
		Pods:    chaosmesh.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
		Count:   chaosmesh.Percent(50),
		Timeout: time.Minute, // as long as a budget may refuse
	}
	candidates, asked, err := cluster.Choose(context.Background(), drain.Pods, drain.Count)
	fmt.Println(drain)
	fmt.Println(asked, "of", len(candidates), err)
	// Output:
	// evict 50% of the pods app=checkout in shop
	// 1 of 2 <nil>
}
