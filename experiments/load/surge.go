package load

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Surge is a fault: while it is on, the load that names it in [HTTP.Surge]
// multiplies its rate by Factor, in all its streams. Its effect is looked for
// in the requests that were sent.
//
//	surge := &load.Surge{Factor: 10}
//	experiment.Load = load.HTTP{Shape: load.Constant(100), URL: url, Surge: surge}
//	experiment.Faults = []experiments.Scheduled{{Fault: surge}}
//
// The reference is the rate of the settled stretch, so a load with a surge
// needs a constant shape, or nearly. A Surge must not be copied; it can be used
// again in the next run.
type Surge struct {
	// Factor multiplies the rate; above 1, and the shape's peak times Factor is
	// bounded like any rate.
	Factor float64

	mu      sync.Mutex
	streams []stream // of the running load; none: it does not run
	on      bool
}

var _ experiments.Bounded = (*Surge)(nil)

// String says what the fault does.
func (s *Surge) String() string {
	return fmt.Sprintf("surge of the load to %.4g times its rate", s.Factor)
}

// validate checks the factor alone.
func (s *Surge) validate() error {
	if !(s.Factor > 1) || math.IsInf(s.Factor, 1) { // nor NaN
		return fmt.Errorf("%g: want more than 1, as in 10", s.Factor)
	}
	return nil
}

// most is the factor of the highest rate of a load with the surge, which may be
// nil.
func (s *Surge) most() float64 {
	if s == nil || !(s.Factor > 1) {
		return 1
	}
	return s.Factor
}

// follow attaches the surge to the load that starts now; the returned function
// detaches it.
func (s *Surge) follow(streams []stream) (end func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams != nil {
		return nil, fmt.Errorf("load: %s: another load that names it is being driven; a surge is of one load", s)
	}
	s.streams, s.on = streams, false
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.streams, s.on = nil, false
	}, nil
}

// InjectTimeout is zero: Inject waits for nothing.
func (s *Surge) InjectTimeout() time.Duration { return 0 }

// Inject multiplies the load's rate. Its span is that of the switch.
func (s *Surge) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	if err := s.validate(); err != nil {
		return record.Injection{}, fmt.Errorf("surge: factor %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := rec.Clock().Now()
	injection := record.Injection{Kind: record.KindSurge, Span: steadystate.Instant(from)}
	switch {
	case s.on:
		injection.FailureReason = "it is on already"
	case s.streams == nil:
		injection.FailureReason = "no load is being driven that names it in its field Surge"
	default:
		for _, stream := range s.streams {
			if !stream.times.begun() {
				injection.FailureReason = fmt.Sprintf("the load's signal %s has not begun", stream.name())
			}
		}
	}
	if injection.FailureReason != "" {
		return injection, nil
	}
	s.on = true
	for _, stream := range s.streams {
		stream.times.multiply(s.Factor)
		injection.Targets = append(injection.Targets, record.Target{Name: stream.name()})
		injection.Effects = append(injection.Effects, record.Effect{Signal: stream.name(), Times: s.Factor})
	}
	injection.To = rec.Clock().Now()
	return injection, nil
}

// Recover returns to the load's own rate. A load that has stopped has no surge.
func (s *Surge) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	span := steadystate.Instant(rec.Clock().Now())
	if s.on {
		for _, stream := range s.streams {
			stream.times.multiply(1)
		}
	}
	s.on = false
	span.To = rec.Clock().Now()
	return span, nil
}
