// Package survival estimates how long something lasts from times of which some are
// censored: it was not over when it was last seen. The estimator is that of Kaplan and
// Meier.
//
//	curve := survival.KaplanMeier([]survival.Time{{Seen: 2.1}, {Seen: 2.4}, {Seen: 10, Open: true}})
//	median := curve.Quantile(0.5, 0.95)
//
// Sources: E. L. Kaplan, P. Meier, "Nonparametric Estimation from Incomplete
// Observations", JASA 53 (1958). The confidence bounds are those of M. P. Fay, E. H.
// Brittain, M. A. Proschan, "Pointwise confidence intervals for a survival distribution
// with small samples or heavy censoring", Biostatistics 14 (2013), by the method of
// moments, as in R's bpcp. Without censoring they are the bounds of Clopper and Pearson,
// which hold for any number of times; bounds by Greenwood's variance are too tight for
// fewer than twenty. A quantile is bounded where the bounds of the share cross it: R.
// Brookmeyer, J. Crowley, Biometrics 38 (1982).
package survival

import (
	"cmp"
	"math"
	"slices"

	"github.com/aclements/go-moremath/mathx"
)

// A Time is how long one lasted, in any unit.
type Time struct {
	Seen float64
	Open bool // censored: it was not over then and lasted longer
}

// A Curve is the share that lasts longer than a time, as a function of the time. It falls
// in steps; before the first step it is one.
type Curve struct {
	steps []Step
	first []seen // as Step.left, before the first step
}

// Steps returns the steps in the order of their times.
func (c Curve) Steps() []Step { return c.steps }

// A Step is a time at which a curve falls.
type Step struct {
	At     float64
	AtRisk int     // the number that lasted, and were seen, until then
	Over   int     // how many of those were over then
	Share  float64 // the share of all that lasts longer
	// upper is the distribution whose quantiles are upper bounds of the share.
	upper product
	// left are those that lasted longer than this and were seen until then, at each time
	// until the next step at which one was last seen.
	left []seen
}

type seen struct {
	at     float64
	atRisk int
}

// KaplanMeier returns the curve of the times. Of equal times, the open ones lasted longer.
func KaplanMeier(times []Time) Curve {
	times = slices.Clone(times)
	slices.SortFunc(times, func(a, b Time) int { return cmp.Compare(a.Seen, b.Seen) })
	curve := Curve{steps: []Step{}, first: []seen{{math.Inf(-1), len(times)}}}
	share, upper := 1.0, one
	for i := 0; i < len(times); {
		s := Step{At: times[i].Seen, AtRisk: len(times) - i}
		for ; i < len(times) && times[i].Seen == s.At; i++ {
			if !times[i].Open {
				s.Over++
			}
		}
		if s.Over > 0 {
			n, d := float64(s.AtRisk), float64(s.Over)
			share *= (n - d) / n
			upper = upper.times(n-d+1, d)
			s.Share, s.upper = share, upper
			curve.steps = append(curve.steps, s)
		}
		left := &curve.first
		if n := len(curve.steps); n > 0 {
			left = &curve.steps[n-1].left
		}
		*left = append(*left, seen{s.At, len(times) - i})
	}
	return curve
}

// A product is the first two moments of a product of independent Beta distributions.
type product struct{ mean, square float64 }

var one = product{1, 1}

func (p product) times(a, b float64) product {
	return product{p.mean * a / (a + b), p.square * a * (a + 1) / ((a + b) * (a + b + 1))}
}

// quantile is that of the Beta distribution with these moments.
func (p product) quantile(share float64) float64 {
	variance := p.square - p.mean*p.mean
	switch {
	case p.mean <= 0:
		return 0
	case variance <= 0:
		return p.mean
	}
	n := p.mean*(1-p.mean)/variance - 1
	low, high := 0.0, 1.0
	for range 50 {
		if x := (low + high) / 2; mathx.BetaInc(x, n*p.mean, n*(1-p.mean)) < share {
			low = x
		} else {
			high = x
		}
	}
	return high
}

// A Quantile is the time At within which a share of all is over, with the bounds of its
// confidence interval. +Inf means later than anything seen; a Low of -Inf means that it
// may be earlier than anything seen.
type Quantile struct{ At, Low, High float64 }

// Quantile returns the time within which a share of all is over, 0.5 for the median, and
// its two-sided interval at a confidence such as 0.95.
func (c Curve) Quantile(share, confidence float64) Quantile {
	inf := math.Inf(1)
	q := Quantile{inf, inf, inf}
	left, beyond := 1-share+1e-12, (1-confidence)/2 // the share that lasts longer, with its rounding
	lower := func(upper product, list []seen) {
		for _, s := range list {
			if s.atRisk == 0 || upper.times(float64(s.atRisk), 1).quantile(beyond) <= left {
				q.Low = min(q.Low, s.at)
				return
			}
		}
	}
	lower(one, c.first)
	for _, s := range c.steps {
		lower(s.upper, s.left)
		if s.Share <= left {
			q.At = min(q.At, s.At)
		}
		if s.upper.quantile(1-beyond) <= left {
			q.High = min(q.High, s.At)
		}
	}
	return q
}
