package experiments_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// newcomer 9: what the service's own configuration forbids is a finding about
// the service; what else keeps a fault from being injected is none.
func TestWhatTheServiceRefusesIsBroken(t *testing.T) {
	const budget = "0 of 3 pods evicted; the API server says of a: Cannot evict pod (PodDisruptionBudget checkout (maxUnavailable 0): disruptionsAllowed 0)"
	for _, row := range []struct {
		sentence, shortfall, refused string
		verdict                      steadystate.Verdict
		want                         string // in the reason
	}{
		{"a budget that forbids a drain", budget, "can be drained", steadystate.Broken, "drain checkout: wanted can be drained, seen " + budget},
		{"an API server that is too busy", "please try again later", "", steadystate.Unknown, "please try again later"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := []experiments.Entry{
				{Header: &experiments.Header{Format: experiments.Format, Version: experiments.Version}},
				{Plan: &experiments.Plan{Name: "drain", Settle: s, Faults: []string{"drain checkout"}, Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}}},
				{Phase: experiments.PhaseSettle},
				{At: 5 * s, Phase: experiments.PhaseInject},
				{At: 5 * s, Injection: &experiments.Injection{Fault: "drain checkout", Span: steadystate.Instant(5 * s), Shortfall: row.shortfall, Refused: row.refused}},
				{At: 5 * s, Phase: experiments.PhaseRecover},
				{At: 6 * s, Removal: &experiments.Removal{Fault: "drain checkout", Span: steadystate.Instant(6 * s)}},
			}
			for at := time.Duration(0); at < 7*s; at += s {
				list = append(list, experiments.Entry{At: at, Observations: &experiments.Observations{Signal: "up", List: []steadystate.Observation{{Span: steadystate.Instant(at), Value: 1}}}})
			}
			list = append(list, experiments.Entry{At: 7 * s, End: &experiments.End{Reason: experiments.NotInjected, Detail: "drain checkout: " + row.shortfall}})
			result, err := experiments.Judge(all(list), nil)
			if err != nil {
				t.Fatal(err)
			}
			if result.Verdict != row.verdict || !strings.Contains(result.Reason, row.want) {
				t.Errorf("%s: %s, want %s: %s", result.Verdict, result.Reason, row.verdict, row.want)
			}
			for _, p := range result.Proofs {
				if (p.Name == "injected" || p.Name == "effect" || p.Name == "exposed") && p.Verdict != steadystate.Unknown {
					t.Errorf("%s is %s (%s), and nothing was injected", p.Name, p.Verdict, p.Text)
				}
			}
		})
	}
}
