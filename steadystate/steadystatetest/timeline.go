// Package steadystatetest writes timelines as text, for tests of what happens
// over time.
//
//	t := steadystatetest.Timeline("++++--??++", time.Second, 0)
//	outages := t.Outages(steadystatetest.Good, steadystate.Rule{}, window)
//
// It also compares samples: whether two loads saw the same quantiles.
//
//	same := steadystatetest.Quantile(one, 0.95, 0.999).Low <= steadystatetest.Quantile(two, 0.95, 0.999).High
package steadystatetest

import (
	"fmt"
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

// Timeline is Observations as a timeline.
func Timeline(text string, every, span time.Duration) *steadystate.Timeline {
	return steadystate.NewTimeline(Observations(text, every, span)...)
}
