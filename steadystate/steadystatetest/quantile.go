package steadystatetest

import (
	"math"
	"slices"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Quantile bounds the q-quantile of the distribution that the values were drawn
// from, with at least the given confidence and for any distribution: it lies
// between the l-th and the u-th smallest value. Of n values drawn independently,
// the number below the quantile is a binomial variable of n and q, so the bounds
// hold with the probability
//
//	sum over i from l to u-1 of (n choose i) q^i (1-q)^(n-i)
//
// (David and Nagaraja, Order Statistics, 2003, section 7.1). With too few values
// for a bound, the bound is infinite. Quantile sorts the values in place.
func Quantile(values []float64, q, confidence float64) steadystate.Bounds[float64] {
	slices.Sort(values)
	n := len(values)
	bounds := steadystate.Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}
	tail := (1 - confidence) / 2
	below := 0.0 // the probability that at most i values lie below the quantile
	for i := range n {
		below += binomial(n, i, q)
		// At most i values below the quantile is unlikely: the next rank is a
		// lower bound.
		if below <= tail {
			bounds.Low = values[i]
		}
		if below >= 1-tail {
			bounds.High = values[i]
			break
		}
	}
	return bounds
}

// binomial is the probability of k of n, each with the probability q. It uses
// logarithms, which do not overflow.
func binomial(n, k int, q float64) float64 {
	gamma := func(x int) float64 {
		v, _ := math.Lgamma(float64(x) + 1)
		return v
	}
	return math.Exp(gamma(n) - gamma(k) - gamma(n-k) + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
}

// Mean bounds the mean of the distribution that many values were drawn from, by
// the central limit theorem: z standard errors to either side.
func Mean(values []float64, z float64) steadystate.Bounds[float64] {
	n := float64(len(values))
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	mean, squares := sum/n, 0.0
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	err := z * math.Sqrt(squares/(n-1)/n)
	return steadystate.Bounds[float64]{Low: mean - err, High: mean + err}
}
