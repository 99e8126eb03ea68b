package load

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/machine"
	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// HTTP is a load of HTTP requests. It can be driven more than once. As JSON it
// has all but its TLS and its Surge, for a machine that drives a share of it.
type HTTP struct {
	// Shape is the rate of requests over time; required.
	Shape Shape
	// URL is what to request, http or https; required without Targets.
	URL string
	// Method is the HTTP method; default GET. A target has its own.
	Method string
	// Targets is the path of a file in vegeta's HTTP or JSON format, in place of
	// URL. It is read before the start; request n uses target n, round robin.
	// Paths of bodies, as @file, are relative to the file's directory. The record
	// identifies a request's target only by the request's number.
	Targets string
	// Headers and Body are sent with each request; a target's own headers are
	// added, and its own body replaces this one. Secrets and files of headers are
	// read before the start.
	Headers secret.Headers
	Body    []byte
	// BodyFile is a file with the body, in place of Body. It is read before the start.
	BodyFile string
	// Timeout is how long to wait for an answer; default 2 s. A black hole keeps
	// as many requests in flight as are sent in that time, and blurs the edges of
	// an outage by it.
	Timeout time.Duration
	// Reuse keeps connections alive and reuses them.
	Reuse bool
	// ReuseRate is the rate of additional requests over kept-alive connections,
	// as the signal [ReusedSignal]: a fault that breaks a user's open connection
	// may leave new ones alone, and vice versa. Default: none. Not with Reuse.
	// Two rates with a large common divisor send their requests at few distances
	// from each other, where one may always wait for the other: to compare the
	// two choose 19 to 100, not 20.
	ReuseRate Rate `json:",omitzero"`
	// BackendHeader is the response header in which the service names the
	// instance that answered; default "X-Pod".
	BackendHeader string
	// Success defines a good answer; default: a status from 200 to 299.
	Success Success
	// TLS configures HTTPS; nil: the system's certificate authorities.
	TLS *tls.Config `json:"-"`
	// MaxInFlight is the maximum number of unanswered requests of a signal;
	// default: three times the number that a black hole of the whole timeout
	// holds at the shape's peak and in a surge. Beyond it requests are sent late,
	// and the judge is told.
	MaxInFlight uint64
	// Surge is a fault that may multiply the load's rate while it is driven.
	// Default: none. Not for a share: the other workers would not know of it.
	Surge *Surge `json:"-"`

	share  share           // to drive; the zero value is the whole
	window *Window         // to drive it in; nil: from Drive to its context's end
	aimed  []vegeta.Target // in place of the configured targets

	// control is called on each socket before it connects, like that of
	// [net.Dialer]: for tests of resource exhaustion on the load's machine.
	control func(network, address string, conn syscall.RawConn) error
	// room is how many requests may wait to be recorded; default: those of
	// [recordWithin].
	room int
}

// recordWithin is how far the recorder may lag behind.
const recordWithin = 10 * time.Second

var (
	_ experiments.Validator = HTTP{}
	_ experiments.Signaler  = HTTP{}
	_ experiments.Stopper   = HTTP{}
)

// ReusedSignal is the signal of the requests of [HTTP.ReuseRate].
const ReusedSignal = record.TrafficSignal + " reused"

// Share is the part of the load that worker i of several drives, counted from
// 0: the requests i, i + of, i + 2 of and so on, each with the number and at
// the time that it has in the whole. The shares of one load, started at one
// instant, interleave to exactly the load. The record of a single share lacks
// the others' requests, which a judge treats as missing.
func (h HTTP) Share(i, of int) HTTP {
	h.share = share{worker: i, of: of}
	if of == 0 {
		h.share.of = -1 // which is refused, and does not mean the whole
	}
	return h
}

func (h HTTP) withDefaults() HTTP {
	h.Method = cmp.Or(h.Method, http.MethodGet)
	h.Timeout = cmp.Or(h.Timeout, 2*time.Second)
	h.BackendHeader = cmp.Or(h.BackendHeader, "X-Pod")
	if h.MaxInFlight == 0 {
		h.MaxInFlight = max(64, 3*uint64(h.peak()*h.Timeout.Seconds()))
	}
	return h
}

// peak is the highest rate of the load's shape and its surge.
func (h HTTP) peak() float64 { return h.Shape.Peak() * h.Surge.most() * h.share.part() }

