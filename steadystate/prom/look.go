package prom

import (
	"context"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A poller takes the next look.
type poller interface {
	// poll returns what is new. The error is what the poll's span is unknown
	// for; there may be points all the same. After the last one nothing comes
	// that could make good what it missed.
	poll(ctx context.Context, last bool) (look, error)
}

// A look is what one poll found, and when it was sent and answered.
type look struct {
	during steadystate.Span
	points []point
	series []model.Metric // that there are, if each is observed
	silent []silence
}

// A point is an observation, of one series if each is observed.
type point struct {
	steadystate.Observation
	series model.Metric
}

// A silence is a series that is still there and not scraped any more.
type silence struct {
	series model.Metric
	err    error
}

// complaint is the error of a series that is silent, if there is one.
func (l look) complaint() error {
	if len(l.silent) == 0 {
		return nil
	}
	return l.silent[0].err
}

func (s Source) poller(clock steadystate.Clock) poller {
	if s.bySample() {
		return newSamples(s, clock)
	}
	return newEvaluations(s, clock)
}
