// Package survival estimates how long something lasts when some of it was not over
// when it was last seen, by Kaplan and Meier.
//
//	curve := survival.KaplanMeier([]survival.Time{{Seen: 2.1}, {Seen: 2.4}, {Seen: 10, Open: true}})
//	median := curve.Quantile(0.5, 0.95)
//
// Sources: E. L. Kaplan, P. Meier, "Nonparametric Estimation from Incomplete
// Observations", JASA 53 (1958); the bounds are those of J. D. Kalbfleisch, R. L.
// Prentice, "The Statistical Analysis of Failure Time Data" (1980), on the scale of
// log(-log), with Greenwood's variance, and of quantiles those of R. Brookmeyer, J.
// Crowley, Biometrics 38 (1982): what R's survfit gives with conf.type "log-log".
package survival

import (
	"cmp"
	"math"
	"slices"
)

// A Time is how long one lasted.
type Time struct {
	Seen float64
	Open bool // it was not over then: it lasted longer
}

// A Curve is the share that lasts longer than a time, in steps. Before the first of
// them it is one.
type Curve []Step

// A Step is where a curve falls.
type Step struct {
	At     float64
	AtRisk int // that lasted until then, and were seen until then
	Over   int // of which so many were over then
	Share  float64
	// variance is Greenwood's of the share's logarithm.
	variance float64
}

// KaplanMeier is the curve of times. Of those that are the same, the open ones lasted
// longer.
func KaplanMeier(times []Time) Curve {
	times = slices.Clone(times)
	slices.SortFunc(times, func(a, b Time) int { return cmp.Compare(a.Seen, b.Seen) })
	var curve Curve
	share, variance := 1.0, 0.0
	for i := 0; i < len(times); {
		s := Step{At: times[i].Seen, AtRisk: len(times) - i}
		for ; i < len(times) && times[i].Seen == s.At; i++ {
			if !times[i].Open {
				s.Over++
			}
		}
		if s.Over == 0 {
			continue
		}
		n, d := float64(s.AtRisk), float64(s.Over)
		share *= (n - d) / n
		variance += d / (n * (n - d)) // +Inf where none lasts longer
		s.Share, s.variance = share, variance
		curve = append(curve, s)
	}
	return curve
}

// StandardError is that of the share, by Greenwood's formula.
func (s Step) StandardError() float64 { return s.Share * math.Sqrt(s.variance) }

// bounds are those of the share after the step at that confidence. Where the curve
// falls to zero it has no variance: the upper one is then that of Clopper and Pearson
// for the last step, of what was the upper one before.
func (s Step) bounds(z, confidence, before float64) (low, high float64) {
	if s.Share == 0 {
		return 0, before * (1 - math.Pow((1-confidence)/2, 1/float64(s.AtRisk)))
	}
	theta := z * math.Sqrt(s.variance) / math.Abs(math.Log(s.Share))
	return math.Pow(s.Share, math.Exp(theta)), math.Pow(s.Share, math.Exp(-theta))
}

// A Quantile is the time within which a share of all is over, and where it lies at a
// confidence. +Inf: later than what was seen.
type Quantile struct{ At, Low, High float64 }

// Quantile is the time within which a share of all is over: 0.5 is the median.
func (c Curve) Quantile(share, confidence float64) Quantile {
	inf := math.Inf(1)
	q := Quantile{inf, inf, inf}
	z := math.Sqrt2 * math.Erfinv(confidence)
	left, before := 1-share+1e-12, 1.0 // the share that lasts longer, with its rounding
	for _, s := range c {
		low, high := s.bounds(z, confidence, before)
		before = high
		for _, of := range []struct {
			share float64
			at    *float64
		}{{s.Share, &q.At}, {low, &q.Low}, {high, &q.High}} {
			if of.share <= left {
				*of.at = min(*of.at, s.At)
			}
		}
	}
	return q
}
