package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An instrument that is wrong about itself must not pass: each of these rows
// must not count as wanted but the first.
func TestARowIsAsWanted(t *testing.T) {
	proofs := func(effect, undone steadystate.Verdict) []judge.Proof {
		return []judge.Proof{{Name: "effect", Verdict: effect}, {Name: "undone", Verdict: undone, Text: "may still be in place"}}
	}
	for _, c := range []struct {
		name   string
		result judge.Result
		left   []string
		want   bool
	}{
		{"held, seen and gone", judge.Result{Verdict: steadystate.Held, Proofs: proofs(steadystate.Held, steadystate.Held)}, nil, true},
		{"another verdict", judge.Result{Verdict: steadystate.Broken, Proofs: proofs(steadystate.Held, steadystate.Held)}, nil, false},
		{"unknown is none", judge.Result{Verdict: steadystate.Unknown, Proofs: proofs(steadystate.Held, steadystate.Held)}, nil, false},
		{"an effect that was not seen", judge.Result{Verdict: steadystate.Held, Proofs: proofs(steadystate.Unknown, steadystate.Held)}, nil, false},
		{"a fault that is not gone", judge.Result{Verdict: steadystate.Held, Proofs: proofs(steadystate.Held, steadystate.Unknown)}, nil, false},
		{"one of two effects that was not seen", judge.Result{Verdict: steadystate.Held, Proofs: slices.Concat(proofs(steadystate.Unknown, steadystate.Held), proofs(steadystate.Held, steadystate.Held))}, nil, false},
		{"one of two faults that is not gone", judge.Result{Verdict: steadystate.Held, Proofs: slices.Concat(proofs(steadystate.Held, steadystate.Unknown), proofs(steadystate.Held, steadystate.Held))}, nil, false},
		{"no proof at all", judge.Result{Verdict: steadystate.Held}, nil, false},
		{"a process that is left", judge.Result{Verdict: steadystate.Held, Proofs: proofs(steadystate.Held, steadystate.Held)}, []string{"stress-ng-cpu 17"}, false},
	} {
		r := row{experiment: experiment{id: "checkout/pods/kill-one", want: held}, what: "checkout/pods/kill-one"}
		r.take(reports.Report{Result: c.result}, c.left)
		if r.asWanted() != c.want {
			t.Errorf("%s: as wanted is %v, want %v: %+v", c.name, r.asWanted(), c.want, r)
		}
		var out bytes.Buffer
		table(&out, []row{r})
		if strings.Contains(out.String(), strings.ToUpper(r.verdict)) == c.want {
			t.Errorf("%s: what is not as wanted must be printed in capitals:\n%s", c.name, &out)
		}
	}
}

// A stage that is named wrongly is as wrong as a verdict.
func TestACostliestStageIsCompared(t *testing.T) {
	r := row{experiment: experiment{id: "checkout/pods/kill-one", want: held, costliest: "ready"}, verdict: held, effect: "seen", left: nothing, costliest: "scheduled"}
	if r.asWanted() {
		t.Error("another stage than the one wanted must not pass")
	}
	r.costliest = "ready"
	if !r.asWanted() {
		t.Error("the stage that is wanted must pass")
	}
	r.effect = noEffect
	if r.asWanted() {
		t.Error("a fault without an effect must not pass")
	}
	if r.faultless = true; !r.asWanted() {
		t.Error("where there is no fault there is no effect to be seen")
	}
}

// What broke has a cause, and wrong advice is as wrong as none.
func TestCausesAndAdviceAreCompared(t *testing.T) {
	proofs := []judge.Proof{{Name: "effect", Verdict: steadystate.Held}, {Name: "undone", Verdict: steadystate.Held}}
	why := cause.Cause{Check: "answers", Rule: cause.NoneLeft, Why: "consistent with: no pod was left"}
	mend, ask := cause.Advice{Kind: cause.MoreReplicas}, cause.Advice{Kind: cause.Volume, Question: true}
	for _, c := range []struct {
		name    string
		verdict steadystate.Verdict
		causes  []cause.Cause
		advice  []cause.Advice
		wanted  []string
		want    bool
	}{
		{"the cause and the advice", steadystate.Broken, []cause.Cause{why}, []cause.Advice{mend}, []string{cause.MoreReplicas}, true},
		{"in any order", steadystate.Broken, []cause.Cause{why}, []cause.Advice{mend, ask}, []string{cause.Volume, cause.MoreReplicas}, true},
		{"no advice", steadystate.Broken, []cause.Cause{why}, nil, []string{cause.MoreReplicas}, false},
		{"other advice", steadystate.Broken, []cause.Cause{why}, []cause.Advice{ask}, []string{cause.MoreReplicas}, false},
		{"more advice", steadystate.Broken, []cause.Cause{why}, []cause.Advice{mend, ask}, []string{cause.MoreReplicas}, false},
		{"no cause", steadystate.Broken, nil, nil, nil, false},
		{"an outage of which nothing is known", steadystate.Broken, []cause.Cause{{Check: "answers"}}, nil, nil, false},
		{"the cause of what did not break", steadystate.Broken, []cause.Cause{{Check: "whole", Rule: why.Rule, Why: why.Why}}, nil, nil, false},
		{"the cause of another limit", steadystate.Broken, []cause.Cause{{Check: "answers", Limit: "p95 <= 1s", Rule: why.Rule, Why: why.Why}}, nil, nil, false},
		{"held, and nothing to say", steadystate.Held, nil, nil, nil, true},
		{"held, and advice", steadystate.Held, nil, []cause.Advice{mend}, nil, false},
	} {
		r := row{experiment: experiment{id: "checkout/pods/kill-one", want: c.verdict.String(), advice: c.wanted}}
		r.take(reports.Report{Result: judge.Result{
			Verdict: c.verdict, Proofs: proofs, Findings: []judge.Finding{{Check: "answers", Limit: "downtime <= 2s", Reading: steadystate.Reading{Verdict: c.verdict}}},
		}, Causes: c.causes, Advice: c.advice}, nil)
		if r.asWanted() != c.want {
			t.Errorf("%s: as wanted is %v, want %v: %+v", c.name, r.asWanted(), c.want, r)
		}
		var out bytes.Buffer
		table(&out, []row{r})
		for _, a := range c.advice {
			if !strings.Contains(out.String(), a.Kind) {
				t.Errorf("%s: no %q in the table:\n%s", c.name, a.Kind, &out)
			}
		}
	}
}

