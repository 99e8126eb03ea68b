package suites

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// R23: how far Prometheus' clock is from this machine's is in the record, as it was
// at the beginning of a run and at its end.
func TestTheClockOfPrometheusIsRecorded(t *testing.T) {
	ahead := 90 * time.Second
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		now := float64(time.Now().Add(ahead).UnixMilli()) / 1000
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%.3f,"0"]}]}}`, now)
	}))
	defer server.Close()
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var out bytes.Buffer
	rec := record.NewRecorder(&out)
	ctx, end := context.WithCancel(t.Context())
	rec.Tap(func(e record.Entry) {
		if strings.Contains(e.Note, "at the beginning") {
			ahead = -time.Hour // it is set during the run
			end()
		}
	})
	if err := (clockOf{client}).Observe(ctx, rec); err != nil {
		t.Fatal(err)
	}
	rec.Flush()
	for _, want := range []string{"prometheus, at the beginning: its clock is 1m", " ahead of this machine's, ±", "prometheus, at the end: its clock is ", " behind this machine's, ±"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the record has\n%swant %q", out.String(), want)
		}
	}
}

// A Prometheus that does not answer does not hold up a run that is stopped: the
// first reading ends with it.
func TestAClockThatIsNotToldEndsWithTheRun(t *testing.T) {
	var first atomic.Bool
	ctx, end := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if first.CompareAndSwap(false, true) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not see the client leave
			end()
			<-r.Context().Done()
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[%d,"0"]}]}}`, time.Now().Unix())
	}))
	defer server.Close()
	client, err := prom.NewClient(prom.Config{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var out bytes.Buffer
	rec := record.NewRecorder(&out)
	if err := (clockOf{client}).Observe(ctx, rec); err != nil {
		t.Fatal(err)
	}
	rec.Flush()
	for _, want := range []string{"at the beginning: read the clock of prometheus at " + server.URL, ": stopped before it was answered", "prometheus, at the end: its clock is "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the record has\n%swant %q", out.String(), want)
		}
	}
}

func TestOfClock(t *testing.T) {
	const ms = time.Millisecond
	for want, ahead := range map[string]steadystate.Bounds[time.Duration]{
		"its clock is 15ms ahead of this machine's, ±5ms": {Low: 10 * ms, High: 20 * ms},
		"its clock is 15ms behind this machine's, ±5ms":   {Low: -20 * ms, High: -10 * ms},
		"its clock is 0s ahead of this machine's, ±500µs": {Low: -ms / 2, High: ms / 2},
	} {
		if got := ofClock(ahead); got != want {
			t.Errorf("%v: %q, want %q", ahead, got, want)
		}
	}
}
