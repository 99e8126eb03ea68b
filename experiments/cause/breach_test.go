package cause_test

import (
	"strings"
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
	unavailable := func(by, from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Code: 503, Backend: by})
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
			"requests that failed one by one at the pod of a fault", stress, ofTwo,
			[][]record.Entry{quick, unavailable("a", "21", 100)},
			"errors <= 1%", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 that failed were seen then, 33.1% of all then and 0% of the rest, and 100 came from the 1 of 2 pods that it was in",
		},
		{
			"an outage is why they failed", stress, nil,
			[][]record.Entry{quick, unavailable("a", "21", 100)},
			"errors <= 1%", "21 to 27", "", "",
		},
		{
			"they failed outside of an outage", stress, nil,
			[][]record.Entry{quick, unavailable("a", "28", 100), unavailable("a", "21", 10)},
			"errors <= 1%", "21 to 27", cause.Faulted,
			"consistent with: the fault itself (stress): 110 of the 110 that failed were seen then, 35.3% of all then and 0% of the rest",
		},
		{
			"they failed from the beginning", stress, nil,
			[][]record.Entry{quick, unavailable("a", "10", 480)},
			"errors <= 1%", "", "", "",
		},
		{
			"they failed all along, and a pod was away meanwhile", killed, nil,
			[][]record.Entry{quick, unavailable("b", "10", 10), unavailable("b", "18", 10), unavailable("c", "30", 10), unavailable("b", "44", 10)},
			"errors <= 1%", "", "", "",
		},
		{
			"too many slow ones, and none failed", stress, nil,
			[][]record.Entry{quick, answers("a", "21", 100, 1500*ms)},
			"slow <= 1%", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 that were slow were seen then, 33.1% of all then and 0% of the rest",
		},
		{
			"a rate that is too low because they failed", stress, nil,
			[][]record.Entry{quick, unavailable("a", "21", 100)},
			"rate >= 10/s", "", cause.Faulted,
			"consistent with: the fault itself (stress): 100 of the 100 that failed were seen then, 33.1% of all then and 0% of the rest",
		},
		{
			"a rate that would be too low if all were answered", stress, nil,
			[][]record.Entry{quick, unavailable("a", "21", 100)},
			"rate >= 20/s", "", "", "",
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
			var outages []steadystate.Outage
			if row.outage != "" {
				outages = append(outages, steadystate.Outage{Start: recordtest.Span("21"), End: recordtest.Span("27"), Bad: 60, Total: 60})
			}
			_, list := breached(entries, row.change, row.limit, outages...)
			rule, why := "", ""
			for _, c := range list {
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

// breached is the result of a record in which the check of the requests has a broken limit
// and those outages, and the causes.
func breached(entries []record.Entry, change func(*record.Injection), limit string, outages ...steadystate.Outage) (judge.Result, []cause.Cause) {
	result, history := judge.Result{
		Window: recordtest.Span("10..60"), Length: time.Minute, Traffic: map[string]judge.Traffic{record.TrafficSignal: {Sent: 1}},
		Phases:   []judge.PhaseResult{{Name: "hold", Span: recordtest.Span("20.1..40")}, {Name: "watch", Span: recordtest.Span("40.1..60")}},
		Findings: []judge.Finding{{Check: "answers", Limit: limit, Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
		Baseline: &record.Baseline{Figures: map[string]map[string]steadystate.Base{"answers": {"p95": {Bounds: steadystate.Bounds[float64]{Low: 0.03, High: 0.04}, N: 100}}}},
	}, recovery.History{}
	result.Checks = []judge.CheckResult{{
		Check: "answers", Signal: record.TrafficSignal, Tolerance: steadystate.Within(time.Second),
		Figures: steadystate.Figures{Window: result.Window, Outages: outages},
	}}
	for _, e := range entries {
		history.Take(e)
		switch {
		case e.Event != nil:
			result.Events = append(result.Events, *e.Event)
		case e.Injection != nil:
			if change != nil {
				change(e.Injection)
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
	return result, in.Causes()
}

// A share or a percentile that is broken has the causes of the outages that make it up, and
// their advice, as a limit on the outages themselves; what is elsewhere is not blamed on them.
func TestABrokenShareHasTheCausesOfTheOutagesThatMakeItUp(t *testing.T) {
	ms := time.Millisecond
	failed := func(from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Error: "connection refused"})
	}
	answers := func(from string, n int, took time.Duration) []record.Entry {
		return requests(from, n, took, record.Outcome{Code: 200, Backend: "d"})
	}
	gone := steadystate.Outage{Start: recordtest.Span("10..10.1"), End: recordtest.Span("13..13.1"), Bad: 30, Total: 30}
	late := steadystate.Outage{Start: recordtest.Span("50..50.1"), End: recordtest.Span("51..51.1"), Bad: 10, Total: 10}
	before := steadystate.Outage{Start: recordtest.Span("20.1..20.2"), End: recordtest.Span("40.1..40.2"), Bad: 200, Total: 200}
	moment := steadystate.Outage{Start: recordtest.Span("50..50.1"), End: recordtest.Span("50.1..50.2"), Bad: 1, Total: 1}
	restarts := "50 stopped pod/shop/d d container=shop reason=OOMKilled\n50.5 restarted pod/shop/d d container=shop reason=OOMKilled\n"
	// Failures far from each other, which the share allows for.
	var scattered []record.Entry
	for _, at := range []string{"15", "18", "22", "27", "31", "33", "36", "41", "44", "47", "49", "53", "55", "58"} {
		scattered = append(scattered, failed(at, 3)...)
	}
	const more = "Mend more replicas"
	for _, row := range []struct {
		name     string
		limit    string
		events   string
		requests [][]record.Entry
		outages  []steadystate.Outage
		rules    string
		advice   string
	}{
		{"downtime", "downtime <= 2s", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"uptime", "uptime >= 99%", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"errors", "errors <= 1%", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"a rate", "rate >= 9.5/s", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"a percentile", "p95 <= 500ms", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"slow ones", "slow <= 1%", "", [][]record.Entry{answers("10.1", 30, 1500*ms)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"some failed elsewhere, and most in the outage", "errors <= 1%", "", [][]record.Entry{failed("10.1", 30), failed("44", 9)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"most failed elsewhere, one by one", "errors <= 1%", "", [][]record.Entry{failed("10.1", 30), scattered}, []steadystate.Outage{gone}, "", ""},
		{"and a limit on the downtime is broken by the outage all the same", "downtime <= 2s", "", [][]record.Entry{failed("10.1", 30), scattered}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"the slow ones are elsewhere", "slow <= 1%", "", [][]record.Entry{failed("10.1", 30), answers("44", 60, 1500*ms)}, []steadystate.Outage{gone}, "", ""},
		{"values beyond a percentile are elsewhere", "p95 <= 500ms", "", [][]record.Entry{failed("10.1", 30), answers("44", 60, 600*ms)}, []steadystate.Outage{gone}, "", ""},
		{"in the time of another outage", "errors <= 1% during watch", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 10)}, []steadystate.Outage{gone, late}, cause.KilledForMemory, "Ask memory"},
		{"two outages", "errors <= 1%", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 10)}, []steadystate.Outage{gone, late}, cause.NoneLeft + ", " + cause.KilledForMemory, more + ", Ask memory"},
		{"two outages, of which one is next to nothing of it", "errors <= 1%", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 2)}, []steadystate.Outage{gone, late}, cause.NoneLeft, more},
		{"a percentile, of which one of two outages is next to nothing", "p95 <= 500ms", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 2)}, []steadystate.Outage{gone, late}, cause.NoneLeft, more},
		{"a percentile, in the time of another outage", "p95 <= 500ms during watch", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 10)}, []steadystate.Outage{gone, late}, cause.KilledForMemory, "Ask memory"},
		{"a percentile of good ones, which those that failed are not", "p95 of good <= 500ms", "", [][]record.Entry{failed("10.1", 30), answers("44", 25, 600*ms)}, []steadystate.Outage{gone}, "", ""},
		{"a percentile of good ones, of which one of two outages has some", "p95 of good <= 500ms", restarts, [][]record.Entry{failed("10.1", 30), answers("50.1", 10, 1500*ms)}, []steadystate.Outage{gone, late}, cause.KilledForMemory, "Ask memory"},
		{"a multiple of the baseline", "p95 <= 1.5x baseline", restarts, [][]record.Entry{failed("10.1", 30), answers("50.1", 10, 1500*ms)}, []steadystate.Outage{gone, late}, cause.NoneLeft + ", " + cause.KilledForMemory, more + ", Ask memory"},
		{"a multiple of the baseline, of which one of two outages is next to nothing", "p95 <= 1.5x baseline", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 2)}, []steadystate.Outage{gone, late}, cause.NoneLeft, more},
		{"values beyond a multiple of the baseline are elsewhere", "p95 <= 1.5x baseline", "", [][]record.Entry{failed("10.1", 30), answers("44", 60, 70*ms)}, []steadystate.Outage{gone}, "", ""},
		{"a multiple of a baseline that is not known", "p99 <= 1.5x baseline", "", [][]record.Entry{failed("10.1", 30), answers("44", 60, 70*ms)}, []steadystate.Outage{gone}, cause.NoneLeft, more},
		{"the downtime, of which one of two outages is next to nothing", "downtime <= 2s", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 1)}, []steadystate.Outage{gone, moment}, cause.NoneLeft, more},
		{"the uptime, of which one of two outages is next to nothing", "uptime >= 99%", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 1)}, []steadystate.Outage{gone, moment}, cause.NoneLeft, more},
		{"the downtime of a phase, of which a long outage before it is next to nothing", "downtime <= 500ms during watch", restarts, [][]record.Entry{failed("50.1", 10)}, []steadystate.Outage{before, late}, cause.KilledForMemory, "Ask memory"},
		{"the longest outage, and one within the limit", "outage <= 2s", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 10)}, []steadystate.Outage{gone, late}, cause.NoneLeft, more},
		{"the number of outages", "outages <= 1", restarts, [][]record.Entry{failed("10.1", 30), failed("50.1", 10)}, []steadystate.Outage{gone, late}, cause.NoneLeft + ", " + cause.KilledForMemory, more + ", Ask memory"},
		{"a rate that the load does not reach", "rate >= 20/s", "", [][]record.Entry{failed("10.1", 30)}, []steadystate.Outage{gone}, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			entries := append(recordtest.Entries(nil, only+row.events), answers("13.2", 460, 20*ms)...)
			for _, list := range row.requests {
				entries = append(entries, list...)
			}
			r, causes := breached(entries, nil, row.limit, row.outages...)
			r.Workload = sound()
			r.Workload.Replicas = 1
			var rules, advice []string
			for _, c := range cause.Of(r, r.Findings[0], causes) {
				if c.Rule != "" {
					rules = append(rules, c.Rule)
				}
			}
			for _, a := range cause.Advise(r, causes) {
				advice = append(advice, a.Name()+" "+a.Kind)
			}
			if got := strings.Join(rules, ", "); got != row.rules {
				t.Errorf("rules %q, want %q", got, row.rules)
			}
			if got := strings.Join(advice, ", "); got != row.advice {
				t.Errorf("advice %q, want %q", got, row.advice)
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
