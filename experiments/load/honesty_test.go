package load_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A shortage is a fault that hurts the machine that drives the load, and never
// the service: what is seen then must never be held against it.
type shortage struct{ begin, end func() error }

func (s shortage) String() string { return "a shortage on the load's machine" }

func (s shortage) Inject(_ context.Context, rec *record.Recorder) (record.Injection, error) {
	from := rec.Clock().Now()
	if err := s.begin(); err != nil {
		return record.Injection{}, err
	}
	span := steadystate.Span{From: from, To: rec.Clock().Now()}
	rec.Event(record.Event{Span: span, Kind: "short", Subject: "machine/load", UID: "load"})
	return record.Injection{
		Targets: []record.Target{{Name: "one", UID: "load"}},
		Span:    span,
		Effects: []record.Effect{{Event: "short"}},
	}, nil
}

func (s shortage) Recover(_ context.Context, rec *record.Recorder) (steadystate.Span, error) {
	from := rec.Clock().Now()
	err := s.end()
	return steadystate.Span{From: from, To: rec.Clock().Now()}, err
}

// shortExperiment is an experiment of a few seconds. Its tolerance is so wide
// that no busy machine can miss it.
func shortExperiment(l experiments.Load, limit string, faults ...experiments.Fault) experiments.Experiment {
	var scheduled []experiments.Scheduled
	for _, f := range faults {
		scheduled = append(scheduled, experiments.Scheduled{Fault: f})
	}
	return experiments.Experiment{
		Name: "load honesty",
		Hypothesis: steadystate.Hypothesis{Checks: []steadystate.Check{{
			Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(20 * time.Second),
			Allowed: 0.01, Limits: steadystate.Limits(limit),
		}}},
		Load: l, Faults: scheduled,
		Settle: time.Second, Hold: 1500 * time.Millisecond, Watch: time.Second,
	}
}

// named answers with its name, which proves to the judge whom a fault met.
func named(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Pod", "one") }

func judged(t *testing.T, recorded []byte) judge.Result {
	t.Helper()
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if result.End.Reason != record.Completed {
		t.Fatalf("the run ended %+v, want completed: the experiment must come to its verdict", result.End)
	}
	return result
}

// blamesTheLoad checks that the verdict is unknown, that no finding says
// anything of the service, and that the reason begins with the load.
func blamesTheLoad(t *testing.T, r judge.Result) {
	t.Helper()
	t.Log(r.Reason)
	if r.Verdict != steadystate.Unknown {
		t.Errorf("%s: %s; want unknown", r.Verdict, r.Reason)
	}
	if !strings.HasPrefix(r.Reason, "no proof that the load was driven as asked: ") {
		t.Errorf("reason %q, want the load's", r.Reason)
	}
	for _, f := range r.Findings {
		if f.Verdict != steadystate.Unknown || !strings.Contains(f.Undecided, "may be the load's doing") {
			t.Errorf("finding %+v, want unknown because of the load", f)
		}
	}
	if n := r.Traffic[record.TrafficSignal].FailedFirst; n != 0 {
		t.Errorf("%d requests count as failures of the service, want none", n)
	}
}

func proofText(t *testing.T, r judge.Result, name string) string {
	t.Helper()
	i := slices.IndexFunc(r.Proofs, func(p judge.Proof) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("no proof %q in %+v", name, r.Proofs)
	}
	return r.Proofs[i].Text
}

func TestAServerThatTakesHalfTheRateIsNeitherHeldNorBroken(t *testing.T) {
	for _, row := range []struct{ sentence, limit string }{
		{"a limit that every answer keeps is not held", "errors <= 50%"},
		{"a limit that every answer breaks is not broken", "p50 <= 1us"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			const rate = 200
			tokens := time.NewTicker(2 * time.Second / rate)
			defer tokens.Stop()
			var asked atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if asked.Add(1) <= 2*rate { // while it settles
					named(w, r)
					return
				}
				select {
				case <-tokens.C:
					named(w, r)
				case <-r.Context().Done():
				}
			}))
			defer server.Close()

			var recorded bytes.Buffer
			constant := load.HTTP{Shape: load.Constant(rate), URL: server.URL, Timeout: 20 * time.Second, MaxInFlight: 50}
			e := shortExperiment(constant, row.limit)
			e.Hypothesis.Checks[0].Allowed = 0 // it settles before the load falls behind
			if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
				t.Fatal(err)
			}
			result := judged(t, recorded.Bytes())
			blamesTheLoad(t, result)
			traffic := result.Traffic[record.TrafficSignal]
			if traffic.Late == 0 || traffic.LateTime < record.LateAfter || traffic.Rate < 0.9*rate || traffic.Rate > 1.1*rate {
				t.Errorf("traffic %+v: want the asked rate, and how far behind it the load was", traffic)
			}
			if text := proofText(t, result, "load held"); !strings.Contains(text, "behind its schedule for ") || !strings.Contains(text, "sent over 100ms late, worst ") {
				t.Errorf("proof %q, want the figure", text)
			}
		})
	}
}

// lacks checks that the load is blamed for want of something, in words.
func lacks(t *testing.T, r judge.Result, reason string) {
	t.Helper()
	blamesTheLoad(t, r)
	traffic := r.Traffic[record.TrafficSignal]
	if n := traffic.Failures["the load's machine: "+reason]; n == 0 || n != traffic.Local {
		t.Errorf("failures %v of which %d are the load's own, want all of them %q", traffic.Failures, traffic.Local, reason)
	}
	if want := fmt.Sprintf("%d failed on the load's machine", traffic.Local); !strings.Contains(r.Reason, want) {
		t.Errorf("reason %q, want %q", r.Reason, want)
	}
	if text := proofText(t, r, "covered"); !strings.Contains(text, reason) {
		t.Errorf("proof %q, want the reason %q", text, reason)
	}
}
