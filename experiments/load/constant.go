package load

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

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
	// NamedBy is the response header in which the service says which of its
	// instances answered; default "X-Pod".
	NamedBy string
	// TLS configures HTTPS; nil: the system's certificate authorities.
	TLS *tls.Config
	// MaxInFlight is how many requests may wait for their answers at once;
	// default: three times what a black hole of the whole time-out holds. Beyond
	// it requests are sent late, and the judge is told.
	MaxInFlight uint64

	// control is called on each socket before it connects, as that of
	// [net.Dialer] is: for tests of what the load's machine runs out of.
	control func(network, address string, conn syscall.RawConn) error
}

var _ experiments.Load = Constant{}

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
	return fmt.Sprintf("%d requests/s over %s, %s %s, time-out %s", c.Rate, connections, c.Method, c.URL, c.Timeout)
}

// Resolution is the longest outage that can pass between two requests while
// the service answers within latency.
func (c Constant) Resolution(latency time.Duration) time.Duration {
	return time.Second/time.Duration(max(1, c.Rate)) + latency
}

// Drive sends requests until ctx ends, waits for those in flight, and returns.
func (c Constant) Drive(ctx context.Context, clock steadystate.Clock, each func(experiments.Request)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	c = c.withDefaults()
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: c.Timeout, Control: c.control}).DialContext,
		TLSClientConfig:     c.TLS,
		DisableKeepAlives:   !c.Reuse,
		MaxIdleConnsPerHost: int(min(c.MaxInFlight, 1<<16)), //nolint:gosec // bounded
		ForceAttemptHTTP2:   false,
	}
	defer transport.CloseIdleConnections()
	attempts := newAttempts(transport, c.Timeout)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport: attempts,
			// A redirect is an answer; following it would measure another URL.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.MaxWorkers(c.MaxInFlight),
	)
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: c.Method, URL: c.URL, Header: c.Header, Body: c.Body})
	plan := &schedule{Pacer: vegeta.Rate{Freq: c.Rate, Per: time.Second}}

	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-ctx.Done():
			attacker.Stop()
		case <-done:
		}
	}()
	for result := range attacker.Attack(target, plan, 0, "aftershock") {
		// A result comes after the pacer was asked, so the start is known.
		each(c.request(clock, plan.start, result, attempts.take(result.Seq)))
	}
	return nil
}

// request translates a result.
func (c Constant) request(clock steadystate.Clock, start time.Time, r *vegeta.Result, a attempt) experiments.Request {
	sent := clock.At(r.Timestamp)
	// vegeta plans its first request for the end of the first interval.
	planned := clock.At(start) + time.Duration(r.Seq+1)*time.Second/time.Duration(c.Rate) //nolint:gosec // a count
	q := experiments.Request{
		Seq:      r.Seq,
		Planned:  min(sent, planned),
		Sent:     sent,
		Answered: sent + r.Latency,
		Outcome: experiments.Outcome{
			Code:     int(r.Code),
			Error:    a.reason,
			By:       r.Headers.Get(c.NamedBy),
			Attempts: a.n,
			Local:    a.local,
		},
	}
	if q.Error == "" && q.Code == 0 {
		q.Error = cmp.Or(r.Error, "no answer")
	}
	return q
}
