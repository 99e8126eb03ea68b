package judge_test

import (
	"strings"
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

// The run was killed right after the condition was met, and wrote no end.
func TestAnAbortConditionThatWasMetIsAFindingOfARunThatWasKilled(t *testing.T) {
	const seen = `abort condition "up": requests must be <= 1s, seen 503 at 20.000s`
	met := record.Entry{At: 20 * s, Event: &record.Event{Span: steadystate.Instant(20 * s), Kind: record.EventAborting, Subject: "abort/up", Attrs: map[string]string{record.AttrReason: seen}}}
	for _, row := range []struct {
		sentence string
		late     time.Duration // each request is sent so late
		rest     []record.Entry
		want     steadystate.Verdict
		reason   []string
	}{
		{"killed while nothing was wrong", 0, nil, steadystate.Unknown, []string{"the record ends before the run did"}},
		{"killed once it was met", 0, []record.Entry{met}, steadystate.Broken, []string{seen, "the run was killed"}},
		{"killed while it undid the fault", 0, []record.Entry{met, {At: 20 * s, Phase: record.PhaseRecover}}, steadystate.Broken, []string{seen, "the run was killed"}},
		{"the load was not driven as asked", 900 * ms, []record.Entry{met}, steadystate.Unknown, []string{"behind its schedule for 10s"}},
		{"it was interrupted as well", 0, []record.Entry{met, {At: 21 * s, End: &record.End{Reason: record.Interrupted}}}, steadystate.Broken, []string{seen}},
		{"it came to its end", 0, []record.Entry{met, {At: 21 * s, End: &record.End{Reason: record.Aborted, Detail: seen}}}, steadystate.Broken, []string{seen}},
	} {
		var list []record.Request
		for i := range 200 {
			at := time.Duration(i) * 100 * ms
			list = append(list, record.Request{Seq: uint64(i), Planned: at, Sent: at + row.late, Answered: at + row.late + ms, Outcome: record.Outcome{Code: 200, Backend: "a"}})
		}
		result, err := judge.Judge(recordtest.All(append([]record.Entry{
			{Header: &record.Header{Format: record.Format, Version: record.Version}},
			{Plan: &record.Plan{
				Name: "kill", Settle: 5 * s, Hold: 30 * s, Watch: 10 * s, Load: "10/s",
				Stages: map[string][]record.Stage{record.TrafficSignal: {{Name: "1", After: 0, Rate: 10}}},
				Checks: []steadystate.Check{{Name: "up", Signal: record.TrafficSignal, Good: steadystate.Within(s)}},
				Faults: []record.Scheduled{{Fault: "slow"}},
			}},
			{Phase: record.PhaseSettle},
			{At: 10 * s, Phase: record.PhaseInject},
			{At: 10 * s, Injection: &record.Injection{Fault: "slow", Span: steadystate.Instant(10 * s), Targets: []record.Target{{Name: "a"}}}},
			{At: 10 * s, Phase: record.PhaseHold},
			{At: 20 * s, Requests: &record.Requests{Signal: record.TrafficSignal, List: list}},
		}, row.rest...)), nil)
		if err != nil {
			t.Fatal(err)
		}
		all := result.Reason
		for _, p := range result.Proofs {
			all += "; " + p.Text
		}
		for _, want := range row.reason {
			if result.Verdict != row.want || !strings.Contains(all, want) {
				t.Errorf("%s: %s, want %s: %q, want %q", row.sentence, result.Verdict, row.want, all, want)
			}
		}
		if n := strings.Count(result.Reason, seen); row.want == steadystate.Broken && n != 1 && result.End.Reason != record.Aborted {
			t.Errorf("%s: it is said %d times: %q", row.sentence, n, result.Reason)
		}
	}
}
