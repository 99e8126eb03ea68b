package local

import (
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Moment is an instant that lies within [From, To]. Both carry this process's
// monotonic clock. The zero value has not happened.
type Moment struct{ From, To time.Time }

// IsZero reports whether the moment has not happened.
func (m Moment) IsZero() bool { return m.To.IsZero() }

// On returns the moment as offsets on a record's clock, negative before the record.
func (m Moment) On(clock steadystate.Clock) steadystate.Span {
	return steadystate.Span{From: clock.At(m.From), To: clock.At(m.To)}
}
