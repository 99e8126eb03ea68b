package chaosmesh_test

import (
	"testing"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/yaml"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
)

// What Chaos Mesh selects must be what was counted and checked.
func TestAnObjectSelectsNoMoreThanThePodsThatAreMeant(t *testing.T) {
	pods := checkout
	pods.Expressions = []metav1.LabelSelectorRequirement{{Key: "track", Operator: metav1.LabelSelectorOpDoesNotExist}}
	pods.Names = []string{"a"}
	cluster := newCluster(t, newClient(t, interceptor.Funcs{}, pod("a"), pod("b")), faults.Guard{})
	preview, err := cluster.Fault(chaosmesh.PodKill{Pods: pods, Count: faults.One}).Preview(t.Context(), "run")
	if err != nil {
		t.Fatal(err)
	}
	chaos, ok := preview.Object.(*v1alpha1.PodChaos)
	if !ok {
		t.Fatalf("a %T", preview.Object)
	}
	text, err := yaml.Marshal(chaos.Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	want := `expressionSelectors:
- key: track
  operator: DoesNotExist
labelSelectors:
  app: checkout
namespaces:
- shop
podPhaseSelectors:
- Running
pods:
  shop:
  - a
`
	if string(text) != want || len(preview.Candidates) != 1 {
		t.Errorf("selects\n%s\nof %v, want\n%s", text, preview.Candidates, want)
	}
}
