package steadystate

import (
	"maps"
	"math"
	"slices"
)

// Values are values of observations, for their mean and their quantiles, in
// memory that does not grow with their number: beyond some thousand they share
// buckets, each a 4096th of a power of two wide, as in a log-linear (HDR)
// histogram. A quantile is then known to the least and the greatest value seen
// in its bucket, which is exact while values are few. The zero value is empty.
type Values struct {
	n       int
	sum     float64
	buckets map[uint64]bucket
}

type bucket struct {
	n int
	Bounds[float64]
}

// mantissaBits of a value tell its bucket.
const mantissaBits = 12

func bucketOf(v float64) uint64 {
	bits := math.Float64bits(v)
	// The order of the numbers: negative ones backwards, below the others.
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
		s.buckets = map[uint64]bucket{}
	}
	s.n++
	s.sum += v
	b, seen := s.buckets[bucketOf(v)]
	if !seen {
		b.Bounds = Exactly(v)
	}
	b.n++
	b.Low, b.High = min(b.Low, v), max(b.High, v)
	s.buckets[bucketOf(v)] = b
}

// at is the value of the given rank, the least has rank 1. Ranks below and
// above are those of the least and the greatest.
func (s *Values) at(rank int) Bounds[float64] {
	var b bucket
	for _, key := range slices.Sorted(maps.Keys(s.buckets)) {
		b = s.buckets[key]
		if rank -= b.n; rank <= 0 {
			break
		}
	}
	return b.Bounds
}

// N is how many there are.
func (s *Values) N() int { return s.n }

// Quantile is the q-quantile by nearest rank.
func (s *Values) Quantile(q float64) Bounds[float64] { return s.at(nearestRank(q, s.n)) }

// nearestRank is the rank of the q-quantile of n values; the least has rank 1.
func nearestRank(q float64, n int) int { return max(1, int(math.Ceil(q*float64(n)))) }

// Mean of the values; NaN if there are none.
func (s *Values) Mean() float64 { return s.sum / float64(s.n) }

func (s *Values) clone() *Values {
	return &Values{n: s.n, sum: s.sum, buckets: maps.Clone(s.buckets)}
}
