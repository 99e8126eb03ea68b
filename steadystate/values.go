package steadystate

import (
	"maps"
	"math"
	"slices"
)

// Values keeps the values of observations for their mean and quantiles, in
// memory that does not grow with their number: beyond a few thousand they share
// buckets, each a 4096th of a power of two wide, as in a log-linear (HDR)
// histogram. A quantile is then bounded by the smallest and largest value seen
// in its bucket: exact while values are few, and otherwise within a 4096th,
// 0.025 %. The mean is that of the exact sum, rounded once. The zero value is
// empty.
type Values struct {
	n       int
	sum     sum
	buckets map[uint64]*bucket
}

type bucket struct {
	n int
	Bounds[float64]
}

// mantissaBits is the number of bits of a value's mantissa that select its
// bucket.
const mantissaBits = 12

func bucketOf(v float64) uint64 {
	bits := math.Float64bits(v)
	// In the order of the numbers: negative ones descending, below the others.
	if bits>>63 != 0 {
		bits = ^bits
	} else {
		bits |= 1 << 63
	}
	return bits >> (52 - mantissaBits)
}

// Add adds a value.
func (s *Values) Add(v float64) {
	if s.buckets == nil {
		s.buckets = map[uint64]*bucket{}
	}
	s.n++
	s.sum.add(v)
	key := bucketOf(v)
	b := s.buckets[key]
	if b == nil {
		b = &bucket{Bounds: Exactly(v)}
		s.buckets[key] = b
	}
	b.n++
	b.Low, b.High = min(b.Low, v), max(b.High, v)
}

// Merge adds all values of another. The result does not depend on the order:
// values from several machines merge as if one had added them all. A copy shares
// its buckets with the original; for an independent copy merge into the zero
// value.
func (s *Values) Merge(o *Values) {
	if s.buckets == nil {
		s.buckets = map[uint64]*bucket{}
	}
	s.n += o.n
	s.sum.merge(o.sum)
	for key, b := range o.buckets {
		merged := *b
		if own := s.buckets[key]; own != nil {
			merged.n += own.n
			merged.Low, merged.High = min(b.Low, own.Low), max(b.High, own.High)
		}
		s.buckets[key] = &merged
	}
}

// at is the value of a rank; the smallest has rank 1. A rank beyond either end
// is that of the smallest or the largest.
func (s *Values) at(rank int) Bounds[float64] {
	var b bucket
	for _, key := range slices.Sorted(maps.Keys(s.buckets)) {
		b = *s.buckets[key]
		if rank -= b.n; rank <= 0 {
			break
		}
	}
	return b.Bounds
}

// N is the number of values.
func (s *Values) N() int { return s.n }

// Quantile is the q-quantile by nearest rank.
func (s *Values) Quantile(q float64) Bounds[float64] { return s.at(nearestRank(q, s.n)) }

// nearestRank is the rank of the q-quantile of n values; the smallest has rank
// 1.
func nearestRank(q float64, n int) int { return max(1, int(math.Ceil(q*float64(n)))) }

// deviation is the sample standard deviation, or slightly more where values
// share buckets.
func (s *Values) deviation() float64 {
	mean, squares := s.Mean(), 0.0
	for _, key := range slices.Sorted(maps.Keys(s.buckets)) {
		b := s.buckets[key]
		far := max(math.Abs(b.Low-mean), math.Abs(b.High-mean))
		squares += float64(b.n) * far * far
	}
	return math.Sqrt(squares / float64(s.n-1))
}

// Reach bounds the number of values that are at least v: a bucket's values are
// known only to its smallest and largest.
func (s *Values) Reach(v float64) (least, most int) {
	for _, b := range s.buckets {
		if b.Low >= v {
			least += b.n
		}
		if b.High >= v {
			most += b.n
		}
	}
	return least, most
}

// Mean of the values; NaN if there are none.
func (s *Values) Mean() float64 { return s.sum.value() / float64(s.n) }
