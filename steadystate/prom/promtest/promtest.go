// Package promtest is a Prometheus for tests: its real storage, engine and HTTP
// API, without scraping. The test writes the series down, over time.
//
//	server := promtest.NewServer(t)
//	err := server.Load(5*time.Second, time.Now().Add(-time.Minute),
//		`requests_total{pod="a"} 0+100x12`,
//		`requests_total{pod="b"} 0+100x6 _ _ stale`)
//	client, err := prom.NewClient(prom.Config{URL: server.URL})
//
// A test that needs no socket, as within testing/synctest, or a proxy before the
// server, takes the [http.Handler] of [New].
package promtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/teststorage"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// A Prometheus answers /api/v1 of Prometheus' HTTP API. It is safe for
// concurrent use.
type Prometheus struct {
	// Ahead is how much its clock is ahead of this machine's; set it before the
	// first request. Times of samples are on its clock.
	Ahead time.Duration
	// Storage is for what Load and Append cannot write, such as native
	// histograms.
	Storage storage.Storage

	engine *promql.Engine
	api    http.Handler

	mu      sync.Mutex
	queries []string
}

// A Server is a Prometheus at a URL of this machine.
type Server struct {
	*Prometheus
	URL string // http://127.0.0.1:PORT

	http *httptest.Server
}

// NewServer starts a server, and closes it when the test ends.
func NewServer(t testing.TB) *Server {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p)
	s := &Server{p, server.URL, server}
	t.Cleanup(func() {
		s.Close()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Close stops serving before the test ends: from then on connections are refused.
func (s *Server) Close() { s.http.Close() }

// New is a Prometheus without series, whose storage is in a temporary directory
// until Close. It accepts samples that are up to an hour older than the latest.
func New() (*Prometheus, error) {
	store, err := teststorage.NewWithError(int64(time.Hour / time.Millisecond))
	if err != nil {
		return nil, err
	}
	p := &Prometheus{Storage: store}
	p.engine = promql.NewEngine(promql.EngineOpts{
		MaxSamples:               1e6,
		Timeout:                  time.Minute,
		LookbackDelta:            5 * time.Minute,
		EnableAtModifier:         true,
		EnableNegativeOffset:     true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 1000 },
	})
	api := v1.NewAPI(p.engine, store, nil, nil, nil, nil, nil,
		func() config.Config { return config.Config{} }, nil, v1.GlobalURLOptions{},
		func(f http.HandlerFunc) http.HandlerFunc { return f },
		nil, "", false, slog.New(slog.DiscardHandler), nil, 0, 0, 0, false, nil, nil, nil, nil, nil, nil,
		prometheus.NewRegistry(), nil, false, nil, false, false, false, false, 5*time.Minute, false, false, nil)
	router := route.New()
	api.Register(router.WithPrefix("/api/v1"))
	p.api = router
	return p, nil
}

// Close removes the storage; the caller has stopped serving.
func (p *Prometheus) Close() error { return errors.Join(p.engine.Close(), p.Storage.Close()) }

// Now is its clock.
func (p *Prometheus) Now() time.Time { return time.Now().Add(p.Ahead) }

// ServeHTTP answers a request to the API.
func (p *Prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.FormValue("query")
	p.mu.Lock()
	p.queries = append(p.queries, query)
	p.mu.Unlock()
	if r.FormValue("time") == "" {
		// What the API does by itself with the machine's clock.
		r.Form.Set("time", strconv.FormatFloat(float64(p.Now().UnixMilli())/1000, 'f', 3, 64))
	}
	p.api.ServeHTTP(w, r)
}

// Queries are the queries of all requests so far, in their order.
func (p *Prometheus) Queries() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.queries)
}

// Load stores series in the notation of promtool's unit tests, as in
// `up{pod="a"} 1 1 _ 0x10 stale`: the first value is of the time from, the next
// ones follow in steps of every. See
// https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series
func (p *Prometheus) Load(every time.Duration, from time.Time, series ...string) error {
	app := p.Storage.Appender(context.Background())
	for _, text := range series {
		labels, values, err := parser.ParseSeriesDesc(text)
		if err == nil && len(values) == 0 {
			err = errors.New("it has no values")
		}
		if err != nil {
			return errors.Join(fmt.Errorf("load %s: %w", text, err), app.Rollback())
		}
		for i, v := range values {
			if v.Omitted {
				continue
			}
			at := from.Add(time.Duration(i) * every).UnixMilli()
			if v.Histogram != nil {
				_, err = app.AppendHistogram(0, labels, at, nil, v.Histogram)
			} else {
				_, err = app.Append(0, labels, at, v.Value)
			}
			if err != nil {
				return errors.Join(fmt.Errorf("load %s: value %d: %w", text, i, err), app.Rollback())
			}
		}
	}
	return app.Commit()
}

// Append stores one sample of a series, as a scrape does now and then. The value
// of a stale marker is that of package value of Prometheus.
func (p *Prometheus) Append(series string, at time.Time, v float64) error {
	labels, err := parser.ParseMetric(series)
	if err != nil {
		return fmt.Errorf("append %s: %w", series, err)
	}
	app := p.Storage.Appender(context.Background())
	if _, err := app.Append(0, labels, at.UnixMilli(), v); err != nil {
		return errors.Join(fmt.Errorf("append %s: %w", series, err), app.Rollback())
	}
	return app.Commit()
}
