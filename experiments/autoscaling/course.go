package autoscaling

import (
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Course is the sizes that an autoscaler wanted over time, beside what its spec
// allows; for drawings.
type Course struct {
	Autoscaler string // the subject of its events, hpa/shop/checkout
	Sizes      []Size
}

// A Size is an autoscaler's status from one event to the next.
type Size struct {
	steadystate.Span     // in which it began
	Min, Max         int // of the spec
	Desired, Current int // of the status
	// Step: the autoscaler itself changed the size, From one to the Desired one, and
	// its policies allowed Allowed, in the best case.
	Step    bool
	From    int
	Allowed int
}

// Courses are those of the autoscalers of a result, sorted by name.
func Courses(r judge.Result) []Course {
	var list []Course
	for _, h := range histories(r) {
		v := verdicts{history: &h}
		c := Course{Autoscaler: h.subject}
		for i, s := range h.states {
			size := Size{Span: s.at, Min: s.min, Max: s.max, Desired: s.desired, Current: s.current}
			if s.own && s.from != s.desired {
				size.Step, size.From = true, s.from
				best, _ := v.allowed(i)
				size.Allowed = min(max(best, s.min), s.max)
			}
			c.Sizes = append(c.Sizes, size)
		}
		list = append(list, c)
	}
	return list
}
