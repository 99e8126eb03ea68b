package cause_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// sound is a workload that nothing is to be said about.
func sound() *record.Workload {
	return &record.Workload{
		Subject: "deployment/shop/checkout", Replicas: 3, Strategy: "RollingUpdate", MaxUnavailable: "0", GraceSeconds: 20,
		Containers: []record.Container{{
			Name: "checkout", Readiness: "GET /readyz every 1s", Liveness: "GET /healthz every 5s", PreStop: true,
			Requests: map[string]string{"cpu": "50m"}, Limits: map[string]string{"cpu": "300m", "memory": "256Mi"},
		}},
	}
}

// Each recommendation needs the cause that was seen and the fact that was checked:
// the sound workload brings a question or nothing.
func TestWhatIsAdvised(t *testing.T) {
	kill := judge.InjectionResult{Injection: record.Injection{Fault: "kill 1 of the pods", Effects: []record.Effect{{Event: record.EventGone}}}}
	container := judge.InjectionResult{Injection: record.Injection{Fault: "kill container checkout of 1 of the pods", Effects: []record.Effect{{Event: record.EventRestarted}}}}
	restart := judge.InjectionResult{Injection: record.Injection{Fault: "restart deployment checkout in shop", Rolls: true}}
	delay := judge.InjectionResult{Injection: record.Injection{Fault: "delay by 250ms what is sent for all of the pods"}}
	stress := judge.InjectionResult{Injection: record.Injection{Fault: "keep 1 CPU workers 100% busy in 1 of the pods"}}
	for _, row := range []struct {
		name     string
		rule     string
		fault    judge.InjectionResult
		workload func(*record.Workload) // nil: sound
		want     string
	}{
		{"no rule fits", "", kill, nil, ""},
		{"one replica", cause.NoneLeft, kill, func(w *record.Workload) { w.Replicas = 1 }, "Mend run deployment/checkout with more than one replica (spec.replicas is 1); pods/kill-one would prove it"},
		{"a DaemonSet on a cluster of one node", cause.NoneLeft, kill, func(w *record.Workload) { w.Replicas, w.Subject = 1, "daemonset/shop/agent" }, ""},
		{"none of several is left", cause.NoneLeft, kill, nil, ""},
		{"one replica, and requests failed while it shut down", cause.Ended, kill, func(w *record.Workload) { w.Replicas = 1 }, "Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 20); pods/evict would prove it"},
		{"a rollout that recreates all pods", cause.NoneLeft, restart, func(w *record.Workload) { w.Strategy = "Recreate" }, "Mend roll deployment/checkout out by RollingUpdate (spec.strategy.type is Recreate); rollout/bad-image would prove it"},
		{"the strategy Recreate, but no rollout", cause.NoneLeft, kill, func(w *record.Workload) { w.Strategy = "Recreate" }, ""},
		{"a rollout in which all pods may be unavailable", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable = "3" }, "Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 3 of 3 pods); rollout/restart would prove it"},
		{"a rollout in which one pod may be unavailable", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable = "1" }, ""},
		{"no readiness probe", cause.ReadyTooEarly, kill, func(w *record.Workload) { w.Containers[0].Readiness = "" }, "Mend give deployment/checkout a readiness probe (no container has a readinessProbe); pods/kill-one would prove it"},
		{"no readiness probe, and the container was killed", cause.ReadyTooEarly, container, func(w *record.Workload) { w.Containers[0].Readiness = "" }, "Mend give deployment/checkout a readiness probe (no container has a readinessProbe); pods/container-kill would prove it"},
		{"no readiness probe, but another cause", cause.Faulted, kill, func(w *record.Workload) { w.Containers[0].Readiness = "" }, ""},
		{"an early readiness probe", cause.ReadyTooEarly, kill, nil, "Ask is the readiness probe good before requests can be answered? (readinessProbe of checkout: GET /readyz every 1s); pods/kill-one would prove it"},
		{"no preStop hook", cause.Ended, restart, func(w *record.Workload) { w.Containers[0].PreStop = false }, "Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (no container has a preStop hook, terminationGracePeriodSeconds is 20); rollout/restart would prove it"},
		{"killed for lack of memory", cause.KilledForMemory, kill, nil, "Ask does it keep memory that it needs no more, or is its limit too low? (the limit of checkout is 256Mi); capacity/sustained would prove it"},
		{"a liveness probe", cause.Restarted, delay, nil, "Ask does the liveness probe need what the fault took away? (livenessProbe of checkout: GET /healthz every 5s)"},
		{"no liveness probe", cause.Restarted, delay, func(w *record.Workload) { w.Containers[0].Liveness = "" }, ""},
		{"a slow network", cause.Faulted, delay, nil, "Ask does it give up on what does not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"},
		{"a busy processor", cause.Faulted, stress, nil, "Ask is the CPU limit enough for the load and what runs beside it? (the limit of checkout is 300m); stress/cpu-one would prove it"},
		{"a busy processor, and no limit", cause.Faulted, stress, func(w *record.Workload) { w.Containers[0].Limits = nil }, ""},
		{"a fault of another kind", cause.Faulted, kill, nil, ""},
		{"a dead pod's endpoint", cause.Lingered, kill, nil, "Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"requests in flight to a killed pod", cause.CutOff, kill, nil, "Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"pods were away", cause.Away, kill, nil, ""},
		{"data is missing", cause.ReplacedWithout, kill, nil, "Ask is what it must keep on a volume that its new pods get?; pods/kill-one would prove it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			if row.workload != nil {
				row.workload(w)
			}
			finding := judge.Finding{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}
			r := judge.Result{Workload: w, Injections: []judge.InjectionResult{row.fault}, Findings: []judge.Finding{finding, finding}}
			causes := []cause.Cause{{Check: "answers", Rule: row.rule, Why: "consistent with: this"}, {Check: "other", Rule: cause.ReplacedWithout}}
			got := ""
			for _, a := range cause.Advise(r, causes) {
				got += a.Name() + " " + a.String()
				if a.Fits != "consistent with: this" {
					t.Errorf("fits %q", a.Fits)
				}
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			r.Findings[0].Verdict, r.Findings[1].Verdict = steadystate.Held, steadystate.Unknown
			if list := cause.Advise(r, causes); len(list) > 0 {
				t.Errorf("of a run that broke nothing: %v", list)
			}
		})
	}
	t.Run("a record without the workload has no recommendation", func(t *testing.T) {
		r := judge.Result{Injections: []judge.InjectionResult{kill}, Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
		for _, rule := range []string{cause.NoneLeft, cause.ReadyTooEarly, cause.Ended, cause.Restarted, cause.TooFew} {
			if list := cause.Advise(r, []cause.Cause{{Check: "answers", Rule: rule}}); len(list) > 0 {
				t.Errorf("%s: %v", rule, list)
			}
		}
	})
}

