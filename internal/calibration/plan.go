package calibration

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Options say what is planted and under what load.
type Options struct {
	// Trials is the number of trials of each kind; zero is refused.
	Trials int
	// Rate is the number of requests per second of each load; zero is refused.
	Rate int
	// Seed is what the plans are drawn from.
	Seed uint64
	// Kinds to plant. Default: all.
	Kinds []Kind
	// Parallel is how many trials run at once. Default: as many as make 1000
	// requests a second together, at most 10; one at a higher rate.
	Parallel int
	// Progress is told of each trial when it is over, by one goroutine at a
	// time.
	Progress func(Trial)
	// Miss receives the record of each trial that did not hold.
	Miss func(Trial, []byte) error
}

// together is how many requests per second two cores can drive, answer and
// judge without one trial delaying another: a request over a fresh connection
// costs its two ends about half a millisecond of CPU. atOnce is the maximum
// useful number of concurrent trials.
const (
	together = 1000
	atOnce   = 10
)

func (o Options) withDefaults() Options {
	if len(o.Kinds) == 0 {
		o.Kinds = Kinds()
	}
	if o.Parallel == 0 {
		o.Parallel = min(atOnce, max(1, together/max(1, o.Rate)))
	}
	return o
}

// Validate reports invalid options.
func (o Options) Validate() error {
	var errs []error
	if o.Trials <= 0 {
		errs = append(errs, fmt.Errorf("calibrate: %d trials: want at least one of each kind", o.Trials))
	}
	if o.Rate < minRate || o.Rate > maxRate {
		errs = append(errs, fmt.Errorf("calibrate: rate %d: want %d to %d requests per second", o.Rate, minRate, maxRate))
	}
	if o.Parallel < 0 {
		errs = append(errs, fmt.Errorf("calibrate: %d trials at once: want at least one", o.Parallel))
	}
	for _, k := range o.Kinds {
		if !slices.Contains(Kinds(), k) {
			errs = append(errs, fmt.Errorf("calibrate: no kind %q; kinds: %s", k, join(Kinds())))
		}
	}
	return errors.Join(errs...)
}

// Below the lower rate the shortest outages planted lie between two requests;
// above the upper one two cores fall behind.
const (
	minRate = 20
	maxRate = 2000
)

// What is planted, and the check that is to see it.
const (
	shortest = 50 * time.Millisecond // outage, and stall of the harness
	longest  = 800 * time.Millisecond
	flap     = 40 * time.Millisecond // the shortest stretch of a flapping service
	flapMore = 100 * time.Millisecond
	settle   = 300 * time.Millisecond // longer than any stretch in which a flapping service is well
	lead     = 120 * time.Millisecond // before the first change, so that no edge is cut off by the window
	leadMore = 50 * time.Millisecond
	slowness = 700 * time.Millisecond // of an answer of a slow service
)

// An Action is one thing done in a trial.
type Action string

// The actions of a trial.
const (
	Hurt   Action = "hurt"   // the service becomes bad
	Heal   Action = "heal"   // and good again
	Halt   Action = "halt"   // the harness stops
	Resume Action = "resume" // and goes on
)

// A Step is an action and when it is due, after the beginning of the
// injection.
type Step struct {
	At time.Duration `json:"at"`
	Do Action        `json:"do"`
}

// A Plan is what is planted in one trial.
type Plan struct {
	Kind Kind `json:"kind"`
	// Number counts the trials of a kind from 0.
	Number int    `json:"number"`
	Steps  []Step `json:"steps"`
}

// Away is the time between the first Hurt and the last Heal.
func (p Plan) Away() time.Duration {
	var from, to time.Duration
	for i := range p.Steps {
		if s := p.Steps[len(p.Steps)-1-i]; s.Do == Hurt {
			from = s.At
		}
		if s := p.Steps[i]; s.Do == Heal {
			to = s.At
		}
	}
	return to - from
}

// Plans are the plans of all trials, those of all kinds in turn, so that what
// else happens on the machine meets all alike. They follow from Seed, Trials
// and Kinds alone, and a trial's plan from the seed, its kind and its number.
func Plans(o Options) []Plan {
	o = o.withDefaults()
	plans := make([]Plan, 0, o.Trials*len(o.Kinds))
	for n := range o.Trials {
		for _, k := range o.Kinds {
			plans = append(plans, planOf(o.Seed, k, n))
		}
	}
	return plans
}

// planOf is the plan of one trial of a kind.
func planOf(seed uint64, k Kind, number int) Plan {
	stream := uint64(slices.Index(Kinds(), k))<<32 | uint64(number)
	return draw(k, number, rand.New(rand.NewPCG(seed, stream)))
}

func draw(k Kind, number int, random *rand.Rand) Plan {
	between := func(low, high time.Duration) time.Duration {
		return low + time.Duration(random.Int64N(int64(high-low)))
	}
	p := Plan{Kind: k, Number: number}
	at := between(lead, lead+leadMore)
	step := func(at time.Duration, do Action) { p.Steps = append(p.Steps, Step{at, do}) }
	switch k {
	case Flapping:
		for range 2 + random.IntN(4) {
			step(at, Hurt)
			at += between(flap, flap+flapMore)
			step(at, Heal)
			at += between(flap, flap+flapMore)
		}
	case Stall:
		stalled := between(shortest, longest)
		bad := between(shortest, longest)
		// From just in time to hear its end, to just in time to hear its
		// beginning.
		after := between(-bad, stalled)
		begin := at + max(0, -after)
		step(begin, Halt)
		step(begin+stalled, Resume)
		if number%2 == 1 {
			step(begin+after, Hurt)
			step(begin+after+bad, Heal)
		}
	default:
		step(at, Hurt)
		step(at+between(shortest, longest), Heal)
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return p
}
