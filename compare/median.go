package compare

import (
	"cmp"
	"math"
	"slices"
)

// The medians of two sets are compared by signs alone. A test of ranks, that of Mann and
// Whitney, is one of medians only if both sets have one shape: half of the recoveries
// twice as long and the others far shorter pass it.
//
// If the median of the first is beyond that of the second, there is a time between them:
// no more than half of all values of the first are up to it, and no more than half of
// those of the second are beyond it. So each of a set is on the other side of it with at
// most the chance of a coin, whatever the distributions, and the two sets are
// independent. Which time it is is not known: what is said must hold for each. It is an
// exact and conservative test by the method of A. Birnbaum, JASA 49 (1954): the strength
// grows with either count, so that coins are the worst case.

// strength is by how many standard deviations of a fair coin a of n and b of m together
// exceed one half; less than half counts as half.
func strength(a, n, b, m int) float64 {
	beyond := func(k, n int) float64 { return max(0, float64(2*k-n)) / math.Sqrt(float64(n)) }
	return beyond(a, n) + beyond(b, m)
}

// notLonger is the least strength, over all times, of the evidence that the median of a
// set is at most that of another.
func notLonger(set, other []interval) float64 {
	highs, lows := ends(set, func(i interval) float64 { return i.high }), ends(other, func(i interval) float64 { return i.low })
	least := math.Inf(1)
	for _, at := range append([]float64{math.Inf(-1)}, lows...) { // where the strength falls
		least = min(least, strength(upTo(highs, at), len(set), len(other)-upTo(lows, at), len(other)))
	}
	return least
}

// longer is the same of the evidence that the median is larger.
func longer(set, other []interval) float64 {
	lows, highs := ends(set, func(i interval) float64 { return i.low }), ends(other, func(i interval) float64 { return i.high })
	least := math.Inf(1)
	for _, at := range append([]float64{math.Inf(-1)}, lows...) {
		least = min(least, strength(len(set)-upTo(lows, at), len(set), below(highs, at), len(other)))
	}
	return least
}

func ends(set []interval, end func(interval) float64) (list []float64) {
	for _, i := range set {
		list = append(list, end(i))
	}
	slices.Sort(list)
	return list
}

// below counts the sorted values that are less than at, upTo those that are at most at.
func below(sorted []float64, at float64) int {
	n, _ := slices.BinarySearch(sorted, at)
	return n
}

func upTo(sorted []float64, at float64) int {
	n, _ := slices.BinarySearchFunc(sorted, at, func(v, at float64) int {
		if v <= at {
			return -1
		}
		return 1
	})
	return n
}

const rounding = 1e-9 // of a strength

// byCoins is the probability that fair coins reach at least this strength.
func byCoins(strong float64, n, m int) (p float64) {
	if strong <= rounding {
		return 1
	}
	for a := range n + 1 {
		for b := range m + 1 {
			if strength(a, n, b, m) >= strong-rounding {
				p += coin(a, n) * coin(b, m)
			}
		}
	}
	return min(1, p)
}

// coin is the probability of k heads of n.
func coin(k, n int) float64 {
	of := func(n int) float64 { v, _ := math.Lgamma(float64(n + 1)); return v }
	return math.Exp(of(n) - of(k) - of(n-k) - float64(n)*math.Ln2)
}

// A strengths holds critical strengths: the least that fair coins reach no more often than
// a level, or +Inf if they reach each more often.
type strengths map[sizes]float64

func (t strengths) critical(s sizes) float64 {
	if v, known := t[s]; known {
		return v
	}
	type outcome struct{ strong, p float64 }
	var list []outcome
	for a := range s.n + 1 {
		for b := range s.m + 1 {
			list = append(list, outcome{strength(a, s.n, b, s.m), coin(a, s.n) * coin(b, s.m)})
		}
	}
	slices.SortFunc(list, func(x, y outcome) int { return cmp.Compare(y.strong, x.strong) })
	critical, p := math.Inf(1), 0.0
	for i := 0; i < len(list); {
		at := list[i].strong
		for ; i < len(list) && list[i].strong >= at-rounding; i++ {
			p += list[i].p
		}
		if p > s.level {
			break
		}
		critical = at
	}
	t[s] = critical
	return critical
}

// isNotLonger and isLonger report whether notLonger and longer are shown at a level.
func (t strengths) isNotLonger(set, other []interval, level float64) bool {
	return notLonger(set, other) >= t.critical(sizes{len(set), len(other), level})-rounding
}

func (t strengths) isLonger(set, other []interval, level float64) bool {
	return longer(set, other) >= t.critical(sizes{len(set), len(other), level})-rounding
}

// ratio bounds the ratio of a set's median to a baseline's, each end at its level: the
// ratios that the test does not exclude.
func (t strengths) ratio(set, baseline []interval, below, above float64) interval {
	least, most := math.Log(1e-6), math.Log(1e6)
	search := func(is func(by float64) bool) float64 { // the first by which it is
		low, high := least, most
		for range 40 {
			if middle := (low + high) / 2; is(math.Exp(middle)) {
				high = middle
			} else {
				low = middle
			}
		}
		return high
	}
	r := anything
	if high := search(func(by float64) bool { return t.isNotLonger(set, scaledAll(baseline, by), above) }); high < most {
		r.high = math.Exp(high)
	}
	if low := search(func(by float64) bool { return !t.isLonger(set, scaledAll(baseline, by), below) }); low < most {
		r.low = math.Exp(low)
	}
	// Nothing less was tried.
	if r.low < 2e-6 {
		r.low = 0
	}
	if r.high < 2e-6 {
		r.high = 0
	}
	return r
}
