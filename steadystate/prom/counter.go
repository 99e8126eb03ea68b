package prom

import (
	"fmt"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// counters are the functions that compute differences of a counter's values.
var counters = []string{"rate", "increase", "irate"}

// counter reports whether the selector reads counters.
func (s selector) counter() bool {
	if len(s.path) == 0 {
		return false
	}
	call, ok := s.path[len(s.path)-1].(*parser.Call)
	return ok && slices.Contains(counters, call.Func.Name)
}

// births returns variants of the expression that include the first values of
// newly born series: of all series and, if the value may move either way, of
// those that each selector reads and of all others. The value lies between them
// and the plain expression: the number of errors, and their share, are largest
// with the first values of errors and of nothing else. With all first values the
// share may be small, if a target comes back with a million old requests. For
// more than two selectors, not every combination is queried.
func (e *evaluations) births() []string {
	var texts []string
	add := func(in func(*parser.VectorSelector) membership) {
		if text := e.counting(e.Query.expr, in); text != e.Query.expr.String() && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	add(everySeries)
	if e.moves() != anywhere {
		return texts
	}
	for _, s := range e.Query.selectors {
		if s.counter() {
			add(func(v *parser.VectorSelector) membership { return readBy(s.vector, v) })
			add(func(v *parser.VectorSelector) membership { return readBy(s.vector, v).not() })
		}
	}
	return texts
}

// A membership says which series of a selector are included: all, none, those
// that another selector reads, or those that it does not.
type membership struct {
	all, unless bool
	both        *parser.VectorSelector // nil: all or none
}

func everySeries(*parser.VectorSelector) membership { return membership{all: true} }

func (m membership) not() membership {
	return membership{all: !m.all, unless: !m.unless, both: m.both}
}

// readBy selects the series of v that another selector reads as well.
func readBy(other, v *parser.VectorSelector) membership {
	has := func(list []*labels.Matcher, m *labels.Matcher) bool {
		return slices.ContainsFunc(list, func(o *labels.Matcher) bool { return o.String() == m.String() })
	}
	both, every := *v, true
	both.Name, both.LabelMatchers = "", slices.Clone(v.LabelMatchers)
	for _, m := range other.LabelMatchers {
		if !has(v.LabelMatchers, m) {
			both.LabelMatchers, every = append(both.LabelMatchers, m), false
		}
	}
	switch {
	case every:
		return membership{all: true}
	case v.Name != "" && other.Name != "" && v.Name != other.Name:
		return membership{}
	}
	return membership{both: &both}
}

// counting is the expression with the first values of the included series that
// are born within a range. rate() and increase() take a first value for the
// counter's start, though the counter reached it since the scrape that did not
// find it. A series is born if it has no sample in the lookback before the
// range. irate() covers one scrape, and all of the first value may belong to
// that.
func (e *evaluations) counting(of parser.Expr, meant func(*parser.VectorSelector) membership) string {
	expr, err := parser.ParseExpr(of.String()) // a tree of its own, to change
	if err != nil {
		return of.String() // the server will reject it too
	}
	spacing := e.spacing()
	return rewrite(expr, func(call *parser.Call) parser.Expr {
		if !slices.Contains(counters, call.Func.Name) {
			return call
		}
		matrix, isMatrix := call.Args[0].(*parser.MatrixSelector)
		if !isMatrix {
			return call
		}
		v, _ := matrix.VectorSelector.(*parser.VectorSelector)
		in := meant(v)
		least := func(v *parser.VectorSelector) string {
			return fmt.Sprintf("min_over_time(%s)", read(v, v.OriginalOffset, matrix.Range))
		}
		first := least(v)
		switch {
		case in.both != nil && in.unless:
			first = fmt.Sprintf("(%s unless %s)", first, least(in.both))
		case in.both != nil:
			first = least(in.both)
		case !in.all:
			return call
		}
		first = fmt.Sprintf("(%s unless last_over_time(%s))", first, read(v, v.OriginalOffset+matrix.Range, e.Lookback))
		switch {
		case call.Func.Name == "rate", call.Func.Name == "irate" && spacing == 0:
			first = fmt.Sprintf("(%s / %g)", first, matrix.Range.Seconds())
		case call.Func.Name == "irate":
			first = fmt.Sprintf("(%s / %g)", first, spacing.Seconds())
		}
		// In order: series with more than one sample; with one, for which rate()
		// returns nothing; and those that are not born.
		born, err := parser.ParseExpr(fmt.Sprintf("((%s + %s) or %s or %s)", call, first, first, call))
		if err != nil {
			return call
		}
		return born
	}).String()
}

// rewrite replaces the calls in an expression.
func rewrite(expr parser.Expr, call func(*parser.Call) parser.Expr) parser.Expr {
	switch n := expr.(type) {
	case *parser.Call:
		for i, arg := range n.Args {
			n.Args[i] = rewrite(arg, call)
		}
		return call(n)
	case *parser.AggregateExpr:
		n.Expr = rewrite(n.Expr, call)
	case *parser.BinaryExpr:
		n.LHS, n.RHS = rewrite(n.LHS, call), rewrite(n.RHS, call)
	case *parser.ParenExpr:
		n.Expr = rewrite(n.Expr, call)
	case *parser.UnaryExpr:
		n.Expr = rewrite(n.Expr, call)
	case *parser.SubqueryExpr:
		n.Expr = rewrite(n.Expr, call)
	}
	return expr
}

// A direction says which way an expression's value moves if counters counted
// more than was scraped.
type direction int

const (
	still direction = iota
	rises
	falls
	anywhere
)

func (d direction) with(o direction) direction {
	switch {
	case d == still || d == o:
		return o
	case o == still:
		return d
	}
	return anywhere
}

func (d direction) back() direction {
	switch d {
	case rises:
		return falls
	case falls:
		return rises
	}
	return d
}

// open widens the bucket of a value, or of its variants, in that direction.
func (d direction) open(b steadystate.Bucket) steadystate.Bucket {
	if d == rises || d == anywhere {
		b.High = math.Inf(1)
	}
	if d == falls || d == anywhere {
		b.Low = math.Inf(-1)
	}
	return b
}

// rising are the functions that rise with their first argument.
var rising = []string{"clamp", "clamp_max", "clamp_min", "ceil", "floor", "round", "sqrt", "exp", "scalar", "vector", "sort", "sort_desc"}

// directionOf is the direction in which an expression moves, and whether it is
// certainly zero or more. Unless one direction is certain, it may move anywhere.
func directionOf(expr parser.Expr) (d direction, positive bool) {
	switch n := expr.(type) {
	case *parser.NumberLiteral:
		return still, n.Val >= 0
	case *parser.ParenExpr:
		return directionOf(n.Expr)
	case *parser.UnaryExpr:
		d, positive = directionOf(n.Expr)
		if n.Op == parser.SUB {
			return d.back(), false
		}
		return d, positive
	case *parser.Call:
		if slices.Contains(counters, n.Func.Name) {
			_, plain := n.Args[0].(*parser.MatrixSelector)
			if !plain {
				return anywhere, true
			}
			return rises, true
		}
		if slices.Contains(rising, n.Func.Name) && len(n.Args) > 0 {
			return directionOf(n.Args[0])
		}
	case *parser.AggregateExpr:
		// If a series is missing altogether, a sum or a maximum is too small;
		// any other aggregation may be off either way.
		if n.Op == parser.SUM || n.Op == parser.MAX {
			return directionOf(n.Expr)
		}
	case *parser.BinaryExpr:
		return directionOfBinary(n)
	}
	if counts(expr) {
		return anywhere, false
	}
	return still, false
}

func directionOfBinary(n *parser.BinaryExpr) (direction, bool) {
	left, leftPositive := directionOf(n.LHS)
	right, rightPositive := directionOf(n.RHS)
	both := leftPositive && rightPositive
	switch {
	case left == still && right == still:
		return still, both && n.Op != parser.SUB
	case n.Op == parser.ADD:
		return left.with(right), both
	case n.Op == parser.SUB:
		return left.with(right.back()), false
	case n.Op == parser.MUL && both:
		return left.with(right), true
	case n.Op == parser.DIV && both:
		return left.with(right.back()), true
	case n.Op == parser.LOR && left == rises && leftPositive && isZero(n.RHS):
		return rises, true
	}
	return anywhere, false
}

// isZero reports whether an expression is vector(0).
func isZero(expr parser.Expr) bool {
	call, ok := bare(expr).(*parser.Call)
	if !ok || call.Func.Name != "vector" {
		return false
	}
	zero, ok := bare(call.Args[0]).(*parser.NumberLiteral)
	return ok && zero.Val == 0
}

// counts reports whether an expression reads counters.
func counts(expr parser.Expr) bool {
	found := false
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		call, ok := n.(*parser.Call)
		found = found || (ok && slices.Contains(counters, call.Func.Name))
		return nil
	})
	return found
}

// keeps reports whether an aggregation keeps series apart that differ in the
// label.
func keeps(a *parser.AggregateExpr, label string) bool {
	return slices.Contains(a.Grouping, label) != a.Without
}

// isSummed reports whether the query or the reduction adds up or counts series
// that differ only in a label, before anything else selects one of them.
func (s selector) isSummed(label string, reduce Reduction) bool {
	for _, n := range slices.Backward(s.path) {
		a, ok := n.(*parser.AggregateExpr)
		if !ok || keeps(a, label) {
			continue
		}
		switch a.Op {
		case parser.MAX, parser.MIN, parser.AVG, parser.GROUP:
			return false
		}
		return true
	}
	return reduce == Sum || reduce == ""
}
