package steadystate

import "math"

// A sum adds numbers exactly, so that it does not depend on their order. It
// keeps them as parts whose bits do not overlap and rounds once, at the end
// (Shewchuk, Adaptive Precision Floating-Point Arithmetic, 1997; as fsum in
// Python). There are few parts: their number grows with the range of the
// exponents. Once a number or the sum is not finite, it adds as plain floats do.
type sum struct {
	parts  []float64 // in ascending order of size, none of them zero but the last
	beyond float64
}

func (s *sum) add(x float64) {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		s.beyond += x
		return
	}
	kept := 0
	for _, y := range s.parts {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		high := x + y
		if math.IsInf(high, 0) {
			s.beyond += high
			return
		}
		// The exact rounding error, since x is the larger.
		if low := y - (high - x); low != 0 {
			s.parts[kept] = low
			kept++
		}
		x = high
	}
	s.parts = append(s.parts[:kept], x)
}

func (s *sum) merge(o sum) {
	s.beyond += o.beyond
	for _, x := range o.parts {
		s.add(x)
	}
}

// value is the sum, rounded to the nearest float.
func (s *sum) value() float64 {
	if s.beyond != 0 { // or NaN
		return s.beyond
	}
	high, low := 0.0, 0.0
	i := len(s.parts)
	for i > 0 && low == 0 {
		i--
		x := high
		high = x + s.parts[i]
		low = s.parts[i] - (high - x)
	}
	// Half of the last digit was rounded to even regardless of the next part.
	if i > 0 && low != 0 && (low > 0) == (s.parts[i-1] > 0) {
		if x := high + 2*low; x-high == 2*low {
			high = x
		}
	}
	return high
}
