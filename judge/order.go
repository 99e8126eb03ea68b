package judge

import (
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// An order puts the observations of one signal into the order of time. They
// come as they were known, a request when it was answered; by how much that is
// out of order must have been seen before, in a first pass.
type order struct {
	seen   int
	first  time.Duration // least From
	latest time.Duration // greatest From so far
	slack  time.Duration // by how much a later one came with a lesser From
	whole  time.Duration // over how long a value that is of its whole span is
	held   []steadystate.Observation
	next   []func(steadystate.Observation)
	enough int // observations to hold before it is worth passing some on
}

// see learns how much is out of order, and how long values are over.
func (o *order) see(x steadystate.Observation) {
	if o.seen++; o.seen == 1 {
		o.first = x.From
	}
	o.first, o.latest = min(o.first, x.From), max(o.latest, x.From)
	o.slack = max(o.slack, o.latest-x.From)
	if x.Whole {
		o.whole = max(o.whole, x.Width())
	}
}

// spacing is from one observation to the next, on the average; zero without.
func (o *order) spacing() time.Duration {
	return (o.latest - o.first) / time.Duration(max(1, o.seen-1))
}

// add takes in an observation, in the order that was seen.
func (o *order) add(x steadystate.Observation) {
	if o.enough == 0 {
		o.latest, o.enough = 0, 1<<12
	}
	o.latest = max(o.latest, x.From)
	o.held = append(o.held, x)
	if len(o.held) < o.enough {
		return
	}
	slices.SortFunc(o.held, steadystate.Observation.Compare)
	// Nothing that comes begins before this.
	until := o.latest - o.slack
	n, _ := slices.BinarySearchFunc(o.held, until, func(x steadystate.Observation, at time.Duration) int {
		if x.From < at {
			return -1
		}
		return 1
	})
	o.pass(n)
	o.enough = 1<<12 + 2*len(o.held)
}

// end passes on what is held.
func (o *order) end() {
	slices.SortFunc(o.held, steadystate.Observation.Compare)
	o.pass(len(o.held))
}

func (o *order) pass(n int) {
	for _, x := range o.held[:n] {
		for _, f := range o.next {
			f(x)
		}
	}
	o.held = slices.Delete(o.held, 0, n)
}
