package cause_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A limit on values that no outage broke has a cause, if those beyond it are where
// something else was.
func TestWhyALimitBrokeWithoutAnOutage(t *testing.T) {
	ms := time.Millisecond
	answers := func(by, from string, n int, took time.Duration) []record.Entry {
		return requests(from, n, took, record.Outcome{Code: 200, Backend: by})
	}
	stress := `
		0        exists  pod/shop/a  a
		0        exists  pod/shop/b  b
		20..20.1 inject  stress      a
		40..40.1 undo    stress
	`
	ofTwo := func(i *record.Injection) { i.Of = 2 }
	quick := answers("b", "10", 490, 20*ms)
	for _, row := range []struct {
		name     string
		events   string
		change   func(*record.Injection)
		requests [][]record.Entry
		limit    string
		outage   string // START to END, of all that are beyond it; empty: none
		rule     string
		want     string // "": nothing is said
	}{
		{
			"slow at the pod of a fault, while it was held", stress, ofTwo,
			[][]record.Entry{quick, answers("a", "21", 100, 600*ms)},
			"p95 <= 500ms", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 beyond the limit were seen then, 33.1% of all then and 0% of the rest, and 100 came from the 1 of 2 pods that it was in",
		},
		{
			"slow at another pod, while it was held", stress, ofTwo,
			[][]record.Entry{quick, answers("b", "21", 100, 600*ms)},
			"p95 <= 500ms", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 beyond the limit were seen then, 33.1% of all then and 0% of the rest",
		},
		{
			"slow when it was over", stress, nil,
			[][]record.Entry{quick, answers("a", "45", 100, 600*ms)},
			"p95 <= 500ms", "", "", "",
		},
		{
			"slow throughout", stress, nil,
			[][]record.Entry{quick, answers("a", "10", 480, 600*ms)},
			"p95 <= 500ms", "", "", "",
		},
		{
			"of two faults it is not known which", stress + "21 inject other b\n39 undo other\n", nil,
			[][]record.Entry{quick, answers("a", "22", 100, 600*ms)},
			"p95 <= 500ms", "", "", "",
		},
		{
			"an outage is why", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 100, 600*ms)},
			"p95 <= 500ms", "21 to 27", "", "",
		},
		{
			"a limit on no values", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 100, 600*ms)},
			"errors <= 1%", "", "", "",
		},
		{
			"within a phase", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 100, 600*ms)},
			"p95 <= 500ms during hold", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 beyond the limit were seen then, 33.1% of all then and 0% of the rest",
		},
		{
			"slow before, too", stress, nil,
			[][]record.Entry{quick, answers("a", "5", 40, 600*ms), answers("a", "21", 100, 600*ms)},
			"p95 <= 500ms during hold", "", "", "",
		},
		{
			"one moment of twenty slow answers", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 10, 600*ms), answers("b", "21", 10, 600*ms)},
			"p95 <= 500ms", "", "", "",
		},
		{
			"in another phase than the limit's", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 100, 600*ms), answers("a", "45", 20, 600*ms)},
			"p95 <= 500ms during watch", "", "", "",
		},
		{
			"killed for lack of memory", stress + "22 stopped pod/shop/b b container=shop reason=OOMKilled\n23 restarted pod/shop/b b container=shop reason=OOMKilled\n", nil,
			[][]record.Entry{quick, answers("b", "22", 100, 600*ms)},
			"p95 <= 500ms", "", cause.KilledForMemory,
			"consistent with: a container of b was killed for lack of memory (OOMKilled): 100 of the 100 beyond the limit were seen then, 43.3% of all then and 0% of the rest",
		},
		{
			"a surge", "20..20.1 inject surge requests\n40 undo surge\n", func(i *record.Injection) { i.Effects = []record.Effect{{Signal: "requests", Times: 4}} },
			[][]record.Entry{quick, answers("b", "22", 100, 600*ms)},
			"p95 <= 500ms", "", cause.Surged,
			"consistent with: too few pods for 4 times the load: 100 of the 100 beyond the limit were seen then, 33.2% of all then and 0% of the rest",
		},
		{
			"while a pod was away", killed, nil,
			[][]record.Entry{answers("b", "10", 490, 20*ms), answers("b", "10.2", 30, 600*ms)},
			"p99 <= 500ms", "", cause.Away,
			"consistent with: a was away: 21 of the 30 beyond the limit were seen then, 47.7% of all then and 1.89% of the rest",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries := recordtest.Entries(nil, row.events)
			for _, list := range row.requests {
				entries = append(entries, list...)
			}
			result, history := judge.Result{
				Window: recordtest.Span("10..60"), Length: time.Minute, Traffic: map[string]judge.Traffic{record.TrafficSignal: {Sent: 1}},
				Phases:   []judge.PhaseResult{{Name: "hold", Span: recordtest.Span("20.1..40")}, {Name: "watch", Span: recordtest.Span("40.1..60")}},
				Findings: []judge.Finding{{Check: "answers", Limit: row.limit, Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
			}, recovery.History{}
			check := judge.CheckResult{Check: "answers", Signal: record.TrafficSignal, Tolerance: steadystate.Within(time.Second), Figures: steadystate.Figures{Window: result.Window}}
			if row.outage != "" {
				check.Outages = []steadystate.Outage{{Start: recordtest.Span("21"), End: recordtest.Span("27"), Bad: 60, Total: 60}}
			}
			result.Checks = []judge.CheckResult{check}
			for _, e := range entries {
				history.Take(e)
				switch {
				case e.Event != nil:
					result.Events = append(result.Events, *e.Event)
				case e.Injection != nil:
					if row.change != nil {
						row.change(e.Injection)
					}
					result.Injections = append(result.Injections, judge.InjectionResult{Injection: *e.Injection})
				case e.Removal != nil:
					result.Injections[e.Removal.Index].Removed = &e.Removal.Span
				}
			}
			in := cause.NewInquiry(result, history.Waterfalls(result.Checks))
			for _, e := range entries {
				in.Take(e)
			}
			rule, why := "", ""
			for _, c := range in.Causes() {
				if c.Outage == cause.NoOutage {
					rule, why = c.Rule, c.Why
				}
			}
			if rule != row.rule || why != row.want {
				t.Errorf("%q by rule %q, want %q by %q", why, rule, row.want, row.rule)
			}
		})
	}
}

