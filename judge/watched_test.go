package judge_test

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// R11: what is judged ends with the watch phase. Sources that drain after it see
// nothing new, so that time does not count as good.
func TestTheDrainOfARecordIsNotJudged(t *testing.T) {
	for _, row := range []struct {
		sentence, timeline string // one observation a second, 30 s of it the watch phase
		drain              time.Duration
		want               map[string]steadystate.Verdict
		length             time.Duration // of the window
	}{
		{
			"bad until three seconds before the load ends, and a drain of a settle time", "++++++++++++++++++++++++++++++++++++---+++", 10 * s,
			map[string]steadystate.Verdict{"ttr <= 40s": steadystate.Unknown, "downtime <= 15s": steadystate.Unknown, "good at the end": steadystate.Unknown},
			31 * s,
		},
		{
			"the same without the drain", "++++++++++++++++++++++++++++++++++++---+++", 0,
			map[string]steadystate.Verdict{"ttr <= 40s": steadystate.Unknown, "downtime <= 15s": steadystate.Unknown, "good at the end": steadystate.Unknown},
			31 * s,
		},
		{
			"good to the end, and a drain that no source speaks of", "++++++++++++++++++++++++++++++++++++++++++", 10 * s,
			map[string]steadystate.Verdict{"ttr <= 40s": steadystate.Held, "downtime <= 15s": steadystate.Held, "good at the end": steadystate.Held},
			31 * s,
		},
		{
			"bad in the middle, and over for the settle time", "++++++++++++++---+++++++++++++++++++++++++", 10 * s,
			map[string]steadystate.Verdict{"ttr <= 40s": steadystate.Held, "downtime <= 15s": steadystate.Held, "good at the end": steadystate.Held},
			31 * s,
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			const t0, gone = 10 * s, 11 * s
			last := time.Duration(len(row.timeline))*s - s + row.drain
			result, err := judge.Judge(recordtest.All([]record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version}},
				{Plan: &record.Plan{Name: "drain", Settle: 5 * s, Watch: 30 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{{
					Name: "whole", Signal: "replicas", Good: steadystatetest.Good, Limits: steadystate.Limits("ttr <= 40s", "downtime <= 15s"),
				}}}},
				{Phase: record.PhaseSettle},
				{At: t0, Phase: record.PhaseInject},
				{At: t0, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(t0), OneShot: true}},
				{At: t0, Phase: record.PhaseHold},
				{At: gone, Phase: record.PhaseWatch},
				{At: last, Observations: &record.Observations{Signal: "replicas", List: steadystatetest.Observations(row.timeline, s, 0)}},
				{At: last, End: &record.End{Reason: record.Completed}},
			}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Window.Width(); got != row.length {
				t.Errorf("a window of %s, want %s", got, row.length)
			}
			for _, f := range result.Findings {
				if want, there := row.want[f.Limit]; !there || f.Verdict != want {
					t.Errorf("%s: %s (%s), want %s", f.Limit, f.Verdict, f.Text, want)
				}
			}
		})
	}
}
