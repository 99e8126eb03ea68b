package load_test

import (
	"bytes"
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// surging is an experiment with a surge, which holds long enough for a busy
// machine.
func surging(url string, surge *load.Surge, l load.HTTP) experiments.Experiment {
	l.URL, l.Surge = url, surge
	e := shortExperiment(l, "errors <= 50%", surge)
	e.Settle, e.Hold, e.Watch = 2*time.Second, 2*time.Second, 2*time.Second
	return e
}

func TestASurgeMultipliesTheRateAndIsGoneAgain(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(named))
	defer server.Close()
	surge := &load.Surge{Factor: 5}
	experiment := surging(server.URL, surge, load.HTTP{Shape: load.Constant(40), ReuseRate: 20})
	var recorded bytes.Buffer
	if err := experiment.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}
	result := judged(t, recorded.Bytes())
	if len(result.Injections) != 1 || result.Injections[0].Removed == nil || result.Injections[0].Kind != record.KindSurge {
		t.Fatalf("injections %+v", result.Injections)
	}
	injection := result.Injections[0]
	for name, want := range map[string]string{
		"injected": "surge of the load to 5 times its rate: into requests, requests reused",
		"effect":   " were sent at", // seen, or that a busy machine sent fewer
		"exposed":  "requests were answered well in the ",
	} {
		if text := proofText(t, result, name); !strings.Contains(text, want) {
			t.Errorf("proof %q: %q, want %q", name, text, want)
		}
	}
	// By the plan, which no busy machine changes.
	on := steadystate.Span{From: injection.To, To: injection.Removed.From}
	planned, last := map[string]int{}, map[string]time.Duration{}
	seqs := map[string]map[uint64]bool{"requests": {}, load.ReusedSignal: {}}
	for e, err := range record.Read(bytes.NewReader(recorded.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Requests == nil {
			continue
		}
		for _, q := range e.Requests.List {
			seqs[e.Requests.Signal][q.Seq] = true
			last[e.Requests.Signal] = max(last[e.Requests.Signal], q.Planned)
			if on.From <= q.Planned && q.Planned <= on.To {
				planned[e.Requests.Signal]++
			}
		}
	}
	for signal, rate := range map[string]float64{"requests": 200, load.ReusedSignal: 100} {
		// A load that is far behind in the end has not sent them all.
		if want := rate * (min(on.To, last[signal]) - on.From).Seconds(); math.Abs(float64(planned[signal])-want) > 2 {
			t.Errorf("%s: %d were planned while the surge was on, want %.1f", signal, planned[signal], want)
		}
		for n := range len(seqs[signal]) {
			if !seqs[signal][uint64(n)] {
				t.Errorf("%s: no request %d of %d", signal, n, len(seqs[signal]))
				break
			}
		}
	}
}

func TestASurgeThatCannotBeIsNone(t *testing.T) {
	rec := record.NewRecorder(&bytes.Buffer{})
	surge := &load.Surge{Factor: 10}
	injection, err := surge.Inject(t.Context(), rec)
	if want := "no load is being driven that names it in its field Surge"; err != nil || injection.FailureReason != want {
		t.Errorf("without a load: %+v, %v; want failure reason %q", injection, err, want)
	}
	if _, err := surge.Recover(t.Context(), rec); err != nil {
		t.Errorf("nothing to undo: %v", err)
	}
	for _, factor := range []float64{0, 1, -2, math.NaN(), math.Inf(1)} {
		surge := &load.Surge{Factor: factor}
		if _, err := surge.Inject(t.Context(), rec); err == nil || !strings.Contains(err.Error(), "want more than 1") {
			t.Errorf("factor %g: %v", factor, err)
		}
		err := load.HTTP{Shape: load.Constant(1), URL: "http://h/", Surge: surge}.Validate()
		if err == nil || !strings.Contains(err.Error(), "load: surge.factor: ") {
			t.Errorf("a load with factor %g: %v", factor, err)
		}
	}
	for want, l := range map[string]load.HTTP{
		"surge.factor: peak 500000/s: want from 1/min to 100000/s": {Shape: load.Constant(50_000), URL: "http://h/", Surge: surge},
		"surge.factor: peak 200000/s: want":                        {Shape: load.Constant(1), ReuseRate: 20_000, URL: "http://h/", Surge: surge},
		"the other workers would not know of it":                   load.HTTP{Shape: load.Constant(1), URL: "http://h/", Surge: surge}.Share(0, 2),
	} {
		if err := l.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// One at a time, of one load; and the load's end ends it.
func TestOneSurgeAtATime(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(named))
	defer server.Close()
	surge := &load.Surge{Factor: 2}
	l := load.HTTP{Shape: load.Constant(50), URL: server.URL, Surge: surge}
	rec := record.NewRecorder(&bytes.Buffer{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() {
		ended <- l.Drive(ctx, rec.Clock(), func(record.Request) {
			select {
			case begun <- struct{}{}:
			default:
			}
		})
	}()
	<-begun
	if err := l.Drive(ctx, rec.Clock(), func(record.Request) {}); err == nil || !strings.Contains(err.Error(), "a surge is of one load") {
		t.Errorf("a second load: %v", err)
	}
	for _, want := range []string{"", "it is on already"} {
		if injection, err := surge.Inject(ctx, rec); err != nil || injection.FailureReason != want || !injection.Valid() {
			t.Errorf("%+v, %v; want failure reason %q", injection, err, want)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if span, err := surge.Recover(t.Context(), rec); err != nil || !span.Valid() {
		t.Errorf("after the load's end: %s, %v", span, err)
	}
	if injection, _ := surge.Inject(t.Context(), rec); injection.FailureReason == "" {
		t.Error("a load that has ended surges")
	}
}
