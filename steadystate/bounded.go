package steadystate

import "math"

// BoundedValues are [Values] some of which are known only to their bounds, such
// as the quantile of a histogram. The zero value is empty.
type BoundedValues struct {
	// The lower and upper bounds; highs is nil while they are equal.
	lows  Values
	highs *Values
}

// Add adds a value.
func (s *BoundedValues) Add(b Bounds[float64]) {
	if b.Low != b.High {
		s.split()
	}
	s.lows.Add(b.Low)
	if s.highs != nil {
		s.highs.Add(b.High)
	}
}

// split keeps the upper bounds apart from the lower ones.
func (s *BoundedValues) split() {
	if s.highs == nil {
		s.highs = &Values{}
		s.highs.Merge(&s.lows)
	}
}

// Merge adds all values of another, as [Values.Merge] does.
func (s *BoundedValues) Merge(o *BoundedValues) {
	highs := &o.lows
	if o.highs != nil {
		s.split()
		highs = o.highs
	}
	if s.highs != nil {
		s.highs.Merge(highs)
	}
	s.lows.Merge(&o.lows)
}

// N is the number of values.
func (s *BoundedValues) N() int { return s.lows.n }

// at is the value of a rank; the smallest has rank 1.
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

// drawn is the confidence interval of the mean, t standard errors to either
// side: the true mean lies beyond each bound with the probability [Doubt]. The values are
// those of so many samples, each of which may be there several times.
func (s *BoundedValues) drawn(samples int) Bounds[float64] {
	if samples < leastForT {
		return Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}
	}
	highs := &s.lows
	if s.highs != nil {
		highs = s.highs
	}
	n := float64(s.N())
	// The deviation of n values, of samples that are all there equally often, is that of
	// the samples times sqrt(n/(n-1) * (samples-1)/samples).
	b, t := s.Mean(), student(samples)*math.Sqrt((n-1)/n/float64(samples-1))
	b.Low -= t * s.lows.deviation()
	if !math.IsInf(b.High, 1) {
		b.High += t * highs.deviation()
	}
	return b
}

// A Distribution summarizes the values of known observations, without the
// failed ones, in the unit of the signal.
type Distribution struct {
	N    int             `json:"n"`
	Mean Bounds[float64] `json:"mean"`
	P50  Bounds[float64] `json:"p50"`
	P95  Bounds[float64] `json:"p95"`
	P99  Bounds[float64] `json:"p99"`
	Max  Bounds[float64] `json:"max"`
}

// Distribution of the values. ok is false without values, or if they are known
// only to an open bucket.
func (s *BoundedValues) Distribution() (d Distribution, ok bool) {
	if s.N() == 0 {
		return Distribution{}, false
	}
	d = Distribution{N: s.N(), Mean: s.Mean(), P50: s.Quantile(0.5), P95: s.Quantile(0.95), P99: s.Quantile(0.99), Max: s.Quantile(1)}
	return d, !math.IsInf(d.Max.High, 0) && !math.IsInf(d.Mean.Low, 0)
}
