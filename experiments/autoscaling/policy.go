package autoscaling

import (
	"fmt"
	"math"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The values of a rule's selectPolicy; unset is the greatest change.
const (
	disabled = "Disabled"
	smallest = "Min"
)

// ordinary are the policies of rules that name none: up by the larger of 4 pods
// and 100 % each 15 s, and down to nothing at once. See
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior
func ordinary(up bool) []policy {
	if up {
		return []policy{{"Pods", 4, 15}, {"Percent", 100, 15}}
	}
	return []policy{{"Percent", 100, 15}}
}

// stepped: each step is within the policies of its behavior.
func (v verdicts) stepped() judge.Finding {
	undecided, count := "", 0
	for i, s := range v.states {
		if !s.own || s.from == s.to {
			continue
		}
		count++
		if (s.from > s.spec.MaxReplicas && s.to == s.spec.MaxReplicas) || (s.from < s.spec.least() && s.to == s.spec.least()) {
			continue // the range asks for it, whatever the policies say
		}
		kind, harsh := v.allowed(i)
		beyond := func(limit int) bool { return (s.to > s.from && s.to > limit) || (s.to < s.from && s.to < limit) }
		switch {
		case !beyond(harsh):
		case beyond(kind) && !s.blind && !s.renewed:
			return broken(withinSteps, fmt.Sprintf("%d -> %d at %s, and its policies allow %d", s.from, s.to, s.at, kind))
		case s.blind || s.renewed:
			undecided = fmt.Sprintf("%d -> %d at %s: for a time nothing was seen of it, or its spec was another", s.from, s.to, s.at)
		default:
			undecided = fmt.Sprintf("%d -> %d at %s: its policies allow %d or %d, depending on which steps before lay in their periods", s.from, s.to, s.at, harsh, kind)
		}
	}
	switch {
	case undecided != "":
		return unknown(withinSteps, "within the error", undecided)
	case v.unseen() != "":
		return unknown(withinSteps, "where they were seen", v.unseen())
	}
	return held(withinSteps, steps(count)+", "+v.trajectory())
}

// allowed is how far the policies let a step go, in the best and in the
// worst case of when the steps before it were. What was before the watch
// began counts as rest, which is what the settle phase is for.
func (v verdicts) allowed(i int) (kind, harsh int) {
	s := v.states[i]
	up := s.to > s.from
	r := s.spec.down()
	if up {
		r = s.spec.up()
	}
	if r == nil {
		r = &rules{}
	}
	if r.Select == disabled {
		return s.from, s.from
	}
	policies := r.Policies
	if len(policies) == 0 {
		policies = ordinary(up)
	}
	for n, p := range policies {
		k, h := s.from, s.from
		if s.spec.Behavior != nil {
			k, h = v.start(i, time.Duration(p.Period)*time.Second)
		}
		// Without a behavior the controller keeps no account of periods: each
		// time it looks it may go as far, and how often that is, is a flag.
		k, h = p.reach(k, up), p.reach(h, up)
		if n == 0 {
			kind, harsh = k, h
			continue
		}
		kind, harsh = further(kind, k, up != (r.Select == smallest)), further(harsh, h, up != (r.Select == smallest))
	}
	if up {
		return max(kind, s.from), max(harsh, s.from)
	}
	return min(kind, s.from), min(harsh, s.from)
}

func further(a, b int, greater bool) int {
	if greater {
		return max(a, b)
	}
	return min(a, b)
}

// start is the size at the beginning of the period before a step. A step that
// may or may not lie in it is read one way and the other; so are those in the
// other direction, which not every version of the controller counts.
func (v verdicts) start(i int, period time.Duration) (kind, harsh int) {
	s := v.states[i]
	kind, harsh = s.from, s.from
	sign := 1
	if s.to < s.from {
		sign = -1
	}
	for _, e := range v.states[:i] {
		by := sign * (e.to - e.from)
		in := inside(e.at, s.at, period)
		switch {
		case !e.own || by == 0 || in == steadystate.Broken:
		case by < 0: // the other direction, which gives room
			kind -= sign * by
		case in == steadystate.Held:
			kind -= sign * by
			harsh -= sign * by
		default:
			harsh -= sign * by
		}
	}
	return kind, harsh
}

// reach is how far a policy lets a size go from the one at the period's start.
// A share of it is computed and rounded as the controller does, in the same
// floating point: up on the way up, down on the way down.
func (p policy) reach(start int, up bool) int {
	value := p.Value
	if !up {
		value = -value
	}
	if p.Type == "Pods" {
		return start + value
	}
	reach := float64(start) * (1 + float64(value)/100)
	if up {
		return int(math.Ceil(reach))
	}
	return int(reach)
}
