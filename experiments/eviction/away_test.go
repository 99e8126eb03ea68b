package eviction

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestABudgetBoundsHowManyPodsAreEvictedAtOneTime(t *testing.T) {
	own := map[string]string{"app": "checkout"}
	budget := func(name string, allows int32, labels map[string]string) policyv1.PodDisruptionBudget {
		return policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}},
			Status: policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: allows},
		}
	}
	pods := []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Labels: own}}, {ObjectMeta: metav1.ObjectMeta{Labels: own}}, {ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "checkout", "free": "yes"}}}}
	for _, row := range []struct {
		sentence string
		budgets  budgets
		asked    int
		want     int
		by       string
	}{
		{"nothing does", budgets{}, 3, 3, "no PodDisruptionBudget covers them"},
		{"nothing is known of budgets that may not be read", nil, 3, 0, ""},
		{"nor one of other pods", budgets{budget("other", 0, map[string]string{"app": "payments"})}, 3, 3, "no PodDisruptionBudget covers them"},
		{"one at a time", budgets{budget("one", 1, own)}, 3, 1, "PodDisruptionBudget one allows 1 at a time"},
		{"none", budgets{budget("none", 0, own)}, 2, 0, "PodDisruptionBudget none allows 0 at a time"},
		{"no more than are asked for", budgets{budget("two", 2, own)}, 1, 1, "PodDisruptionBudget two allows 2 at a time"},
		{"those that it does not cover are free", budgets{budget("some", 0, map[string]string{"free": "yes"})}, 3, 2, "PodDisruptionBudget some allows 0 at a time"},
	} {
		if got, by := row.budgets.away(pods, row.asked); got != row.want || by != row.by {
			t.Errorf("%s: %d (%s), want %d (%s)", row.sentence, got, by, row.want, row.by)
		}
	}
}
