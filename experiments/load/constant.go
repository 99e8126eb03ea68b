package load

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Constant is a load of a constant rate at one URL. It can be driven more than
// once.
type Constant struct {
	// Rate is the number of requests per second; zero is refused.
	Rate int
	// URL is what to request; required, http or https.
	URL string
	// Method is the HTTP method; default GET.
	Method string
	// Header and Body are sent with each request.
	Header http.Header
	Body   []byte
	// Timeout is how long to wait for an answer; default 2 s. A black hole
	// keeps Rate times Timeout requests in flight, and blurs the edges of an
	// outage by Timeout.
	Timeout time.Duration
	// Reuse keeps connections alive and uses them again.
	Reuse bool
	// ReuseRate is the number of requests per second that are sent besides,
	// over connections that are kept alive, as the signal [ReusedSignal]: what
	// breaks a user's open connection may leave new ones alone, and the other
	// way round. Default: none. Not with Reuse.
	ReuseRate int
	// NamedBy is the response header in which the service says which of its
	// instances answered; default "X-Pod".
	NamedBy string
	// TLS configures HTTPS; nil: the system's certificate authorities.
	TLS *tls.Config
	// MaxInFlight is how many requests of a signal may wait for their answers at
	// once; default: three times what a black hole of the whole time-out holds.
	// Beyond it requests are sent late, and the judge is told.
	MaxInFlight uint64

	// control is called on each socket before it connects, as that of
	// [net.Dialer] is: for tests of what the load's machine runs out of.
	control func(network, address string, conn syscall.RawConn) error
	// room is how many requests may wait to be recorded; default: those of
	// [recordWithin].
	room int
}

// recordWithin is for how long whoever records the requests may be away.
const recordWithin = 10 * time.Second

var _ experiments.Load = Constant{}

// ReusedSignal is the signal that the requests of [Constant.ReuseRate] make.
const ReusedSignal = experiments.TrafficSignal + " reused"

func (c Constant) withDefaults() Constant {
	c.Method = cmp.Or(c.Method, http.MethodGet)
	c.Timeout = cmp.Or(c.Timeout, 2*time.Second)
	c.NamedBy = cmp.Or(c.NamedBy, "X-Pod")
	if c.MaxInFlight == 0 {
		c.MaxInFlight = max(64, 3*uint64(float64(c.Rate)*c.Timeout.Seconds()))
	}
	return c
}

// Validate says what is wrong with the load.
func (c Constant) Validate() error {
	var errs []error
	if c.Rate <= 0 {
		errs = append(errs, fmt.Errorf("load: rate %d: want at least one request per second", c.Rate))
	}
	switch {
	case c.ReuseRate < 0:
		errs = append(errs, fmt.Errorf("load: reuse rate %d: want none or more requests per second", c.ReuseRate))
	case c.ReuseRate > 0 && c.Reuse:
		errs = append(errs, fmt.Errorf("load: reuse and a reuse rate of %d: with a rate of reused connections the others are fresh", c.ReuseRate))
	}
	if c.Timeout < 0 {
		errs = append(errs, fmt.Errorf("load: time-out %s is below zero", c.Timeout))
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("load: %w", err))
	case (u.Scheme != "http" && u.Scheme != "https") || u.Host == "":
		errs = append(errs, fmt.Errorf("load: url %q: want http://host/path or https://host/path", c.URL))
	}
	return errors.Join(errs...)
}

// String is the load in one line.
func (c Constant) String() string {
	c = c.withDefaults()
	connections := "fresh connections"
	if c.Reuse {
		connections = "reused connections"
	}
	if c.ReuseRate > 0 {
		connections += fmt.Sprintf(" and %d/s over reused ones", c.ReuseRate)
	}
	return fmt.Sprintf("%d requests/s over %s, %s %s, time-out %s", c.Rate, connections, c.Method, c.URL, c.Timeout)
}

// Resolution is the longest outage that can pass between two requests while
// the service answers within latency.
func (c Constant) Resolution(latency time.Duration) time.Duration {
	return time.Second/time.Duration(max(1, c.Rate)) + latency
}

// Signals are the signals that the load yields, each with what it is.
func (c Constant) Signals() map[string]string {
	signals := map[string]string{}
	for _, s := range c.streams() {
		signals[cmp.Or(s.signal, experiments.TrafficSignal)] = s.String()
	}
	return signals
}

// streams are the load's streams of requests.
func (c Constant) streams() []stream {
	reused := c
	reused.Rate, reused.Reuse, reused.ReuseRate = c.ReuseRate, true, 0
	c.ReuseRate = 0
	list := []stream{{Constant: c.withDefaults()}}
	if reused.Rate > 0 {
		list = append(list, stream{Constant: reused.withDefaults(), signal: ReusedSignal})
	}
	return list
}

// Drive sends requests until ctx ends, waits for those in flight, and returns.
// It never waits for each, which is called by one goroutine: when each is more
// than 10 s of requests behind, Drive ends with an error.
func (c Constant) Drive(ctx context.Context, clock steadystate.Clock, each func(experiments.Request)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	pulse := startPulse(clock, 2*c.withDefaults().Timeout+recordWithin)
	defer pulse.end()
	room := cmp.Or(c.room, max(1024, (c.Rate+c.ReuseRate)*int(recordWithin/time.Second)))
	handover := startHandover(room, each, func(err error) { stop(err) })
	var driving sync.WaitGroup
	for _, s := range c.streams() {
		s.clock, s.pulse = clock, pulse
		driving.Go(func() {
			if err := guarded(func() {
				s.drive(ctx, func(q experiments.Request) {
					if err := handover.pass(q); err != nil {
						stop(err)
					}
				})
			}); err != nil {
				handover.lose(err)
				stop(err)
			}
		})
	}
	driving.Wait()
	return handover.end()
}
