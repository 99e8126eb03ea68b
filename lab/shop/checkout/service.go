package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// sequence is the header in which a load generator numbers its requests.
const sequence = "X-Vegeta-Seq"

// service is what checkout and payments have in common: a life, probes, metrics and a log of what it saw.
type service struct {
	config
	truth    *truth
	work     work
	ready    atomic.Bool
	mux      *http.ServeMux
	duration *prometheus.HistogramVec
	registry *prometheus.Registry

	alive      func(context.Context) error // nil: it is as long as it answers
	background func(context.Context)       // nil: nothing to do besides; else it runs until its context ends
	leave      func()                      // nil; else ends what a server's shutdown does not know of
}

func newService(c config, t *truth) *service {
	s := &service{config: c, truth: t, work: work{each: c.work}, mux: http.NewServeMux(), registry: prometheus.NewRegistry()}
	s.duration = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "How long requests took, by route, method and status code.",
		Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
	}, []string{"route", "method", "code"})
	s.registry.MustRegister(s.duration, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// Probes and scrapes are not in the histogram: it tells what customers saw.
	s.mux.HandleFunc("GET /healthz", s.healthz)
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	s.mux.Handle("/", s.measured("other", http.NotFoundHandler()))
	return s
}

// route adds one that customers use.
func (s *service) route(method, path string, h http.HandlerFunc) {
	// There from the start, so that the first request is an increase and not a new series.
	s.duration.WithLabelValues(path, method, "200")
	s.mux.Handle(method+" "+path, s.measured(path, h))
}

func (s *service) healthz(w http.ResponseWriter, r *http.Request) {
	time.Sleep(s.livenessDelay)
	if s.alive != nil {
		if err := s.alive(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "alive")
}

func (s *service) readyz(w http.ResponseWriter, _ *http.Request) {
	if !s.ready.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// saw writes down that a request came in.
func (s *service) saw(r *http.Request) {
	if err := s.truth.Event(requested, r.Header.Get(sequence)); err != nil {
		log.Print(err)
	}
}

// serve is the whole life of a service; it ends some time after ctx does.
func serve(ctx context.Context, c config, t *truth, role func(config, *truth) *service) error {
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
	s := role(c, t)
	server := &http.Server{Handler: s.mux, ReadHeaderTimeout: 10 * time.Second}
	stop := s.begin(context.WithoutCancel(ctx))
	defer stop()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	s.ready.Store(true)
	if err := t.Event(listening, ""); err != nil {
		return errors.Join(err, server.Close())
	}

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	if err := t.Event(terminating, ""); err != nil {
		return errors.Join(err, server.Close())
	}
	if !c.graceful {
		return errors.Join(t.Event(exiting, ""), server.Close())
	}
	err = s.drain(context.WithoutCancel(ctx), server)
	stop()
	return errors.Join(err, t.Event(exiting, ""))
}

// begin starts what goes on in the background; stop ends it and waits.
func (s *service) begin(ctx context.Context) (stop func()) {
	if s.background == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.background(ctx) })
	return func() { cancel(); running.Wait() }
}

// drain goes on serving until the news has spread that it is not ready, then answers what is under way.
func (s *service) drain(ctx context.Context, server *http.Server) error {
	s.ready.Store(false)
	server.SetKeepAlivesEnabled(false) // a client with an open connection learns it from the answer
	time.Sleep(s.drainDelay)
	if s.leave != nil {
		s.leave()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return s.truth.Event(closed, "")
}
