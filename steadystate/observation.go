package steadystate

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
)

// An Observation says that Value was true at some instant in its span. A
// source may record observations in any order.
type Observation struct {
	Span
	Value float64 `json:"value"`
	// Failed says why the observation is bad whatever counts as good: a request
	// that was answered with 503 in a millisecond satisfies no latency.
	Failed string `json:"failed,omitempty"`
	// Unknown says why nothing is known of this span; then Value is nothing.
	Unknown string `json:"unknown,omitempty"`
}

// String is the value, or why there is none, with the span.
func (o Observation) String() string {
	return fmt.Sprintf("%s at %s", cmp.Or(o.Unknown, o.Failed, strconv.FormatFloat(o.Value, 'g', -1, 64)), o.Span)
}

// Good reports whether the observation is known and within the tolerance.
func (o Observation) Good(t Tolerance) bool {
	return o.Unknown == "" && o.Failed == "" && t.Holds(o.Value)
}

// Bad reports whether the observation is known and not good.
func (o Observation) Bad(t Tolerance) bool {
	return o.Unknown == "" && !o.Good(t)
}

// compare gives observations a total order that does not depend on arrival.
func (o Observation) compare(p Observation) int {
	return cmp.Or(
		cmp.Compare(o.From, p.From),
		cmp.Compare(o.To, p.To),
		cmp.Compare(o.Value, p.Value),
		cmp.Compare(o.Failed, p.Failed),
		cmp.Compare(o.Unknown, p.Unknown),
	)
}

// A Source observes until ctx ends, drains what is in flight and returns. What
// it cannot see it records as Unknown and goes on; the error is for what makes
// observing impossible.
type Source interface {
	Observe(ctx context.Context, clock Clock, record func(Observation)) error
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context, clock Clock, record func(Observation)) error

// Observe calls f.
func (f SourceFunc) Observe(ctx context.Context, clock Clock, record func(Observation)) error {
	return f(ctx, clock, record)
}

// A Signal is a named live source.
type Signal struct {
	Name   string
	Source Source
	// Describe is what the report says of where the values come from, a query
	// for instance.
	Describe string
}
