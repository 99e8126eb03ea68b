package steadystate

import "math"

// BoundedValues are [Values] of which some are known to their bounds only, as a
// quantile of a histogram is. The zero value is empty.
type BoundedValues struct {
	// The least that each can be, and the greatest; nil while they are the same.
	lows  Values
	highs *Values
}

// Add adds a value.
func (s *BoundedValues) Add(b Bounds[float64]) {
	if b.Low != b.High {
		s.part()
	}
	s.lows.Add(b.Low)
	if s.highs != nil {
		s.highs.Add(b.High)
	}
}

// part makes the greatest values others than the least.
func (s *BoundedValues) part() {
	if s.highs == nil {
		s.highs = &Values{}
		s.highs.Merge(&s.lows)
	}
}

// Merge adds all values of another, as [Values.Merge] does.
func (s *BoundedValues) Merge(o *BoundedValues) {
	highs := &o.lows
	if o.highs != nil {
		s.part()
		highs = o.highs
	}
	if s.highs != nil {
		s.highs.Merge(highs)
	}
	s.lows.Merge(&o.lows)
}

// N is how many there are.
func (s *BoundedValues) N() int { return s.lows.n }

// at is the value of the given rank; the least has rank 1.
func (s *BoundedValues) at(rank int) Bounds[float64] {
	b := s.lows.at(rank)
	if s.highs != nil {
		b.High = s.highs.at(rank).High
	}
	return b
}

// Quantile is the q-quantile by nearest rank.
func (s *BoundedValues) Quantile(q float64) Bounds[float64] { return s.at(nearestRank(q, s.lows.n)) }

// Mean of the values; NaN if there are none.
func (s *BoundedValues) Mean() Bounds[float64] {
	b := Exactly(s.lows.Mean())
	if s.highs != nil {
		b.High = s.highs.Mean()
	}
	return b
}

// drawn is between what the mean lies of what the values were drawn from, with
// [Doubt] on either side: t standard errors from theirs.
func (s *BoundedValues) drawn() Bounds[float64] {
	if s.N() < leastForT {
		return Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}
	}
	highs := &s.lows
	if s.highs != nil {
		highs = s.highs
	}
	b, t := s.Mean(), student(s.N())/math.Sqrt(float64(s.N()))
	b.Low -= t * s.lows.deviation()
	if !math.IsInf(b.High, 1) {
		b.High += t * highs.deviation()
	}
	return b
}

// A Distribution is what the values of known observations are, those that
// failed left out, in the unit of the signal.
type Distribution struct {
	N    int             `json:"n"`
	Mean Bounds[float64] `json:"mean"`
	P50  Bounds[float64] `json:"p50"`
	P95  Bounds[float64] `json:"p95"`
	P99  Bounds[float64] `json:"p99"`
	Max  Bounds[float64] `json:"max"`
}

// Distribution of the values; ok is false if there are none, or if they are
// known to an open bucket only.
func (s *BoundedValues) Distribution() (d Distribution, ok bool) {
	if s.N() == 0 {
		return Distribution{}, false
	}
	d = Distribution{N: s.N(), Mean: s.Mean(), P50: s.Quantile(0.5), P95: s.Quantile(0.95), P99: s.Quantile(0.99), Max: s.Quantile(1)}
	return d, !math.IsInf(d.Max.High, 0) && !math.IsInf(d.Mean.Low, 0)
}
