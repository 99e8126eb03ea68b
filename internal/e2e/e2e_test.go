package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
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
		r.take(reports.Report{Result: c.result}, reports.Report{}, c.left)
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

// A pipeline counts what stays unknown as skipped, but it must have seen something hold, something
// break, something that was compared with the service's own log, and half of all.
func TestHowMuchMustBeSeen(t *testing.T) {
	seen := func(want, verdict string) row {
		r := row{experiment: experiment{want: want}, verdict: verdict, effect: "seen", left: nothing}
		if verdict == broken {
			r.causes = by("answers", cause.NoneLeft)
		}
		return r
	}
	up, down := seen(held, held), seen(broken, broken)
	lost, hidden := seen(held, unknown), seen(broken, unknown)
	agreed, skipped := up, lost
	agreed.compare, agreed.truth = comparePartition, agrees
	skipped.compare = comparePartition
	for _, c := range []struct {
		name string
		rows []row
		want string
	}{
		{"all", []row{up, down}, ""},
		{"half of them", []row{up, down, lost, hidden}, ""},
		{"one of two that were compared", []row{agreed, down, skipped, hidden}, ""},
		{"none of those that were to be compared", []row{up, down, skipped}, "no row that must be compared with the service's log was as wanted"},
		{"less than half", []row{up, down, lost, hidden, lost}, "2 of 5 rows were as wanted, want at least half"},
		{"nothing broke", []row{up, up, up, hidden}, "no row that must be broken was as wanted"},
		{"nothing held", []row{down, down, down, lost}, "no row that must be held was as wanted"},
		{"what is only to hold", []row{up}, ""},
		{"nothing", []row{lost}, "no row that must be held was as wanted\n0 of 1 rows were as wanted, want at least half"},
	} {
		got := ""
		if err := enough(c.rows); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Only a verdict may be missing on a busy machine: a fault that was not seen, or is not gone, or a run
// that failed, is the instrument's fault.
func TestWhatIsUndecidedIsNoFailure(t *testing.T) {
	for _, c := range []struct {
		name string
		row  row
		want bool
	}{
		{"unknown", row{verdict: unknown, effect: "seen", left: nothing}, true},
		{"its fault was not seen", row{verdict: unknown, effect: "not seen", left: nothing}, false},
		{"its fault is not gone", row{verdict: unknown, effect: "seen", left: "stress-ng-cpu 17"}, false},
		{"without a fault", row{experiment: experiment{faultless: true}, verdict: unknown, effect: noEffect, left: nothing}, true},
		{"its run failed", row{verdict: noVerdict, effect: "seen", left: nothing}, false},
		{"broken", row{verdict: broken, effect: "seen", left: nothing}, false},
	} {
		if c.row.undecided() != c.want {
			t.Errorf("%s: undecided is %v, want %v", c.name, !c.want, c.want)
		}
	}
}

// Rows that cannot be chosen are an error, and no run of nothing.
func TestNothingIsNotRun(t *testing.T) {
	if rows, err := choose(plan(), []string{"checkout/lost-node"}, "", false, 1, 1); err == nil || !strings.Contains(err.Error(), "-nodes 2") {
		t.Errorf("%d rows, %v; want an error that names -nodes 2", len(rows), err)
	}
}

// What does not agree with the service's own log is said in the end, too.
func TestWhatDisagreesIsSaid(t *testing.T) {
	r := row{experiment: experiment{want: held, compare: comparePartition}, verdict: held, effect: "seen", left: nothing, truth: "DISAGREES", untrue: "request 7 was refused, and a saw it"}
	if got := strings.Join(r.amiss(), "; "); r.asWanted() || got != "the service's own log: request 7 was refused, and a saw it" {
		t.Errorf("as wanted is %v, %q", r.asWanted(), got)
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

// What broke has the cause that is wanted, and wrong advice is as wrong as none.
func TestCausesAndAdviceAreCompared(t *testing.T) {
	proofs := []judge.Proof{{Name: "effect", Verdict: steadystate.Held}, {Name: "undone", Verdict: steadystate.Held}}
	of := func(check, rule string) cause.Cause {
		return cause.Cause{Check: check, Rule: rule, Why: "consistent with: " + rule}
	}
	why, away := of("answers", cause.NoneLeft), of("whole", cause.Away)
	more, room, retry := cause.Advice{Kind: cause.MoreReplicas}, cause.Advice{Kind: cause.Room}, cause.Advice{Kind: cause.ClientRetry, Question: true}
	asked := cause.Advice{Kind: cause.MoreReplicas, Question: true}
	for _, c := range []struct {
		name    string
		broken  []string // checks; none: it held
		causes  []cause.Cause
		advice  []cause.Advice // of a run that held, by strict limits
		because map[string][]string
		wanted  []string
		want    string // what is amiss
	}{
		{"the cause and the advice", []string{"answers"}, []cause.Cause{why}, []cause.Advice{more}, by("answers", cause.NoneLeft), []string{"Mend more replicas"}, ""},
		{"in any order", []string{"answers"}, []cause.Cause{why}, []cause.Advice{more, retry}, by("answers", cause.NoneLeft), []string{"Ask client retry", "Mend more replicas"}, ""},
		{"no advice", []string{"answers"}, []cause.Cause{why}, nil, by("answers", cause.NoneLeft), []string{"Mend more replicas"}, `advice [], want ["Mend more replicas"]`},
		{"other advice", []string{"answers"}, []cause.Cause{why}, []cause.Advice{room}, by("answers", cause.NoneLeft), []string{"Mend more replicas"}, `advice ["Mend room"], want ["Mend more replicas"]`},
		{"more advice", []string{"answers"}, []cause.Cause{why}, []cause.Advice{more, retry}, by("answers", cause.NoneLeft), []string{"Mend more replicas"}, `advice ["Mend more replicas" "Ask client retry"], want ["Mend more replicas"]`},
		{"a question in place of a recommendation", []string{"answers"}, []cause.Cause{why}, []cause.Advice{asked}, by("answers", cause.NoneLeft), []string{"Mend more replicas"}, `advice ["Ask more replicas"], want ["Mend more replicas"]`},
		{"no cause", []string{"answers"}, nil, nil, nil, nil, "answers broke without a cause"},
		{"an outage of which nothing is known", []string{"answers"}, []cause.Cause{{Check: "answers"}}, nil, nil, nil, "answers broke without a cause"},
		{"the cause of what did not break", []string{"answers"}, []cause.Cause{away}, nil, nil, nil, "answers broke without a cause"},
		{"the cause of another limit", []string{"answers"}, []cause.Cause{{Check: "answers", Limit: "p95 <= 1s", Rule: why.Rule, Why: why.Why}}, nil, nil, nil, "answers broke without a cause"},
		{"one of two checks has none", []string{"answers", "whole"}, []cause.Cause{why}, nil, nil, nil, "whole broke without a cause"},
		{"two checks have theirs", []string{"answers", "whole"}, []cause.Cause{why, away}, nil, map[string][]string{"answers": {cause.NoneLeft}, "whole": {cause.Away}}, nil, ""},
		{"each has that of the other", []string{"answers", "whole"}, []cause.Cause{of("answers", cause.Away), of("whole", cause.NoneLeft)}, nil, map[string][]string{"answers": {cause.NoneLeft}, "whole": {cause.Away}}, nil, `answers has the causes ["pods were away"], want ["no pod left"]; whole has the causes ["no pod left"], want ["pods were away"]`},
		{"another cause", []string{"answers"}, []cause.Cause{of("answers", cause.CutOff)}, nil, by("answers", cause.NoneLeft), nil, `answers has the causes ["died with its requests"], want ["no pod left"]`},
		{"another cause besides", []string{"answers"}, []cause.Cause{why, of("answers", cause.CutOff)}, nil, by("answers", cause.NoneLeft), nil, `answers has the causes ["no pod left" "died with its requests"], want ["no pod left"]`},
		{"one of two that may be", []string{"answers"}, []cause.Cause{of("answers", cause.CutOff)}, nil, by("answers", cause.Lingered, cause.CutOff), nil, ""},
		{"another check broke", []string{"whole"}, []cause.Cause{away}, nil, by("answers", cause.NoneLeft), nil, `answers has the causes [], want ["no pod left"]`},
		{"some check has it", []string{"answers", "whole"}, []cause.Cause{why, away}, nil, by(someCheck, cause.Away), nil, ""},
		{"none has it", []string{"answers", "whole"}, []cause.Cause{why, away}, nil, by(someCheck, cause.Faulted), nil, `no check has the causes [], want ["the fault itself"]`},
		{"held, and nothing to say", nil, nil, nil, nil, nil, ""},
		{"held, and a recommendation", nil, nil, []cause.Advice{more}, nil, nil, `advice ["Mend more replicas"], want []`},
		{"held, and a recommendation that is wanted", nil, nil, []cause.Advice{more}, nil, []string{"Mend more replicas"}, ""},
		{"held, and a question", nil, nil, []cause.Advice{retry}, nil, nil, ""},
	} {
		result := reports.Report{Result: judge.Result{Verdict: steadystate.Held, Proofs: proofs}, Causes: c.causes}
		strictly := reports.Report{Advice: c.advice}
		for _, check := range c.broken {
			result.Verdict, result.Advice, strictly.Advice = steadystate.Broken, c.advice, nil
			result.Findings = append(result.Findings, judge.Finding{Check: check, Limit: "downtime <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken}})
		}
		r := row{experiment: experiment{id: "checkout/pods/kill-one", want: result.Verdict.String(), because: c.because, advice: c.wanted}}
		r.take(result, strictly, nil)
		if got := strings.Join(r.amiss(), "; "); got != c.want || r.asWanted() != (c.want == "") {
			t.Errorf("%s: as wanted is %v, %q; want %q: %+v", c.name, r.asWanted(), got, c.want, r)
		}
		var out bytes.Buffer
		table(&out, []row{r})
		for _, a := range r.advised {
			if !strings.Contains(out.String(), a) {
				t.Errorf("%s: no %q in the table:\n%s", c.name, a, &out)
			}
		}
	}
}

// The record of a run that held tells of a wrong recommendation: judged by limits that
// nothing keeps, it says what it would have been told.
func TestWhatHeldIsJudgedByTheStrictestLimits(t *testing.T) {
	recorded := func(replicas int, downtime string) []record.Entry {
		plan := &record.Plan{
			Name: "kill one", Settle: 5 * time.Second, Faults: []record.Scheduled{{Fault: "kill"}},
			Checks: []steadystate.Check{{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second), Limits: steadystate.Limits(downtime)}},
		}
		list := recordtest.Entries(plan, `
			0         phase   settle
			0         exists  pod/shop/a       a  owner=ReplicaSet/rs ready=true
			0         added   endpoint/shop/a  a
			10        phase   inject
			10..10.1  inject  kill             a  effect=gone oneshot=true
			10..10.1  terminating pod/shop/a   a
			10..10.1  gone    pod/shop/a       a
			10..10.1  removed endpoint/shop/a  a
			10.2      created pod/shop/b       b  owner=ReplicaSet/rs
			13.5      ready   pod/shop/b       b
			13.6      added   endpoint/shop/b  b
			11        phase   hold
			11.5      phase   recover
			11.5..11.6 undo   kill
			12        phase   watch
			30        end`)
		var sent []record.Request
		for i := range 300 {
			at := time.Duration(i) * 100 * time.Millisecond
			q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + time.Millisecond, Outcome: record.Outcome{Code: 200, Backend: "a", Attempts: 1}}
			switch {
			case i > 100 && i < 136:
				q.Outcome = record.Outcome{Error: "connection refused", Attempts: 1}
			case i >= 136:
				q.Backend = "b"
			}
			sent = append(sent, q)
		}
		list = slices.Insert(list, len(list)-1, record.Entry{At: 30 * time.Second, Requests: &record.Requests{Signal: record.TrafficSignal, List: sent}})
		workload := record.Workload{Subject: "deployment/shop/checkout", Replicas: replicas, Strategy: "RollingUpdate", Containers: []record.Container{{Name: "checkout"}}}
		return slices.Insert(list, 2, record.Entry{Workload: &workload})
	}
	for _, c := range []struct {
		name, downtime string
		replicas       int
		want           []string
	}{
		{"one replica, whose loss the limits allow", "downtime <= 10s", 1, []string{"Mend more replicas"}},
		{"several", "downtime <= 10s", 3, nil},
		{"one replica, which broke its own limits", "downtime <= 1s", 1, nil},
	} {
		result, strictly, err := judged(recordtest.All(recorded(c.replicas, c.downtime)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range strictly.Advice {
			got = append(got, advised(a))
		}
		if !slices.Equal(got, c.want) || (result.Verdict == steadystate.Broken) != (c.downtime == "downtime <= 1s") {
			t.Errorf("%s: %s (%s), %q, want %q; strictly %s", c.name, result.Verdict, result.Reason, got, c.want, strictly.Verdict)
		}
	}
}

// Each kind of advice has a defect that brings it.
func TestEachKindOfAdviceIsWanted(t *testing.T) {
	seldom := map[string]string{
		cause.SpreadOverZones: "no zone of the lab has two nodes",
	}
	for _, kind := range cause.Kinds() {
		wanted := slices.ContainsFunc(plan(), func(e experiment) bool {
			return e.want == broken && (slices.Contains(e.advice, mend(kind)) || slices.Contains(e.advice, ask(kind)))
		})
		if wanted == (seldom[kind] != "") {
			t.Errorf("%s: a row of the plan wants it: %v; why none should: %q", kind, wanted, seldom[kind])
		}
	}
	for _, e := range plan() {
		if (len(e.advice) > 0) != (e.want == broken) || (len(e.because) > 0) != (e.want == broken) {
			t.Errorf("%s on %s: %s, with the causes %v and the advice %v", e.id, row{experiment: e}.service(), e.want, e.because, e.advice)
		}
		for check, rules := range e.because {
			if len(rules) == 0 || slices.ContainsFunc(rules, func(rule string) bool { return !slices.Contains(cause.Rules(), rule) }) {
				t.Errorf("%s: the causes %q of %q", e.id, rules, check)
			}
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
	if same, err := choose(plan(), []string{"checkout/autoscaling/surge@max-too-low"}, "", false, 1, 1); err != nil || len(same) != 1 || same[0].defect != "max-too-low" {
		t.Errorf("%v, %v; want the same row", same, err)
	}
	if _, err := choose(plan(), []string{"checkout/autoscaling/surge@one-replica"}, "", false, 1, 1); err == nil || !strings.Contains(err.Error(), "checkout/autoscaling/surge@max-too-low") {
		t.Errorf("a row that is none: %v, want an error that names those there are", err)
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

// What breaks on the healthy service says so in its title, where a run of the whole file has
// it, and what holds there does not.
func TestTheLabsFileSaysWhatIsNeverHeld(t *testing.T) {
	for _, e := range ofTheLab(t, healthy).Planned {
		want := ""
		for _, row := range plan() {
			if row.id == e.ID() && row.defect == healthy {
				want = row.want
			}
		}
		if says := strings.HasSuffix(e.Title, neverHeld); want == "" || says != (want == broken) {
			t.Errorf("%s: %q, and the plan wants it to be %q", e.ID(), e.Title, want)
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
		"Echo": "ws://198.18.0.11:30080/echo", "Prometheus": "http://198.18.0.2:9090", "Autoscaled": slices.Contains(scaling, defect), "ScalesOut": slices.Contains([]string{autoscaled, "scale-down-too-eager"}, defect), "ScalesBack": slices.Contains([]string{autoscaled, "max-too-low"}, defect), "Slow": defect == "grace-too-short",
	}); err != nil {
		t.Fatal(err)
	}
	plan, err := config.Parse(path, text.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
