package steadystate

import (
	"fmt"
	"math"
)

// A Base is the figure that a limit on a multiple of the baseline divides by. It
// comes from the settled stretch before a fault or from a control run. It is
// plain data, in the unit of the signal.
//
// The bounds include the sampling error, since the same service shows other
// values next time: each bound misses the true figure with the probability
// [Doubt].
type Base struct {
	Bounds[float64]
	// N is the number of samples: observations of which no two are of the same scrape, or
	// of ranges that overlap.
	N int `json:"n"`
	// Unknown says why there is no figure; the bounds are then meaningless.
	Unknown string `json:"unknown,omitempty"`
}

// Doubt is the probability that the true figure lies beyond one of the bounds. A
// ratio is wrong if either of two bounds is, so a limit of "<= 1x" tells two
// samples of the same service apart in at most 0.2 % of the cases.
const Doubt = 1e-3

// Base is the figure of the limit's quantity as a baseline. It is unknown
// unless it is finite and above zero.
func (l Limit) Base(f Figures) Base {
	b := Base{N: l.samples(f)}
	seen, none := l.ofValues(f, Doubt)
	switch {
	case none != nil:
		b.Unknown = none.Text
	case math.IsInf(seen.High, 1) || math.IsInf(seen.Low, -1):
		b.Unknown = l.unsure(f)
	case seen.Low <= 0:
		b.Unknown = fmt.Sprintf("ratio undefined: the baseline may be %s", number.format(seen.Low))
	default:
		b.Bounds = seen
	}
	return b
}

// JudgeRatio judges a limit that refers to a baseline ("p95 <= 1.5x baseline")
// by the figures of its window and the baseline's figure. of names the baseline
// in the text: "the 10s before the fault". Both are samples, so the bounds of
// the ratio include the errors of both.
func (l Limit) JudgeRatio(f Figures, base Base, of string) Reading {
	seen, none := l.ofValues(f, Doubt)
	switch {
	case none != nil:
		return *none
	case base.Unknown != "":
		return Reading{Text: "no ratio", Undecided: "the baseline: " + base.Unknown}
	}
	// Dividing by the larger bound raises a negative figure.
	r := l.compare(Bounds[float64]{
		Low:  min(seen.Low/base.High, seen.Low/base.Low),
		High: max(seen.High/base.High, seen.High/base.Low),
	}, ratio.format)
	if r.Seen == nil {
		r = r.failing(f)
	} else {
		r.Text += fmt.Sprintf(" of %s (%s, and %s)", of, l.sample(f), thousands(base.N))
	}
	if r.Verdict == Unknown {
		r.Undecided = "the limit lies within the error of two samples: " + l.unsure(f)
	}
	return r
}

// Times is the limit on the figure itself that one on a multiple of it amounts to, at the
// bound of the baseline beyond which it is broken for certain.
func (l Limit) Times(base Base) Limit {
	at := base.High
	if l.Tolerance.Floor() {
		at = base.Low
	}
	l.Baseline, l.Tolerance.value, l.Tolerance.unit = false, at*l.Tolerance.value, ""
	return l
}

// unsure says what would reduce the sampling error of the figure.
func (l Limit) unsure(f Figures) string {
	if f.hidden() > 0 {
		return f.Ignorance()
	}
	return fmt.Sprintf("%s of %s; a comparison needs at least %s of each, and more for a smaller difference: %s", l.Figure(), l.sample(f), thousands(l.leastToCompare()), l.larger(f))
}

// larger is what makes a larger sample. More polls of the same scrapes do not.
func (l Limit) larger(f Figures) string {
	if l.samples(f) < l.n(f) {
		return "a longer phase, or more frequent scrapes and a shorter range"
	}
	return "a longer phase or a higher rate"
}

// sample is "24 independent observations", or "120 observations" where all are.
func (l Limit) sample(f Figures) string {
	if n := l.samples(f); n < l.n(f) {
		return plural(n, "independent observation")
	}
	return observations(l.n(f))
}

// leastToCompare is the smallest sample that gives the figure bounds.
func (l Limit) leastToCompare() int {
	if q, ok := l.Percentile(); ok {
		return int(math.Ceil(max(math.Log(Doubt)/math.Log(q), math.Log(Doubt)/math.Log(1-q)) - 1e-9))
	}
	return leastForT
}

// leastForT is the smallest sample with an error estimate for its mean: the
// expansion below is then within 0.3 % of Student's t, and the mean is nearly
// normal.
const leastForT = 10

// student is the number of standard errors that the mean of n values misses the
// true mean by, or more, with the probability Doubt on either side: the quantile
// of Student's t with n-1 degrees of freedom, by its expansion about that of the
// normal distribution (Abramowitz and Stegun, 26.7.5).
func student(n int) float64 {
	const z = 3.0902323061678132 // the normal distribution's, of 1 - Doubt
	v := float64(n - 1)
	z2 := z * z
	return z + z*(z2+1)/4/v + z*(5*z2*z2+16*z2+3)/96/(v*v) + z*(3*z2*z2*z2+19*z2*z2+17*z2-15)/384/(v*v*v)
}
