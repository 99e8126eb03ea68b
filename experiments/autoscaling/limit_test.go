package autoscaling_test

import (
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestLimitsAreMergedByWhatTheyLimit(t *testing.T) {
	for _, row := range []struct {
		sentence         string
		base, over, want []string
	}{
		{"one of the same stage takes its place", []string{"ready <= 2m since fault", "turns <= 1"}, []string{"ready <= 3m since fault"}, []string{"ready <= 3m since fault", "turns <= 1"}},
		{"what a stage took itself is another", []string{"ready <= 2m since fault"}, []string{"ready <= 1m"}, []string{"ready <= 2m since fault", "ready <= 1m"}},
		{"a floor and a ceiling are two", []string{"replicas >= 4"}, []string{"replicas <= 10", "turns <= 1"}, []string{"replicas >= 4", "replicas <= 10", "turns <= 1"}},
		{"spaces make no difference", []string{"back <= 7m"}, []string{"back  <=  8m"}, []string{"back  <=  8m"}},
		{"a text that is no limit takes the place of itself only", []string{"redy <= 2m", "turns <= 1"}, []string{"turns <= 1s", "redy <= 2m"}, []string{"redy <= 2m", "turns <= 1", "turns <= 1s"}},
	} {
		if got := steadystate.Merge(row.base, row.over, autoscaling.Evaluator{}.Key); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
