package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/machine"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// ErrUnnamed is wrapped by the error of a preflight whose requests were
// answered well, but by no named instance: no fault can then prove that its
// targets took traffic. A load without such faults needs no names.
var ErrUnnamed = errors.New("no answer names its backend")

const (
	// tried is how many targets a preflight tries at most.
	tried = 10
	// tries is how often it tries each at most: a stray failure says nothing.
	tries = 3
	// pause is the time in between.
	pause = 300 * time.Millisecond
	// searched is for how long the load would send the requests that look for a
	// certain backend, and mostSearched how many there are at most.
	searched     = 10 * time.Second
	mostSearched = 100
)

// An ElsewhereError says that the answers name backends, and none of those that were
// looked for: a load balancer may lead elsewhere, or the address be another service's.
type ElsewhereError struct {
	Target  string   // the first that was tried, as in "GET http://shop.example/"
	Answers int      // that name a backend
	Names   []string // in order
}

// Error is "GET http://shop.example/: 101 answers name front-1, front-2".
func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("%s: %d answers name %s", e.Target, e.Answers, strings.Join(e.Names, ", "))
}

// Preflight reads the inputs of the load, sends the first requests of each of
// up to ten targets as the load would, and summarizes them. The error says why
// none of a target's was answered well, and what to check. It wraps
// [ErrUnnamed] where that is all that is wrong.
//
// The load must reach certain backends, which ours tells by the name in an answer (nil:
// any). If the first answers name only others, it sends as many requests as the load sends
// in ten seconds, at most 100, until one answer names one of ours; otherwise the error is
// an [*ElsewhereError].
func (h HTTP) Preflight(ctx context.Context, ours func(backend string) bool) (found string, err error) {
	if err := h.Validate(); err != nil {
		return "", err
	}
	targets, err := h.Aims()
	if err != nil {
		return "", err
	}
	found = h.String()
	if h.Targets != "" {
		found += fmt.Sprintf(", %d targets", len(targets))
	}
	good, err := h.try(ctx, targets[:min(tried, len(targets))])
	if err != nil {
		return "", err
	}
	answer, err := h.named(good)
	if err != nil {
		return "", err
	}
	return found + "; " + answer, h.search(ctx, targets, good, ours)
}

// search sends requests until an answer names one of ours; nil: any.
func (h HTTP) search(ctx context.Context, targets []vegeta.Target, good []trial, ours func(string) bool) error {
	none := &ElsewhereError{Target: good[0].text()}
	names := map[string]bool{}
	most := min(mostSearched, max(tried, int(h.Shape.Peak()*searched.Seconds())))
	for sent := 0; ; sent += tried {
		for _, t := range good {
			switch {
			case t.Backend == "":
			case ours == nil, ours(t.Backend):
				return nil
			default:
				none.Answers, names[t.Backend] = none.Answers+1, true
			}
		}
		if sent >= most {
			none.Names = slices.Sorted(maps.Keys(names))
			return none
		}
		list := make([]trial, min(tried, most-sent))
		for i := range list {
			n := (sent + i) % len(targets)
			list[i] = trial{Target: targets[n], number: n + 1}
		}
		if err := h.volley(ctx, list); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		good = slices.DeleteFunc(list, trial.bad)
	}
}

// A trial is a target and the latest answer that says something of it.
type trial struct {
	vegeta.Target
	number   int    // from 1
	location string // to which it redirects
	record.Request
}

// try sends requests until each target has answered well once.
func (h HTTP) try(ctx context.Context, targets []vegeta.Target) (good []trial, err error) {
	var left []trial
	for i, t := range targets {
		left = append(left, trial{Target: t, number: i + 1})
	}
	for try := range tries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			case <-time.After(pause):
			}
		}
		if err := h.volley(ctx, left); err != nil {
			return nil, err
		}
		good = append(good, slices.DeleteFunc(slices.Clone(left), trial.bad)...)
		if left = slices.DeleteFunc(left, func(t trial) bool { return !t.bad() }); len(left) == 0 {
			return good, nil
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// Each reason is told once.
	var texts []string
	byReason := map[string][]trial{}
	for _, t := range left {
		reason := t.reason()
		if byReason[reason] == nil {
			texts = append(texts, reason)
		}
		byReason[reason] = append(byReason[reason], t)
	}
	for i, reason := range texts {
		of := byReason[reason]
		who := of[0].text()
		if len(of) > 1 {
			who += fmt.Sprintf(" and %d more", len(of)-1)
		}
		texts[i] = fmt.Sprintf("%s: %s: %s", who, reason, of[0].advice(len(h.Success.Status) > 0))
	}
	return nil, errors.New(strings.Join(texts, "; "))
}

