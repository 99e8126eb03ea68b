package prom_test

import (
	"context"
	"fmt"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/steadystate/prom/promtest"
)

// A server is a Prometheus that a test fills.
type server struct {
	*promtest.Prometheus
	*httptest.Server
}

// newServer is for examples, which close it.
func newServer() (*server, error) {
	p, err := promtest.New()
	if err != nil {
		return nil, err
	}
	return &server{p, httptest.NewServer(p)}, nil
}

func start(t testing.TB, ahead time.Duration) *server {
	t.Helper()
	s, err := newServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	s.Ahead = ahead
	return s
}

func (s *server) close() error {
	s.Server.Close()
	return s.Prometheus.Close()
}

// at is an instant of the machine's clock on the server's.
func (s *server) at(t time.Time) time.Time { return t.Add(s.Ahead) }

// A sample has its time on the server's clock.
type sample struct {
	series string // as in PromQL
	at     time.Time
	value  float64
}

func (s *server) add(samples ...sample) error {
	for _, one := range samples {
		if err := s.Append(one.series, one.at, one.value); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) fill(t testing.TB, samples ...sample) {
	t.Helper()
	if err := s.add(samples...); err != nil {
		t.Fatal(err)
	}
}

// asked waits for the first request for a query: what is scraped before a source
// asks is not its to observe.
func (s *server) asked(t testing.TB, query string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !slices.Contains(s.Queries(), query); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s was not asked for within 30s", query)
		}
	}
}

func (s *server) fillHistogram(t testing.TB, name string) {
	t.Helper()
	app := s.Storage.Appender(context.Background())
	series := labels.FromStrings(model.MetricNameLabel, name)
	if _, err := app.AppendHistogram(0, series, s.Now().UnixMilli(), tsdbutil.GenerateTestHistogram(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// every lists samples of a series, spacing apart, the last one ago before now.
func (s *server) every(series string, spacing, ago time.Duration, values ...float64) []sample {
	var list []sample
	last := s.Now().Add(-ago)
	for i, v := range values {
		list = append(list, sample{series, last.Add(-spacing * time.Duration(len(values)-1-i)), v})
	}
	return list
}

func stale(series string, at time.Time) sample {
	return sample{series, at, math.Float64frombits(value.StaleNaN)}
}

func client(t testing.TB, url string) *prom.Client {
	t.Helper()
	c, err := prom.NewClient(prom.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// log keeps what a source records.
type log struct {
	mu   sync.Mutex
	list []steadystate.Observation
	more chan struct{}
}

func newLog() *log { return &log{more: make(chan struct{}, 1)} }

func (l *log) record(o steadystate.Observation) {
	l.mu.Lock()
	l.list = append(l.list, o)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

func (l *log) all() []steadystate.Observation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]steadystate.Observation(nil), l.list...)
}

// until waits until what is recorded satisfies the condition.
func (l *log) until(t testing.TB, what string, holds func([]steadystate.Observation) bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !holds(l.all()) {
		select {
		case <-l.more:
		case <-deadline.C:
			t.Fatalf("not within 30s: %s; recorded %s", what, show(l.all()...))
		}
	}
}

// once observes with a context that has ended: one poll.
func once(t testing.TB, source prom.Source) (steadystate.Clock, []steadystate.Observation) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	clock := steadystate.StartClock()
	l := newLog()
	if err := source.Observe(ctx, clock, l.record); err != nil {
		t.Fatal(err)
	}
	return clock, l.all()
}

// watch observes in the background; stop ends it and returns what it saw.
func watch(t testing.TB, source prom.Source, clock steadystate.Clock) (l *log, stop func() []steadystate.Observation) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l = newLog()
	ended := make(chan error, 1)
	go func() { ended <- source.Observe(ctx, clock, l.record) }()
	stop = sync.OnceValue(func() []steadystate.Observation {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return l.all()
	})
	t.Cleanup(func() { stop() })
	return l, stop
}

func reasons(list []steadystate.Observation) string {
	var b strings.Builder
	for _, o := range list {
		if o.Unknown != "" {
			fmt.Fprintln(&b, o.Unknown)
		}
	}
	return b.String()
}

// show prints observations in full.
func show(list ...steadystate.Observation) string {
	var b strings.Builder
	for _, o := range list {
		fmt.Fprintf(&b, "\n\t%s value %g unknown %q", o.Span, o.Value, o.Unknown)
	}
	return b.String()
}
