package autoscaling

import (
	"fmt"
	"math"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A census is the possible number of pods of the scale target while the
// autoscaler read it. The API has the numbers, not the identity of each pod.
type census struct {
	known                 bool // it was followed
	leastReady, mostReady int
	least, most           int // pods that existed, of any best
	// lasting are the pods that had been ready for a while: the metric of a pod
	// that has just become ready may be older, and does not count.
	lasting int
}

// counted is the census of the sizes that may have been in force.
func counted(sizes []size) census {
	if len(sizes) == 0 {
		return census{}
	}
	c := census{known: true, leastReady: math.MaxInt, least: math.MaxInt}
	for _, x := range sizes {
		c.leastReady, c.mostReady = min(c.leastReady, x.ready), max(c.mostReady, x.ready)
		c.least, c.most = min(c.least, x.existing), max(c.most, x.existing)
	}
	c.lasting = c.leastReady
	return c
}

// full reports whether there were certainly n pods, all of them ready.
func (c census) full(n int) bool {
	return c.known && c.leastReady == n && c.mostReady == n && c.least == n && c.most == n
}

// String is "1 of 2 pods are ready", in the worst case.
func (c census) String() string {
	switch {
	case !c.known:
		return "how many pods were ready was not followed"
	case c.lasting < c.leastReady:
		return fmt.Sprintf("%d of %d pods are ready, %d of them for long enough to be measured", c.leastReady, c.most, c.lasting)
	}
	return fmt.Sprintf("%d of %d pods are ready", c.leastReady, c.most)
}

// basis is the factor that the controller multiplies a metric's ratio by.
type basis int

const (
	// measured pods: those that have the metric and are not set aside as not
	// ready. The ratio is of them alone.
	measured  basis = iota
	readyPods       // the ratio is that of one value for all
	allPods         // the ratio is that of an average over those that there are
)

// slack is the possible error of an average that the API rounds.
const slack = 1e-3

// atMost and atLeast scale n pods by a ratio, rounded up as the controller
// does.
// controller does.
func atMost(ratio float64, n int) int  { return int(math.Ceil(ratio * float64(n) * (1 + slack))) }
func atLeast(ratio float64, n int) int { return int(math.Ceil(ratio * float64(n) * (1 - slack))) }

// floor is the lowest size that a controller with n pods can desire under a
// metric above its target: in the best case of which pods it counted, and in
// the worst case.
//
// Pods without the metric, and those set aside as not ready, count as 0 %, and
// if that reverses the direction the size stays; so that with a metric above its
// target fewer than n are only ever wanted where fewer exist. Which pods were
// set aside depends on when each one started and on flags. See
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
func (l load) floor(n int, c census) (best, worst int) {
	switch {
	case !c.known:
		return 0, n
	case l.basis == readyPods:
		return min(n, atLeast(l.ratio, c.leastReady)), min(n, atLeast(l.ratio, c.mostReady))
	case l.basis == allPods:
		return min(n, atLeast(l.ratio, c.least)), min(n, atLeast(l.ratio, c.most))
	}
	best = min(n, atLeast(l.ratio, c.least))
	if c.leastReady < c.most {
		return best, n
	}
	return best, best
}

// ceiling is the highest size that a controller with n pods can desire under a
// metric within its tolerance or below its target: more than n only where more
// exist.
func (l load) ceiling(n int, c census) int {
	switch {
	case l.ratio > 1:
		return n
	case l.basis == readyPods:
		return max(n, atMost(l.ratio, c.mostReady))
	}
	return max(n, atMost(l.ratio, c.most))
}

// worst is the ratio with every pod that is not ready at 0 %, the lowest from
// which a scale-up can be computed.
func (l load) worst(n int, c census) float64 {
	most := max(n, c.most)
	switch {
	case !c.known || most == 0:
		return 0
	case l.basis == allPods:
		return l.ratio * float64(c.least) / float64(most)
	case l.basis == readyPods:
		return l.ratio * float64(c.leastReady) / float64(most)
	}
	return l.ratio * float64(c.lasting) / float64(most)
}

// A moment is a stretch without a new status and without a change in the number
// of pods: from some instant in one span to some instant in the other.
type moment struct {
	state
	from, to steadystate.Span
	// stale: the pods have changed since its status. The status means something
	// only if it differs from the previous one.
	stale bool
}

// moments are those that may have been while the fault was on.
func (h *history) moments() []moment {
	var list []moment
	for i, s := range h.states {
		m := moment{state: s, from: s.at, to: steadystate.Instant(h.until())}
		if i+1 < len(h.states) {
			m.to = earlier(m.to, h.states[i+1].at)
		}
		end := m.to
		for _, x := range h.sizes {
			if x.at.From <= m.from.To || x.at.From >= end.From {
				continue
			}
			m.to = x.at
			list = append(list, m)
			m.from, m.to, m.stale = x.at, end, true
			m.pods = counted([]size{x})
			m.full = m.pods.full(m.current)
		}
		list = append(list, m)
	}
	kept := list[:0]
	for _, m := range list {
		if m.to.To >= h.t0.From && m.from.From <= h.until() {
			kept = append(kept, m)
		}
	}
	return kept
}

// high is [state.high] of a moment: a moment that lasts makes its ready pods
// measured, and one in which the pods have changed says nothing before.
func (m moment) high() (v steadystate.Verdict, why string) {
	lasts := m.to.From-m.from.To >= staleAfter
	if lasts {
		m.pods.lasting = m.pods.leastReady
	}
	if v, why = m.state.high(); v == steadystate.Held && m.stale && !lasts {
		return steadystate.Unknown, fmt.Sprintf("%s, and it said nothing new since: hold the fault for longer", m.pods)
	}
	return v, why
}

// earlier is the first of two instants.
func earlier(a, b steadystate.Span) steadystate.Span {
	return steadystate.Span{From: min(a.From, b.From), To: min(a.To, b.To)}
}

// within is how long a run of moments lasted while the fault was on.
func (h *history) within(from, to steadystate.Span) steadystate.Bounds[time.Duration] {
	return steadystate.Bounds[time.Duration]{Low: h.heldFor(from.To, to.From, hold.surely), High: h.heldFor(from.From, to.To, hold.perhaps)}
}
