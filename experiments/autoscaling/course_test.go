package autoscaling_test

import (
	"testing"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
)

// What an autoscaler wanted is beside the range of its spec, and each of its steps
// beside what its policies allowed.
func TestACourseIsWhatWasWantedAndWhatWasAllowed(t *testing.T) {
	r := parse(t, `
		spec     min=2 max=8 cpu=50% up.policies=Pods:4:15
		fault    . # # # . .
		cpu      40 90 90 45 20 20
		desired  2 4 4 4 4 4
	`).result(t)
	list := autoscaling.Courses(r)
	if len(list) != 1 || list[0].Autoscaler != "hpa/shop/checkout" {
		t.Fatalf("%+v, want that of one autoscaler", list)
	}
	steps := 0
	for _, s := range list[0].Sizes {
		if s.Min != 2 || s.Max != 8 {
			t.Errorf("%+v, want from 2 to 8", s)
		}
		if !s.Step {
			continue
		}
		steps++
		if s.From != 2 || s.Desired != 4 || s.Allowed != 6 {
			t.Errorf("%+v, want a step from 2 to 4, of at most 6", s)
		}
	}
	if steps != 1 {
		t.Errorf("%d steps, want one", steps)
	}
}
