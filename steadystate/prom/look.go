package prom

import (
	"context"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A poller polls once per call.
type poller interface {
	// poll returns the new points. On an error the poll's span is unknown, but
	// there may still be points. last: no later poll can fetch what this one
	// misses.
	poll(ctx context.Context, last bool) (look, error)
}

// A look is the result of one poll, with the span from its request to its
// answer.
type look struct {
	during steadystate.Span
	points []point
	series []model.Metric // that exist, if each is observed
	silent []silence
}

// A point is an observation, with its series if each series is observed.
type point struct {
	steadystate.Observation
	series model.Metric
}

// A silence is a series that still exists but is no longer scraped.
type silence struct {
	series model.Metric
	err    error
}

// complaint is the error of a silent series, if there is one.
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
