package bench_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func blind(url string) bench.Blind {
	return bench.Blind{
		Name:  "blind",
		URL:   url,
		Rate:  100,
		Check: steadystate.Check{Name: "answers", Good: steadystate.Within(5 * time.Second)},
		// Short: nothing is judged by how long it took.
		Settle:  50 * time.Millisecond,
		Watch:   50 * time.Millisecond,
		Timeout: 5 * time.Second,
	}
}

// follow reads a driver's record and calls f when the driver is ready for what
// it is not told.
func follow(t *testing.T, d *bench.Driver, f func()) (reason string, requests int) {
	t.Helper()
	for e, err := range record.Read(d.Record()) {
		if err != nil {
			t.Error(err)
			break
		}
		switch {
		case e.Phase == record.PhaseInject:
			f()
		case e.Requests != nil:
			requests += len(e.Requests.List)
		case e.End != nil:
			reason = e.End.Reason + e.End.Detail
		}
	}
	return reason, requests
}

func TestADriverIsAHarnessInAProcessOfItsOwn(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	d, err := bench.StartDriver(t.Context(), blind(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	reason, requests := follow(t, d, func() {
		if err := d.Over(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Wait(); err != nil {
		t.Error(err)
	}
	if reason != record.Completed || requests == 0 {
		t.Errorf("ended as %q after %d requests", reason, requests)
	}
}

func TestAStalledDriverSendsNothing(t *testing.T) {
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	defer server.Close()
	d, err := bench.StartDriver(t.Context(), blind(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	follow(t, d, func() {
		stalled, err := d.Stall()
		if err != nil {
			t.Error(err)
		}
		// What was on its way comes in, and then nothing more.
		last := int64(-1)
		until(t, "the driver to stand still", func() error {
			now := served.Load()
			if now != last {
				last = now
				return io.ErrNoProgress
			}
			return nil
		})
		resumed, err := d.Resume()
		if err != nil {
			t.Error(err)
		}
		if stalled.From.After(stalled.To) || stalled.To.After(resumed.From) || resumed.From.After(resumed.To) {
			t.Errorf("stalled %v, resumed %v: out of order", stalled, resumed)
		}
		until(t, "the driver to go on", func() error {
			if served.Load() == last {
				return io.ErrNoProgress
			}
			return nil
		})
		if err := d.Over(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Wait(); err != nil {
		t.Error(err)
	}
}

func TestADriverThatIsStalledEndsWithItsContext(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d, err := bench.StartDriver(ctx, blind(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	stalled := false
	for _, err := range record.Read(d.Record()) {
		if err != nil {
			break // it was killed, which Wait tells
		}
		if !stalled {
			stalled = true
			if _, err := d.Stall(); err != nil {
				t.Error(err)
			}
			cancel()
		}
	}
	if err := d.Wait(); err == nil || !strings.Contains(err.Error(), "driver: signal: killed") {
		t.Errorf("wait: %v, want it killed", err)
	}
}

func TestADriverSaysWhatIsWrong(t *testing.T) {
	d, err := bench.StartDriver(t.Context(), bench.Blind{Name: "no load", Check: steadystate.Check{Name: "answers", Good: steadystate.AtLeast(1)}})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, d.Record())
	if err := d.Wait(); err == nil || !strings.Contains(err.Error(), "rate 0/s: want from 1/min") {
		t.Errorf("wait: %v", err)
	}
}

// The experiment is not told what is planted, but its record says when
// something may have been.
func TestABlindExperimentPlantsWhenTheServiceIsSteady(t *testing.T) {
	var bad atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if bad.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	var recorded bytes.Buffer
	rec := record.NewRecorder(&recorded)
	clock := rec.Clock()
	var planted steadystate.Span
	err := blind(server.URL).Experiment(func(context.Context) error {
		planted.From = clock.Now()
		bad.Store(true)
		defer bad.Store(false)
		<-time.After(100 * time.Millisecond)
		planted.To = clock.Now()
		return nil
	}).Run(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Injections) != 1 || !result.Injections[0].Overlaps(planted) || len(result.Checks[0].Outages) == 0 {
		t.Errorf("injections %+v, outages %+v, planted %s", result.Injections, result.Checks[0].Outages, planted)
	}
}

func TestABenchWithoutPrometheus(t *testing.T) {
	b := start(t, bench.Options{Services: 1, NoPrometheus: true})
	if url := b.PrometheusURL(); url != "" {
		t.Errorf("Prometheus at %q, want none", url)
	}
	for key := range b.Environment() {
		if key == "prometheus" || key == "scraped every" {
			t.Errorf("the environment has %q", key)
		}
	}
	for _, row := range []struct {
		sentence string
		query    string
		want     int
	}{
		{"a service answers", "", http.StatusOK},
		{"and holds its answer back when asked to", "?delay=1ms", http.StatusOK},
		{"for as long as it can read", "?delay=soon", http.StatusBadRequest},
	} {
		response, err := http.Get(b.URL() + "/" + row.query)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != row.want {
			t.Errorf("%s: %s, want %d", row.sentence, response.Status, row.want)
		}
	}
}
