package steadystate

import (
	"fmt"
	"math"
)

// A Base is the figure of a quantity that others are multiples of: of a settle
// phase, or of a control run. It is plain data, in the unit of the signal.
type Base struct {
	Bounds[float64]
	// N is of how many observations.
	N int `json:"n"`
	// Unknown is why there is no figure; the bounds then say nothing.
	Unknown string `json:"unknown,omitempty"`
}

// Base is the figure of the limit's quantity, as one that others can be a
// multiple of: it is finite and above zero, else unknown.
func (l Limit) Base(f Figures) Base {
	b := Base{N: f.Observed()}
	seen, none := l.ofValues(f)
	switch {
	case none != nil:
		b.Unknown = none.Text
	case seen.Low <= 0:
		b.Unknown = fmt.Sprintf("it could be %s, and nothing is a multiple of that", number.format(seen.Low))
	case math.IsInf(seen.High, 1):
		b.Unknown = "it is not known from above"
	default:
		b.Bounds = seen
		b.Unknown = l.sure(Reading{Verdict: Held}, f).Undecided
	}
	return b
}

// JudgeRatio judges a limit that refers to a baseline ("p95 <= 1.5x baseline")
// by the figures of its window and the figure of the baseline.
func (l Limit) JudgeRatio(f Figures, base Base) Reading {
	seen, none := l.ofValues(f)
	switch {
	case none != nil:
		return *none
	case base.Unknown != "":
		return Reading{Text: "no ratio", Undecided: "the baseline: " + base.Unknown}
	}
	r := l.compare(Bounds[float64]{Low: seen.Low / base.High, High: seen.High / base.Low}, ratio.format)
	return l.sure(r, f).failing(f)
}
