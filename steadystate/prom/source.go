package prom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Source observes a query. It is a steadystate.Source; several sources may
// share a client, and one source may observe several times at once.
type Source struct {
	// Client is the client of the server; required.
	Client *Client
	// Query is evaluated at each poll; required.
	Query Query
	// Reduce combines several series. Default: a query that yields several is
	// refused.
	Reduce Reduction
	// Interval is the time between two polls. Default 1 s.
	Interval time.Duration
	// Timeout bounds one poll with all of its queries. Default 5 s. Observe
	// takes at most twice as long to return after its context has ended: for the
	// poll in flight, and the last one.
	Timeout time.Duration
	// Lookback is the server's query.lookback-delta: the maximum age of a sample
	// that an instant selector may use. Default 5 m, as in Prometheus.
	Lookback time.Duration

	apart bool // each series is observed separately: a missing one affects no other
}

func (s Source) withDefaults() Source {
	s.Interval = cmp.Or(s.Interval, time.Second)
	s.Timeout = cmp.Or(s.Timeout, 5*time.Second)
	s.Lookback = cmp.Or(s.Lookback, 5*time.Minute)
	return s
}

func (s Source) validate() error {
	switch {
	case s.Client == nil:
		return errors.New("observe prometheus: a source needs a client: prom.NewClient")
	case s.Query.expr == nil:
		return errors.New("observe prometheus: a source needs a query: prom.Parse")
	}
	if err := s.Reduce.validate(); err != nil {
		return fmt.Errorf("observe prometheus: query %q: %w", s.Query, err)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"interval", s.Interval},
		{"timeout", s.Timeout},
		{"lookback", s.Lookback},
	} {
		if d.value < 0 {
			return fmt.Errorf("observe prometheus: query %q: %s %s is below zero", s.Query, d.name, d.value)
		}
	}
	return nil
}

// Signal returns the source as a signal, with the query as its description.
func (s Source) Signal(name string) steadystate.Signal {
	return steadystate.Signal{Name: name, Source: s, Describe: s.String()}
}

// String returns the query with its reduction and its method of observation.
func (s Source) String() string {
	text := s.Query.String()
	if s.Reduce != "" {
		text = fmt.Sprintf("%s of %s", s.Reduce, text)
	}
	how := "evaluated"
	if s.bySample() {
		how = "raw samples, fetched"
	}
	return fmt.Sprintf("prometheus: %s (%s every %s)", text, how, s.withDefaults().Interval)
}

// bySample reports whether the raw samples are observed. A reduction needs all
// series at one instant, so it must be evaluated.
func (s Source) bySample() bool { return s.Query.raw() && (s.Reduce == "" || s.Reduce == Each) }

// Observe polls until ctx ends, and once more after that to catch the last
// scrapes. It records a poll without a number as unknown, with the reason, from
// its request to its answer, and continues polling. The next poll fetches the
// raw samples that a failed one missed, so they are unknown only once that poll
// is due. The error concerns the source alone: no client, no query, an unknown
// reduction.
func (s Source) Observe(ctx context.Context, clock steadystate.Clock, record func(steadystate.Observation)) error {
	if err := s.validate(); err != nil {
		return err
	}
	s.watch(ctx, clock, func(l look, err error) {
		for _, p := range l.points {
			if p.Unknown != "" {
				p.Unknown = s.reason(p.Unknown)
			}
			record(p.Observation)
		}
		if err == nil {
			err = l.complaint()
		}
		if err != nil {
			record(s.unknown(l.during, err))
		}
	})
	return nil
}

// watch polls until ctx ends, and once more after that.
func (s Source) watch(ctx context.Context, clock steadystate.Clock, each func(look, error)) {
	s = s.withDefaults()
	p := s.poller(clock)
	// A poll in flight when ctx ends still counts.
	polling := context.WithoutCancel(ctx)
	once := func(last bool) {
		began := clock.Now()
		ctx, cancel := context.WithTimeout(polling, s.Timeout)
		defer cancel()
		l, err := p.poll(ctx, last)
		if err != nil {
			l.during.From = min(l.during.From, began) // all of its queries share the timeout
		}
		each(l, err)
	}
	ticker := time.NewTicker(s.Interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		once(false)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	once(true)
}

// unknown is the observation of a failed poll.
func (s Source) unknown(during steadystate.Span, err error) steadystate.Observation {
	return steadystate.Observation{Span: during, Unknown: s.reason(err.Error())}
}

func (s Source) reason(text string) string {
	return fmt.Sprintf("prometheus: query %q: %s", s.Query, text)
}

// observe makes an observation of a value; NaN is unknown.
func observe(span steadystate.Span, value float64) steadystate.Observation {
	if err := number(value); err != nil {
		return steadystate.Observation{Span: span, Unknown: err.Error()}
	}
	return steadystate.Observation{Span: span, Value: value}
}
