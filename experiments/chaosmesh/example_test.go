package chaosmesh_test

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// shop is an API server with three running pods of shop's checkout, and one
// of its payments.
func shop() client.WithWatch {
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		panic(err)
	}
	builder := fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}})
	for _, name := range []string{"checkout-a", "checkout-b", "checkout-c"} {
		builder = builder.WithObjects(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: map[string]string{"app": "checkout"}},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		})
	}
	builder = builder.WithObjects(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "payments-a", Labels: map[string]string{"app": "payments"}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning},
	})
	return builder.Build()
}

func ExampleCluster_Fault() {
	// A real client comes from kube.NewClient.
	cluster, err := chaosmesh.New(faults.Cluster{Client: shop(), Guard: faults.Guard{
		Cluster:    "0b1c",
		Namespaces: []string{"shop"},
		Lifetime:   10 * time.Minute,
	}}, chaosmesh.Timeouts{})
	if err != nil {
		fmt.Println(err)
		return
	}
	kill := cluster.Fault(chaosmesh.PodKill{
		Pods:  faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
		Count: "50%",
	})

	preview, err := kill.Preview(context.Background(), "4f1c2a9d3b")
	if err != nil {
		fmt.Println(err)
		return
	}
	object, err := yaml.Marshal(preview.Object)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n%d of %d\n%s", kill, preview.Requested, len(preview.Candidates), object)
	// Output:
	// kill 50% of the pods app=checkout in shop
	// 2 of 3
	// apiVersion: chaos-mesh.org/v1alpha1
	// kind: PodChaos
	// metadata:
	//   generateName: pod-kill-4f1c2a9d3b-
	//   labels:
	//     aftershock.dev/run: 4f1c2a9d3b
	//     app.kubernetes.io/managed-by: aftershock
	//   namespace: shop
	// spec:
	//   action: pod-kill
	//   duration: 10m0s
	//   mode: fixed
	//   selector:
	//     labelSelectors:
	//       app: checkout
	//     namespaces:
	//     - shop
	//     podPhaseSelectors:
	//     - Running
	//   value: "2"
	// status:
	//   experiment: {}
}

func ExampleCluster_Fault_refused() {
	cluster, err := chaosmesh.New(faults.Cluster{Client: shop(), Guard: faults.Guard{Cluster: "0b1c", Namespaces: []string{"shop"}}}, chaosmesh.Timeouts{})
	if err != nil {
		fmt.Println(err)
		return
	}
	kill := cluster.Fault(chaosmesh.PodKill{
		Pods:  faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
		Count: "4",
	})
	_, err = kill.Preview(context.Background(), "4f1c2a9d3b")
	fmt.Println(err)
	// Output: kill 4 of the pods app=checkout in shop: refused: 4 asked for, and 3 running pods match the selector; ask for fewer, or wait for more
}

func ExampleFind() {
	left, err := chaosmesh.Find(context.Background(), shop(), faults.Scope{Namespaces: []string{"shop"}})
	fmt.Println(len(left), err)
	// Output: 0 <nil>
}
