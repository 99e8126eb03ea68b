package load

import (
	"cmp"
	"context"
	"net"
	"net/http"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/machine"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A stream is the requests of one signal: one attack, with its own schedule and
// connections.
type stream struct {
	HTTP
	signal  string // empty: the traffic's
	times   *timetable
	targets []vegeta.Target
	clock   steadystate.Clock
	stalls  *machine.StallDetector
}

// name is the name of the stream's signal.
func (s stream) name() string { return cmp.Or(s.signal, record.TrafficSignal) }

// drive sends requests until ctx ends, and waits for those in flight.
func (s stream) drive(ctx context.Context, each func(record.Request)) error {
	return s.attack(ctx, &pacer{timetable: s.times, window: s.window, done: ctx.Done()}, func(q record.Request, _ http.Header) { each(q) })
}

// attack sends requests as plan paces them until ctx ends, and waits for those
// in flight. It passes each with the headers of its answer.
func (s stream) attack(ctx context.Context, plan vegeta.Pacer, each func(record.Request, http.Header)) error {
	aims, err := newAims(s.targets)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: s.Timeout, Control: s.control}).DialContext,
		TLSClientConfig:     s.TLS,
		DisableKeepAlives:   !s.Reuse,
		MaxIdleConnsPerHost: int(min(s.MaxInFlight, 1<<16)), //nolint:gosec // bounded
		ForceAttemptHTTP2:   false,
	}
	defer transport.CloseIdleConnections()
	attempts := newAttempts(transport, s.Timeout, s.share, aims)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{
			Transport: attempts,
			// A redirect is an answer; following it would measure another URL.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		vegeta.MaxWorkers(s.MaxInFlight),
	)
	// vegeta builds requests for the first of several targets; they are then
	// aimed.
	target := vegeta.NewStaticTargeter(s.targets[0])
	unhook := context.AfterFunc(ctx, func() { attacker.Stop() })
	defer unhook()
	for result := range attacker.Attack(target, plan, 0, s.name()) {
		// A result comes after the pacer ran, so the start is known.
		each(s.request(result, attempts.take(result.Seq)), result.Headers)
	}
	return nil
}

// request translates a result.
func (s stream) request(r *vegeta.Result, a attempt) record.Request {
	number := s.share.number(r.Seq)
	sent := s.clock.At(r.Timestamp)
	q := record.Request{
		Seq:      number,
		Planned:  min(sent, s.clock.At(s.times.due(number))),
		Sent:     sent,
		Answered: sent + r.Latency,
		Signal:   s.signal,
		Outcome: record.Outcome{
			Code:     int(r.Code),
			Error:    a.reason,
			Backend:  r.Headers.Get(s.BackendHeader),
			Attempts: a.n,
			Local:    a.local,
		},
	}
	switch {
	case q.Error != "":
	case q.Code == 0:
		q.Error = cmp.Or(redact.Text(r.Error), "no answer")
	case maybeGood.has(q.Code):
		q.Error = s.Success.missing(q.Code, r.Body)
	}
	flight := steadystate.Span{From: q.Sent, To: q.Answered}
	if q.Error == record.TimedOut {
		q.Stalled = s.stalls.At(flight)
	} else {
		q.Stalled = s.stalls.Within(flight)
	}
	return q
}
