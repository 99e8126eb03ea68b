package steadystate

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
)

// An Observation says that Value was true at some instant in its span, or over
// all of it. A source may record observations in any order.
type Observation struct {
	Span
	Value float64 `json:"value"`
	// Bucket bounds a value that its source does not know exactly, such as the
	// quantile of a histogram; Value is then an estimate within it. Unset: Value
	// is exact.
	Bucket Bucket `json:"bucket,omitzero"`
	// Partial says why Value covers only part of what Bucket bounds: the rate of
	// a counter misses what a process counted between its last scrape and its
	// death. The observation is good if Value is, because the missing part
	// lasted less than the signal's resolution. It is bad only if the whole
	// bucket is.
	Partial string `json:"partial,omitempty"`
	// Missing says why Bucket is wider than the value: a sum over pods, one of
	// which could not be scraped, is at least the sum of the others.
	Missing string `json:"missing,omitempty"`
	// Supplied: nothing was seen, and the source put the value in the place of what is
	// missing, as a query does by "or vector(0)". The observation is never good.
	Supplied bool `json:"supplied,omitempty"`
	// Whole: the value covers the whole span, as a rate does, and not a single
	// instant in it.
	Whole bool `json:"whole,omitempty"`
	// Failed says why the observation is bad under any tolerance: a request
	// answered with 503 in a millisecond satisfies no latency limit.
	Failed string `json:"failed,omitempty"`
	// Unknown says why the source knows nothing about this span; Value is then
	// meaningless.
	Unknown string `json:"unknown,omitempty"`
}

// TimedOut is the Failed of an observation without an answer within its timeout, and
// ConnectionRefused that of one at whose address nothing listened. They are part of the
// record's format.
const (
	TimedOut          = "time-out"
	ConnectionRefused = "connection refused"
)

// String is the value, or why there is none, with the span.
func (o Observation) String() string {
	value := strconv.FormatFloat(o.Value, 'g', -1, 64)
	if o.Bucket.IsSet() {
		value = "within " + o.Bucket.String()
	}
	return fmt.Sprintf("%s at %s", cmp.Or(o.Unknown, o.Failed, value), o.Span)
}

// Bounds are the bounds of the value: its bucket, or the value alone.
func (o Observation) Bounds() Bounds[float64] {
	if o.Bucket.IsSet() {
		return Bounds[float64](o.Bucket)
	}
	return Exactly(o.Value)
}

// Good reports whether the observation is known and certainly within the
// tolerance. If it is partial, its value decides.
func (o Observation) Good(t Tolerance) bool {
	switch {
	case o.Unknown != "" || o.Failed != "" || o.Supplied:
		return false
	case o.Bucket.IsSet() && o.Partial == "":
		return t.Judge(o.Bounds()) == Held
	}
	return t.Holds(o.Value)
}

// Bad reports whether the observation is known and certainly outside the
// tolerance. An [Observation.Undecided] one is neither good nor bad.
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

// Undecided says why the observation is neither good nor bad: it is unknown, or
// the tolerance's limit lies within the bounds of the value. It is empty for a good
// or bad one. An undecided observation counts as unknown.
func (o Observation) Undecided(t Tolerance) string {
	switch {
	case o.Unknown != "":
		return o.Unknown
	case o.Failed != "" || !o.Bucket.IsSet() && !o.Supplied || o.Good(t) || o.Bad(t):
	case o.Partial != "":
		return o.Partial
	case o.Missing != "":
		return o.Missing
	default:
		return fmt.Sprintf("the limit %s lies within the bounds of the value: %s", t, t.bounds(o.Bounds()))
	}
	return ""
}

// Compare orders observations by time, then by their contents, independent of
// their arrival.
func (o Observation) Compare(p Observation) int {
	// The fast path: From nearly always differs, and cmp.Or evaluates every argument.
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
		cmp.Compare(asInt(o.Supplied), asInt(p.Supplied)),
	)
}

func asInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// A Source observes until ctx ends, drains what is in flight and returns. It
// records a span that it cannot observe as Unknown and continues; it returns an
// error only if observing is impossible.
type Source interface {
	Observe(ctx context.Context, clock Clock, record func(Observation)) error
}

// SourceFunc is a function as a [Source].
type SourceFunc func(ctx context.Context, clock Clock, record func(Observation)) error

// Observe calls f.
func (f SourceFunc) Observe(ctx context.Context, clock Clock, record func(Observation)) error {
	return f(ctx, clock, record)
}

// A Kind of observations says what their number is the number of. It decides which
// limits on that number mean something; see [Limit.Counts].
type Kind int

// The kinds of observations.
const (
	// Polls are of a value. None of them fails, whatever the value is.
	Polls Kind = iota
	// Attempts may each fail, as those of a probe do. Their rate is the probe's own.
	Attempts
	// Requests are those of a load.
	Requests
)

// A Signal is a named live source.
type Signal struct {
	Name   string
	Source Source
	// Describe says in reports where the values come from, such as a query.
	Describe string
	// Samples: each observation meets one of several backends, as a probe over a
	// fresh connection does, so a good one does not prove that all are good.
	// Each is an attempt, too. Default: an observation covers the state itself.
	Samples bool
	// Reuses: the observations share one connection while it works. All may then meet
	// one backend, and a good one says nothing of the others. It goes with Samples.
	Reuses bool
	// Attempts: each observation may fail, as an attempt to do something does, so
	// that limits on errors mean something. Default: it is a poll of a value.
	Attempts bool
}
