package prom_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb/tsdbutil"
	"github.com/prometheus/prometheus/util/teststorage"
	v1 "github.com/prometheus/prometheus/web/api/v1"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A server is a real Prometheus but for its scraping: storage, engine and HTTP
// API. Its clock is ahead of the machine's.
type server struct {
	*httptest.Server
	handler http.Handler
	store   *teststorage.TestStorage
	engine  *promql.Engine
	ahead   time.Duration

	mu      sync.Mutex
	queries []string
}

func newServer(ahead time.Duration) (*server, error) {
	store, err := teststorage.NewWithError(int64(time.Hour / time.Millisecond))
	if err != nil {
		return nil, err
	}
	s := &server{store: store, ahead: ahead}
	s.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples:               1e6,
		Timeout:                  time.Minute,
		LookbackDelta:            5 * time.Minute,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 1000 },
	})
	api := v1.NewAPI(s.engine, store, nil, nil, nil, nil, nil,
		func() config.Config { return config.Config{} }, nil, v1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		nil, "", false, slog.New(slog.DiscardHandler), nil, 0, 0, 0, false, nil, nil, nil, nil, nil, nil,
		prometheus.NewRegistry(), nil, false, nil, false, false, false, false, 5*time.Minute, false, false, nil)
	router := route.New()
	api.Register(router.WithPrefix("/api/v1"))
	s.handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		s.mu.Lock()
		s.queries = append(s.queries, query)
		s.mu.Unlock()
		if r.FormValue("time") == "" {
			// What the API does by itself with the machine's clock.
			r.Form.Set("time", strconv.FormatFloat(float64(s.now().UnixMilli())/1000, 'f', 3, 64))
		}
		router.ServeHTTP(w, r)
	})
	s.Server = httptest.NewServer(s.handler)
	return s, nil
}

func start(t testing.TB, ahead time.Duration) *server {
	t.Helper()
	s, err := newServer(ahead)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *server) close() error {
	s.Close()
	return errors.Join(s.engine.Close(), s.store.Close())
}

// now is the server's clock.
func (s *server) now() time.Time { return time.Now().Add(s.ahead) }

// at is an instant of the machine's clock on the server's.
func (s *server) at(t time.Time) time.Time { return t.Add(s.ahead) }

// A sample has its time on the server's clock.
type sample struct {
	series string // as in PromQL
	at     time.Time
	value  float64
}

func (s *server) add(samples ...sample) error {
	app := s.store.Appender(context.Background())
	for _, one := range samples {
		series, err := parser.ParseMetric(one.series)
		if err != nil {
			return err
		}
		if _, err := app.Append(0, series, one.at.UnixMilli(), one.value); err != nil {
			return fmt.Errorf("append %s: %w", one.series, err)
		}
	}
	return app.Commit()
}

func (s *server) fill(t testing.TB, samples ...sample) {
	t.Helper()
	if err := s.add(samples...); err != nil {
		t.Fatal(err)
	}
}

func (s *server) fillHistogram(t testing.TB, name string) {
	t.Helper()
	app := s.store.Appender(context.Background())
	series := labels.FromStrings(model.MetricNameLabel, name)
	if _, err := app.AppendHistogram(0, series, s.now().UnixMilli(), tsdbutil.GenerateTestHistogram(1), nil); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
}

// every lists samples of a series, spacing apart, the last one ago before now.
func (s *server) every(series string, spacing, ago time.Duration, values ...float64) []sample {
	var list []sample
	last := s.now().Add(-ago)
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
