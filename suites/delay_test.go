package suites_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// TestDelay looks at what a delay of 200 ms does to traffic: a request over a
// connection that is open takes as much longer, and one that opens its
// connection twice as much, since two packets of its answer are delayed one
// after the other; both by 20 % at most more or less. After it they take no
// longer than before.
//
//	go test ./suites -run TestDelay -v -args -config lab/aftershock.yaml
func TestDelay(t *testing.T) {
	_, e := onTheLab(t, "checkout/network/delay")
	e.Name = "kept and new connections on a slow network"
	traffic := e.Load.(load.HTTP)
	traffic.ReuseRate = 20
	e.Load = traffic
	e.Hypothesis.Checks = append(slices.Clone(e.Hypothesis.Checks), steadystate.Check{
		Name: "kept connections", Signal: load.ReusedSignal, Good: steadystate.Within(time.Second), Allowed: 0.01,
		Limits: steadystate.Limits("p50 <= 1s"),
	})
	var recorded bytes.Buffer
	if err := e.Run(t.Context(), record.NewRecorder(&recorded)); err != nil {
		t.Fatal(err)
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	for signal, packets := range map[string]float64{load.ReusedSignal: 1, record.TrafficSignal: 2} {
		i := slices.IndexFunc(result.Checks, func(c judge.CheckResult) bool { return c.Signal == signal })
		median := map[string]steadystate.Bounds[float64]{}
		for _, p := range result.Checks[i].Phases {
			median[p.Phase] = p.P50
		}
		before, during, after := median[record.PhaseSettle], median[record.PhaseHold], median[record.PhaseWatch]
		rise := steadystate.Bounds[float64]{Low: during.Low - before.High, High: during.High - before.Low}
		t.Logf("%s: median %.4g s before, %.4g s during, %.4g s after: up by %v s", signal, before.High, during.High, after.High, rise)
		if rise.Low < 0.8*0.2*packets || rise.High > 1.2*0.2*packets {
			t.Errorf("%s: the median rose by %v s, want %g s and 20 %% more or less", signal, rise, 0.2*packets)
		}
		if after.High > before.High+0.02 {
			t.Errorf("%s: the median is %v s after the delay, and was %v s before", signal, after, before)
		}
	}
}
