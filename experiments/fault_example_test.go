package experiments_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

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
//     subject, or the verdict is unknown;
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
	span, err := d.ask(ctx, rec, http.MethodPut)
	if err != nil {
		return record.Injection{Span: span}, err // the harness's: the API did not answer
	}
	rec.Event(record.Event{Span: span, Kind: record.EventNotReady, Subject: "process/" + d.instance})
	return record.Injection{
		Targets: []record.Target{{Name: d.instance}},
		Span:    span,
		Effects: []record.Effect{{Event: record.EventNotReady}},
	}, nil
}

func (d drained) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return d.ask(ctx, rec, http.MethodDelete)
}

// ask returns once the API has answered, with the span of the call.
func (d drained) ask(ctx context.Context, rec *record.Recorder, method string) (steadystate.Span, error) {
	span := steadystate.Instant(rec.Clock().Now())
	request, err := http.NewRequestWithContext(ctx, method, d.api+"/drained/"+d.instance, http.NoBody)
	if err != nil {
		return span, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return span, err
	}
	defer func() { _ = answer.Body.Close() }()
	span.To = rec.Clock().Now()
	if answer.StatusCode != http.StatusOK {
		return span, fmt.Errorf("%s %s: %s", method, request.URL.Path, answer.Status)
	}
	return span, nil
}

// A custom fault.
func ExampleFault() {
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		fmt.Println(q.Method, q.URL.Path)
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
	// DELETE /drained/checkout-1
	// drain checkout-1 <nil> <nil> true true
	// experiment "drain one": fault 1: instance: name the one to drain
}
