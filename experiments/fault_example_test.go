package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// drained takes an instance out of a service through its own API. As any fault, it
//   - dates what it does by the clock of the record, from before the request to
//     the first proof;
//   - names its target as the instance names itself in the header that the load
//     reads, or nothing shows that it took traffic;
//   - says what must be seen of each target, here an event with the target as its
//     subject, or the verdict is unknown; it records the event when it sees it, and
//     not because it asked for it;
//   - undoes what it did however far it came, and may be asked to twice.
type drained struct{ api, instance string }

func (d drained) String() string { return "drain " + d.instance }

func (d drained) Validate() error {
	if d.instance == "" {
		return fmt.Errorf("instance: name the one to drain")
	}
	return nil
}

func (d drained) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	span := steadystate.Instant(rec.Clock().Now())
	if _, err := d.ask(ctx, http.MethodPut, "/drained/"); err != nil {
		return record.Injection{Span: span}, err // the harness's: the API did not answer
	}
	unready, err := d.until(ctx, rec, http.StatusServiceUnavailable)
	if span.To = unready.To; err != nil {
		return record.Injection{Span: span}, err
	}
	rec.Event(record.Event{Span: span, Kind: record.EventNotReady, Subject: "process/" + d.instance})
	return record.Injection{
		Targets: []record.Target{{Name: d.instance}},
		Span:    span,
		Effects: []record.Effect{{Event: record.EventNotReady}},
	}, nil
}

func (d drained) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	if _, err := d.ask(ctx, http.MethodDelete, "/drained/"); err != nil {
		return steadystate.Instant(rec.Clock().Now()), err
	}
	return d.until(ctx, rec, http.StatusOK)
}

// until returns once the instance itself has this readiness, with the span of the
// request that showed it.
func (d drained) until(ctx context.Context, rec *record.Recorder, status int) (steadystate.Span, error) {
	for {
		span := steadystate.Instant(rec.Clock().Now())
		got, err := d.ask(ctx, http.MethodGet, "/ready/")
		span.To = rec.Clock().Now()
		if err != nil || got == status {
			return span, err
		}
		if err := experiments.Wait(ctx, 10*time.Millisecond); err != nil {
			return span, fmt.Errorf("%s: ready %d, want %d: %w", d, got, status, err)
		}
	}
}

// ask is the status of an answer.
func (d drained) ask(ctx context.Context, method, path string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, d.api+path+d.instance, http.NoBody)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	if method != http.MethodGet && answer.StatusCode != http.StatusOK {
		return answer.StatusCode, fmt.Errorf("%s %s: %s", method, request.URL.Path, answer.Status)
	}
	return answer.StatusCode, nil
}

// A custom fault.
func ExampleFault() {
	var away atomic.Bool
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch fmt.Println(q.Method, q.URL.Path); q.Method {
		case http.MethodGet:
			if away.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		default:
			away.Store(q.Method == http.MethodPut)
		}
	}))
	defer api.Close()
	var fault experiments.Fault = drained{api.URL, "checkout-1"}

	// As a run does it.
	rec, ctx := record.NewRecorder(io.Discard), context.Background()
	injection, err := fault.Inject(ctx, rec)
	removed, errUndone := fault.Recover(ctx, rec)
	fmt.Println(fault, err, errUndone, injection.From > 0, injection.To <= removed.From)

	// A mistake is told before the run, beside those of the experiment.
	e := experiments.Experiment{Name: "drain one", Faults: []experiments.Scheduled{{Fault: drained{}}}}
	for line := range strings.Lines(e.Validate().Error()) {
		if strings.Contains(line, "instance") {
			fmt.Println(line)
		}
	}
	// Output:
	// PUT /drained/checkout-1
	// GET /ready/checkout-1
	// DELETE /drained/checkout-1
	// GET /ready/checkout-1
	// drain checkout-1 <nil> <nil> true true
	// experiment "drain one": fault 1: instance: name the one to drain
}
