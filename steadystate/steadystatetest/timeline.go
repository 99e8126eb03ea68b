// Package steadystatetest writes timelines as text, for tests of what happens
// over time.
//
//	list := steadystatetest.Observations("++++--??++", time.Second, 0)
//	outages := steadystatetest.Fold(list, steadystatetest.Good, steadystate.Rule{}, record).Outages()
//
// It also compares samples: whether two loads saw the same quantiles.
//
//	same := steadystatetest.Quantile(one, 0.95, 0.999).Low <= steadystatetest.Quantile(two, 0.95, 0.999).High
package steadystatetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Good is the tolerance that a "+" satisfies and a "-" does not.
var Good = steadystate.AtLeast(1)

// Observations reads one observation from each character: "+" good (1), "-" bad
// (0), "!" failed without a value, "?" unknown, " " none. The first begins at 0
// and the next ones every step; each has the given span. It panics on other
// characters.
func Observations(text string, every, span time.Duration) []steadystate.Observation {
	var list []steadystate.Observation
	at := time.Duration(0)
	for i, c := range text {
		o := steadystate.Observation{Span: steadystate.Span{From: at, To: at + span}}
		at += every
		switch c {
		case '+':
			o.Value = 1
		case '-':
		case '!':
			o.Failed = "failed"
		case '?':
			o.Unknown = "not seen"
		case ' ':
			continue
		default:
			panic(fmt.Sprintf("timeline %q: character %d is %q, want one of + - ! ? or a space", text, i, c))
		}
		list = append(list, o)
	}
	return list
}

// Fold starts a fold as [steadystate.NewFold] does and adds the observations, in
// whatever order they are. The list stays as it is.
func Fold(list []steadystate.Observation, good steadystate.Tolerance, rule steadystate.Rule, record steadystate.Span, windows ...steadystate.Span) *steadystate.Fold {
	f := steadystate.NewFold(good, rule, record, windows...)
	for _, o := range slices.SortedFunc(slices.Values(list), steadystate.Observation.Compare) {
		f.Add(o)
	}
	return f
}
