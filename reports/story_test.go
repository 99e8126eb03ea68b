package reports

import (
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The first line says how deep an outage was, and repeats nothing of the next one.
func TestWhatAndWhy(t *testing.T) {
	const (
		s    = time.Second
		full = `TooManyReplicas: the desired replica count is more than the maximum replica count`
	)
	outage := func(o steadystate.Outage) Report {
		o.Start, o.End = steadystate.Instant(2*s), steadystate.Instant(46*s)
		r := Report{}
		r.Findings = []judge.Finding{{Check: "answers", Limit: "downtime <= 1m", Reading: steadystate.Reading{Verdict: steadystate.Held}}}
		r.Checks = []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{Window: steadystate.Span{To: 60 * s}, Outages: []steadystate.Outage{o}}}}
		return r
	}
	scaler := func(seen, why string, quote *cause.Quote) Report {
		r := Report{}
		r.Findings = []judge.Finding{{Check: "shop scales", Limit: "not held back by its max", Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: seen}}}
		r.Causes = []cause.Cause{{Check: "shop scales", Limit: "not held back by its max", Outage: cause.NoOutage, Why: why, Quote: quote}}
		return r
	}
	// share is a report of an outage and of a share that is broken, with a cause of the outage
	// and another of the share.
	share := func(ofShare *cause.Cause, others ...judge.Finding) Report {
		r := outage(steadystate.Outage{Bad: 50, Total: 100, Stretches: 1, Down: steadystate.Exactly(44 * s)})
		r.Findings = append([]judge.Finding{{Check: "answers", Limit: "errors <= 1%", Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "2% of 4000"}}}, others...)
		r.Causes = []cause.Cause{{Check: "answers", Why: "consistent with: no pod was left"}}
		if ofShare != nil {
			ofShare.Check, ofShare.Limit, ofShare.Outage = "answers", "errors <= 1%", cause.NoOutage
			r.Causes = append(r.Causes, *ofShare)
		}
		return r
	}
	const span = "one outage of answers from 00:00:02.0 to 00:00:46.0 (+2s to +46s); "
	for _, row := range []struct {
		sentence string
		report   Report
		want     []string
	}{
		{"an outage of one stretch", outage(steadystate.Outage{Bad: 50, Total: 100, Stretches: 1, Down: steadystate.Exactly(44 * s)}), []string{span + "50 of 100 bad (50%)"}},
		{
			"one that flapped was good most of the time",
			outage(steadystate.Outage{Bad: 50, Total: 1000, Stretches: 10, Down: steadystate.Bounds[time.Duration]{Low: 2100 * time.Millisecond, High: 2800 * time.Millisecond}}),
			[]string{span + "50 of 1000 bad (5%), in 10 stretches that last 2.1s to 2.8s together; good pauses shorter than the settle time count as downtime"},
		},
		{
			"the outage of a check that held is not why another check's limit broke",
			func() Report {
				r := outage(steadystate.Outage{Bad: 50, Total: 100, Stretches: 1, Down: steadystate.Exactly(44 * s)})
				r.Findings = append(r.Findings, judge.Finding{Check: "fast", Limit: "p95 <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "2.5s"}})
				return r
			}(),
			[]string{"fast: p95: 2.5s, wanted <= 2s"},
		},
		{
			"an autoscaler's words are in the cause alone",
			scaler("at its max of 3 at 12.000s: ScalingLimited True, "+full+"; resource cpu 190% (target 50%)", `consistent with: the load needs more than its max of 3 pods: TooManyReplicas: "the desired replica count is more than the maximum replica count"`, &cause.Quote{Reason: "TooManyReplicas", Message: "the desired replica count is more than the maximum replica count"}),
			[]string{"shop scales: not held back by its max: at its max of 3 at 12.000s: ScalingLimited True, TooManyReplicas; resource cpu 190% (target 50%)", `consistent with: the load needs more than its max of 3 pods: TooManyReplicas: "the desired replica count is more than the maximum replica count"`},
		},
		{
			"words that the cause lacks stay",
			scaler("at its max of 3: ScalingLimited True, "+full, "consistent with: the load needs more than its max of 3 pods", nil),
			[]string{"shop scales: not held back by its max: at its max of 3: ScalingLimited True, " + full, "consistent with: the load needs more than its max of 3 pods"},
		},
		{"a share that an outage broke", share(nil), []string{span + "50 of 100 bad (50%)", "consistent with: no pod was left"}},
		{"a share of another cause", share(&cause.Cause{Why: "consistent with: the fault itself"}), []string{"answers: errors: 2% of 4000, wanted <= 1%", "consistent with: the fault itself"}},
		{"a share of which no cause is known is not blamed on the outage", share(&cause.Cause{Who: "all 80 from b: 503"}), []string{"answers: errors: 2% of 4000, wanted <= 1%"}},
		{
			"but the outage is told if it broke another limit",
			share(&cause.Cause{Who: "all 80 from b: 503"}, judge.Finding{Check: "answers", Limit: "downtime <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}, judge.Finding{Check: "whole", Limit: "ttr <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}),
			[]string{span + "50 of 100 bad (50%)", "consistent with: no pod was left"},
		},
	} {
		var got []string
		for _, l := range row.report.Story() {
			if l.Name == "What" || l.Name == "Why" {
				got = append(got, l.Text)
			}
		}
		if len(got) != len(row.want) || got[0] != row.want[0] || got[len(got)-1] != row.want[len(row.want)-1] {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