// All advice is of a kind, and each kind is one of those that are listed.
func TestAdviceIsOfAKind(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "advice.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values, used := map[string]string{}, map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			if text, ok := slices.Concat(n.Values, []ast.Expr{nil})[0].(*ast.BasicLit); ok {
				values[n.Names[0].Name] = strings.Trim(text.Value, `"`)
			}
		case *ast.CompositeLit:
			if of, ok := n.Type.(*ast.Ident); !ok || of.Name != "Advice" || len(n.Elts) == 0 {
				break
			}
			kind := ""
			if field, ok := n.Elts[0].(*ast.KeyValueExpr); ok && field.Key.(*ast.Ident).Name == "Kind" {
				kind = values[field.Value.(*ast.Ident).Name]
			}
			if used[kind] = true; kind == "" {
				t.Errorf("advice without a kind, at byte %d of advice.go", n.Pos())
			}
		}
		return true
	})
	if got, want := slices.Sorted(maps.Keys(used)), slices.Sorted(slices.Values(cause.Kinds())); !slices.Equal(got, want) {
		t.Errorf("the kinds that are advised are %q, and those that are listed %q", got, want)
	}
}

// Some facts are in what was seen, and each has a near miss.
func TestWhatIsAdvisedOfWhatWasSeen(t *testing.T) {
	onOne := map[string]string{"a": "node1", "b": "node1"}
	const evicted = "10 evicted pod/shop/a a\n11 evicted pod/shop/b b\n"
	killed := func(d string) string {
		return "10 terminating pod/shop/a a\n" + d + " stopped pod/shop/a a container=checkout reason=Error code=137\n"
	}
	from := func(backend string, n int) []cause.Failure {
		return []cause.Failure{{Backend: backend, Reason: "503", Requests: n}}
	}
	for _, row := range []struct {
		name     string
		cause    cause.Cause
		rolls    bool
		workload func(*record.Workload)
		events   string
		want     string
	}{
		{
			"all pods were on a node that failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Nodes = onOne }, "12 event not_ready node/node1\n",
			"Mend spread the pods of deployment/checkout over nodes (all 2 were on node node1, which was not ready); disruption/drain would prove it",
		},
		{"all pods were on a node, but another one failed", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = onOne }, "12 event not_ready node/node2\n", ""},
		{"all pods were on a node that failed before the outage", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = onOne }, "2 event not_ready node/node1\n", ""},
		{"all pods were on a node that failed after the outage", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = onOne }, "42 event not_ready node/node1\n", ""},
		{"all pods were on a node that failed, but some were left", cause.Cause{Rule: cause.Lingered}, false, func(w *record.Workload) { w.Nodes = onOne }, "12 event not_ready node/node1\n", "Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"one of the pods was on a node that failed", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = map[string]string{"a": "node1", "b": "node2"} }, "12 event not_ready node/node1\n", ""},
		{
			"all pods were in a zone that failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "east"}
			}, "12 event not_ready node/node1\n13 gone node/node2\n",
			"Mend spread the pods of deployment/checkout over zones (all 2 were in zone east, of which no node that ran one stayed ready); disruption/drain would prove it",
		},
		{
			"the pods were in two zones, one of which failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "west"}
			}, "12 event not_ready node/node1\n13 gone node/node2\n", "",
		},
		{"the nodes failed, and their zones are unknown", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = map[string]string{"a": "node1", "b": "node2"} }, "12 event not_ready node/node1\n13 gone node/node2\n", ""},
		{
			"all were evicted, without a budget",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Budgets = []string{} }, evicted,
			"Mend give deployment/checkout a PodDisruptionBudget (none covers its pods, of which 2 were evicted); disruption/drain would prove it",
		},
		{
			"too few were left after evictions, without a budget",
			cause.Cause{Rule: cause.TooFew},
			false,
			func(w *record.Workload) { w.Budgets = []string{} }, evicted,
			"Mend give deployment/checkout a PodDisruptionBudget (none covers its pods, of which 2 were evicted); disruption/drain would prove it",
		},
		{"all were evicted, with a budget", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Budgets = []string{"checkout"} }, evicted, ""},
		{"all were evicted, and budgets were not read", cause.Cause{Rule: cause.NoneLeft}, false, nil, evicted, ""},
		{"one was evicted", cause.Cause{Rule: cause.TooFew}, false, func(w *record.Workload) { w.Budgets = []string{} }, "10 evicted pod/shop/a a\n", ""},
		{
			"too few were left in a rollout",
			cause.Cause{Rule: cause.TooFew},
			true,
			func(w *record.Workload) { w.MaxUnavailable = "34%" }, "",
			"Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 34% of 3 pods); rollout/restart would prove it",
		},
		{"too few were left in a rollout without unavailable pods", cause.Cause{Rule: cause.TooFew}, true, nil, "", ""},
		{"too few were left, without a rollout", cause.Cause{Rule: cause.TooFew}, false, func(w *record.Workload) { w.MaxUnavailable = "25%" }, "", ""},
		{
			"an early readiness probe",
			cause.Cause{Rule: cause.ReadyTooEarly, Recovering: "d", Failures: from("d", 30)},
			false, nil, "",
			"Mend have the readiness probe of deployment/checkout fail until requests can be answered (readinessProbe of checkout: GET /readyz every 1s; 30 of 30 bad answers came from d after it was Ready); pods/kill-one would prove it",
		},
		{
			"the pod that answered is unknown",
			cause.Cause{Rule: cause.ReadyTooEarly, Recovering: "d", Failures: from("", 30)},
			false, nil, "",
			"Ask is the readiness probe good before requests can be answered? (readinessProbe of checkout: GET /readyz every 1s); pods/kill-one would prove it",
		},
		{
			"killed when its grace period was over",
			cause.Cause{Rule: cause.Ended},
			true, nil, killed("30.5"),
			"Mend raise the terminationGracePeriodSeconds of deployment/checkout, or end sooner (it is 20, and a was killed (exit code 137) when that had passed); rollout/restart would prove it",
		},
		{
			"killed long before its grace period was over",
			cause.Cause{Rule: cause.Ended},
			true, nil, killed("12"),
			"Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 20); rollout/restart would prove it",
		},
		{
			"perhaps killed before its grace period was over",
			cause.Cause{Rule: cause.Ended},
			true, nil, killed("15..31"),
			"Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 20); rollout/restart would prove it",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			if row.workload != nil {
				row.workload(w)
			}
			row.cause.Check, row.cause.Why = "answers", "consistent with: this"
			r := judge.Result{
				Workload: w, Window: recordtest.Span("10..60"),
				Checks:     []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{Outages: []steadystate.Outage{{Start: recordtest.Span("10..11"), End: recordtest.Span("20..21")}}}}},
				Injections: []judge.InjectionResult{{Injection: record.Injection{Fault: "f", Rolls: row.rolls}}},
				Findings:   []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
			}
			for _, e := range recordtest.Entries(nil, row.events) {
				r.Events = append(r.Events, *e.Event)
			}
			got := ""
			for _, a := range cause.Advise(r, []cause.Cause{row.cause}) {
				got += a.Name() + " " + a.String()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func TestWhatIsAdvisedOfAnAutoscaler(t *testing.T) {
	const low, whole = `{"maxReplicas":3,"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}`, `{"maxReplicas":5,"behavior":{"scaleDown":{"stabilizationWindowSeconds":35}}}`
	const blind, sees = `{"conditions":[{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"missing request for cpu"}]}`, `{"conditions":[{"type":"ScalingActive","status":"True","reason":"ValidMetricFound"}]}`
	const full = `{"conditions":[{"type":"ScalingLimited","status":"True","reason":"TooManyReplicas","message":"the desired replica count is more than the maximum replica count"}]}`
	limit := func(text, quantity string) judge.Finding {
		f := judge.Finding{Check: "autoscaler", Signal: "hpa/shop/checkout", Limit: text, Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "so"}}
		if quantity != "" {
			f.Wanted = &judge.Wanted{Quantity: quantity}
		}
		return f
	}
	for _, row := range []struct {
		name         string
		finding      judge.Finding
		spec, status string
		requests     map[string]string
		want         string
	}{
		{"at its max", limit("not held back by its max", ""), low, sees, nil, "Mend raise the maxReplicas of autoscaler checkout (spec.maxReplicas is 3); autoscaling/surge would prove it"},
		{"too slow, but not at its max", limit("decision <= 45s", "decision"), low, sees, nil, ""},
		{"it flaps without a window", limit("turns <= 1", "turns"), low, sees, nil, "Mend give the scale-down of autoscaler checkout a stabilization window (behavior.scaleDown.stabilizationWindowSeconds is 0); autoscaling/rest would prove it"},
		{"it flaps with a window", limit("turns <= 1", "turns"), whole, sees, nil, ""},
		{"no requests", limit("scales out", ""), whole, blind, nil, "Mend have container checkout request CPU (it requests none, and the autoscaler says FailedGetResourceMetric); autoscaling/surge would prove it"},
		{"no metric, although there are requests", limit("scales out", ""), whole, blind, map[string]string{"cpu": "50m"}, ""},
		{"no requests, but a metric", limit("scales out", ""), whole, sees, nil, ""},
		{"no metric, but a limit that needs none", limit("within min and max", ""), whole, blind, nil, ""},
		{"pods ready too slowly, at its max", limit("ready <= 75s", "ready"), low, full, nil, ""},
		{"too slow, at its max", limit("relieved <= 75s", "relieved"), low, full, nil, "Mend raise the maxReplicas of autoscaler checkout (spec.maxReplicas is 3); autoscaling/surge would prove it"},
		{"a limit on another check, without a spec", limit("downtime <= 1s", "downtime"), "", "", nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			w.Containers[0].Requests, w.Containers[0].Limits = row.requests, nil
			r := judge.Result{
				Workload: w, Findings: []judge.Finding{row.finding}, Window: steadystate.Span{To: time.Minute},
				Events: []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/checkout", Attrs: map[string]string{record.AttrSpec: row.spec, record.AttrStatus: row.status}}},
			}
			got := ""
			for _, a := range cause.Advise(r, cause.NewInquiry(r, nil).Causes()) {
				got += a.Name() + " " + a.String()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
