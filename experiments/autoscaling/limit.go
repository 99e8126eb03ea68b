package autoscaling

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Limit is a tolerance on a quantity of an autoscaler, in one text form:
//
//	decision <= 45s
//	ready <= 90s since fault
//	replicas >= 4
//	turns <= 1
//
// See [Quantities] for the quantities. A time is that of the stage itself;
// "since fault" counts from when the fault took effect.
type Limit struct {
	Quantity  string
	Tolerance steadystate.Tolerance
	// SinceFault counts a stage's time from the fault.
	SinceFault bool
}

// The quantities of limits that are not stages.
const (
	Replicas = "replicas" // the largest size reached
	Turns    = "turns"    // direction changes
)

const sinceFault = " since fault"

// A measure is a stage whose time can be limited.
type measure struct {
	stage   string
	meaning string
}

var measures = []measure{
	{Lag, "from the fault until the autoscaler's metric is above its target"},
	{Decision, "from there until it wants more replicas"},
	{Actuation, "from there until the scale target has the new size"},
	{Ready, "from there until as many pods are ready as its largest desired size"},
	{Relieved, "from there until the metric stays within its target while the fault lasts"},
	{Back, "from the end of the fault until it is back at the old size for good"},
}

// Quantities lists the quantities with their meanings, for help texts.
func Quantities() []string {
	var list []string
	for _, m := range measures {
		list = append(list, fmt.Sprintf("%-9s %s", m.stage, m.meaning))
	}
	return append(list,
		fmt.Sprintf("%-9s %s", Replicas, "largest size reached, in ready pods"),
		fmt.Sprintf("%-9s %s", Turns, "direction changes: up and then down is one"))
}

// ParseLimit reads a limit from its text form. The error names the valid
// choices.
func ParseLimit(text string) (Limit, error) {
	fail := func(format string, args ...any) (Limit, error) {
		return Limit{}, fmt.Errorf("limit %q: "+format, append([]any{text}, args...)...)
	}
	at := strings.IndexAny(text, "<>=")
	if at < 0 {
		return fail("want QUANTITY OPERATOR VALUE [since fault], as in \"decision <= 45s\"")
	}
	l := Limit{Quantity: strings.TrimSpace(text[:at])}
	rest, since := strings.CutSuffix(strings.TrimSpace(text[at:]), sinceFault)
	l.SinceFault = since
	dimension := l.dimension()
	if dimension == "time" && !slices.ContainsFunc(measures, func(m measure) bool { return m.stage == l.Quantity }) {
		names := []string{}
		for _, m := range measures {
			names = append(names, m.stage)
		}
		return fail("no quantity %q; quantities: %s, %s, %s", l.Quantity, strings.Join(names, ", "), Replicas, Turns)
	}
	tolerance, err := steadystate.ParseTolerance(rest)
	if err != nil {
		return fail("%w", err)
	}
	switch got := tolerance.Dimension(); {
	case got == dimension:
	case dimension == "time" && got == "number" && tolerance.Value() == 0: // "actuation <= 0" needs no unit
	default:
		return fail("%s is a %s, and %q is a %s", l.Quantity, dimension, tolerance, got)
	}
	if since && (dimension != "time" || l.Quantity == Back) {
		return fail("%s is not counted since the fault", l.Quantity)
	}
	l.Tolerance = tolerance
	return l, nil
}

// dimension is that of the quantity.
func (l Limit) dimension() string {
	if l.Quantity == Replicas || l.Quantity == Turns {
		return "number"
	}
	return "time"
}

// String is the text form.
func (l Limit) String() string { return l.Quantity + " " + l.Tolerance.String() + l.scope() }

// subject is the limit without its bound.
func (l Limit) subject() string { return l.Quantity + l.scope() }

// scope is the text after the tolerance.
func (l Limit) scope() string {
	if l.SinceFault {
		return sinceFault
	}
	return ""
}

// Key is equal for limits on one quantity, in one direction, and from one
// start.
func (l Limit) Key() string {
	return l.Quantity + " " + l.Tolerance.Bound() + l.scope()
}

// judge compares bounds with the limit; an infinite end is unknown.
func (l Limit) judge(b steadystate.Bounds[float64], text string) steadystate.Reading {
	r := steadystate.Reading{Verdict: l.Tolerance.Judge(b), Text: text}
	if !math.IsInf(b.High, 0) {
		r.Seen = &b
	}
	if r.Verdict == steadystate.Unknown {
		r.Undecided = "the limit lies within the error of what was seen"
	}
	return r
}
