package rollout_test

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
)

// staging has the deployment checkout with one pod, within a guard.
func staging(annotations map[string]string) faults.Cluster {
	d := deployment()
	d.Annotations = annotations
	set := replicaSet("checkout-1", good, d)
	// A real one comes from kube.NewClient.
	c := fake.NewClientBuilder().
		WithObjects(d, set, pod("checkout-1-a", set, ""), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "0b1c"}}).
		Build()
	return faults.Cluster{Client: c, Guard: faults.Guard{Cluster: "0b1c", Namespaces: []string{"shop"}}}
}

func ExampleBadImage() {
	cluster := staging(nil)
	fault := &rollout.BadImage{Workload: rollout.Workload{Workload: checkout, Cluster: cluster}}
	preview, err := fault.Preview(context.Background(), "4f1c2a9d3b")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, _ := preview.Object.(*appsv1.Deployment)
	fmt.Println(fault)
	fmt.Println(d.Spec.Template.Spec.Containers[0].Image)
	fmt.Println(preview.Warning)
	// Output:
	// roll out a bad image of deployment checkout in shop
	// registry.example:5000/shop/checkout:aftershock-missing
	// the cluster does not undo this by itself: if the run is killed, the bad image stays until "aftershock sweep"
}

func ExampleRestart() {
	cluster := staging(nil)
	fault := &rollout.Restart{Workload: rollout.Workload{Workload: checkout, Cluster: cluster}}
	preview, err := fault.Preview(context.Background(), "4f1c2a9d3b")
	fmt.Println(fault)
	fmt.Println(preview.Requested, preview.Candidates[0].Name, err)
	// Output:
	// restart deployment checkout in shop
	// 1 checkout-1-a <nil>
}

func ExampleFind() {
	cluster := staging(map[string]string{rollout.Annotation: `{"run":"4f1c2a9d3b","container":"app","image":"shop/checkout:1","bad":"shop/checkout:2"}`})
	fmt.Println(rollout.Find(context.Background(), cluster.Client, faults.Scope{Namespaces: []string{"shop"}}))
	// Output: [bad image of Deployment/shop/checkout, left behind by run 4f1c2a9d3b] <nil>
}
