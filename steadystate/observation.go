package steadystate

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
)

// An Observation says that Value was true at some instant in its span, or of
// all of it. A source may record observations in any order.
type Observation struct {
	Span
	Value float64 `json:"value"`
	// Bucket bounds the value where its source knows it no closer, as the
	// quantile of a histogram; Value is then a guess within it. None: Value is
	// exact.
	Bucket Bucket `json:"bucket,omitzero"`
	// Partial says why Value is of a part of what Bucket bounds: a rate misses
	// what a counter counted after its last scrape, when its process died. It is
	// good if its value is, for what is missing lasted less than the signal's
	// resolution; it is bad only if all of the bucket is.
	Partial string `json:"partial,omitempty"`
	// Missing says why Bucket is wider than the value, where it is: a sum over
	// pods of which one could not be scraped is at least that of the others.
	Missing string `json:"missing,omitempty"`
	// Whole: the value is of the whole span, as a rate over it is, and not of an
	// instant in it.
	Whole bool `json:"whole,omitempty"`
	// Failed says why the observation is bad whatever counts as good: a request
	// that was answered with 503 in a millisecond satisfies no latency.
	Failed string `json:"failed,omitempty"`
	// Unknown says why nothing is known of this span; then Value is nothing.
	Unknown string `json:"unknown,omitempty"`
}

// TimedOut is why an observation failed for which there was no answer in time.
const TimedOut = "time-out"

// String is the value, or why there is none, with the span.
func (o Observation) String() string {
	value := strconv.FormatFloat(o.Value, 'g', -1, 64)
	if o.Bucket.IsSet() {
		value = "within " + o.Bucket.String()
	}
	return fmt.Sprintf("%s at %s", cmp.Or(o.Unknown, o.Failed, value), o.Span)
}

// Bounds are what the value can be: its bucket, or the value alone.
func (o Observation) Bounds() Bounds[float64] {
	if o.Bucket.IsSet() {
		return Bounds[float64](o.Bucket)
	}
	return Exactly(o.Value)
}

// Good reports whether the observation is known and within the tolerance,
// wherever in its bucket the value is; if it is partial, whether its value is.
func (o Observation) Good(t Tolerance) bool {
	switch {
	case o.Unknown != "" || o.Failed != "":
		return false
	case o.Bucket.IsSet() && o.Partial == "":
		return t.Judge(o.Bounds()) == Held
	}
	return t.Holds(o.Value)
}

// Bad reports whether the observation is known and outside of the tolerance,
// wherever in its bucket the value is. What is neither good nor bad is
// [Observation.Undecided].
func (o Observation) Bad(t Tolerance) bool {
	switch {
	case o.Unknown != "":
		return false
	case o.Failed != "":
		return true
	case o.Bucket.IsSet():
		return t.Judge(o.Bounds()) == Broken
	}
	return !t.Holds(o.Value)
}

// Undecided says why the observation is neither good nor bad: it is unknown,
// or the tolerance's bound lies within the value's bucket. It is empty if it is
// one of the two. What is undecided counts as unknown.
func (o Observation) Undecided(t Tolerance) string {
	switch {
	case o.Unknown != "":
		return o.Unknown
	case o.Failed != "" || !o.Bucket.IsSet() || o.Good(t) || o.Bad(t):
	case o.Partial != "":
		return o.Partial
	case o.Missing != "":
		return o.Missing
	default:
		return fmt.Sprintf("the limit %s lies within the bucket %s", t, o.Bucket)
	}
	return ""
}

// Compare gives observations a total order, of time first, that does not depend
// on their arrival.
func (o Observation) Compare(p Observation) int {
	// Nearly all are told apart by that, and cmp.Or compares all it is given.
	if c := cmp.Compare(o.From, p.From); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(o.To, p.To),
		cmp.Compare(o.Value, p.Value),
		cmp.Compare(o.Bucket.Low, p.Bucket.Low),
		cmp.Compare(o.Bucket.High, p.Bucket.High),
		cmp.Compare(o.Partial, p.Partial),
		cmp.Compare(o.Missing, p.Missing),
		cmp.Compare(o.Failed, p.Failed),
		cmp.Compare(o.Unknown, p.Unknown),
		cmp.Compare(asInt(o.Whole), asInt(p.Whole)),
	)
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
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
	// Samples says that each observation meets one of several backends, as a
	// probe over a fresh connection does. A good one then does not prove that
	// all are. Default: an observation is of the state itself.
	Samples bool
}
