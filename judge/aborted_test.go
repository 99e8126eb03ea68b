package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// What a condition saw may be the doing of a load that was not driven as asked, as
// what a check saw may be.
func TestAnAbortIsAFindingOfTheLoadThatWasDriven(t *testing.T) {
	for _, row := range []struct {
		sentence string
		late     time.Duration // each request is sent so late
		want     steadystate.Verdict
	}{
		{"as asked", 0, steadystate.Broken},
		{"too late", 900 * ms, steadystate.Unknown},
	} {
		var list []record.Request
		for i := range 200 {
			at := time.Duration(i) * 100 * ms
			list = append(list, record.Request{Seq: uint64(i), Planned: at, Sent: at + row.late, Answered: at + row.late + ms, Outcome: record.Outcome{Code: 200, Backend: "a"}})
		}
		plan := &record.Plan{
			Name: "kill", Settle: 5 * s, Hold: 30 * s, Watch: 10 * s, Load: "10/s",
			Stages: map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: 0, Rate: 10}}},
			Checks: []steadystate.Check{{Name: "up", Signal: record.TrafficSignal, Good: steadystate.Within(s)}},
			Faults: []record.Scheduled{{Fault: "slow"}},
		}
		result, err := judge.Judge(recordtest.All([]record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version}},
			{Plan: plan},
			{Phase: record.PhaseSettle},
			{At: 10 * s, Phase: record.PhaseInject},
			{At: 10 * s, Phase: record.PhaseHold},
			{At: 10 * s, Injection: &record.Injection{Fault: "slow", Span: steadystate.Instant(10 * s), Targets: []record.Target{{Name: "a"}}}},
			{At: 20 * s, Phase: record.PhaseRecover},
			{At: 20 * s, Removal: &record.Removal{Fault: "slow", Span: steadystate.Instant(20 * s)}},
			{At: 21 * s, Requests: &record.Requests{Signal: record.TrafficSignal, List: list}},
			{At: 21 * s, End: &record.End{Reason: record.Aborted, Detail: "p95 2s, not <= 1s"}},
		}), nil)
		if err != nil {
			t.Fatal(err)
		}
		if result.Verdict != row.want {
			t.Errorf("%s: %s, want %s: %s; %+v", row.sentence, result.Verdict, row.want, result.Reason, result.Proofs)
		}
	}
}
