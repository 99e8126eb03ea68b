package autoscaling

import (
	"fmt"
	"math"
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/steadystate"
)

// defaultPolicies are those of rules that name none: up by the larger of 4 pods
// and 100 % each 15 s, and down to nothing at once. See
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior
func defaultPolicies(up bool) []autoscalingv2.HPAScalingPolicy {
	list := []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}}
	if up {
		list = append(list, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15})
	}
	return list
}

// stepped: each step is within the policies of its behavior.
func (v verdicts) stepped() steadystate.Reading {
	undecided, count := "", 0
	for i, s := range v.states {
		if !s.own || s.from == s.desired {
			continue
		}
		count++
		if (s.from > s.max && s.desired == s.max) || (s.from < s.min && s.desired == s.min) {
			continue // the range asks for it, whatever the policies say
		}
		best, worst := v.allowed(i)
		beyond := func(limit int) bool {
			return (s.desired > s.from && s.desired > limit) || (s.desired < s.from && s.desired < limit)
		}
		switch {
		case !beyond(worst):
		case beyond(best) && !s.gap && !s.renewed:
			return broken(fmt.Sprintf("%d -> %d at %s, and its policies allow %d", s.from, s.desired, s.at, best))
		case s.gap || s.renewed:
			undecided = fmt.Sprintf("%d -> %d at %s: for a time nothing was seen of it, or its spec was another", s.from, s.desired, s.at)
		default:
			undecided = fmt.Sprintf("%d -> %d at %s: its policies allow %d or %d, depending on which steps before lay in their periods", s.from, s.desired, s.at, worst, best)
		}
	}
	switch {
	case undecided != "":
		return unknown("within the error", undecided)
	case v.unseen() != "":
		return unknown("where they were seen", v.unseen())
	}
	return held(steps(count) + ", " + v.trajectory())
}

// allowed is how far the policies let a step go, in the best and in the worst
// case of the times of earlier steps. The time before the watch counts as free
// of steps: the settle phase ensures that.
func (v verdicts) allowed(i int) (best, worst int) {
	s := v.states[i]
	up := s.desired > s.from
	rules := s.rules(up)
	choice := ptr.Deref(rules.SelectPolicy, autoscalingv2.MaxChangePolicySelect)
	if choice == autoscalingv2.DisabledPolicySelect {
		return s.from, s.from
	}
	policies := rules.Policies
	if len(policies) == 0 {
		policies = defaultPolicies(up)
	}
	var bests, worsts []int
	for _, p := range policies {
		b, w := s.from, s.from
		if s.spec.Behavior != nil {
			b, w = v.start(i, time.Duration(p.PeriodSeconds)*time.Second)
		}
		// Without a behavior the controller keeps no account of periods: it may go
		// that far at each sync, and the sync period is a flag.
		bests, worsts = append(bests, reach(p, b, up)), append(worsts, reach(p, w, up))
	}
	pick := slices.Min[[]int]
	if up != (choice == autoscalingv2.MinChangePolicySelect) {
		pick = slices.Max[[]int]
	}
	if up {
		return max(pick(bests), s.from), max(pick(worsts), s.from)
	}
	return min(pick(bests), s.from), min(pick(worsts), s.from)
}

// start is the size at the beginning of the period before a step. A step that
// may or may not lie in it is read both ways; so are those in the other
// direction, which not every version of the controller counts.
func (v verdicts) start(i int, period time.Duration) (best, worst int) {
	s := v.states[i]
	best, worst = s.from, s.from
	sign := 1
	if s.desired < s.from {
		sign = -1
	}
	for _, e := range v.states[:i] {
		by := sign * (e.desired - e.from)
		in := inside(e.at, s.at, period)
		switch {
		case !e.own || by == 0 || in == steadystate.Broken:
		case by < 0: // the other direction, which gives room
			best -= sign * by
		case in == steadystate.Held:
			best -= sign * by
			worst -= sign * by
		default:
			worst -= sign * by
		}
	}
	return best, worst
}

// reach is how far a policy lets a size go from the one at the period's start.
// A share of it is computed and rounded as the controller does, in the same
// floating point: up on the way up, down on the way down.
func reach(p autoscalingv2.HPAScalingPolicy, start int, up bool) int {
	value := int(p.Value)
	if !up {
		value = -value
	}
	if p.Type == autoscalingv2.PodsScalingPolicy {
		return start + value
	}
	reach := float64(start) * (1 + float64(value)/100)
	if up {
		return int(math.Ceil(reach))
	}
	return int(reach)
}
