package steadystate

import "math"

// logGamma is ln Gamma(x) for x > 0.
func logGamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// LogChoose is the natural logarithm of n over k, the number of ways to choose k
// of n; minus infinity where there is none.
func LogChoose(n, k int) float64 {
	return logGamma(float64(n)+1) - logGamma(float64(k)+1) - logGamma(float64(n-k)+1)
}

// binomial is the probability of exactly k of n, each with probability p.
func binomial(n, k int, p float64) float64 {
	return math.Exp(LogChoose(n, k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// nextTerm is the factor from the probability of k of n to that of k+1.
func nextTerm(n, k int, p float64) float64 { return float64(n-k) / float64(k+1) * p / (1 - p) }

// Tail is the probability of k or more of n, each with probability p: 1 for at
// most the mean n*p.
func Tail(n, k int, p float64) float64 {
	if float64(k) <= float64(n)*p {
		return 1
	}
	term := binomial(n, k, p)
	sum := term
	for ; k < n && term > sum*1e-9; k++ {
		term *= nextTerm(n, k, p)
		sum += term
	}
	return sum
}

// ranks returns the ranks of the values that bound the q-quantile of any
// distribution that n values were drawn from; the smallest value has rank 1. The
// number of values below the quantile is a binomial variable X of n and q: the
// value of rank k is above the quantile with probability P(X < k), and below it
// with P(X >= k) (David and Nagaraja, Order Statistics, 2003, section 7.1).
// Either probability is at most the doubt; ranks 0 and n+1 stand for no value.
// Successive values of a slowly changing quantity scatter less than this
// predicts.
func ranks(n int, q, doubt float64) (low, high int) {
	// Terms further below the mean are negligible.
	mean, sigma := float64(n)*q, math.Sqrt(float64(n)*q*(1-q))
	k := max(0, int(mean-10*sigma)-20)
	p := binomial(n, k, q)
	below := 0.0 // P(X <= k)
	for ; k <= n; k++ {
		if below += p; below <= doubt {
			low = k + 1
		}
		if 1-below <= doubt {
			break
		}
		p *= nextTerm(n, k, q)
	}
	return low, min(k, n) + 1
}
