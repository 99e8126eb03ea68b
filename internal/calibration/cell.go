package calibration

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Shape is how much of a service is out, and until when.
type Shape string

// The shapes of the simulated outages.
const (
	Total     Shape = "all"
	TwoThirds Shape = "2-of-3"
	Third     Shape = "1-of-3"
	Tenth     Shape = "1-of-10"
	Thirtieth Shape = "1-of-30"
	// Flash is nine of ten backends out for 50 ms.
	Flash Shape = "9-of-10-for-50ms"
	// Healing is four backends out, each of which heals at another instant.
	Healing Shape = "healing"
	Quiet   Shape = "none"
)

// out returns how many of how many backends are out.
func (s Shape) out() (bad, all int) {
	switch s {
	case Total:
		return 3, 3
	case TwoThirds:
		return 2, 3
	case Third:
		return 1, 3
	case Tenth:
		return 1, 10
	case Thirtieth:
		return 1, 30
	case Flash:
		return 9, 10
	case Healing:
		return 4, 4
	}
	return 0, 3
}

// A Cell is the common part of the simulated trials of one line of the grid.
type Cell struct {
	Settle  time.Duration `json:"settle"`
	Rate    int           `json:"rate"`    // requests per second
	Allowed float64       `json:"allowed"` // share of bad requests
	Strays  float64       `json:"strays"`  // share of bad requests without an outage
	Shape   Shape         `json:"shape"`
	// InTurn: requests come at regular intervals and reach the backends round
	// robin. Otherwise they arrive by a Poisson process and reach random
	// backends.
	InTurn bool `json:"inTurn,omitempty"`
	// Stalls: the load's machine stands still now and then. What is due meanwhile is
	// sent at the end of it, all at once, and answers are read then.
	Stalls bool `json:"stalls,omitempty"`
}

// String is "10s-1000/s-0.1%-1-of-3".
func (c Cell) String() string {
	name := fmt.Sprintf("%s-%d/s-%.3g%%-%s", c.Settle, c.Rate, 100*c.Allowed, c.Shape)
	if c.InTurn {
		name += "-in-turn"
	}
	if c.Stalls {
		name += "-stalls"
	}
	return name
}

// Cells are all cells of the grid: every shape with settle times, rates and
// shares of strays as users have them, the commonest also with a load that is
// regular, or whose machine stalls, and a few at the highest rate.
func Cells() []Cell {
	var list []Cell
	strays := []struct{ allowed, strays float64 }{{0, 0}, {0.001, 0.0005}, {0.01, 0.005}}
	for _, settle := range []time.Duration{time.Second, 10 * time.Second} {
		for _, rate := range []int{100, 1000} {
			for _, s := range strays {
				c := Cell{Settle: settle, Rate: rate, Allowed: s.allowed, Strays: s.strays}
				for _, c.Shape = range []Shape{Total, TwoThirds, Third, Tenth, Thirtieth, Flash, Healing, Quiet} {
					list = append(list, c)
				}
				c.InTurn = true
				for _, c.Shape = range []Shape{Total, Third} {
					list = append(list, c)
				}
				if c.Stalls = settle == 10*time.Second; !c.Stalls {
					continue
				}
				for _, c.Shape = range []Shape{Total, Third, Flash, Quiet} {
					list = append(list, c)
				}
			}
		}
	}
	for _, s := range strays[1:] {
		c := Cell{Settle: 10 * time.Second, Rate: 3000, Allowed: s.allowed, Strays: s.strays}
		for _, c.Shape = range []Shape{Total, Third, Thirtieth, Quiet} {
			list = append(list, c)
		}
	}
	return list
}

// edges reports whether enough requests of a settle time hit the outage, beyond
// the allowed ones, for its edges to be known: of one that heals backend by
// backend, the last one. Of a lesser outage only the verdicts must not be
// false.
func (c Cell) edges() bool {
	if c.Shape == Quiet {
		return false
	}
	bad, all := c.Shape.out()
	share := float64(bad) / float64(all)
	if c.Shape == Healing {
		share = 1 / float64(all)
	}
	const least, rounding = 10, 1e-9
	return (share-c.Allowed)*float64(c.Rate)*c.Settle.Seconds() >= least-rounding
}

