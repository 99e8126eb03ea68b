package judge

import (
	"fmt"
	"slices"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// rateChange judges an effect that multiplies the rate of a load, by the
// requests sent.
type rateChange struct {
	record.Effect
	fault                 string
	before, during, after count
}

// newRateChange prepares to judge an effect on the rate of a signal, over the
// time in which the load sent requests.
func (j *judge) newRateChange(i InjectionResult, effect record.Effect, before steadystate.Span) *rateChange {
	t, until := j.Traffic[effect.Signal], j.until(i)
	next := j.last // when the rate is changed again
	for _, other := range j.Injections {
		again := func(e record.Effect) bool { return e.Times > 0 && e.Signal == effect.Signal }
		if other.From >= until.To && slices.ContainsFunc(other.Effects, again) {
			next = min(next, other.From)
		}
	}
	return &rateChange{
		Effect: effect, fault: i.Fault,
		before: t.sentWithin(before.From, before.To), during: t.sentWithin(i.To, until.From), after: t.sentWithin(until.To, next),
	}
}

// add adds a request. A request that failed on the load's own machine was never
// sent.
func (c *rateChange) add(signal string, q record.Request) {
	if signal != c.Signal || q.Local {
		return
	}
	c.before.add(q.Sent)
	c.during.add(q.Sent)
	c.after.add(q.Sent)
}

// greater is the smallest share of its planned growth by which a rate must have
// grown. Afterwards at most the rest of the growth may remain.
const greater = 0.8

// seen describes the observed change; missing says what was not observed, if
// anything. It uses the worst case of the rates.
func (c *rateChange) seen() (text, missing string) {
	for _, s := range []struct {
		name string
		*count
	}{{"before the fault", &c.before}, {"while it was on", &c.during}, {"after it", &c.after}} {
		if s.n < leastValues || s.Width() <= 0 {
			return "", fmt.Sprintf("%d %s were sent %s, wanted at least %d", s.n, c.Signal, s.name, leastValues)
		}
	}
	per := func(s count) string { return fmt.Sprintf("%.4g/s", s.rate()) }
	text = fmt.Sprintf("%s were sent at %s before the fault, %s while it was on, %s after it", c.Signal, per(c.before), per(c.during), per(c.after))
	before := c.before.bounds()
	if grown, wanted := c.during.bounds().Low/before.High, 1+greater*(c.Times-1); grown < wanted {
		return "", fmt.Sprintf("%s: at least %.4g times as many while it was on, wanted at least %.4g", text, grown, wanted)
	}
	if left, allowed := c.after.bounds().High/before.Low, 1+(1-greater)*(c.Times-1); left > allowed {
		return "", fmt.Sprintf("%s: up to %.4g times as many after it, wanted at most %.4g", text, left, allowed)
	}
	return text, ""
}
