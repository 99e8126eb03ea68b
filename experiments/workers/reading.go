package workers

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A reading is one reading of a worker's clock.
type reading struct {
	moment
	// ahead is by how much the worker's clock was ahead of the record's.
	ahead steadystate.Bounds[time.Duration]
}

// newReading is the reading of a worker's clock at some instant in the span.
func newReading(m moment, asked steadystate.Span) reading {
	return reading{moment: m, ahead: steadystate.Bounds[time.Duration]{Low: m.Now - asked.To, High: m.Now - asked.From}}
}

// wall is by how much the worker's wall clock is ahead of the one that started
// the record's clock.
func (r reading) wall(clock steadystate.Clock) time.Duration {
	between := r.Started.Sub(clock.Start().Round(0)) // by the wall clocks
	return r.ahead.Low + width(r.ahead)/2 + between
}

func width(b steadystate.Bounds[time.Duration]) time.Duration { return b.High - b.Low }

// best takes several readings and keeps the tightest; a reading within enough
// ends the search.
func best(ctx context.Context, tries int, enough time.Duration, read func(context.Context) (reading, error)) (kept reading, err error) {
	some := false
	for range tries {
		var r reading
		if r, err = read(ctx); err != nil {
			break
		}
		if !some || width(r.ahead) < width(kept.ahead) {
			kept, some = r, true
		}
		if width(kept.ahead) <= enough {
			break
		}
	}
	if some {
		err = nil
	}
	return kept, err
}

// The maximum attempts per reading, during the run and for the first one, which
// determines the load's start.
const (
	usualTries = 4
	firstTries = 10
)

// A merging holds a worker's requests until a later reading of its clock, and
// then moves them to the record's clock. It must not be used concurrently.
type merging struct {
	readings []reading // in the order of time
	held     []record.Request
	worst    time.Duration // skew
}

// keep is how many readings are kept: those of some minutes, while a request is
// in flight for seconds.
const keep = 512

func (m *merging) hold(list []record.Request) { m.held = append(m.held, list...) }

// take adds a reading, and returns the requests that lie before it.
func (m *merging) take(r reading) []record.Request {
	if len(m.readings) >= 2*keep {
		m.readings = append(m.readings[:0:0], m.readings[keep:]...)
	}
	m.readings = append(m.readings, r)
	var ready []record.Request
	rest := m.held[:0]
	for _, q := range m.held {
		if q.Answered > r.Now {
			rest = append(rest, q)
			continue
		}
		ready = append(ready, m.moved(q))
	}
	m.held = rest
	return ready
}

// drift is by how much a worker's clock may gain or lose on the record's beyond
// what two readings show: 500 parts per million, the most by which NTP slews a
// kernel's clock. Between two readings it can have swung out and back that fast.
const drift = 500e-6

// moved is a request on the record's clock. By how much the worker's is ahead is
// whatever the readings say from the last one before it to the first one after
// it, which is the latest, each widened by the drift over the time from it to
// the furthest instant of the request that lies next to it. That holds a clock
// that runs one way at whatever rate, and a swing of at most the drift on top.
func (m *merging) moved(q record.Request) record.Request {
	begun, after := min(q.Planned, q.Sent), q.Answered
	ahead := steadystate.Bounds[time.Duration]{Low: math.MaxInt64, High: math.MinInt64}
	for i, r := range slices.Backward(m.readings) {
		before := begun
		if i > 0 {
			before = max(begun, m.readings[i-1].Now)
		}
		slack := time.Duration(float64(max(r.Now-before, after-r.Now)) * drift)
		ahead.Low, ahead.High = min(ahead.Low, r.ahead.Low-slack), max(ahead.High, r.ahead.High+slack)
		if r.Now <= begun {
			break
		}
		after = min(q.Answered, r.Now)
	}
	// To the microsecond, as the record keeps it, so that what the request took
	// is not rounded once more.
	by := (ahead.Low + width(ahead)/2).Round(time.Microsecond)
	q.Planned, q.Sent, q.Answered = q.Planned-by, q.Sent-by, q.Answered-by
	q.Skew = max(ahead.High-by, by-ahead.Low)
	m.worst = max(m.worst, q.Skew)
	return q
}
