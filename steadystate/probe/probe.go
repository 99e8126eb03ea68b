package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/machine"
	"github.com/aftershockhq/aftershock/steadystate/secret"
	"github.com/aftershockhq/aftershock/steadystate/setting"
)

// The defaults of probes.
const (
	defaultEvery   = 100 * time.Millisecond
	defaultTimeout = 2 * time.Second
)

// timing is a probe's interval and timeout.
type timing struct{ every, timeout time.Duration }

func newTiming(every, timeout time.Duration) timing {
	return timing{cmp.Or(every, defaultEvery), cmp.Or(timeout, defaultTimeout)}
}

func (t timing) validate() error {
	var errs []error
	if t.every <= 0 {
		errs = append(errs, setting.Errorf("every", "%s: want a duration above zero", t.every))
	}
	if t.timeout <= 0 {
		errs = append(errs, setting.Errorf("timeout", "%s: want a duration above zero", t.timeout))
	}
	return errors.Join(errs...)
}

// String is the end of a source's description.
func (t timing) String() string { return fmt.Sprintf("every %s, timeout %s", t.every, t.timeout) }

// described is a source's description: what it observes, over which connections, when, and
// where the secrets that it sends are.
func described(what string, reuse bool, t timing, headers secret.Headers) string {
	connections := "fresh connections"
	if reuse {
		connections = "one reused connection"
	}
	return strings.Join(append([]string{what, connections, t.String()}, headers.Places()...), ", ")
}

// ready reports what keeps a probe from asking: that it is invalid, or a secret that cannot
// be read.
func ready(invalid error, headers secret.Headers, reject rejectHeader) error {
	if invalid != nil {
		return invalid
	}
	_, err := read(headers, reject)
	return err
}

// A rejectHeader says why a protocol cannot send a header; empty: it can.
type rejectHeader func(name string, values []string) string

// checkHeaders says what is wrong with headers, before anything is read.
func checkHeaders(headers secret.Headers, reject rejectHeader) error {
	if err := headers.Validate(); err != nil {
		return err
	}
	var errs []error
	for _, name := range headers.Names() {
		if why := reject(name, headers.Values[name]); why != "" {
			errs = append(errs, setting.Errorf("headers["+name+"]", "%s", why))
		}
	}
	return errors.Join(errs...)
}

// A headerError is the error of headers that cannot be read: it says nothing of the service.
type headerError struct{ error }

// read reads the headers of a request.
func read(headers secret.Headers, reject rejectHeader) (http.Header, error) {
	header, err := headers.Read()
	if err != nil {
		return nil, headerError{err}
	}
	for name, values := range header {
		if why := reject(name, values); why != "" {
			return nil, headerError{fmt.Errorf("header %s: %s", name, why)}
		}
	}
	return header, nil
}

// authAdvice is what a preflight advises about an answer that the probe may not ask.
func authAdvice(section string, headers secret.Headers) string {
	if !headers.Empty() {
		return fmt.Sprintf("check %s.headers: who may ask?", section)
	}
	return fmt.Sprintf("who may ask? give credentials in %s.headers, as in {Authorization: {env: NAME}}", section)
}

// onePod is what a preflight adds about a reused connection.
func onePod(reuse bool) string {
	if !reuse {
		return ""
	}
	return "; its one connection (reuse: true) stays with one pod and shows no outage of the others: without reuse it meets them all"
}

// A session sends a request, over a connection of its own or a kept one. ask fails
// if there is no answer, or a negative one.
type session interface {
	ask(ctx context.Context) error
	close()
}

// observe asks until ctx ends, and waits for the last answer.
func (t timing) observe(ctx context.Context, clock steadystate.Clock, s session, record func(steadystate.Observation)) {
	stalls := machine.StartStallDetector(clock, 2*t.timeout+time.Second)
	defer stalls.End()
	defer s.close()
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for ctx.Err() == nil {
		record(t.observation(context.WithoutCancel(ctx), clock, stalls, s))
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// observation asks once.
func (t timing) observation(ctx context.Context, clock steadystate.Clock, stalls *machine.StallDetector, s session) steadystate.Observation {
	ctx, cancel := context.WithTimeout(ctx, t.timeout)
	defer cancel()
	from := clock.Now()
	err := s.ask(ctx)
	o := steadystate.Observation{Span: steadystate.Span{From: from, To: clock.Now()}}
	o.Value = o.Width().Seconds()
	if err == nil {
		if stalled := stalls.Within(o.Span); stalled > 0 {
			o.Bucket = steadystate.Bucket{Low: max(0, o.Width()-stalled).Seconds(), High: o.Value}
		}
		return o
	}
	unread, unsent := errors.AsType[headerError](err)
	if ctx.Err() != nil {
		err = ctx.Err() // libraries word it differently
	}
	o.Value = 0
	reason, own := machine.Blame(err)
	switch stalled := stalls.At(o.Span); {
	case unsent:
		o.Unknown = "the probe's machine: " + unread.Error()
	case own:
		o.Unknown = "the probe's machine: " + reason
	case reason == steadystate.TimedOut && stalled > 0:
		o.Unknown = "the probe stood still for " + stalled.String() + " when the answer was due"
	default:
		o.Failed = reason
	}
	return o
}

// preflight asks once and says what it found.
func (t timing) preflight(ctx context.Context, s session) (string, error) {
	defer s.close()
	clock := steadystate.StartClock()
	stalls := machine.StartStallDetector(clock, 2*t.timeout)
	defer stalls.End()
	o := t.observation(ctx, clock, stalls, s)
	if why := cmp.Or(o.Failed, o.Unknown); why != "" {
		return "", errors.New(why)
	}
	return "answered in " + steadystate.FormatSeconds(o.Value), nil
}
