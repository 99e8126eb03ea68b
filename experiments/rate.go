package experiments

import (
	"fmt"
	"math"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// rateChange is what an effect that multiplies the rate of a load is judged by:
// the requests that were sent.
type rateChange struct {
	Effect
	fault                 string
	before, during, after count
}

// A count is how many requests were sent in a stretch of time, its end left out:
// of those sent at an even rate there are as many as intervals between them.
type count struct {
	steadystate.Span
	n int
}

// newRateChange follows an effect on the rate of a signal, in the time in which
// the load sent requests at all.
func (j *judge) newRateChange(i Injection, effect Effect, until, gone time.Duration) *rateChange {
	t := j.Traffic[effect.Signal]
	within := func(from, to time.Duration) count {
		return count{Span: steadystate.Span{From: max(from, t.first), To: min(to, t.lastSent)}}
	}
	return &rateChange{
		Effect: effect, fault: i.Fault,
		before: within(math.MinInt64, i.From), during: within(i.To, until), after: within(gone, j.last),
	}
}

// add takes in a request. One that failed on the load's own machine was never
// sent.
func (c *rateChange) add(signal string, q Request) {
	if signal != c.Signal || q.Local {
		return
	}
	for _, s := range []*count{&c.before, &c.during, &c.after} {
		if s.From <= q.Sent && q.Sent < s.To {
			s.n++
		}
	}
}

// rate is the rate, to the one request that an edge of the stretch may have
// taken or left.
func (c count) rate() steadystate.Bounds[float64] {
	w := c.Width().Seconds()
	return steadystate.Bounds[float64]{Low: float64(c.n-1) / w, High: float64(c.n+1) / w}
}

// greater is the share of what a rate is to grow by that it must have grown by
// at least, and of which no more than the rest may be left afterwards.
const greater = 0.8

// seen says what was seen of the change; missing, if anything, what was not. It
// is the harshest reading of the rates that must show it.
func (c *rateChange) seen() (text, missing string) {
	for _, s := range []struct {
		name string
		*count
	}{{"before the fault", &c.before}, {"while it was on", &c.during}, {"after it", &c.after}} {
		if s.n < leastValues || s.Width() <= 0 {
			return "", fmt.Sprintf("%d %s were sent %s, wanted at least %d", s.n, c.Signal, s.name, leastValues)
		}
	}
	per := func(s count) string { return fmt.Sprintf("%.4g/s", float64(s.n)/s.Width().Seconds()) }
	text = fmt.Sprintf("%s were sent at %s before the fault, %s while it was on, %s after it", c.Signal, per(c.before), per(c.during), per(c.after))
	before := c.before.rate()
	if grown, wanted := c.during.rate().Low/before.High, 1+greater*(c.Times-1); grown < wanted {
		return "", fmt.Sprintf("%s: at least %.4g times as many while it was on, wanted at least %.4g", text, grown, wanted)
	}
	if left, allowed := c.after.rate().High/before.Low, 1+(1-greater)*(c.Times-1); left > allowed {
		return "", fmt.Sprintf("%s: up to %.4g times as many after it, wanted at most %.4g", text, left, allowed)
	}
	return text, ""
}
