package prom

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Query is a PromQL expression that yields numbers, with the time its values
// may speak for. A source refuses the zero value.
type Query struct {
	text      string
	expr      parser.Expr
	selectors []selector
	quantile  *quantile // nil: it is none
}

// Parse reads a query. The error has the position of a syntax error ("1:12:
// parse error: ..."), or says why the values could not be dated or would say
// nothing about a service:
//
//   - a range vector and a string are not numbers;
//   - without a selector it is a constant;
//   - with @ or a negative offset it does not describe the time before its
//     evaluation;
//   - a histogram_quantile within another expression has an unbounded error;
//   - computed durations and smoothed and anchored selectors (experimental) reach
//     beyond the range in the text.
func Parse(text string) (Query, error) {
	fail := func(err error) (Query, error) {
		return Query{}, fmt.Errorf("parse query %q: %w", text, err)
	}
	expr, err := parser.ParseExpr(text)
	if err != nil {
		return fail(err)
	}
	switch expr.Type() {
	case parser.ValueTypeVector, parser.ValueTypeScalar:
	case parser.ValueTypeMatrix:
		return fail(errors.New("it is a range vector, a list of samples per series: apply a function, as in rate(...) or max_over_time(...)"))
	default:
		return fail(fmt.Errorf("it is a %s, not a number", parser.DocumentedType(expr.Type())))
	}
	selectors, err := selectorsOf(expr)
	if err != nil {
		return fail(err)
	}
	if len(selectors) == 0 {
		return fail(errors.New("it selects no series: name a metric"))
	}
	quantile, err := quantileOf(expr)
	if err != nil {
		return fail(err)
	}
	return Query{text: text, expr: expr, selectors: selectors, quantile: quantile}, nil
}

// MustParse is Parse for literals in code; it panics if the text does not parse.
func MustParse(text string) Query {
	q, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return q
}

// String returns the query as written.
func (q Query) String() string { return q.text }

// Window returns the time that a value evaluated at time 0 may describe, as offsets.
// From is minus the reach of the furthest selector (its range, the ranges of the
// subqueries around it, their offsets); To is minus the smallest sum of offsets. An
// instant selector has no range of its own: its sample is as old as the last scrape, so
// the caller supplies the spacing of scrapes.
func (q Query) Window(spacing time.Duration) steadystate.Span {
	if len(q.selectors) == 0 {
		return steadystate.Span{}
	}
	w := steadystate.Span{From: 0, To: -longest}
	for _, s := range q.selectors {
		from := -s.back
		if s.instant() {
			from -= spacing
		}
		w.From, w.To = min(w.From, from), max(w.To, -s.offset)
	}
	return w
}

// raw reports whether the query is a plain selector, so that its samples can be
// fetched as they were scraped.
func (q Query) raw() bool {
	_, plain := bare(q.expr).(*parser.VectorSelector)
	return plain
}
