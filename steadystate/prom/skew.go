package prom

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A skew knows where instants of the server's clock lie on the record's. Each
// evaluation is a reading of the server's clock, taken at some instant between
// the query and its answer; so it bounds the difference of the clocks then. One
// that is taken from others must hold what the clocks did in between.
type skew struct{ readings []reading }

// A reading says: when the server's clock showed server, the record's was in
// server + [low, high]. The server's is in time since 1970.
type reading struct {
	server    time.Duration
	low, high time.Duration
}

const (
	// cut is what the times that Prometheus states are cut to.
	cut = time.Millisecond
	// readings kept: those of the time that samples are fetched for.
	mostReadings = 512
	// drift is by how much one clock may run faster than another: 500 parts per
	// million is the most that NTP slews a clock by, and ten times what clocks
	// that are left alone differ by.
	drift = 500e-6
	// alignment is by how much Prometheus may move the time of a scrape to
	// where it should have been (its scrape.timestamp-tolerance).
	alignment = 2 * time.Millisecond
)

func sinceEpoch(t model.Time) time.Duration { return time.Duration(t) * time.Millisecond }

// read takes a reading: an evaluation at the server's instant t, asked for and
// answered in the span.
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

// at is where the server's instant t lies on the record's clock: by what the
// last reading before it says, or the first one after it, each of which counts
// for less the further from t it is. So it holds a clock that was set, once
// between two readings; quicker readings from before or after that would bound
// it more closely, and by the wrong difference. There must be a reading.
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
// and the next: having gone on from the one, or towards the other.
func (r reading) shows(t time.Duration, next reading) bool {
	apart := next.server + next.high - (r.server + r.low)
	return (r.server < t && t < r.server+apart) || (next.server-apart < t && t < next.server)
}

// scraped is where the scrape with time t began.
func (s *skew) scraped(t model.Time) steadystate.Span {
	at := s.at(sinceEpoch(t))
	return steadystate.Span{From: at.From - alignment, To: at.To + alignment}
}

// ahead is by how much the server's clock is ahead of this machine's, given
// the record's start on this machine's.
func (s *skew) ahead(clock steadystate.Clock) steadystate.Bounds[time.Duration] {
	if len(s.readings) == 0 {
		return steadystate.Bounds[time.Duration]{}
	}
	last := s.readings[len(s.readings)-1].server
	on := s.at(last)
	start := time.Duration(clock.Start().UnixNano())
	return steadystate.Bounds[time.Duration]{Low: last - start - on.To, High: last - start - on.From + cut}
}

// Ahead is by how much the server's clock is ahead of this machine's now, by the
// quickest of five answers, or of those until ctx ends. The error says that there
// was none.
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
