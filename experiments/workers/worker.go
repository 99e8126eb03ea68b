package workers

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Worker waits for its share of one load, drives it, and sends back the
// outcome of its requests.
type Worker struct {
	// Run is the ID of its run; required. It accepts only requests that carry it.
	Run string
	// Idle is how long it waits for a client before it exits. Default 3 minutes.
	Idle time.Duration

	ahead   time.Duration // offset of its clock, for tests
	version string        // of the program, for tests
}

// ErrUnwanted is returned by [Worker.Serve] if no client sent a load in time.
var ErrUnwanted = errors.New("no client connected")

const (
	flushEvery = 100 * time.Millisecond // maximum delay of a result on its way back
	aliveEvery = time.Second            // interval of signs of life while there is nothing to send
	largest    = 16 << 20               // assignment, with its body
	// lingering is how long a worker still answers clock requests after its load.
	lingering = 15 * time.Second
)

// Serve answers on the listener until ctx ends, in which case it waits for
// requests in flight, or until no client has connected for long enough; the
// error then wraps [ErrUnwanted] if it never had a load.
func (w Worker) Serve(ctx context.Context, listener net.Listener) error {
	if w.Run == "" {
		return errors.Join(errors.New("serve as a load worker: name the run"), listener.Close())
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	idle := cmp.Or(w.Idle, 3*time.Minute)
	s := &service{ahead: w.ahead, version: cmp.Or(w.version, record.Tool()), clock: steadystate.StartClock(), idle: idle}
	s.timer = time.AfterFunc(idle, func() { end(fmt.Errorf("end by itself: %w for %s", ErrUnwanted, idle)) })
	defer s.timer.Stop()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /"+w.Run+"/clock", s.tell)
	mux.HandleFunc("POST /"+w.Run+"/order", s.take)
	mux.HandleFunc("GET /"+w.Run+"/drive", s.drive)
	mux.HandleFunc("POST /"+w.Run+"/stop", s.stop)
	server := &http.Server{
		Handler: s.counted(mux), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }, // the context ends a drive
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve as a load worker: %w", err)
	case <-ctx.Done():
	}
	// A drive notices too, and ends once its requests are answered.
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	err := server.Shutdown(draining)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if cause := context.Cause(ctx); errors.Is(cause, ErrUnwanted) && !s.driven() {
		err = errors.Join(err, cause)
	}
	return err
}

// service is a worker that runs.
type service struct {
	ahead   time.Duration
	version string
	clock   steadystate.Clock
	timer   *time.Timer

	mu     sync.Mutex
	idle   time.Duration
	calls  int          // in progress
	window *load.Window // of its load; nil: no load yet
	load   load.HTTP
	start  time.Duration
	began  bool // a drive has started
}

// counted keeps the worker from exiting during a call.
func (s *service) counted(next http.Handler) http.Handler {
	count := func(by int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calls += by; s.calls > 0 {
			s.timer.Stop()
		} else {
			s.timer.Reset(s.idle)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count(1)
		defer count(-1)
		next.ServeHTTP(w, r)
	})
}

func (s *service) driven() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.began
}

// A moment is a worker's time: the offset from its start, and the start by its
// wall clock. Version is that of the worker's program.
type moment struct {
	Started time.Time     `json:"started"`
	Now     time.Duration `json:"now"`
	Version string        `json:"version,omitempty"`
}

func (s *service) tell(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(moment{Started: s.clock.Start().UTC(), Now: s.now(), Version: s.version})
}

// now is the worker's time.
func (s *service) now() time.Duration { return s.clock.Now() + s.ahead }

// toldToEnd is why a drive ends before its window, if a client still reads it.
const toldToEnd = "the worker was told to end: was its pod evicted or deleted, or its node drained?"

// take accepts the only load. The outcome of its requests is fetched by a
// separate request: a proxy written in Go may close a connection on which the
// answer begins while it still expects more of the request's body, so a long
// answer must belong to a request without a body.
func (s *service) take(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, format string, args ...any) { http.Error(w, fmt.Sprintf(format, args...), code) }
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if err != nil {
		refuse(http.StatusRequestEntityTooLarge, "read the load: %v", err)
		return
	}
	var o assignment
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields() // unknown fields would not be driven
	if err := strict.Decode(&o); err != nil {
		refuse(http.StatusBadRequest, "read the load: %v: is the workers' image of this version?", err)
		return
	}
	h, err := o.load()
	if err != nil {
		refuse(http.StatusBadRequest, "%v", err)
		return
	}
	window := load.NewWindow(s.clock.Start().Add(o.Start - s.ahead))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window != nil {
		refuse(http.StatusConflict, "it has a load already")
		return
	}
	s.window, s.load, s.start = window, h.In(window), o.Start
	w.WriteHeader(http.StatusNoContent)
}

// drive drives the load, once.
func (s *service) drive(w http.ResponseWriter, r *http.Request) {
	refuse := func(format string, args ...any) { http.Error(w, fmt.Sprintf(format, args...), http.StatusConflict) }
	s.mu.Lock()
	has, began, h, start := s.window != nil, s.began, s.load, s.start
	if has {
		s.began, s.idle = true, min(s.idle, lingering)
	}
	s.mu.Unlock()
	switch late := s.now() - start; {
	case !has:
		refuse("it has no load")
	case began:
		refuse("it drives its load already")
	case late > 0:
		refuse("the load was to begin %s ago", late)
	default:
		s.carryOut(r.Context(), h, w)
	}
}

// carryOut drives the load and writes the outcome of its requests, as a record
// without a plan: its header says that the load was accepted, its end that the
// requests are complete.
func (s *service) carryOut(ctx context.Context, h load.HTTP, w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/jsonl")
	out := &flushed{ResponseWriter: w, control: http.NewResponseController(w), clock: s.clock}
	rec := record.NewRecorder(out)
	driven := make(chan error, 1)
	go func() {
		driven <- h.Drive(ctx, s.clock, func(q record.Request) {
			q.Planned, q.Sent, q.Answered = q.Planned+s.ahead, q.Sent+s.ahead, q.Answered+s.ahead
			rec.Request(cmp.Or(q.Signal, record.TrafficSignal), q)
		})
	}()
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			rec.Flush()
			if s.clock.Now()-time.Duration(out.last.Load()) >= aliveEvery {
				rec.Record(record.Entry{})
			}
		case err := <-driven:
			rec.Flush()
			end := record.End{Reason: record.Completed}
			switch {
			case err != nil:
				end = record.End{Reason: record.Failed, Detail: err.Error()}
			case ctx.Err() != nil:
				end = record.End{Reason: record.Interrupted, Detail: toldToEnd}
			}
			rec.Record(record.Entry{End: &end})
			return
		}
	}
}

// stop sets the end of the load.
func (s *service) stop(w http.ResponseWriter, r *http.Request) {
	after, err := time.ParseDuration(r.URL.Query().Get("after"))
	if err != nil {
		http.Error(w, fmt.Sprintf("when the load ends: %v", err), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	window := s.window
	s.mu.Unlock()
	if window == nil {
		http.Error(w, "it has no load", http.StatusConflict)
		return
	}
	window.End(after)
}

// flushed sends each line as it is written.
type flushed struct {
	http.ResponseWriter
	control *http.ResponseController
	clock   steadystate.Clock
	last    atomic.Int64 // when, by the clock
}

func (f *flushed) Write(p []byte) (int, error) {
	f.last.Store(int64(f.clock.Now()))
	n, err := f.ResponseWriter.Write(p)
	if err == nil {
		err = f.control.Flush()
	}
	return n, err
}
