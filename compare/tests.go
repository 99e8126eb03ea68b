package compare

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Level is the highest probability that two sets of one service show any change. Holm's
// procedure holds it over all rows of a diff.
const Level = 0.05

// mannWhitney is the two-sided p-value of the difference between two sets, for the
// values within the intervals that show it least; larger tells which way. It is 1
// where some values show none. Up to 50 a side, and 25 where exact values are the
// same, it is that of the exact distribution; beyond, of the normal approximation.
func mannWhitney(before, after []interval) (p float64, larger bool) {
	for _, larger := range []bool{true, false} {
		a, b := before, after
		if !larger {
			a, b = mirrored(a), mirrored(b)
		}
		if above(a, b) > float64(len(a)*len(b))/2 {
			low, high := ranks(a, b)
			return pValue(low, high), larger
		}
	}
	return 1, false
}

func pValue(a, b []float64) float64 {
	thresholds := &benchmath.DefaultThresholds
	return benchmath.AssumeNothing.Compare(benchmath.NewSample(a, thresholds), benchmath.NewSample(b, thresholds)).P
}

func mirrored(set []interval) (list []interval) {
	for _, i := range set {
		list = append(list, i.mirrored())
	}
	return list
}

// above is in how many pairs the value of b is larger than that of a wherever both
// are in their intervals, and half of those that are exact and the same: U.
func above(a, b []interval) (u float64) {
	for _, x := range a {
		for _, y := range b {
			switch {
			case y.low > x.high:
				u++
			case y.low == x.high && x.exact() && y.exact():
				u += 0.5
			}
		}
	}
	return u
}

// ranks are those of the values that show least that b is larger: a at its high ends,
// b at its low ones, and of ends that are the same that of a above. Only exact values
// that are the same share a rank.
func ranks(a, b []interval) (ofA, ofB []float64) {
	type end struct {
		at    float64
		order int
		ofB   bool
	}
	var ends []end
	add := func(at float64, i interval, ofB bool) {
		order := 1
		if !i.exact() {
			order = map[bool]int{true: 0, false: 2}[ofB]
		}
		ends = append(ends, end{at, order, ofB})
	}
	for _, i := range a {
		add(i.high, i, false)
	}
	for _, i := range b {
		add(i.low, i, true)
	}
	slices.SortFunc(ends, func(x, y end) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.order, y.order)) })
	rank := 0.0
	for i, e := range ends {
		if i == 0 || e.order != 1 || ends[i-1] != (end{e.at, e.order, !e.ofB}) && ends[i-1] != e {
			rank++
		}
		if e.ofB {
			ofB = append(ofB, rank)
		} else {
			ofA = append(ofA, rank)
		}
	}
	return ofA, ofB
}

// fisher is the two-sided p-value, twice that of one side, of the difference between
// two shares that are known between bounds, for those that show it least.
func fisher(before, after []interval) (p float64, larger bool) {
	a, b := count(before), count(after)
	n, m := len(before), len(after)
	switch {
	case b.low*n > a.high*m:
		return min(1, 2*atLeast(b.low, m, a.high, n)), true
	case a.low*m > b.high*n:
		return min(1, 2*atLeast(a.low, n, b.high, m)), false
	}
	return 1, false
}

// A tally is a count that is known between bounds.
type tally struct{ low, high int }

// count is how many values are one, of which each is zero, one, or either.
func count(set []interval) (c tally) {
	for _, i := range set {
		c.low, c.high = c.low+int(i.low), c.high+int(i.high)
	}
	return c
}

// atLeast is the probability of at least k of m where k + of n + m are drawn into the
// two sets by chance: Fisher's exact test on one side.
func atLeast(k, m, of, n int) (p float64) {
	d := stats.HypergeometicDist{N: n + m, K: k + of, Draws: m}
	for i := k; i <= min(m, k+of); i++ {
		p += d.PMF(float64(i))
	}
	return p
}

// holm are p-values adjusted by Holm, Scand. J. Statist. 6 (1979): the level at which
// each is the least that is still rejected.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	adjusted, highest := make([]float64, len(ps)), 0.0
	for rank, i := range order {
		highest = max(highest, min(1, float64(len(ps)-rank)*ps[i]))
		adjusted[i] = highest
	}
	return adjusted
}

// sizes are those of two sets, and the level at which they are compared.
type sizes struct {
	n, m  int
	level float64
}

// A table has the critical values of the test, which take a while.
type table map[sizes]float64

// critical is the least U of sets of these sizes, without equal values, that differ at
// the level; +Inf: none does.
func (t table) critical(s sizes) float64 {
	if u, known := t[s]; known {
		return u
	}
	low, high := s.n*s.m/2, s.n*s.m+1 // that does not, and that does
	for high-low > 1 {
		if u := (low + high) / 2; pValue(withU(s.n, s.m, u)) <= s.level {
			high = u
		} else {
			low = u
		}
	}
	u := float64(high)
	if high > s.n*s.m {
		u = math.Inf(1)
	}
	t[s] = u
	return u
}

