package load

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A stream is the requests of one signal: one attack, on a schedule and
// connections of its own.
type stream struct {
	Constant
	signal string // empty: the traffic's
	clock  steadystate.Clock
	pulse  *pulse
}

// drive sends requests until ctx ends, and waits for those in flight.
func (s stream) drive(ctx context.Context, each func(experiments.Request)) {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: s.Timeout, Control: s.control}).DialContext,
		TLSClientConfig:     s.TLS,
		DisableKeepAlives:   !s.Reuse,
		MaxIdleConnsPerHost: int(min(s.MaxInFlight, 1<<16)), //nolint:gosec // bounded
		ForceAttemptHTTP2:   false,
	}
	defer transport.CloseIdleConnections()
	attempts := newAttempts(transport, s.Timeout)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport: attempts,
			// A redirect is an answer; following it would measure another URL.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.MaxWorkers(s.MaxInFlight),
	)
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: s.Method, URL: s.URL, Header: s.Header, Body: s.Body})
	plan := &schedule{Pacer: vegeta.Rate{Freq: s.Rate, Per: time.Second}}
	unhook := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer unhook()
	for result := range attacker.Attack(target, plan, 0, cmp.Or(s.signal, experiments.TrafficSignal)) {
		// A result comes after the pacer was asked, so the start is known.
		each(s.request(plan.start, result, attempts.take(result.Seq)))
	}
}

// request translates a result.
func (s stream) request(start time.Time, r *vegeta.Result, a attempt) experiments.Request {
	sent := s.clock.At(r.Timestamp)
	// vegeta plans its first request for the end of the first interval.
	planned := s.clock.At(start) + time.Duration(r.Seq+1)*time.Second/time.Duration(s.Rate) //nolint:gosec // a count
	q := experiments.Request{
		Seq:      r.Seq,
		Planned:  min(sent, planned),
		Sent:     sent,
		Answered: sent + r.Latency,
		Signal:   s.signal,
		Outcome: experiments.Outcome{
			Code:     int(r.Code),
			Error:    a.reason,
			By:       r.Headers.Get(s.NamedBy),
			Attempts: a.n,
			Local:    a.local,
		},
	}
	if q.Error == "" && q.Code == 0 {
		q.Error = cmp.Or(r.Error, "no answer")
	}
	flight := steadystate.Span{From: q.Sent, To: q.Answered}
	if q.Error == experiments.TimedOut {
		q.Stalled = s.pulse.at(flight)
	} else {
		q.Stalled = s.pulse.within(flight)
	}
	return q
}