// What an autoscaler says is quoted, and the limit on which it says nothing has none.
func TestWhyALimitOfAnAutoscalerBroke(t *testing.T) {
	const spec = `{"maxReplicas":3}`
	limited := `{"conditions":[{"type":"ScalingLimited","status":"True","reason":"TooManyReplicas","message":"the desired replica count is more than the maximum replica count"}]}`
	blind := `{"conditions":[{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"failed to get cpu utilization: missing request for cpu in container checkout"}]}`
	for _, row := range []struct{ name, limit, quantity, status, want string }{
		{"at its max", "not held back by its max", "", limited, `consistent with: the load needs more than its max of 3 pods: TooManyReplicas: "the desired replica count is more than the maximum replica count"`},
		{"pods ready too late, at its max", "ready <= 75s", "ready", limited, ""},
		{"relieved too late, at its max", "relieved <= 75s", "relieved", limited, `consistent with: the load needs more than its max of 3 pods: TooManyReplicas: "the desired replica count is more than the maximum replica count"`},
		{"ready too late, and below its max", "ready <= 75s", "ready", `{}`, ""},
		{"back too late, and it was at its max", "back <= 65s", "back", limited, ""},
		{"no metric", "scales out", "", blind, `consistent with: it had no metric to scale by: FailedGetResourceMetric: "failed to get cpu utilization: missing request for cpu in container checkout"`},
		{"turns, without a window in its spec", "turns <= 1", "turns", `{}`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := judge.Finding{Check: "autoscaler", Signal: "hpa/shop/checkout", Limit: row.limit, Reading: steadystate.Reading{Verdict: steadystate.Broken}}
			if row.quantity != "" {
				f.Wanted = &judge.Wanted{Quantity: row.quantity}
			}
			list := cause.NewInquiry(judge.Result{
				Findings: []judge.Finding{f}, Window: steadystate.Span{To: time.Minute},
				Events: []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/checkout", Attrs: map[string]string{record.AttrSpec: spec, record.AttrStatus: row.status}}},
			}, nil).Causes()
			if len(list) != 1 || list[0].Why != row.want || list[0].Outage != cause.NoOutage || list[0].Limit != row.limit {
				t.Errorf("%+v, want %q", list, row.want)
			}
		})
	}
}
