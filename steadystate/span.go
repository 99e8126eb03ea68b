package steadystate

import (
	"fmt"
	"time"
)

// A Span is an interval that contains an instant not known more precisely. From
// and To are offsets from the start of the record, both inclusive, From <= To.
type Span struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Instant is the span of an instant known exactly.
func Instant(at time.Duration) Span { return Span{From: at, To: at} }

// Width is To - From: the uncertainty of the instant.
func (s Span) Width() time.Duration { return s.To - s.From }

// Middle is halfway between From and To.
func (s Span) Middle() time.Duration { return s.From + s.Width()/2 }

// Valid reports whether From <= To.
func (s Span) Valid() bool { return s.From <= s.To }

// Hull is the smallest span that contains both.
func (s Span) Hull(o Span) Span {
	return Span{From: min(s.From, o.From), To: max(s.To, o.To)}
}

// Overlaps reports whether the spans share an instant.
func (s Span) Overlaps(o Span) bool { return s.From <= o.To && o.From <= s.To }

// Since is the time from the instant in earlier to the instant in s: the
// interval difference, with negative bounds cut to zero. The caller knows that
// s came later.
func (s Span) Since(earlier Span) Bounds[time.Duration] {
	return Bounds[time.Duration]{
		Low:  max(0, s.From-earlier.To),
		High: max(0, s.To-earlier.From),
	}
}

// String is the span in seconds, as "12.340s..12.351s".
func (s Span) String() string {
	if s.From == s.To {
		return seconds(s.From)
	}
	return seconds(s.From) + ".." + seconds(s.To)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// Bounds say that a figure lies within [Low, High].
type Bounds[T time.Duration | float64] struct {
	Low  T `json:"low"`
	High T `json:"high"`
}

// Exactly is the bounds of a figure known exactly.
func Exactly[T time.Duration | float64](v T) Bounds[T] { return Bounds[T]{Low: v, High: v} }

// Plus is the interval sum.
func (b Bounds[T]) Plus(o Bounds[T]) Bounds[T] {
	return Bounds[T]{Low: b.Low + o.Low, High: b.High + o.High}
}

// Holds reports whether v lies within the bounds.
func (b Bounds[T]) Holds(v T) bool { return b.Low <= v && v <= b.High }

// Seconds are the bounds of a length of time as a number of seconds.
func Seconds(b Bounds[time.Duration]) Bounds[float64] {
	return Bounds[float64]{Low: b.Low.Seconds(), High: b.High.Seconds()}
}

// A Clock gives instants of a record as offsets from its start.
type Clock struct{ start time.Time }

// StartClock starts a record's clock now.
func StartClock() Clock { return Clock{start: time.Now()} }

// Start is the wall-clock instant at which offsets are zero.
func (c Clock) Start() time.Time { return c.start }

// Now is the offset of this instant, read from the monotonic clock.
func (c Clock) Now() time.Duration { return time.Since(c.start) }

// At is the offset of t. For a t read on this machine it uses the monotonic
// clock. For a t from another machine it uses the wall clock, and the caller
// widens the span by the measured skew.
func (c Clock) At(t time.Time) time.Duration { return t.Sub(c.start) }
