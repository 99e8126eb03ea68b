package reports

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The first line says how deep an outage was, and repeats nothing of the next one.
func TestWhatAndWhy(t *testing.T) {
	const (
		s    = time.Second
		full = `TooManyReplicas: the desired replica count is more than the maximum replica count`
	)
	outage := func(o steadystate.Outage) Report {
		o.Start, o.End = cmp.Or(o.Start, steadystate.Instant(2*s)), cmp.Or(o.End, steadystate.Instant(46*s))
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
	// several is a report of the outages of two checks, of which the given limits are broken.
	several := func(limits ...judge.Finding) Report {
		at := func(from, to time.Duration) steadystate.Outage {
			return steadystate.Outage{Start: steadystate.Instant(from * s), End: steadystate.Instant(to * s), Bad: 5, Total: 5, Stretches: 1}
		}
		r := Report{}
		r.Phases = []judge.PhaseResult{{Name: "hold", Span: steadystate.Span{From: 48 * s, To: 60 * s}}}
		window := steadystate.Span{To: 60 * s}
		r.Checks = []judge.CheckResult{
			{Check: "answers", Figures: steadystate.Figures{Window: window, Outages: []steadystate.Outage{at(2, 46), at(50, 55)}}},
			{Check: "whole", Figures: steadystate.Figures{Window: window, Outages: []steadystate.Outage{at(44, 49)}}},
		}
		r.Causes = []cause.Cause{{Check: "answers", Why: "the long one"}, {Check: "answers", Outage: 1, Why: "the late one"}, {Check: "whole", Why: "another"}}
		for _, f := range limits {
			f.Verdict = steadystate.Broken
			r.Findings = append(r.Findings, f)
		}
		return r
	}
	const span = "one outage of answers from 00:00:02.000 (+2s) to 00:00:46.000, lasted 44s; "
	for _, row := range []struct {
		sentence string
		report   Report
		want     []string
	}{
		{"an outage of one stretch", outage(steadystate.Outage{Bad: 50, Total: 100, Stretches: 1, Down: steadystate.Exactly(44 * s)}), []string{span + "degraded: 50 of 100 bad (50%)"}},
		{
			"one that flapped was good most of the time",
			outage(steadystate.Outage{Bad: 50, Total: 1000, Stretches: 10, Down: steadystate.Bounds[time.Duration]{Low: 2100 * time.Millisecond, High: 2800 * time.Millisecond}}),
			[]string{span + "degraded: 50 of 1000 bad (5%), in 10 stretches that last 2.1s to 2.8s together; good pauses shorter than the settle time count as downtime"},
		},
		{
			"the edges have the digits that are known of them, and the length its bounds",
			outage(steadystate.Outage{
				Bad: 50, Total: 100, Stretches: 1,
				Start: steadystate.Span{From: 2 * s, To: 2240 * time.Millisecond}, End: steadystate.Span{From: 44 * s, To: 48 * s},
			}),
			[]string{"one outage of answers from 00:00:02.1 (+2.1s) to 00:00:46, lasted 41.7s to 46.0s; degraded: 50 of 100 bad (50%)"},
		},
		{
			"one that was not over has no end",
			outage(steadystate.Outage{Bad: 50, Total: 100, Stretches: 1, Open: true, Start: steadystate.Span{From: 2 * s, To: 2240 * time.Millisecond}}),
			[]string{"one outage of answers from 00:00:02.1 (+2.1s), not over when the record ended, after at least 43.76s; degraded: 50 of 100 bad (50%)"},
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
		{"a share that an outage broke", share(nil), []string{span + "degraded: 50 of 100 bad (50%)", "consistent with: no pod was left"}},
		{"a share of another cause", share(&cause.Cause{Why: "consistent with: the fault itself"}), []string{"answers: errors: 2% of 4000, wanted <= 1%", "consistent with: the fault itself"}},
		{"a share of which no cause is known is not blamed on the outage", share(&cause.Cause{Who: "all 80 from b: 503"}), []string{"answers: errors: 2% of 4000, wanted <= 1%"}},
		{
			"but the outage is told if it broke another limit",
			share(&cause.Cause{Who: "all 80 from b: 503"}, judge.Finding{Check: "answers", Limit: "downtime <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}, judge.Finding{Check: "whole", Limit: "ttr <= 2s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}),
			[]string{span + "degraded: 50 of 100 bad (50%)", "consistent with: no pod was left"},
		},
		{
			"a limit on a phase is explained by an outage in it, not by a longer one before it",
			several(judge.Finding{Check: "answers", Limit: "downtime <= 1s during hold"}),
			[]string{"2 outages of answers, one of them from 00:00:50.000 (+50s) to 00:00:55.000, lasted 5s; 5 of 5 bad (100%)", "the late one"},
		},
		{
			"what broke at another time has a why too",
			several(judge.Finding{Check: "whole", Limit: "downtime <= 1s"}, judge.Finding{Check: "whole", Limit: "ttr <= 1s"}, judge.Finding{Check: "answers", Limit: "downtime <= 1s during hold"}),
			[]string{"one outage of whole from 00:00:44.000 (+44s) to 00:00:49.000, lasted 5s; 5 of 5 bad (100%)", "another", "answers: the late one"},
		},
		{
			"but not what broke at the same time",
			several(judge.Finding{Check: "answers", Limit: "downtime <= 1s"}, judge.Finding{Check: "whole", Limit: "downtime <= 1s"}),
			[]string{"2 outages of answers, the longest from 00:00:02.000 (+2s) to 00:00:46.000, lasted 44s; 5 of 5 bad (100%)", "the long one"},
		},
	} {
		var got []string
		for _, l := range row.report.Story() {
			if l.Name == "What" || l.Name == "Why" {
				got = append(got, l.Text)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

// Where no advice says what to do about what broke, the story says where to look.
func TestTheStorySaysWhereToLook(t *testing.T) {
	const s = time.Second
	moment := &cause.Moment{Span: steadystate.Instant(2 * s), Kind: record.EventGone, Subject: "pod/shop/b"}
	fault := &cause.Moment{Span: steadystate.Instant(2 * s), Kind: cause.FaultOn, Subject: "delay"}
	at := func(list ...cause.Failure) []cause.Failure { return list }
	for _, row := range []struct {
		sentence string
		of       cause.Cause
		change   func(*Report)
		want     string
	}{
		{"a probe that failed", cause.Cause{Quote: &cause.Quote{Subject: "pod/shop/d", Reason: "Unhealthy", Probe: "readiness"}, Stage: recovery.Ready, Recovering: "d"}, nil, "the readiness probe of pod/shop/d"},
		{"what the scheduler says", cause.Cause{Quote: &cause.Quote{Subject: "pod/shop/d", Reason: "FailedScheduling"}}, nil, "the Events of pod/shop/d (FailedScheduling)"},
		{"the pod that was to come back", cause.Cause{Stage: recovery.Started, Recovering: "d", Before: moment}, nil, "what d waited for before it started: image, volumes, init containers"},
		{"the backend that failed", cause.Cause{Failures: at(cause.Failure{Backend: "b", Reason: "503", Requests: 9}, cause.Failure{Backend: "c", Reason: "503", Requests: 8}, cause.Failure{Backend: "b", Reason: "500", Requests: 2}), Before: moment}, nil, "the log of b from 00:00:02 (+2s)"},
		{"none failed most, and a pod went before", cause.Cause{Failures: at(cause.Failure{Backend: "b", Reason: "503", Requests: 8}, cause.Failure{Backend: "c", Reason: "503", Requests: 8}), Before: moment}, nil, "the log and the Events of pod/shop/b at 00:00:02.000 (+2s)"},
		{
			"of pods that were away, the one that took longest",
			cause.Cause{Rule: cause.Away, Before: moment},
			func(r *Report) {
				took := func(stage string, least time.Duration) judge.Step {
					return judge.Step{Stage: stage, Took: &steadystate.Bounds[time.Duration]{Low: least, High: least + s}}
				}
				of := func(name string, steps ...judge.Step) recovery.Waterfall {
					return recovery.Waterfall{Victim: record.Target{Name: "old"}, Replacement: &record.Target{Name: name}, Breakdown: judge.Breakdown{Steps: steps}}
				}
				r.Waterfalls = []recovery.Waterfall{
					of("c", took(recovery.Scheduled, s), took(recovery.Ready, 2*s), took(recovery.Restored, 9*s)),
					of("d", took(recovery.Started, 3*s), took(recovery.Ready, s)),
				}
			},
			"what d waited for before it started: image, volumes, init containers",
		},
		{"what happened to the target is the fault", cause.Cause{Before: moment}, func(r *Report) {
			r.Injections = []judge.InjectionResult{{Injection: record.Injection{Targets: []record.Target{{Name: "b"}}}}}
		}, "the log of the service from 00:00:02 (+2s)"},
		{"no backend answered", cause.Cause{Failures: at(cause.Failure{Reason: "EOF", Requests: 8}), Before: fault}, nil, "the log of the service from 00:00:02 (+2s)"},
		{"of a workload that is known", cause.Cause{}, func(r *Report) { r.Workload = &record.Workload{Subject: "deployment/shop/shop"} }, "the log of deployment/shop/shop from 00:00:02 (+2s)"},
		{"an autoscaler", cause.Cause{Outage: cause.NoOutage, Limit: "downtime <= 1s"}, func(r *Report) { r.Checks, r.Findings[0].Where = nil, "hpa/shop/shop: 2 -> 4 replicas" }, "hpa/shop/shop: 2 -> 4 replicas"},
		{"advice that fits says it", cause.Cause{Why: "this"}, func(r *Report) { r.Advice = []cause.Advice{{What: "do it", Fits: "this"}} }, ""},
		{"advice of another cause does not", cause.Cause{Why: "this"}, func(r *Report) { r.Advice = []cause.Advice{{What: "do it", Fits: "that"}} }, "the log of the service from 00:00:02 (+2s)"},
		{"what held needs no look", cause.Cause{}, func(r *Report) { r.Findings[0].Verdict = steadystate.Held }, ""},
		{"nor does the end of the run", cause.Cause{}, func(r *Report) { r.Findings[0].OfRun = true }, ""},
	} {
		r := Report{}
		r.Findings = []judge.Finding{{Check: "answers", Limit: "downtime <= 1s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}
		r.Checks = []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{
			Window: steadystate.Span{To: 60 * s}, Outages: []steadystate.Outage{{Start: steadystate.Span{From: s, To: 3 * s}, End: steadystate.Instant(46 * s), Bad: 5, Total: 5}},
		}}}
		row.of.Check = "answers"
		r.Causes = []cause.Cause{row.of}
		if row.change != nil {
			row.change(&r)
		}
		got := ""
		for _, l := range r.Story() {
			if l.Name == "Look" {
				got = l.Text
			}
		}
		if got != row.want {
			t.Errorf("%s: look at %q, want %q", row.sentence, got, row.want)
		}
	}
}

// The load is told of the whole record, of which a limit's share is a part.
func TestTheLoadIsThatOfTheWholeRecord(t *testing.T) {
	for _, row := range []struct {
		traffic judge.Traffic
		want    string
	}{
		{judge.Traffic{Sent: 80, Rate: 10}, "80 requests at 10/s in the whole record, none failed"},
		{judge.Traffic{Sent: 80, Rate: 10, FailedFirst: 5, Failures: map[string]int{"503": 5}}, "80 requests at 10/s in the whole record, 5 failed: 503"},
		{judge.Traffic{Sent: 80, Rate: 10, FailedFirst: 5, Local: 1, Failures: map[string]int{"503": 5}}, "80 requests at 10/s in the whole record, 6 failed: 5 503"},
		{judge.Traffic{Sent: 80, Rate: 10, FailedFirst: 5, Failures: map[string]int{"503": 4, "EOF": 1}}, "80 requests at 10/s in the whole record, 5 failed: 4 503, 1 EOF"},
	} {
		if got := loadStory("requests", row.traffic); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
}

// Each instant is on the wall clock, too, by which it is found in other tools; a change of
// several steps, by the first.
func TestEachInstantIsOnTheWallClock(t *testing.T) {
	const s = time.Second
	r := Report{}
	r.Started, r.Window = time.Date(2026, 3, 2, 10, 15, 0, 0, time.UTC), steadystate.Span{From: 2 * s, To: 60 * s}
	r.Injections = []judge.InjectionResult{{
		Injection: record.Injection{Fault: "delay", Span: steadystate.Span{From: 2 * s, To: 2200 * time.Millisecond}},
		Removed:   &steadystate.Span{From: 40 * s, To: 42 * s},
	}}
	r.Disturbances = []cause.Moment{
		{Span: steadystate.Span{From: 5 * s, To: 5200 * time.Millisecond}, Kind: record.EventRestarted, Subject: "pod/shop/b"},
		{Span: steadystate.Span{From: 20 * s, To: 30 * s}, Kind: record.EventScaled, Subject: "replicaset/shop/rs", Reason: "3 to 5"},
	}
	want := map[string]string{
		"Fault": "delay, at 10:15:02.1 (+2.1s), undone at 10:15:41 (+41s)",
		"Also":  "a container of b was started again at 10:15:05.1 (+5.1s); replica set rs was scaled (3 to 5) at 10:15:20.5 (+20.5s)",
	}
	for _, l := range r.Story() {
		if text, ok := want[l.Name]; ok && l.Text != text {
			t.Errorf("%s: %q, want %q", l.Name, l.Text, text)
		}
	}
}

// Advice says what it follows from, unless that is told before it.
func TestAdviceSaysWhatItFollowsFrom(t *testing.T) {
	const s = time.Second
	r := Report{}
	r.Findings = []judge.Finding{{Check: "answers", Limit: "downtime <= 1s", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}
	at := func(from, to time.Duration) steadystate.Outage {
		return steadystate.Outage{Start: steadystate.Instant(from * s), End: steadystate.Instant(to * s)}
	}
	r.Checks = []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{Window: steadystate.Span{To: 60 * s}, Outages: []steadystate.Outage{at(2, 40), at(50, 52)}}}}
	r.Causes = []cause.Cause{{Check: "answers", Why: "the long one"}, {Check: "answers", Outage: 1, Why: "the late one"}}
	r.Advice = []cause.Advice{{What: "mend this", Fits: "the long one"}, {What: "mend that", Fits: "the late one"}, {What: "is it so?", Question: true, Fits: "the late one"}}
	var got []string
	for _, l := range r.Story() {
		if l.Name == "Mend" || l.Name == "Ask" {
			got = append(got, l.Text)
		}
	}
	if want := []string{"mend this", "mend that; the late one", "is it so?"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if text, want := r.String(), "\n    mend  mend this\n          the long one\n    mend  mend that\n          the late one\n    ask   is it so?\n"; !strings.Contains(text, want) {
		t.Errorf("no %q in\n%s", want, text)
	}
}