func (c Cell) check() steadystate.Check {
	return steadystate.Check{Name: "service answers", Signal: "requests", Good: steadystate.Within(time.Second), Allowed: c.Allowed}
}

// A scenario is the ground truth of a simulated trial: when the fault came, and
// the outage of each backend, all of which begin at the same instant.
type scenario struct {
	fault time.Duration
	start time.Duration
	ends  []time.Duration // of the backends that are out, in order of time
	whole time.Duration   // the drawn length, even if nothing is out
	end   time.Duration   // of the recorded
}

// draw draws a scenario. The record is as long as a run needs: until the
// service is steady, and after the outage until it is seen to be over.
func (c Cell) draw(random *rand.Rand) scenario {
	const shortest, longest = 0.5, 5
	p := scenario{fault: steadystate.SettleTime(c.check(), true, c.Settle, time.Second/time.Duration(c.Rate), 0)}
	p.fault += time.Duration(random.Float64() * 0.2 * float64(c.Settle))
	p.start = p.fault + time.Duration(random.Float64()*float64(200*time.Millisecond))
	p.whole = logUniform(random, shortest, longest)
	if c.Shape == Flash {
		p.whole = 50 * time.Millisecond
	}
	bad, _ := c.Shape.out()
	for i := range bad {
		end := p.start + p.whole
		if c.Shape == Healing {
			end = p.start + p.whole*time.Duration(i+1)/time.Duration(bad)
		}
		p.ends = append(p.ends, end)
	}
	p.end = p.start + p.whole + c.Settle*3/2 + 500*time.Millisecond
	return p
}

// requests yields the requests of a trial, in order of their sending, and which
// backend each went to, until yield returns false.
func (c Cell) requests(p scenario, random *rand.Rand, yield func(backend int, o steadystate.Observation) bool) {
	const (
		least = time.Millisecond     // of an answer
		more  = 4 * time.Millisecond // on the average
		stray = "503"
	)
	_, all := c.Shape.out()
	late := func(at time.Duration) time.Duration { return at }
	if c.Stalls {
		late = stalls(p.end, random)
	}
	order := random.Perm(all) // the backends that are out are any
	every := time.Second / time.Duration(c.Rate)
	due := time.Duration(random.Float64() * float64(every))
	for n := 0; due < p.end; n++ {
		sent := late(due)
		if sent >= p.end {
			return
		}
		backend := n % all
		if !c.InTurn {
			backend = random.IntN(all)
		}
		took := least + time.Duration(random.ExpFloat64()*float64(more))
		// It meets the service at some instant while it is under way.
		met := sent + time.Duration(random.Float64()*float64(took))
		o := steadystate.Observation{Span: steadystate.Span{From: sent, To: min(late(sent+took), p.end)}}
		o.Value = (o.To - o.From).Seconds()
		if i := order[backend]; (i < len(p.ends) && p.start <= met && met < p.ends[i]) || (c.Strays > 0 && random.Float64() < c.Strays) {
			o.Failed = stray
		}
		if !yield(backend, o) {
			return
		}
		if c.InTurn {
			due += every
		} else {
			due += time.Duration(random.ExpFloat64() * float64(every))
		}
	}
}

// stalls draws when a machine stands still until an instant, and returns when what
// is due comes about: one stall in 3 s on the average, by a Poisson process, of 20
// to 240 ms.
func stalls(until time.Duration, random *rand.Rand) func(due time.Duration) time.Duration {
	const mean, shortest, longest = 3 * time.Second, 0.02, 0.24
	var list []steadystate.Span
	for at := time.Duration(0); at < until; {
		at += time.Duration(random.ExpFloat64() * float64(mean))
		s := steadystate.Span{From: at, To: at + logUniform(random, shortest, longest)}
		list = append(list, s)
		at = s.To
	}
	return func(due time.Duration) time.Duration {
		i, _ := slices.BinarySearchFunc(list, due, func(s steadystate.Span, at time.Duration) int { return cmp.Compare(s.To, at) })
		if i < len(list) && list[i].From <= due {
			return list[i].To
		}
		return due
	}
}
