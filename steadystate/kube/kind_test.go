package kube

import (
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/record"
)

// The judge may not import this package, and a rollout of a kind that it does not
// know would not unsettle a service.
func TestTheJudgeKnowsEachKindOfWorkload(t *testing.T) {
	var words []string
	for _, k := range Kinds() {
		words = append(words, k.word())
	}
	if got := record.WorkloadKinds(); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(words))) {
		t.Errorf("the record has the kinds %v, want %v", got, words)
	}
}
