package suites

import (
	"testing"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
)

func TestASweepRemovesFaultsOfEveryKind(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "d", Annotations: map[string]string{
		rollout.Annotation: `{"run":"one","container":"app","image":"checkout:1","bad":"checkout:2"}`,
	}}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "checkout:2"}}
	delay := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "slow", Labels: map[string]string{
		faults.ManagedLabel: faults.Managed, faults.RunLabel: "two",
	}}}
	session := connected(t, valid, interceptor.Funcs{}, d, delay)
	for _, what := range []struct {
		name string
		f    func() ([]faults.Leftover, error)
	}{
		{"preflight finds", func() ([]faults.Leftover, error) { return session.left(t.Context()) }},
		{"sweep removes", func() ([]faults.Leftover, error) { return session.Sweep(t.Context(), Sweeping{}) }},
	} {
		got, err := what.f()
		if err != nil || len(got) != 2 || got[0].String() != "NetworkChaos/shop/slow, left behind by run two" || got[1].String() != "bad image of Deployment/shop/checkout, left behind by run one" {
			t.Errorf("%s %v, %v; want both", what.name, got, err)
		}
	}
	if left, err := session.left(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := session.Client.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil || d.Spec.Template.Spec.Containers[0].Image != "checkout:1" {
		t.Errorf("image %s, %v; want the one from before", d.Spec.Template.Spec.Containers[0].Image, err)
	}
}
