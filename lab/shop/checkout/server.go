package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// sequence is the header in which a load generator numbers its requests.
const sequence = "X-Vegeta-Seq"

// checkout is the service behind its routes.
type checkout struct {
	config
	truth    *truth
	ready    atomic.Bool
	duration *prometheus.HistogramVec
	registry *prometheus.Registry
}

func newCheckout(c config, t *truth) *checkout {
	s := &checkout{config: c, truth: t, registry: prometheus.NewRegistry()}
	s.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "How long requests took, by route, method and status code.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"route", "method", "code"})
	// There from the start, so that the first request is an increase and not a new series.
	s.duration.WithLabelValues("/checkout", http.MethodGet, "200")
	s.registry.MustRegister(s.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// routes are what it answers. Probes and scrapes are not in the histogram: it tells what customers saw.
func (s *checkout) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /checkout", s.measured("/checkout", http.HandlerFunc(s.checkout)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !s.ready.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	mux.Handle("/", s.measured("other", http.NotFoundHandler()))
	return mux
}

func (s *checkout) measured(route string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		seen := &status{ResponseWriter: w, code: http.StatusOK}
		next.ServeHTTP(seen, r)
		s.duration.WithLabelValues(route, method(r.Method), strconv.Itoa(seen.code)).Observe(time.Since(begin).Seconds())
	})
}

// method keeps callers from making up label values.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return "other"
}

type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *checkout) checkout(w http.ResponseWriter, r *http.Request) {
	if err := s.truth.Event("request", r.Header.Get(sequence)); err != nil {
		log.Print(err)
	}
	sum := hash(s.work)
	w.Header().Set("X-Pod", s.pod)
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"order\":\"%x\",\"pod\":%q}\n", sum[:4], s.pod)
}

// hash is the work of one request: that many kilobytes.
func hash(kilobytes int) [sha256.Size]byte {
	var block [1024]byte
	for range kilobytes {
		sum := sha256.Sum256(block[:])
		copy(block[:], sum[:])
	}
	return [sha256.Size]byte(block[:sha256.Size])
}

// serve is the whole life of the server; it ends some time after ctx does.
func serve(ctx context.Context, c config, t *truth) error {
	if err := t.Event(started, ""); err != nil {
		return err
	}
	select {
	case <-time.After(c.startDelay):
	case <-ctx.Done():
		return errors.Join(t.Event(terminating, ""), t.Event(exiting, ""))
	}
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := newCheckout(c, t)
	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.ready.Store(true)
	if err := t.Event(listening, ""); err != nil {
		return err
	}

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	if err := t.Event(terminating, ""); err != nil {
		return err
	}
	if !c.graceful {
		return errors.Join(t.Event(exiting, ""), server.Close())
	}
	return errors.Join(s.drain(context.WithoutCancel(ctx), server), t.Event(exiting, ""))
}

// drain goes on serving until the news has spread that it is not ready, then answers what is under way.
func (s *checkout) drain(ctx context.Context, server *http.Server) error {
	s.ready.Store(false)
	server.SetKeepAlivesEnabled(false) // a client with an open connection learns it from the answer
	time.Sleep(s.drainDelay)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return s.truth.Event(closed, "")
}
