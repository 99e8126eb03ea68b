package faults_test

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

func TestPodsAreChosenAsAWorkloadSelectsThem(t *testing.T) {
	stable := metav1.LabelSelectorRequirement{Key: "track", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"canary"}}
	odd := metav1.LabelSelectorRequirement{Key: "track", Operator: "Like", Values: []string{"canary"}}
	label := func(labels ...string) map[string]string {
		set := map[string]string{}
		for _, l := range labels {
			key, value, _ := strings.Cut(l, "=")
			set[key] = value
		}
		return set
	}
	pod := func(name string, labels ...string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Labels: label(labels...)},
			Status:     corev1.PodStatus{Phase: corev1.PodRunning},
		}
	}
	for _, row := range []struct {
		sentence   string
		pods       faults.Pods
		text, want string
		refused    string
	}{
		{"by labels", faults.PodsOf("shop", &metav1.LabelSelector{MatchLabels: label("app=ledger")}), "pods app=ledger in shop", "ledger-0 ledger-1", ""},
		{"by labels and expressions", faults.PodsOf("shop", &metav1.LabelSelector{MatchLabels: label("app=ledger"), MatchExpressions: []metav1.LabelSelectorRequirement{stable}}), "pods app=ledger,track notin (canary) in shop", "ledger-0", ""},
		{"by name, whatever their labels", faults.Pods{Namespace: "shop", Names: []string{"other-0"}}, "pods other-0 in shop", "other-0", ""},
		{"a workload that selects nothing", faults.PodsOf("shop", nil), "pods  in shop", "", "an empty selector would select every pod"},
		{"expressions that a pod without labels meets", faults.PodsOf("shop", &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{stable}}), "pods track notin (canary) in shop", "", "would select every pod of namespace \"shop\" that has no labels"},
		{"an expression that makes no sense", faults.PodsOf("shop", &metav1.LabelSelector{MatchLabels: label("app=ledger"), MatchExpressions: []metav1.LabelSelectorRequirement{odd}}), "pods  in shop", "", "\"Like\" is not a valid label selector operator"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			c := fake.NewClientBuilder().WithObjects(
				pod("ledger-0", "app=ledger"), pod("ledger-1", "app=ledger", "track=canary"), pod("other-0"),
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "staging"}},
			).Build()
			if got := row.pods.String(); got != row.text {
				t.Errorf("is %q, want %q", got, row.text)
			}
			cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: "staging", Namespaces: []string{"shop"}}}
			up, _, err := cluster.Choose(t.Context(), row.pods, faults.All)
			if (row.refused != "") != errors.Is(err, faults.ErrRefused) || (err != nil && !strings.Contains(err.Error(), row.refused)) {
				t.Errorf("error %v, want %q", err, row.refused)
			}
			var names []string
			for _, pod := range up {
				names = append(names, pod.Name)
			}
			if got := strings.Join(names, " "); got != row.want {
				t.Errorf("chose %q, want %q", got, row.want)
			}
		})
	}
}

func TestTheZeroClusterRefuses(t *testing.T) {
	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
	if _, _, err := (faults.Cluster{}).Choose(t.Context(), checkout, faults.One); err == nil {
		t.Error("a cluster without a client was accepted")
	}
	cluster := faults.Cluster{Client: fake.NewClientBuilder().Build()}
	if _, _, err := cluster.Choose(t.Context(), checkout, faults.One); !errors.Is(err, faults.ErrRefused) {
		t.Errorf("error %v of a guard that allows nothing", err)
	}
	if err := cluster.Validate(); !errors.Is(err, faults.ErrRefused) {
		t.Errorf("error %v of a guard that allows nothing", err)
	}
}
