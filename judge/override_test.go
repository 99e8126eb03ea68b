package judge_test

import (
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A limit that is not named stays, so that a looser one hides no other that is broken.
func TestOtherLimitsAreMergedIntoTheRecordedOnes(t *testing.T) {
	for _, row := range []struct {
		sentence        string
		recorded, other []string
		want            []string // the findings, without that of the end
		verdict         steadystate.Verdict
	}{
		{"none", []string{"downtime <= 1s", "outage <= 2s"}, nil, []string{"downtime <= 1s", "outage <= 2s"}, steadystate.Broken},
		{"one takes the place of its own", []string{"downtime <= 1s", "outage <= 30s"}, []string{"downtime <= 20s"}, []string{"downtime <= 20s", "outage <= 30s"}, steadystate.Held},
		{"the others stay", []string{"downtime <= 1s", "outage <= 2s", "slow <= 1%"}, []string{"downtime <= 20s"}, []string{"downtime <= 20s", "outage <= 2s", "slow <= 1%"}, steadystate.Broken},
		{"of another phase is another", []string{"downtime <= 1s"}, []string{"downtime <= 20s during inject"}, []string{"downtime <= 1s", "downtime <= 20s during inject"}, steadystate.Broken},
		{"of another bound is another", []string{"mean <= 0.1"}, []string{"mean >= 0.1"}, []string{"mean <= 0.1", "mean >= 0.1"}, steadystate.Broken},
		{"two on the same are both judged", []string{"downtime <= 20s"}, []string{"downtime <= 30s", "downtime <= 1s"}, []string{"downtime <= 30s", "downtime <= 1s"}, steadystate.Broken},
		{"a check without limits is good throughout but for outages", nil, []string{"slow <= 90%"}, []string{"outages <= 0", "slow <= 90%"}, steadystate.Broken},
		{"whose length may be limited", nil, []string{"downtime <= 20s"}, []string{"downtime <= 20s"}, steadystate.Held},
		{"or their number", nil, []string{"outages <= 3"}, []string{"outages <= 3"}, steadystate.Held},
		{"a limit on one phase leaves the others open", nil, []string{"downtime <= 20s during recover"}, []string{"outages <= 0", "downtime <= 20s during recover"}, steadystate.Broken},
		{"and so does a lower bound", nil, []string{"downtime >= 0s"}, []string{"outages <= 0", "downtime >= 0s"}, steadystate.Broken},
		{"or one that nothing exceeds", nil, []string{"uptime <= 100%"}, []string{"outages <= 0", "uptime <= 100%"}, steadystate.Broken},
	} {
		plan := &record.Plan{Name: "kill", Settle: s, Checks: []steadystate.Check{{
			Name: "up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits(row.recorded...),
		}}}
		result, err := judge.Judge(recordtest.All(recordtest.Entries(plan, "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up ++---------++++++++++++++++++++\n40 end completed")), map[string][]string{"up": row.other})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range result.Findings {
			got = append(got, f.Limit)
		}
		if want := append(row.want, "good at the end"); !slices.Equal(got, want) || result.Verdict != row.verdict {
			t.Errorf("%s: %q, %s: %s; want %q, %s", row.sentence, got, result.Verdict, result.Reason, want, row.verdict)
		}
	}
}
