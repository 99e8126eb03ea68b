package calibration

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Beside is how far the limits of a simulated trial are from the truth.
var Beside = [2]float64{0.03, 0.2}

// A Simulated is the instrument's result for one simulated trial.
type Simulated struct {
	Number     int
	Truth      Stretch
	Figures    steadystate.Figures
	Comparison              // of the outage
	Downtime   bool         // the stated bounds hold the truth
	TTR        bool         // as well
	False      [2]Falsehood // for the limits off the truth
}

// A Falsehood says which verdicts on limits off the truth were not true, or
// none.
type Falsehood struct{ Held, Broken, Unknown bool }

// source is the random source of a cell's trial: it depends only on the seed,
// the cell's name and the trial's number, so that any trial can be repeated.
func source(seed uint64, name string, number int) *rand.PCG {
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%s %d", name, number)
	return rand.NewPCG(seed, hash.Sum64())
}

// Simulate carries a trial of a cell out without a service: it draws the
// requests of a run and folds them as the judge does those of a record.
func (c Cell) Simulate(seed uint64, number int) Simulated {
	from := source(seed, c.String(), number)
	p := c.draw(rand.New(from))
	s := Simulated{Number: number, Truth: Stretch{Start: steadystate.Instant(p.start), End: steadystate.Instant(p.start + p.whole)}}
	s.Figures = c.fold(p, *from)
	s.compare(c, p)
	return s
}

// fold folds the requests of a trial. Those before the fault are drawn twice,
// which is cheaper than keeping them: the rule must be known before the first.
func (c Cell) fold(p scenario, from rand.PCG) steadystate.Figures {
	check := c.check()
	_, all := c.Shape.out()
	answers := make([]int, all)
	settled := p.fault - steadystate.SettleTime(check, true, c.Settle, time.Second/time.Duration(c.Rate), 0)
	again := from
	c.requests(p, rand.New(&again), func(backend int, o steadystate.Observation) bool {
		if o.From >= settled && o.To < p.fault && o.Failed == "" {
			answers[backend]++
		}
		return o.From < p.fault
	})
	rule := check.Rule(c.Settle, true)
	rule.Smallest = steadystate.SmallestShare(slices.Values(answers))
	f := steadystate.NewFold(check.Good, rule, steadystate.Span{To: p.end}, steadystate.Span{From: p.fault, To: p.end})
	c.requests(p, rand.New(&from), func(_ int, o steadystate.Observation) bool {
		f.Add(o)
		return true
	})
	return f.Figures()[0]
}

func (s *Simulated) compare(c Cell, p scenario) {
	f := s.Figures
	var truth []Stretch
	length := time.Duration(0)
	if c.Shape != Quiet {
		truth, length = []Stretch{s.Truth}, p.whole
	}
	var certain []steadystate.Outage
	for _, o := range f.Outages {
		if !o.Stray {
			certain = append(certain, o)
		}
	}
	s.Comparison = Compare(truth, certain, c.stated(f))
	fault := steadystate.Instant(p.fault)
	ttr, _, open := f.Recovery(fault, fault, p.end)
	recovered := time.Duration(0)
	if c.Shape != Quiet {
		recovered = p.start + p.whole - p.fault
	}
	s.Downtime, s.TTR = f.Downtime.Holds(length), ttr.Holds(recovered)
	for i, beside := range Beside {
		for _, side := range []float64{-1, 1} {
			// Beside no outage at all: of what might have been one.
			least := func(truth time.Duration) string {
				limit := float64(truth) * (1 + side*beside)
				if c.Shape == Quiet {
					limit = float64(p.whole) * beside
				}
				return fmt.Sprintf("%.0fus", limit/float64(time.Microsecond))
			}
			if c.Shape == Quiet && side < 0 {
				continue
			}
			down := steadystate.MustParseLimit("downtime <= " + least(length))
			back := steadystate.MustParseLimit("ttr <= " + least(recovered))
			for _, verdict := range []steadystate.Verdict{
				down.Judge(f).Verdict,
				f.Compare(back, steadystate.Seconds(ttr), steadystate.FormatSeconds, open).Verdict,
			} {
				is := &s.False[i]
				is.Held = is.Held || (side < 0 && verdict == steadystate.Held)
				is.Broken = is.Broken || (side > 0 && verdict == steadystate.Broken)
				is.Unknown = is.Unknown || verdict == steadystate.Unknown
			}
		}
	}
}

// stated is the resolution that is stated for outages of this shape.
func (c Cell) stated(f steadystate.Figures) time.Duration {
	if bad, all := c.Shape.out(); bad < all {
		return f.OfSmallest()
	}
	return f.Resolution
}

func logUniform(random *rand.Rand, low, high float64) time.Duration {
	return time.Duration(low * math.Pow(high/low, random.Float64()) * float64(time.Second))
}

// Wrong describes the trial's mistakes, for people.
func (s Simulated) Wrong() string {
	return fmt.Sprintf("stated %s, truth %s, downtime %s, resolution %s, of the smallest share (%.3g) %s", outages(s.Figures.Outages), truths([]Stretch{s.Truth}),
		steadystate.FormatLengths(s.Figures.Downtime), s.Figures.Resolution.Round(time.Microsecond), s.Figures.PartialResolution.Share, s.Figures.PartialResolution.Length.Round(time.Microsecond))
}