// withU are n and m values of which u pairs have the larger one in the second set.
func withU(n, m, u int) (a, b []float64) {
	for i := range n {
		a = append(a, float64(i))
	}
	for j := range m {
		at := -1.0 - float64(j)
		switch {
		case j < u/n:
			at = float64(n + j)
		case j == u/n:
			at = float64(u%n) - 0.5
		}
		b = append(b, at)
	}
	return a, b
}

// shift is by how much the second set is larger, at a confidence of 1 - level: the
// bounds of Hodges and Lehmann, from the differences of all pairs, widened by what the
// intervals leave open.
func (t table) shift(before, after []interval, level float64) interval {
	s := sizes{len(before), len(after), level}
	u := t.critical(s)
	if math.IsInf(u, 1) {
		return anything
	}
	var lows, highs []float64
	for _, x := range before {
		for _, y := range after {
			lows, highs = append(lows, y.low-x.high), append(highs, y.high-x.low)
		}
	}
	slices.Sort(lows)
	slices.Sort(highs)
	k := s.n*s.m - int(u)
	return interval{lows[k], highs[len(highs)-1-k]}
}

const (
	power   = 0.9 // of a change that would be seen
	replays = 200
)

// detectable is by how much one set must be larger than the other to be told so at the
// level, nine times in ten: what was seen is drawn again, without its own difference,
// into sets of these sizes. +Inf: no shift would be.
func (t table) detectable(before, after []interval, level float64) float64 {
	s := sizes{len(before), len(after), level}
	u := t.critical(s)
	if math.IsInf(u, 1) {
		return u
	}
	var pool []interval
	var widest float64
	for _, set := range [][]interval{before, after} {
		middle := median(set)
		center := (middle.low + middle.high) / 2
		if math.IsInf(center, 0) || math.IsNaN(center) {
			center = 0
		}
		for _, i := range set {
			pool = append(pool, interval{i.low - center, i.high - center})
			for _, end := range []float64{i.low - center, i.high - center} {
				if !math.IsInf(end, 0) {
					widest = max(widest, math.Abs(end))
				}
			}
		}
	}
	random := rand.New(rand.NewPCG(14, 1979))
	draw := func(n int, end func(interval) float64) (list []float64) {
		for range n {
			list = append(list, end(pool[random.IntN(len(pool))]))
		}
		slices.Sort(list)
		return list
	}
	type replay struct{ highs, lows []float64 }
	var drawn [replays]replay
	for i := range drawn {
		drawn[i] = replay{draw(s.n, func(i interval) float64 { return i.high }), draw(s.m, func(i interval) float64 { return i.low })}
	}
	told := func(by float64) bool {
		n := 0
		for _, d := range drawn {
			pairs, i := 0, 0
			for _, low := range d.lows {
				for i < len(d.highs) && d.highs[i] < low+by {
					i++
				}
				pairs += i
			}
			if float64(pairs) >= u {
				n++
			}
		}
		return float64(n) >= power*replays
	}
	low, high := 0.0, 2*widest+math.SmallestNonzeroFloat64
	high = math.Nextafter(high, math.Inf(1))
	if !told(high) {
		return math.Inf(1)
	}
	for high-low > high/1000 {
		if by := (low + high) / 2; told(by) {
			high = by
		} else {
			low = by
		}
		if high < 1e-12 {
			return 0
		}
	}
	return high
}

// leastBroken is how many of m runs must be broken to be told, at the level, from what
// is known of the runs before; of those that are unknown none is. -1: not even all.
func leastBroken(before, after []interval, level float64) int {
	a, unknown := count(before), 0
	for _, i := range after {
		if !i.exact() {
			unknown++
		}
	}
	n, m := len(before), len(after)
	for k := 1; k <= m-unknown; k++ {
		if k*n > a.high*m && 2*atLeast(k, m, a.high, n) <= level {
			return k
		}
	}
	return -1
}

// leastRuns is how many runs a side can differ at the level at all.
func leastRuns(level float64) int {
	p := 1.0 // 1 / (2n over n)
	for n := 1; ; n++ {
		p *= float64(n) / float64(4*n-2)
		if 2*p <= level {
			return n
		}
	}
}

// median is where the median is, from that of the low ends to that of the high ends.
func median(set []interval) interval {
	at := func(end func(interval) float64) float64 {
		var ends []float64
		for _, i := range set {
			ends = append(ends, end(i))
		}
		slices.Sort(ends)
		low, high := ends[(len(ends)-1)/2], ends[len(ends)/2]
		if low == high {
			return low // also where both are infinite
		}
		return (low + high) / 2
	}
	return interval{at(func(i interval) float64 { return i.low }), at(func(i interval) float64 { return i.high })}
}
