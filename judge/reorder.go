package judge

import (
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A reorderBuffer puts the observations of one signal in order of time. They
// arrive as they become known, a request when it is answered; a first pass
// measures how far out of order they are.
type reorderBuffer struct {
	seen   int
	tally  tallies
	first  time.Duration // smallest From
	latest time.Duration // largest From so far
	slack  time.Duration // how far an observation came behind latest
	whole  time.Duration // longest span of a value that covers its whole span
	widest time.Duration // longest span of a known one
	held   []steadystate.Observation
	next   []func(steadystate.Observation)
	enough int // number of held observations at which to pass some on
}

// see measures disorder and spans, in the first pass.
func (o *reorderBuffer) see(x steadystate.Observation) {
	if o.seen++; o.seen == 1 {
		o.first = x.From
	}
	o.first, o.latest = min(o.first, x.From), max(o.latest, x.From)
	o.slack = max(o.slack, o.latest-x.From)
	o.tally.add(x.From)
	if x.Unknown == "" {
		o.widest = max(o.widest, x.Width())
	}
	if x.Whole {
		o.whole = max(o.whole, x.Width())
	}
}

// spacing is the mean time between observations up to an instant; zero without
// any. Later ones do not count: a fault, or another stage of the load, changes
// the rate.
func (o *reorderBuffer) spacing(until time.Duration) time.Duration {
	until = until.Truncate(time.Second)
	if n := o.tally.before(until); n > 0 && until > o.first {
		return (until - o.first) / time.Duration(n)
	}
	return (o.latest - o.first) / time.Duration(max(1, o.seen-1))
}

// tallies count observations by the second in which they began. They come
// nearly in order, so those of one second are added at once.
type tallies struct {
	by     map[time.Duration]int
	second time.Duration
	n      int // in it, not added yet
}

func (t *tallies) add(at time.Duration) {
	if second := at.Truncate(time.Second); second != t.second {
		t.flush()
		t.second = second
	}
	t.n++
}

func (t *tallies) flush() {
	if t.by == nil {
		t.by = map[time.Duration]int{}
	}
	t.by[t.second] += t.n
	t.n = 0
}

func (t *tallies) before(until time.Duration) (n int) {
	t.flush()
	for second, count := range t.by {
		if second < until {
			n += count
		}
	}
	return n
}

// add takes an observation, in the second pass.
func (o *reorderBuffer) add(x steadystate.Observation) {
	if o.enough == 0 {
		o.latest, o.enough = 0, 1<<12
	}
	o.latest = max(o.latest, x.From)
	o.held = append(o.held, x)
	if len(o.held) < o.enough {
		return
	}
	slices.SortFunc(o.held, steadystate.Observation.Compare)
	// No later observation begins before this.
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

// end passes on the rest.
func (o *reorderBuffer) end() {
	slices.SortFunc(o.held, steadystate.Observation.Compare)
	o.pass(len(o.held))
}

func (o *reorderBuffer) pass(n int) {
	for _, x := range o.held[:n] {
		for _, f := range o.next {
			f(x)
		}
	}
	o.held = slices.Delete(o.held, 0, n)
}
