package autoscaling_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
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
	} {
		if got, err := autoscaling.MergeLimits(row.base, row.over); err != nil || !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, %v, want %q", row.sentence, got, err, row.want)
		}
	}
	_, err := autoscaling.MergeLimits([]string{"redy <= 2m", "turns <= 1"}, []string{"turns <= 1s"})
	for _, want := range []string{`no quantity "redy"; quantities: lag`, "turns is a number"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
