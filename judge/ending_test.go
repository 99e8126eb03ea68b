package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// R20: a rate whose range is as long as the settle time, or longer, can be good at
// the end.
func TestARateIsGoodAtTheEnd(t *testing.T) {
	for _, row := range []struct {
		sentence string
		reach    time.Duration
		last     float64 // from 50 s on
		want     steadystate.Verdict
	}{
		{"a little shorter than the settle time", 9500 * ms, 100, steadystate.Held},
		{"as long", 10 * s, 100, steadystate.Held},
		{"longer", 15 * s, 100, steadystate.Held},
		{"much longer", 30 * s, 100, steadystate.Held},
		{"it is not, if the service is not", 10 * s, 0, steadystate.Unknown},
	} {
		var list []steadystate.Observation
		for at := 15 * s; at <= 60*s; at += s {
			o := steadystate.Observation{Span: steadystate.Span{From: at - row.reach - 4*ms, To: at}, Value: 100, Whole: true}
			if at >= 50*s {
				o.Value = row.last
			}
			list = append(list, o)
		}
		check := steadystate.Check{Name: "orders flow", Signal: "orders", Good: steadystate.MustParseTolerance(">= 1"), Limits: steadystate.Limits("outage <= 45s")}
		result, err := judge.Judge(recordtest.All([]record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version}},
			{Plan: &record.Plan{Name: "kill", Settle: 10 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{check}}},
			{Phase: record.PhaseSettle},
			{At: 20 * s, Phase: record.PhaseInject},
			{At: 20 * s, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(20 * s)}},
			{At: 20 * s, Phase: record.PhaseWatch},
			{At: 60 * s, Observations: &record.Observations{Signal: "orders", List: list}},
			{At: 60 * s, End: &record.End{Reason: record.Completed}},
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range result.Findings {
			if f.Limit == "good at the end" && f.Verdict != row.want {
				t.Errorf("%s: %s: %s %s, want %s", row.sentence, f.Verdict, f.Text, f.Undecided, row.want)
			}
		}
	}
}
