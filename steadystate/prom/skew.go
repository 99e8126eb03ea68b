package prom

import (
	"math"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A skew knows where instants of the server's clock lie on the record's. Each
// evaluation is a reading of the server's clock, taken at some instant between
// the query and its answer; the readings bound the difference of the clocks,
// and the quickest bounds it most closely.
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
	// readings kept: enough for a quick answer to be among them.
	mostReadings = 64
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

// at is where the server's instant t lies on the record's clock. A reading
// counts for less the longer before or after t it was taken. Readings that
// contradict each other mean that a clock was set: then what either of them
// says may be true. There must be a reading.
func (s *skew) at(t time.Duration) steadystate.Span {
	low, high := time.Duration(math.MinInt64), time.Duration(math.MaxInt64)
	hull := steadystate.Span{From: high, To: low}
	for _, r := range s.readings {
		apart := t - r.server
		if apart < 0 {
			apart = -apart
		}
		slack := time.Duration(float64(apart) * drift)
		low, high = max(low, r.low-slack), min(high, r.high+slack)
		hull = hull.Hull(steadystate.Span{From: r.low - slack, To: r.high + slack})
	}
	if low > high {
		low, high = hull.From, hull.To
	}
	return steadystate.Span{From: t + low, To: t + high + cut}
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
