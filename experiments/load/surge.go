package load

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Surge is a fault: while it is on, the load that names it in [HTTP.Surge]
// sends Factor times as many requests a second as its shape says, in all its
// streams. Its effect is looked for in the requests that were sent.
//
//	surge := &load.Surge{Factor: 10}
//	experiment.Load = load.HTTP{Shape: load.Constant(100), URL: url, Surge: surge}
//	experiment.Faults = []experiments.Scheduled{{Fault: surge}}
//
// What it is compared with is the rate of the settled stretch, so a load that
// surges wants a shape that is constant, or nearly. A Surge must not be copied;
// it can be used again in the next run.
type Surge struct {
	// Factor is by how much the rate is multiplied; more than 1, and the peak
	// of the shape times Factor is bounded as rates are.
	Factor float64

	mu      sync.Mutex
	streams []stream // of the load that runs; none: it does not
	on      bool
}

var _ experiments.Fault = (*Surge)(nil)

// String says what the fault does.
func (s *Surge) String() string {
	return fmt.Sprintf("surge of the load to %.4g times its rate", s.Factor)
}

// validate looks at the factor by itself.
func (s *Surge) validate() error {
	if !(s.Factor > 1) || math.IsInf(s.Factor, 1) { // nor NaN
		return fmt.Errorf("surge: factor %g: want more than 1, as in 10", s.Factor)
	}
	return nil
}

// most is the factor of the greatest rate that a load with the surge, which may
// be nil, comes to.
func (s *Surge) most() float64 {
	if s == nil || !(s.Factor > 1) {
		return 1
	}
	return s.Factor
}

// follow makes the surge one of the load that begins now; the returned function
// ends that.
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

// Inject multiplies the load's rate. Its span is that of the switch.
func (s *Surge) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	if err := s.validate(); err != nil {
		return record.Injection{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	from := rec.Clock().Now()
	injection := record.Injection{Span: steadystate.Instant(from)}
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

// Recover returns to the load's own rate. A load that is driven no more has no
// surge.
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