// volley sends one request of the load to each target, all at once.
func (h HTTP) volley(ctx context.Context, to []trial) error {
	s := h.streams()[0]
	s.clock = steadystate.StartClock()
	s.stalls = machine.StartStallDetector(s.clock, 2*s.Timeout)
	defer s.stalls.End()
	s.times.begin(time.Now())
	for _, t := range to {
		s.targets = append(s.targets, t.Target)
	}
	return s.attack(ctx, once(len(to)), func(q record.Request, header http.Header) {
		to[q.Seq].again(q, header.Get("Location"))
	})
}

// once paces so many requests at once.
type once int

// Pace ends after the last.
func (n once) Pace(_ time.Duration, hits uint64) (time.Duration, bool) {
	return 0, hits >= uint64(n) //nolint:gosec // not below zero
}

// Rate is not used.
func (n once) Rate(time.Duration) float64 { return 0 }

// again notes a try. One that this machine spoiled says less than one before.
func (t *trial) again(q record.Request, location string) {
	if first := t.Request == (record.Request{}); first || q.Observation().Unknown == "" {
		t.Request, t.location = q, location
	}
}

func (t trial) bad() bool { return t.reason() != "" }

// reason is why the answer is not good; empty: it is.
func (t trial) reason() string {
	o := t.Observation()
	return o.Failed + o.Unknown
}

// text is "GET http://checkout.example/".
func (t trial) text() string { return t.Method + " " + redact.URL(t.URL) }

// named summarizes good answers. The error is that none names its backend.
func (h HTTP) named(good []trial) (string, error) {
	header, names, slowest := h.withDefaults().BackendHeader, map[string]bool{}, time.Duration(0)
	var unnamed []trial
	for _, t := range good {
		if slowest = max(slowest, t.Answered-t.Sent); t.Backend == "" {
			unnamed = append(unnamed, t)
		}
		names[t.Backend] = true
	}
	if len(unnamed) == len(good) {
		return "", fmt.Errorf("%s: %w in the header %s: have the service send its pod's name in a response header, and say which one under load.backendHeader", good[0].text(), ErrUnnamed, header)
	}
	found := fmt.Sprintf("it answers within %s, and %s names the pod", slowest.Truncate(time.Millisecond)+time.Millisecond, header)
	if len(unnamed) > 0 {
		found += fmt.Sprintf(" (not in %d of %d targets, as %s)", len(unnamed), len(good), unnamed[0].text())
	}
	return found, nil
}

// advice is what to check about a failure; chosen: the user said which statuses are good.
func (t trial) advice(chosen bool) string {
	if t.Observation().Unknown != "" {
		return "this machine spoiled each try, not what answers there: check its limits, and what else runs on it"
	}
	reason := t.reason()
	switch redirected := strings.HasPrefix(reason, "3") && reason == strconv.Itoa(t.Code); {
	case redirected && chosen:
		text := fmt.Sprintf("load.success.status does not name it: add %d if users need no more than that answer", t.Code)
		if t.location != "" {
			text += fmt.Sprintf(", or give the URL that the redirect%s leads to", t.elsewhere())
		}
		return text
	case redirected && t.location == "":
		return "if users need no more than that answer, load.success: {status: [200-399]}"
	case redirected:
		return fmt.Sprintf("a redirect%s, which a load does not follow: give the URL that it leads to, or, if users need no more than that answer, load.success: {status: [200-399]}", t.elsewhere())
	case reason == record.ConnectionRefused:
		return "check that the service listens there and that it can be reached from this machine (a port-forward that ended?)"
	case strings.Contains(reason, "name not resolved"):
		return "this machine does not know the host; the names of Services are known in the cluster only"
	case reason == record.TimedOut:
		return "check that the address can be reached from this machine, and load.timeout"
	case strings.HasPrefix(reason, "TLS"):
		return "check the host, and load.caFile"
	case reason == "404":
		return "check the URL's path"
	case reason == "401", reason == "403":
		return "check load.headers: who may ask?"
	case reason == "405":
		return "check load.method"
	case strings.HasPrefix(reason, "5"):
		return "the service fails now; see its log"
	case strings.HasPrefix(reason, "2"), strings.HasPrefix(reason, "3"):
		return "load.success asks for something else"
	}
	return "check the URL, and what answers there"
}

// elsewhere is " to the host login.example": the rest of a location may be secret.
func (t trial) elsewhere() string {
	if u, err := url.Parse(t.location); err == nil && u.Host != "" {
		return " to the host " + redact.Excerpt(u.Host, 100)
	}
	return ""
}