// Each kind of advice has a defect that brings it.
func TestEachKindOfAdviceIsWanted(t *testing.T) {
	seldom := map[string]string{
		cause.SpreadOverZones: "no zone of the lab has two nodes",
	}
	for _, kind := range cause.Kinds() {
		wanted := slices.ContainsFunc(plan(), func(e experiment) bool { return e.want == broken && slices.Contains(e.advice, kind) })
		if wanted == (seldom[kind] != "") {
			t.Errorf("%s: a row of the plan wants it: %v; why none should: %q", kind, wanted, seldom[kind])
		}
	}
	for _, e := range plan() {
		if (len(e.advice) > 0) != (e.want == broken) {
			t.Errorf("%s on %s: %s, with the advice %v", e.id, row{experiment: e}.service(), e.want, e.advice)
		}
		// The same experiment, on as many nodes, shows that without the defect it is not
		// given.
		if e.want == broken && !slices.ContainsFunc(plan(), func(o experiment) bool {
			return o.want == held && o.nodes == e.nodes && o.id == strings.Replace(e.id, "lossless-kill", "pods/container-kill", 1)
		}) {
			t.Errorf("%s: no row holds", e.id)
		}
	}
}

// Every experiment of the standard suites is in the table, healthy and with a
// defect that it must find.
func TestThePlanIsWhole(t *testing.T) {
	for _, e := range config.Catalogue().Experiments {
		for _, want := range []string{held, broken} {
			id := "checkout/" + e.ID
			if !slices.ContainsFunc(plan(), func(e experiment) bool { return e.id == id && e.want == want }) {
				t.Errorf("no row of the plan wants %s to be %s", id, want)
			}
		}
	}
	only, err := choose(plan(), []string{"checkout/autoscaling/surge"}, "max-too-low", false, 1, 1)
	if err != nil || len(only) != 1 || only[0].defect != "max-too-low" {
		t.Errorf("%v, %v; want the one row", only, err)
	}
	if _, err := choose(plan(), nil, "max-too-lo", false, 1, 1); err == nil || !strings.Contains(err.Error(), "max-too-low") {
		t.Errorf("a service that is none: %v, want an error that names those there are", err)
	}
	if _, err := choose(plan(), []string{"checkout/pods/kill-all"}, "", false, 1, 1); err == nil || !strings.Contains(err.Error(), "checkout/pods/kill-one") {
		t.Errorf("an id that is none: %v, want an error that names those there are", err)
	}
}

// The lab's file is right for each defect, and has what the table runs; the table has
// everything that it plans.
func TestTheLabHasTheExperimentsOfThePlan(t *testing.T) {
	for _, row := range plan() {
		var planned []string
		p := ofTheLab(t, row.defect)
		for _, e := range p.Planned {
			planned = append(planned, e.ID())
			if !slices.ContainsFunc(plan(), func(row experiment) bool { return row.id == e.ID() }) {
				t.Errorf("%s: no row of the plan has %s", e.Place, e.ID())
			}
		}
		if !slices.Contains(planned, row.id) {
			t.Errorf("the file does not plan %s for %q: %v", row.id, row.defect, p.Skipped)
		}
	}
}

// What has no fault has no limit that counts from one: a run of it would not begin.
func TestWithoutAFaultThereIsNoRecovery(t *testing.T) {
	for _, defect := range []string{healthy, "on-one-node"} {
		for _, e := range ofTheLab(t, defect).Planned {
			if len(e.Faults) > 0 {
				continue
			}
			for _, c := range e.Checks {
				for _, limit := range c.Limits {
					if limit.Quantity == "ttr" {
						t.Errorf("%s: %s: %s", e.ID(), c.Name, limit)
					}
				}
			}
		}
	}
}

// scaling are the defects with an autoscaler.
var scaling = []string{autoscaled, "no-requests", "max-too-low", "scale-down-too-eager"}

// ofTheLab is the plan of the lab's file for a service with that defect.
func ofTheLab(t *testing.T, defect string) *config.Plan {
	t.Helper()
	const path = "../../lab/aftershock.yaml"
	var text bytes.Buffer
	if err := template.Must(template.ParseFiles(path+".tmpl")).Option("missingkey=error").Execute(&text, map[string]any{
		"Kubeconfig": "/run/kubeconfig", "Context": "lab", "UID": "0b1c", "Namespace": "shop", "URL": "http://198.18.0.11:30080/checkout",
		"Echo": "ws://198.18.0.11:30080/echo", "Prometheus": "http://198.18.0.2:9090", "Autoscaled": slices.Contains(scaling, defect), "ScalesBack": slices.Contains([]string{autoscaled, "max-too-low"}, defect), "Slow": defect == "grace-too-short",
	}); err != nil {
		t.Fatal(err)
	}
	plan, err := config.Parse(path, text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
