package bench

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/aftershockhq/aftershock/experiments"
)

// serviceVariable is set in the environment of a service process, to its
// service's name.
const serviceVariable = "AFTERSHOCK_BENCH_SERVICE"

// temporaryVariable names the directory that the bench removes when it stops. A
// service that outlives its bench, if only for a moment, removes it instead.
const temporaryVariable = "AFTERSHOCK_BENCH_TEMPORARY"

// PodHeader is the header by which a service names itself in each answer.
const PodHeader = "X-Pod"

// The paths of a service.
const (
	workPath    = "/"
	metricsPath = "/metrics"
	healthPath  = "/-/healthy"
)

// IsService reports whether this process was started by a bench as one of its
// services, or as a [Driver]; main must then call [Serve] and do nothing else.
func IsService() bool { return os.Getenv(serviceVariable) != "" || os.Getenv(driverVariable) != "" }

// Serve is a service process: it serves HTTP on a loopback port of its own
// until the bench that started it is gone, and returns the process's exit
// code. Standard input and output are pipes to the bench. In the process of a
// [Driver] it is that instead.
func Serve() int {
	run := func() error { return serve(os.Getenv(serviceVariable), os.Stdin, os.Stdout) }
	if plan := os.Getenv(driverVariable); plan != "" {
		run = func() error { return drive([]byte(plan), os.Stdin, os.Stdout) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// serve serves until life ends: the bench holds the other end of that pipe and
// writes nothing to it, so the pipe ends with the bench, however that ended.
func serve(name string, life io.Reader, reports io.Writer) error {
	before := time.Now()
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(loopback()))
	if err != nil {
		return fmt.Errorf("listen for %s: %w", name, err)
	}
	out := &reporter{w: reports}
	// The kernel accepts connections since it listens.
	up := report{Listening: &listening{Address: listener.Addr().String(), Before: before.UnixNano()}}
	if err := out.report(up); err != nil {
		return errors.Join(err, listener.Close())
	}

	server := &http.Server{Handler: handler(name, out), ReadHeaderTimeout: 10 * time.Second}
	orphaned := make(chan struct{})
	go func() {
		defer close(orphaned)
		_, _ = io.Copy(io.Discard, life)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", name, err)
	}
	<-orphaned
	// A bench that stops in good order kills its services; this one has lost its
	// bench, which can no longer remove anything.
	if dir := os.Getenv(temporaryVariable); dir != "" {
		return os.RemoveAll(dir)
	}
	return nil
}

func handler(name string, out *reporter) http.Handler {
	registry := prometheus.NewRegistry()
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "http_request_duration_seconds",
		Help: "Time taken to answer a request.",
		// An answer on loopback takes a fraction of a millisecond.
		Buckets: []float64{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5},
	}, []string{"route", "code"})
	registry.MustRegister(
		durations,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)

	mux := http.NewServeMux()
	mux.Handle("GET "+workPath+"{$}", promhttp.InstrumentHandlerDuration(
		durations.MustCurryWith(prometheus.Labels{"route": workPath}),
		work(name, out),
	))
	mux.Handle("GET "+metricsPath, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET "+healthPath, func(http.ResponseWriter, *http.Request) {})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(PodHeader, name)
		mux.ServeHTTP(w, r)
	})
}

// workSize makes an answer cost some tens of microseconds of CPU.
const workSize = 64 << 10

// work answers requests, and reports each of a vegeta attack before its answer:
// an answered request was certainly seen, even if the process is killed in
// between. The query "delay=20ms" delays the answer, so that requests are in
// flight at a kill.
func work(name string, out *reporter) http.Handler {
	block := make([]byte, workSize)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if seq, err := strconv.ParseUint(r.Header.Get("X-Vegeta-Seq"), 10, 64); err == nil {
			seen := report{Seen: &request{Attack: r.Header.Get("X-Vegeta-Attack"), Seq: seq}}
			if err := out.report(seen); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		if text := r.URL.Query().Get("delay"); text != "" {
			delay, err := time.ParseDuration(text)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			if experiments.Wait(r.Context(), delay) != nil {
				return
			}
		}
		_, _ = fmt.Fprintf(w, "%s %x\n", name, sha256.Sum256(block))
	})
}
