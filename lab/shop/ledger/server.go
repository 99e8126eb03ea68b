package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The values of the labels of ops_total.
const (
	read, write = "read", "write"

	ok      = "ok"
	missing = "missing" // a read of an entry that is not there
	failed  = "failed"  // the journal could not be written, or has not been replayed yet
)

// maxValue is how many bytes an entry may have.
const maxValue = 4096

// server serves a store, once that is open.
type server struct {
	config
	store    atomic.Pointer[store] // nil until the journal is replayed
	draining atomic.Bool
	ops      *prometheus.CounterVec
	mux      *http.ServeMux
}

func newServer(c config) *server {
	s := &server{config: c, mux: http.NewServeMux()}
	s.ops = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ops_total", Help: "Operations on entries, by op (read, write) and result (ok, missing, failed).",
	}, []string{"op", "result"})
	// There from the start, so that the first of a kind is an increase and not a new series.
	for _, of := range [][]string{{read, ok}, {read, missing}, {read, failed}, {write, ok}, {write, failed}} {
		s.ops.WithLabelValues(of...)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(s.ops, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "ledger_entries", Help: "Entries in the store."}, s.size))
	s.mux.HandleFunc("GET /entries", s.count)
	s.mux.HandleFunc("GET /entries/{key}", s.get)
	s.mux.HandleFunc("PUT /entries/{key}", s.put)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return s
}

// ServeHTTP says who answers, and from which store.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Pod", s.pod)
	w.Header().Set("X-Store", s.storeName)
	s.mux.ServeHTTP(w, r)
}

func (s *server) size() float64 {
	if store := s.store.Load(); store != nil {
		return float64(store.len())
	}
	return 0
}

func (s *server) readyz(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.store.Load() == nil:
		http.Error(w, "replaying the journal", http.StatusServiceUnavailable)
	case s.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ready")
	}
}

// open is the store, or nil if the request has been answered with an error because it is not open yet.
func (s *server) open(w http.ResponseWriter, op string) *store {
	store := s.store.Load()
	if store == nil {
		s.ops.WithLabelValues(op, failed).Inc()
		http.Error(w, "replaying the journal", http.StatusServiceUnavailable)
	}
	return store
}

// count is what any pod can answer, whatever its entries: a request for a load that does not choose its pod.
func (s *server) count(w http.ResponseWriter, _ *http.Request) {
	store := s.open(w, read)
	if store == nil {
		return
	}
	s.ops.WithLabelValues(read, ok).Inc()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"pod\":%q,\"entries\":%d}\n", s.pod, store.len())
}

func (s *server) get(w http.ResponseWriter, r *http.Request) {
	store := s.open(w, read)
	if store == nil {
		return
	}
	value, there := store.get(r.PathValue("key"))
	if !there {
		s.ops.WithLabelValues(read, missing).Inc()
		http.Error(w, "no such entry", http.StatusNotFound)
		return
	}
	s.ops.WithLabelValues(read, ok).Inc()
	_, _ = io.WriteString(w, value)
}

func (s *server) put(w http.ResponseWriter, r *http.Request) {
	store := s.open(w, write)
	if store == nil {
		return
	}
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxValue))
	if err != nil { // the client's mistake, or it has gone: the store was not asked
		http.Error(w, fmt.Sprintf("want a value of at most %d bytes", maxValue), http.StatusRequestEntityTooLarge)
		return
	}
	if err := store.put(r.PathValue("key"), string(value)); err != nil {
		s.ops.WithLabelValues(write, failed).Inc()
		log.Print(err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.ops.WithLabelValues(write, ok).Inc()
	w.WriteHeader(http.StatusNoContent)
}

// serve is the whole life of the store: it listens, replays its journal, is ready, and ends some time after ctx does.
func serve(ctx context.Context, c config) error {
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s := newServer(c)
	httpServer := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- httpServer.Serve(listener) }()

	begin := time.Now()
	store, err := openStore(ctx, c.data)
	if err != nil {
		return errors.Join(err, httpServer.Close())
	}
	defer func() { _ = store.journal.close() }()
	log.Printf("%s has %d entries, replayed in %s", store.journal.file.Name(), store.len(), time.Since(begin).Round(time.Microsecond))
	s.store.Store(store)

	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	httpServer.SetKeepAlivesEnabled(false) // a client with an open connection learns it from the answer
	time.Sleep(c.drainDelay)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := httpServer.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
