package suites

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

func TestASweepRemovesFaultsOfEveryKind(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout", UID: "d", Annotations: map[string]string{
		rollout.Annotation: `{"run":"one","container":"app","image":"checkout:1","bad":"checkout:2"}`,
	}}}
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: "checkout:2"}}
	delay := &v1alpha1.NetworkChaos{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "slow", Labels: map[string]string{
		faults.ManagedLabel: faults.Managed, faults.RunLabel: "two",
	}}}
	restarted := &argo.Rollout{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "basket", UID: "r", Labels: map[string]string{rollout.RestartLabel: "three.1796040000"}}}
	restarted.Spec.RestartAt = new(metav1.Unix(1796040000, 0))
	session := connected(t, valid, interceptor.Funcs{}, d, delay, restarted)
	for _, what := range []struct {
		name string
		f    func() ([]faults.Leftover, error)
	}{
		{"preflight finds", func() ([]faults.Leftover, error) { return session.left(t.Context()) }},
		{"sweep removes", func() ([]faults.Leftover, error) { return session.Sweep(t.Context(), Sweeping{}) }},
	} {
		got, err := what.f()
		if err != nil || len(got) != 3 || got[0].String() != "NetworkChaos/shop/slow, left behind by run two" || got[1].String() != "bad image of Deployment/shop/checkout, left behind by run one" ||
			got[2].String() != "restart of Rollout/shop/basket, left behind by run three" {
			t.Errorf("%s %v, %v; want all", what.name, got, err)
		}
	}
	if left, err := session.left(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := session.Client.Get(t.Context(), client.ObjectKeyFromObject(restarted), restarted); err != nil || restarted.Restarting() || len(restarted.Labels) > 0 {
		t.Errorf("%+v, %v; want its restart ended", restarted, err)
	}
	if err := session.Client.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil || d.Spec.Template.Spec.Containers[0].Image != "checkout:1" {
		t.Errorf("image %s, %v; want the one from before", d.Spec.Template.Spec.Containers[0].Image, err)
	}
}

// An account that may not list rollouts can have changed none, unless the plan, a ledger
// or the switch says so: then something may be left that a sweep does not see.
func TestASweepThatMayNotListRolloutsSaysSoIfOneMayBeChanged(t *testing.T) {
	refusing := interceptor.Funcs{List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, options ...client.ListOption) error {
		if _, ok := list.(*argo.RolloutList); ok {
			return apierrors.NewForbidden(schema.GroupResource{Group: argo.GroupVersion.Group, Resource: "rollouts"}, "", errors.New("no role"))
		}
		return c.List(ctx, list, options...)
	}}
	changed := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: config.OwnNamespace, Name: "aftershock-run-one", Labels: faults.Labels("one")},
		Data:       map[string]string{"changes": "changed argoproj.io/v1alpha1 Rollout shop/basket\n"},
	}
	for _, row := range []struct {
		name    string
		text    string
		objects []client.Object
		asked   bool
		lacks   bool
	}{
		{"no one names a Rollout", valid, nil, false, false},
		{"the plan names one", strings.Replace(valid, "deployment/checkout", "rollout/checkout", 1), nil, false, true},
		{"a ledger names one", valid, []client.Object{changed}, false, true},
		{"the switch names one", valid, nil, true, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			session := connected(t, row.text, refusing, row.objects...)
			if row.asked {
				session.Seen = []kube.Kind{kube.ArgoRollout}
			}
			if _, err := session.Sweep(t.Context(), Sweeping{}); (err != nil) != row.lacks || err != nil && !strings.Contains(err.Error(), "the right to list rollouts") {
				t.Errorf("%v, want that it says so: %t", err, row.lacks)
			}
		})
	}
}
