package kubewatch_test

import (
	"context"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/record"
)

func ExampleObserver() {
	// A real client comes from kube.NewClient.
	c := fake.NewClientBuilder().WithObjects(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "checkout-a", UID: "3f2a", Labels: map[string]string{"app": "checkout", "pod-template-hash": "5d8f7c"},
	}}).Build()

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	rec := record.NewRecorder(io.Discard)
	rec.Tap(func(e record.Entry) {
		if e.Event != nil {
			fmt.Println(e.Event.Kind, e.Event.Subject, e.Event.UID, e.Event.Attrs[record.AttrRevision])
			stop()
		}
	})
	err := kubewatch.Observer{
		Client:    c,
		Namespace: "shop",
		Selector:  &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}},
	}.Observe(ctx, rec)
	fmt.Println(err)
	// Output:
	// exists pod/shop/checkout-a 3f2a pod-template-hash=5d8f7c
	// <nil>
}
