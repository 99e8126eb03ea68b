package autoscaling_test

import (
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// spiked is what a record of a spike says: events of the autoscaler, with the
// JSON of its spec and status, and of its scale target.
func spiked() judge.Result {
	r := judge.Result{Length: 3 * time.Minute, End: record.End{Reason: record.Completed}}
	event := func(from, to float64, kind, subject string, attrs ...string) {
		e := record.Event{Kind: kind, Subject: subject, Attrs: map[string]string{}}
		e.From, e.To = time.Duration(from*1e9), time.Duration(to*1e9)
		for i := 0; i < len(attrs); i += 2 {
			e.Attrs[attrs[i]] = attrs[i+1]
		}
		r.Events = append(r.Events, e)
	}
	hpa := func(from, to float64, kind string, cpu, current, desired int, scaled string, spec ...string) {
		attrs := []string{record.AttrStatus, fmt.Sprintf(`{"currentReplicas":%d,"desiredReplicas":%d,"lastScaleTime":%s,`+
			`"currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":%d}}}]}`, current, desired, scaled, cpu)}
		if len(spec) > 0 {
			attrs = append(attrs, record.AttrSpec, spec[0])
		}
		event(from, to, kind, "hpa/shop/checkout", attrs...)
	}
	pods := func(from, to float64, kind, wanted, ready string) {
		event(from, to, kind, "deployment/shop/checkout", record.AttrDesired, wanted, record.AttrExisting, wanted, record.AttrReady, ready)
	}
	r.Injections = []judge.InjectionResult{{
		Injection: record.Injection{Fault: "a spike of 10 times the load", Span: steadystate.Instant(30 * time.Second)},
		Removed:   new(steadystate.Instant(90 * time.Second)),
	}}
	hpa(0, 0.1, record.EventExists, 40, 2, 2, "null", `{"scaleTargetRef":{"kind":"Deployment","name":"checkout"},"minReplicas":2,"maxReplicas":8,`+
		`"metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":50}}}],`+
		`"behavior":{"scaleDown":{"stabilizationWindowSeconds":60}}}`)
	pods(0, 0.1, record.EventExists, "2", "2")
	pods(44.5, 45, record.EventChanged, "4", "2")
	hpa(44.8, 45.1, record.EventChanged, 95, 2, 4, `"2026-03-02T10:00:45Z"`)
	pods(52, 52.3, record.EventChanged, "4", "4")
	hpa(74.6, 75.2, record.EventChanged, 49, 4, 4, `"2026-03-02T10:00:45Z"`)
	hpa(104.6, 105.1, record.EventChanged, 10, 4, 4, `"2026-03-02T10:00:45Z"`)
	pods(164.4, 165, record.EventChanged, "2", "2")
	hpa(164.5, 165.1, record.EventChanged, 20, 4, 2, `"2026-03-02T10:02:45Z"`)
	return r
}

func ExampleDecompose() {
	for _, d := range autoscaling.Decompose(spiked()) {
		fmt.Print(d)
	}
	// Output:
	// autoscaling of shop/checkout, 2 -> 4 -> 2 replicas (a spike of 10 times the load)
	//   fault      +0s                -               |-                                       |
	//   lag        +14.5s to 15s      14.5s to 15s    |=====                                   |
	//   decision   +14.5s to 15s      0s to 500ms     |    -                                   |
	//   actuation  +14.5s to 15s      0s to 500ms     |    -                                   |
	//   ready      +22s to 22.3s      7s to 7.8s      |    ===                                 |
	//   relieved   +44.6s to 45.2s    22.3s to 23.2s  |      ========                          |
	//   undone     +60s               -               |                 -                      |
	//   back       +2m14.4s to 2m15s  74.4s to 75s    |                 =======================|
}

func ExampleEvaluator() {
	expectation := autoscaling.Expect("checkout scales", "shop", "checkout", "decision <= 10s", "ready <= 30s since fault", "replicas >= 4", "back <= 1m")
	for _, f := range (autoscaling.Evaluator{}).Evaluate(expectation, spiked()) {
		fmt.Printf("%s  %s: %s\n", f.Verdict, f.Limit, f.Text)
	}
	// Output:
	// held  scales out: 2 -> 4 -> 2, first at 44.800s..45.100s
	// held  within min and max: 2 -> 4 -> 2 within 2 and 8
	// held  steps within its policies: 2 steps, 2 -> 4 -> 2
	// held  no step down inside its stabilization window: 4 -> 2 at 164.500s..165.100s, 119.4s to 2m0.3s after the step up to 4; its window is 60s
	// held  sizes as its metrics ask: 2 steps, none against them
	// held  not held back by its max: 2 -> 4 -> 2, with a max of 8
	// held  able to scale: throughout
	// held  turns <= 1: 1 in 2 steps, 2 -> 4 -> 2
	// held  decision <= 10s: 0s to 500ms
	// held  ready <= 30s since fault: 22s to 22.3s
	// held  replicas >= 4: 4 ready
	// broken  back <= 1m: 74.4s to 75s
}
