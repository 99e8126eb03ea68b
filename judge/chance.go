package judge

import (
	"fmt"
	"math"

	"github.com/aftershockhq/aftershock/steadystate"
)

// byChance bounds how often chance may look like an effect: in one run of 1,000
// without a fault.
const byChance = 1e-3

// A tally is the number of values in a sample that reach a threshold.
type tally struct{ reach, n int }

// A sample is what a target's values during a fault are compared with.
type sample struct {
	when string
	tally
}

// alike names a sample of which the tally may be another draw; empty if none.
func (t tally) alike(samples []sample) string {
	for _, s := range samples {
		if t.tail(s.tally) > byChance {
			return fmt.Sprintf("%d of %d %s", s.reach, s.n, s.when)
		}
	}
	return ""
}

// tail is the probability that at least so many of the values that reach the
// threshold fall into this sample if both samples have one distribution: that of
// the hypergeometric distribution (Fisher's exact test, one-sided). It is one if
// no more than the sample's share do.
func (t tally) tail(o tally) float64 {
	reach, n := t.reach+o.reach, t.n+o.n
	if float64(t.reach)*float64(n) <= float64(reach)*float64(t.n) {
		return 1
	}
	sum := 0.0
	for k := t.reach; k <= min(t.n, reach); k++ {
		term := math.Exp(steadystate.LogChoose(t.n, k) + steadystate.LogChoose(o.n, reach-k) - steadystate.LogChoose(n, reach))
		sum += term
		if term < 1e-9*sum {
			break // beyond the mean each term is less than the one before
		}
	}
	return min(1, sum)
}
