package judge

import (
	"cmp"
	"fmt"
	"math"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// change is what an effect that is a change of a target's signal is judged by.
type change struct {
	record.Effect
	fault, target, signal string
	requests              bool // the signal is of a load
	before, during, after stage
}

// stage is a stretch of time and the values that were observed in it.
type stage struct {
	steadystate.Span
	steadystate.Values
	unknown string // why the first observation that says nothing does
}

// add takes in an observation that speaks of an instant in the stage.
func (s *stage) add(o steadystate.Observation) {
	switch {
	case o.From < s.From || o.To > s.To || o.Failed != "":
		return
	case o.Unknown != "":
		s.unknown = cmp.Or(s.unknown, o.Unknown)
		return
	}
	s.Add(o.Value)
}

// most is the greatest value, zero without any.
func (s *stage) most() float64 { return s.Quantile(1).High }

func (c *change) add(o steadystate.Observation) {
	c.before.add(o)
	c.during.add(o)
	c.after.add(o)
}

// newEffects follows the changes that the injections' effects are.
func (j *judge) newEffects() {
	for _, i := range j.Injections {
		until, gone := j.last, j.last
		if i.Removed != nil {
			until, gone = i.Removed.From, i.Removed.To
		}
		for _, effect := range i.Effects {
			if effect.Times > 0 {
				j.rates = append(j.rates, j.newRateChange(i.Injection, effect, until, gone))
				continue
			}
			if effect.Signal == "" {
				continue
			}
			_, requests := j.Traffic[effect.Signal]
			for _, t := range i.Targets {
				j.effects = append(j.effects, &change{
					Effect:   effect,
					fault:    i.Fault,
					target:   t.Name,
					requests: requests,
					signal:   record.TargetSignal(effect.Signal, t.Name),
					// Also what speaks of the time before the record.
					before: stage{Span: steadystate.Span{From: math.MinInt64, To: i.From}},
					during: stage{Span: steadystate.Span{From: i.To, To: until}},
					after:  stage{Span: steadystate.Span{From: gone, To: j.last}},
				})
			}
		}
	}
}

// leastValues is of how many values a median is taken.
const leastValues = 3

// seen says what was seen of the change; missing, if anything, what was not.
func (c *change) seen() (text, missing string) {
	for _, s := range []struct {
		name  string
		stage *stage
	}{{"before the fault", &c.before}, {"while it was on", &c.during}, {"after it", &c.after}} {
		n := s.stage.N()
		if n >= leastValues {
			continue
		}
		if why := s.stage.unknown; why != "" {
			return "", fmt.Sprintf("%s was observed %d times %s, wanted at least %d: %s", c.signal, n, s.name, leastValues, why)
		}
		// No request that a target answers is what a fault that lets nothing
		// through does; of what is polled, silence says nothing.
		if c.AtMost == nil || s.stage != &c.during || !c.requests {
			return "", fmt.Sprintf("%s was observed %d times %s, wanted at least %d", c.signal, n, s.name, leastValues)
		}
	}
	if c.AtMost != nil {
		return c.fell()
	}
	q := cmp.Or(c.Quantile, 0.5)
	quantile := func(s *stage) float64 { return s.Values.Quantile(q).Low }
	before, during, after := quantile(&c.before), quantile(&c.during), quantile(&c.after)
	text = fmt.Sprintf("p%.4g of %s %.4g before the fault, %.4g while it was on, %.4g after it", 100*q, c.signal, before, during, after)
	wanted := fmt.Sprintf("at least %.4g more", c.Rise)
	rose := func(v float64) bool { return v-before >= c.Rise }
	if c.Ceiling > 0 {
		wanted += fmt.Sprintf(", or %.4g of the %.4g that there can be,", 0.9*c.Ceiling, c.Ceiling)
		rose = func(v float64) bool { return v-before >= c.Rise || (before < 0.9*c.Ceiling && v >= 0.9*c.Ceiling) }
	}
	switch {
	case !rose(during):
		return "", fmt.Sprintf("%s, wanted %s while it was on", text, wanted)
	case rose(after):
		return "", text + ": it did not fall again"
	}
	return text, ""
}

func (c *change) fell() (text, missing string) {
	text = fmt.Sprintf("greatest of %s %.4g before the fault, %.4g of %d while it was on, %.4g after it", c.signal, c.before.most(), c.during.most(), c.during.N(), c.after.most())
	switch {
	case c.before.most() <= *c.AtMost:
		return "", fmt.Sprintf("%s: it was no more than %.4g before", text, *c.AtMost)
	case c.during.N() > 0 && c.during.most() > *c.AtMost:
		return "", fmt.Sprintf("%s, wanted at most %.4g while it was on", text, *c.AtMost)
	case c.after.most() <= *c.AtMost:
		return "", text + ": it did not rise again"
	}
	return text, ""
}
