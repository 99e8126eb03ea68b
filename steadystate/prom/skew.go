package prom

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A skew maps instants of the server's clock to the record's. Each evaluation is
// a reading of the server's clock, taken at some instant between the query and
// its answer, and so bounds the difference of the clocks at that instant. A
// difference derived from other readings must allow for the drift in between.
type skew struct{ readings []reading }

// A reading says: when the server's clock showed server, the record's was in
// server + [low, high]. The server's is in time since 1970.
type reading struct {
	server    time.Duration
	low, high time.Duration
}

const (
	// cut is the precision to which Prometheus truncates times.
	cut = time.Millisecond
	// mostReadings bounds the readings kept: those of the time that samples are
	// fetched for.
	mostReadings = 512
	// drift is how much faster one clock may run than another: NTP slews a clock
	// by at most 500 parts per million, ten times the difference of free-running
	// clocks.
	drift = 500e-6
	// alignment is how far Prometheus may move the time of a scrape to align it
	// (its scrape.timestamp-tolerance).
	alignment = 2 * time.Millisecond
)

func sinceEpoch(t model.Time) time.Duration { return time.Duration(t) * time.Millisecond }

// read adds a reading: an evaluation at the server's instant t, between the
// request and the answer in during.
func (s *skew) read(t model.Time, during steadystate.Span) {
	if len(s.readings) == mostReadings {
		s.readings = s.readings[1:]
	}
	server := sinceEpoch(t)
	s.readings = append(s.readings, reading{
		server: server,
		low:    during.From - server - cut,
		high:   during.To - server,
	})
}

// at maps the server's instant t to the record's clock. It uses the last reading
// before t and the first one after it, each widened with its distance from t. So
// the result remains correct if a clock was set once between two readings.
// Quicker readings further away would give tighter bounds, but around the wrong
// difference. There must be a reading.
func (s *skew) at(t time.Duration) steadystate.Span {
	hull := steadystate.Span{From: math.MaxInt64, To: math.MinInt64}
	take := func(r reading) {
		slack := time.Duration(float64((t - r.server).Abs()) * drift)
		hull = hull.Hull(steadystate.Span{From: r.low - slack, To: r.high + slack})
	}
	first, last := s.readings[0], s.readings[len(s.readings)-1]
	if t <= first.server {
		take(first)
	}
	if t >= last.server {
		take(last)
	}
	for i, r := range s.readings[1:] {
		if before := s.readings[i]; before.shows(t, r) {
			take(before)
			take(r)
		}
	}
	return steadystate.Span{From: t + hull.From, To: t + hull.To + cut}
}

// shows reports whether the server's clock may have shown t between a reading
// and the next: continuing from the one, or leading up to the other.
func (r reading) shows(t time.Duration, next reading) bool {
	apart := next.server + next.high - (r.server + r.low)
	return (r.server < t && t < r.server+apart) || (next.server-apart < t && t < next.server)
}

// scraped is the start of the scrape with time t.
func (s *skew) scraped(t model.Time) steadystate.Span {
	at := s.at(sinceEpoch(t))
	return steadystate.Span{From: at.From - alignment, To: at.To + alignment}
}

// ahead is how far the server's clock is ahead of this machine's, given the
// record's start on this machine's clock.
func (s *skew) ahead(clock steadystate.Clock) steadystate.Bounds[time.Duration] {
	if len(s.readings) == 0 {
		return steadystate.Bounds[time.Duration]{}
	}
	last := s.readings[len(s.readings)-1].server
	on := s.at(last)
	start := time.Duration(clock.Start().UnixNano())
	return steadystate.Bounds[time.Duration]{Low: last - start - on.To, High: last - start - on.From + cut}
}

// Ahead measures how far the server's clock is ahead of this machine's, by the
// fastest of five answers, or of those before ctx ends. It fails if there was
// none.
func (c *Client) Ahead(ctx context.Context) (steadystate.Bounds[time.Duration], error) {
	const tries, timeout = 5, 5 * time.Second
	clock := steadystate.StartClock()
	var quickest steadystate.Bounds[time.Duration]
	for i := range tries {
		var vector model.Vector
		a, err := c.ask(ctx, clock, timeout, "vector(0)")
		if err == nil {
			vector, err = a.vector()
		}
		if err == nil && len(vector) != 1 {
			err = unexpected(nil)
		}
		switch {
		case err != nil && i > 0:
			return quickest, nil
		case err != nil:
			return quickest, fmt.Errorf("read the clock of prometheus at %s: %w", c.url, advise(err))
		}
		var s skew
		s.read(vector[0].Timestamp, a.Span)
		if ahead := s.ahead(clock); i == 0 || ahead.High-ahead.Low < quickest.High-quickest.Low {
			quickest = ahead
		}
	}
	return quickest, nil
}