// Validate reports mistakes in the load, each as a [setting.Error]: of the
// fields of a configuration's load, and "surge.factor".
func (h HTTP) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("load: %w", setting.Errorf(field, format, args...)))
	}
	if err := h.Shape.Validate(); err != nil {
		bad("rate", "%s", err)
	}
	switch {
	case h.ReuseRate == 0:
	case h.Reuse:
		bad("reuse", "reuse and a reuse rate of %s exclude each other: with a reuse rate, the other requests have fresh connections; keep one of the two", h.ReuseRate)
	default:
		if err := checkRate("reuse rate", float64(h.ReuseRate)); err != nil {
			bad("reuseRate", "%s, or none", err)
		}
	}
	if err := h.Success.validate(); err != nil {
		bad("success", "%s", err)
	}
	if h.Timeout < 0 {
		bad("timeout", "%s is below zero", h.Timeout)
	}
	if h.Surge != nil {
		err := h.Surge.validate()
		if err == nil {
			err = checkRate("peak", max(h.Shape.Peak(), float64(h.ReuseRate))*h.Surge.Factor)
		}
		if err != nil && h.Shape.Validate() == nil {
			bad("surge.factor", "%s", err)
		}
		if h.share != (share{}) {
			bad("surge", "a surge of a share: the other workers would not know of it")
		}
	}
	switch {
	case h.aimed != nil:
		for i, t := range h.aimed {
			if err := checkURL(t.URL); err != nil {
				bad("targets", "target %d: url %s", i+1, err)
			}
		}
	case h.Targets == "":
		if err := checkOnly(h.URL); err != nil {
			bad("url", "%s", err)
		}
	case h.URL != "" || h.Method != "":
		bad("targets", "targets excludes url and method, which the file of targets has; keep one of the two")
	}
	if len(h.Body) > 0 && h.BodyFile != "" {
		bad("bodyFile", "a body and a file with the body: want one of the two")
	}
	if err := h.Headers.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("load: %w", err))
	}
	if s := h.share; s != (share{}) && (s.of < 1 || s.worker < 0 || s.worker >= s.of) {
		bad("", "share %d of %d: want one from 0 to one less than their number", s.worker, max(0, s.of))
	}
	return errors.Join(errs...)
}

// String is the load in one line.
func (h HTTP) String() string {
	h = h.withDefaults()
	connections := "fresh connections"
	if h.Reuse {
		connections = "reused connections"
	}
	if h.ReuseRate > 0 {
		connections += fmt.Sprintf(" and %s over reused ones", h.ReuseRate)
	}
	what := h.Method + " " + redact.URL(h.URL)
	switch {
	case h.aimed != nil:
		what = fmt.Sprintf("%d targets", len(h.aimed))
	case h.Targets != "":
		what = "targets of " + h.Targets
	}
	parts := []string{fmt.Sprintf("requests at %s over %s", h.Shape, connections), what, fmt.Sprintf("timeout %s", h.Timeout)}
	if text := h.Success.String(); text != "" {
		parts = append(parts, "good with "+text)
	}
	parts = append(parts, h.Headers.Places()...)
	if h.share.of > 0 {
		parts = append(parts, fmt.Sprintf("share %d of %d", h.share.worker, h.share.of))
	}
	return strings.Join(parts, ", ")
}

// Resolution is the longest outage that can pass between two requests while
// the service answers within latency, where the shape is at its lowest.
func (h HTTP) Resolution(latency time.Duration) time.Duration {
	trough := h.Shape.Trough()
	if trough <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second)/trough) + latency
}

// Signals describes the load's signals, by name.
func (h HTTP) Signals() map[string]string {
	signals := map[string]string{}
	for _, s := range h.streams() {
		signals[s.name()] = s.String()
	}
	return signals
}

// Stages are the stages of the shapes of the load's signals.
func (h HTTP) Stages() map[string][]record.Stage {
	stages := map[string][]record.Stage{}
	for _, s := range h.streams() {
		stages[s.name()] = s.Shape.stages()
	}
	return stages
}

// streams are the load's streams of requests.
func (h HTTP) streams() []stream {
	reused := h
	reused.Shape, reused.Reuse, reused.ReuseRate = Constant(float64(h.ReuseRate)), true, 0
	list := []stream{{HTTP: h.withDefaults()}}
	list[0].ReuseRate = 0
	if h.ReuseRate > 0 {
		list = append(list, stream{HTTP: reused.withDefaults(), signal: ReusedSignal})
	}
	for i := range list {
		list[i].times = newTimetable(list[i].Shape, h.share)
	}
	return list
}

// StopTimeout is that of the requests in flight.
func (h HTTP) StopTimeout() time.Duration { return h.withDefaults().Timeout }

// Drive sends requests until ctx or the load's window ends, waits for those in
// flight, and returns. It never waits for each, which one goroutine calls: when
// each is more than 10 s of requests behind, Drive ends with an error.
func (h HTTP) Drive(ctx context.Context, clock steadystate.Clock, each func(record.Request)) error {
	if err := h.Validate(); err != nil {
		return err
	}
	targets, err := h.Aims()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	stalls := machine.StartStallDetector(clock, 2*h.withDefaults().Timeout+recordWithin)
	defer stalls.End()
	streams := h.streams()
	rate := 0.0
	for _, s := range streams {
		rate += s.peak()
	}
	unfollow, err := h.Surge.follow(streams)
	if err != nil {
		return err
	}
	defer unfollow()
	room := cmp.Or(h.room, max(1024, int(rate*recordWithin.Seconds())))
	queue := startQueue(room, each, func(err error) { stop(err) })
	var driving sync.WaitGroup
	for _, s := range streams {
		s.clock, s.stalls, s.targets = clock, stalls, targets
		if h.window != nil {
			s.times.begin(h.window.start)
		}
		driving.Go(func() {
			if err := experiments.CatchPanic(func() error {
				return s.drive(ctx, func(q record.Request) {
					if err := queue.pass(q); err != nil {
						stop(err)
					}
				})
			}); err != nil {
				queue.lose(err)
				stop(err)
			}
		})
	}
	driving.Wait()
	return queue.end()
}
