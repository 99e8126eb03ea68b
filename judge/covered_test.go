package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A limit on a phase says nothing of the others: what a pod that leaves afterwards
// takes with it is no hole in it.
func TestOnlyWhatTheLimitsJudgeMustBeCovered(t *testing.T) {
	for _, row := range []struct {
		sentence string
		limits   []string
		from, to time.Duration // nothing is known
		want     steadystate.Verdict
	}{
		{"a hole beside the judged phase", []string{"max <= 200 during hold"}, 60 * s, 75 * s, steadystate.Held},
		{"a hole in it", []string{"mean <= 200 during hold"}, 30 * s, 45 * s, steadystate.Unknown},
		{"a hole in one of two judged phases", []string{"mean <= 200 during settle", "mean <= 200 during watch"}, 60 * s, 75 * s, steadystate.Unknown},
		{"another limit judges the window", []string{"max <= 200 during hold", "outage <= 40s"}, 60 * s, 75 * s, steadystate.Unknown},
		{"without limits it is good throughout", nil, 60 * s, 75 * s, steadystate.Unknown},
		{"the end is judged in any case", []string{"max <= 200 during hold"}, 100 * s, 120 * s, steadystate.Unknown},
	} {
		var list []steadystate.Observation
		for at := s; at <= 120*s; at += s {
			o := steadystate.Observation{Span: steadystate.Span{From: at - s, To: at}, Value: 100, Whole: true}
			if at > row.from && at <= row.to {
				o.Value, o.Unknown = 0, "a pod has left"
			}
			list = append(list, o)
		}
		check := steadystate.Check{Name: "orders flow", Signal: "orders", Good: steadystate.MustParseTolerance(">= 1"), Limits: steadystate.Limits(row.limits...)}
		result, err := judge.Judge(recordtest.All([]record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version}},
			{Plan: &record.Plan{Name: "surge", Settle: 10 * s, Hold: 40 * s, Watch: 70 * s, Checks: []steadystate.Check{check}}},
			{Phase: record.PhaseSettle},
			{At: 20 * s, Phase: record.PhaseInject},
			{At: 20 * s, Phase: record.PhaseHold},
			{At: 50 * s, Phase: record.PhaseRecover},
			{At: 50 * s, Phase: record.PhaseWatch},
			{At: 120 * s, Observations: &record.Observations{Signal: "orders", List: list}},
			{At: 120 * s, End: &record.End{Reason: record.Completed}},
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != row.want {
			t.Errorf("%s: %s, want %s: %s", row.sentence, result.Verdict, row.want, result.Reason)
		}
	}
}

// A record that ends with its fault has no window, and yet its fault came.
func TestARecordThatEndsWithItsFaultIsNotCovered(t *testing.T) {
	for _, row := range []struct{ sentence, text, want string }{
		{"it ends with the fault", "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 inject kill a effect=gone", "nothing was recorded after the fault"},
		{"it ends before", "0 phase settle\n0 see up ++++++++++", "the run never came to its fault"},
	} {
		plan := &record.Plan{Name: "kill", Settle: 10 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}}
		result, err := judge.Judge(recordtest.All(recordtest.Entries(plan, row.text)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range result.Proofs {
			if p.Name == "covered" && (p.Text != row.want || p.Verdict != steadystate.Unknown) {
				t.Errorf("%s: %s, %q, want %q", row.sentence, p.Verdict, p.Text, row.want)
			}
		}
	}
}
