package judge_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
)

// history is a record in a few words.
type history struct {
	timeline string          // of the signal "replicas", one observation a second
	inject   []time.Duration // when faults were injected; the first begins the window
	settle   time.Duration
	limits   []string
	end      string
	remove   time.Duration // when the last one was removed; zero: the record does not show it
	watch    time.Duration // when the watch phase began; zero: it did not
	oneShot  bool          // they were over when they were done
}

func (h history) judge(t *testing.T) judge.Result {
	t.Helper()
	last := time.Duration(len(h.timeline)) * s
	plan := &record.Plan{Name: "history", Settle: h.settle, Checks: []steadystate.Check{{
		Name: "whole", Signal: "replicas", Good: steadystatetest.Good, Limits: steadystate.Limits(h.limits...),
	}}}
	var text strings.Builder
	fmt.Fprintf(&text, "0 phase settle\n%f phase inject\n", h.inject[0].Seconds())
	for i, at := range h.inject {
		name := string(rune('a' + i))
		plan.Faults = append(plan.Faults, record.Scheduled{Name: name, Fault: "kill"})
		fmt.Fprintf(&text, "%f inject kill pod:%s index=%d effect=gone oneshot=%t\n%[1]f gone - %[2]s\n", at.Seconds(), name, i, h.oneShot)
	}
	fmt.Fprintf(&text, "%f phase hold\n0 see replicas %s\n", h.inject[len(h.inject)-1].Seconds(), strings.ReplaceAll(h.timeline, " ", "_"))
	if h.remove > 0 {
		for i := range h.inject {
			fmt.Fprintf(&text, "%f undo kill index=%d\n", h.remove.Seconds(), i)
		}
	}
	if h.watch > 0 {
		fmt.Fprintf(&text, "%f phase watch\n", h.watch.Seconds())
	}
	if h.end != "" {
		fmt.Fprintf(&text, "%f end %s\n", last.Seconds(), strings.ReplaceAll(h.end, " ", "_"))
	}
	list := recordtest.Entries(plan, text.String())
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// A rate over a second is below what is good until the load has begun, and not
// good again for the settle time when the fault comes: one outage, which says
// nothing of how long the fault took to be seen (590 ms in truth; it was held
// with 0 s).
func TestTheRampUpIsNoDetection(t *testing.T) {
	plan := &record.Plan{Name: "ramp", Settle: 2 * s, Faults: []record.Scheduled{{Fault: "kill"}}, Checks: []steadystate.Check{{
		Name: "orders", Signal: "orders", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("ttd <= 100ms"),
	}}}
	t0 := 6500 * time.Millisecond
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version}},
		{Plan: plan},
		{Phase: record.PhaseSettle},
		{At: t0, Phase: record.PhaseInject},
		{At: t0, Injection: &record.Injection{Fault: "kill", Span: steadystate.Instant(t0)}},
	}
	for at := s; at <= 20*s; at += s / 10 {
		o := steadystate.Observation{Span: steadystate.Span{From: at - s, To: at}, Whole: true, Value: 2}
		if at < 5*s || t0+590*time.Millisecond <= at && at < 9*s {
			o.Value = 0
		}
		list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "orders", List: []steadystate.Observation{o}}})
	}
	list = append(list, record.Entry{At: 20 * s, End: &record.End{Reason: record.Completed}})
	result, err := judge.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	if f := result.Findings[0]; f.Verdict != steadystate.Unknown || f.Text != "not detected" {
		t.Errorf("%s: %s, %q; want unknown", f.Limit, f.Verdict, f.Text)
	}
}

func TestFindingsOfHistories(t *testing.T) {
	for _, row := range []struct {
		sentence string
		history  history
		want     map[string]steadystate.Verdict // by limit
	}{
		{
			"what was not over in the end, but is within what its limit allows, is unknown",
			history{timeline: "++++++++++----------", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"ttr <= 5m"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 5m": steadystate.Unknown, "good at the end": steadystate.Unknown},
		},
		{
			"beyond its limit it is broken",
			history{timeline: "++++++++++----------", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"ttr <= 3s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 3s": steadystate.Broken, "good at the end": steadystate.Broken},
		},
		{
			"a run that was stopped says nothing of the end",
			history{timeline: "++++++++++----------", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"ttr <= 5m", "slow <= 1%"}, end: record.Interrupted},
			map[string]steadystate.Verdict{"ttr <= 5m": steadystate.Unknown, "slow <= 1%": steadystate.Unknown},
		},
		{
			"but what no longer watch could mend is broken all the same",
			history{timeline: "++++++++++----------", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"downtime <= 2s"}, end: record.Interrupted},
			map[string]steadystate.Verdict{"downtime <= 2s": steadystate.Broken},
		},
		{
			"a fault that is injected during an outage may have had no part in it",
			history{timeline: "++++++--------------++++++++++", inject: []time.Duration{5 * s, 7 * s}, settle: 5 * s, limits: []string{"mttr <= 11s", "mttr <= 6s", "ttr <= 13s", "ttd <= 2s"}, end: record.Completed},
			map[string]steadystate.Verdict{"mttr <= 11s": steadystate.Unknown, "mttr <= 6s": steadystate.Broken, "ttr <= 13s": steadystate.Broken, "ttd <= 2s": steadystate.Unknown},
		},
		{
			"R18: an outage that began after a second fault may be the first one's",
			history{timeline: "+++++++++++--------------++++++++++", inject: []time.Duration{2 * s, 10 * s}, settle: 5 * s, limits: []string{"ttr <= 20s", "ttr <= 13s", "ttr <= 24s", "mttr <= 20s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 20s": steadystate.Unknown, "ttr <= 13s": steadystate.Broken, "ttr <= 24s": steadystate.Held, "mttr <= 20s": steadystate.Held},
		},
		{
			"an outage that was on before the fault is not what is detected of it",
			history{timeline: "++++++++----++++--+++++++++++++", inject: []time.Duration{13 * s}, settle: 5 * s, limits: []string{"ttd <= 4s", "ttr <= 3s", "ttr <= 6s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttd <= 4s": steadystate.Unknown, "ttr <= 3s": steadystate.Unknown, "ttr <= 6s": steadystate.Held},
		},
		{
			"R10: what was not seen for a moment, long after the fault, may hide that it was bad again",
			history{timeline: "++++++++++--++++++++++?+++++++", inject: []time.Duration{9 * s}, settle: 3 * s, limits: []string{"ttr <= 5s", "outage <= 5s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 5s": steadystate.Unknown, "outage <= 5s": steadystate.Held},
		},
		{
			"right after it, it may hide more of the outage",
			history{timeline: "++++++++++--++?+?++++++++++++++", inject: []time.Duration{9 * s}, settle: 3 * s, limits: []string{"ttr <= 5s", "outage <= 5s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 5s": steadystate.Unknown, "outage <= 5s": steadystate.Unknown},
		},
		{
			"and a long gap hides as long an outage, whenever it is",
			history{timeline: "++++++++++--++++++++++++??????+++++++", inject: []time.Duration{9 * s}, settle: 3 * s, limits: []string{"ttr <= 5s", "outage <= 5s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 5s": steadystate.Unknown, "outage <= 5s": steadystate.Unknown},
		},
		{
			"a mean of recoveries of which one is not over is not that one",
			history{timeline: "++++++--++++++++++++++++----", inject: []time.Duration{5 * s, 23 * s}, settle: 5 * s, limits: []string{"mttr <= 4s"}, end: record.Completed},
			map[string]steadystate.Verdict{"mttr <= 4s": steadystate.Unknown},
		},
		{
			"what recovered while faulted took no time after the removal",
			history{timeline: "++++++----++++++++++++++++++++", inject: []time.Duration{5 * s}, remove: 15 * s, settle: 3 * s, limits: []string{"ttr <= 1s after removal", "mttr <= 0s after removal", "ttr <= 1s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 1s after removal": steadystate.Held, "mttr <= 0s after removal": steadystate.Held, "ttr <= 1s": steadystate.Broken},
		},
		{
			"what recovered after the removal is counted from there",
			history{timeline: "++++++--------------++++++++++", inject: []time.Duration{5 * s}, remove: 15 * s, settle: 3 * s, limits: []string{"ttr <= 6s after removal", "ttr <= 3s after removal", "ttr <= 4500ms after removal", "ttr <= 6s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 6s after removal": steadystate.Held, "ttr <= 3s after removal": steadystate.Broken, "ttr <= 4500ms after removal": steadystate.Unknown, "ttr <= 6s": steadystate.Broken},
		},
		{
			"an outage that the removal made counts too",
			history{timeline: "++++++++++++++++---+++++++++++", inject: []time.Duration{5 * s}, remove: 15 * s, settle: 3 * s, limits: []string{"ttr <= 2s after removal"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 2s after removal": steadystate.Broken},
		},
		{
			"what was not over in the end is censored after the removal as before",
			history{timeline: "++++++----------------", inject: []time.Duration{5 * s}, remove: 15 * s, settle: 3 * s, limits: []string{"ttr <= 1m after removal", "ttr <= 2s after removal"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 1m after removal": steadystate.Unknown, "ttr <= 2s after removal": steadystate.Broken},
		},
		{
			"of a fault that is not known to be gone nothing is known after it",
			history{timeline: "++++++----++++++++++++++++++++", inject: []time.Duration{5 * s}, settle: 3 * s, limits: []string{"ttr <= 1m after removal"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 1m after removal": steadystate.Unknown},
		},
		{
			"one that was over when it was done was gone then",
			history{timeline: "++++++----++++++++++++++++++++", inject: []time.Duration{5 * s}, remove: 15 * s, oneShot: true, settle: 3 * s, limits: []string{"ttr <= 1s after removal", "ttr <= 6s after removal"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttr <= 1s after removal": steadystate.Broken, "ttr <= 6s after removal": steadystate.Held},
		},
		{
			"what must come to something could have, had the run gone on",
			history{timeline: "++++++++++++++++", inject: []time.Duration{5 * s}, settle: 5 * s, limits: []string{"outages >= 1"}, end: record.Interrupted},
			map[string]steadystate.Verdict{"outages >= 1": steadystate.Unknown},
		},
		{
			"what held in a run that was stopped could have been broken later, but for what only gets better",
			history{timeline: "+++++++---++++++", inject: []time.Duration{5 * s}, remove: 9 * s, settle: 3 * s, limits: []string{"downtime <= 10s", "slow <= 90%", "ttr <= 10s", "min <= 5", "min >= 0", "outages >= 1", "outages == 1"}, end: record.Interrupted},
			map[string]steadystate.Verdict{
				"downtime <= 10s": steadystate.Unknown, "slow <= 90%": steadystate.Unknown, "ttr <= 10s": steadystate.Unknown, "outages == 1": steadystate.Unknown,
				"min <= 5": steadystate.Held, "min >= 0": steadystate.Unknown, "outages >= 1": steadystate.Held,
			},
		},
		{
			"a number that is asked for exactly could still have been come to, but not once it is beyond",
			history{timeline: "+++++++---++++++", inject: []time.Duration{5 * s}, remove: 9 * s, settle: 3 * s, limits: []string{"outages == 2", "outages == 0", "max == 2", "min == -1", "min == 5"}, end: record.Interrupted},
			map[string]steadystate.Verdict{
				"outages == 2": steadystate.Unknown, "outages == 0": steadystate.Broken, "max == 2": steadystate.Unknown, "min == -1": steadystate.Unknown, "min == 5": steadystate.Broken,
			},
		},
		{
			"another fault could have made a mean of recoveries better",
			history{timeline: "++++++----++++++++++++", inject: []time.Duration{5 * s}, settle: 3 * s, limits: []string{"mttr <= 1s"}, end: record.Interrupted},
			map[string]steadystate.Verdict{"mttr <= 1s": steadystate.Unknown},
		},
		{
			"what was over when the run was stopped stays as it was",
			history{timeline: "++++++----++++++++++++", inject: []time.Duration{5 * s}, remove: 13 * s, watch: 13 * s, settle: 3 * s, limits: []string{"slow <= 1% during hold", "slow <= 90% during hold", "slow <= 90% during watch", "slow <= 1%"}, end: record.Interrupted},
			map[string]steadystate.Verdict{
				"slow <= 1% during hold": steadystate.Broken, "slow <= 90% during hold": steadystate.Held, "slow <= 90% during watch": steadystate.Unknown, "slow <= 1%": steadystate.Unknown,
			},
		},
		{
			"so it is where the record was cut",
			history{timeline: "++++++++++++++++", inject: []time.Duration{5 * s}, settle: 5 * s, limits: []string{"downtime <= 10s"}},
			map[string]steadystate.Verdict{"downtime <= 10s": steadystate.Unknown},
		},
		{
			"detection is the first bad observation",
			history{timeline: "++++++++++++----++++++++++", inject: []time.Duration{9 * s}, settle: 3 * s, limits: []string{"ttd <= 2s", "ttd <= 4s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttd <= 2s": steadystate.Broken, "ttd <= 4s": steadystate.Held},
		},
		{
			"of what was never bad nothing was detected",
			history{timeline: "++++++++++++++++++++++", inject: []time.Duration{9 * s}, settle: 3 * s, limits: []string{"ttd <= 4s"}, end: record.Completed},
			map[string]steadystate.Verdict{"ttd <= 4s": steadystate.Unknown},
		},
		{
			"a multiple of the baseline is judged by what was settled before the fault",
			history{timeline: "+++++++++++--------++++++++", inject: []time.Duration{10 * s}, settle: 3 * s, limits: []string{"mean >= 1x baseline", "mean >= 0.5x baseline", "mean >= 0.05x baseline"}, end: record.Completed},
			map[string]steadystate.Verdict{"mean >= 1x baseline": steadystate.Broken, "mean >= 0.5x baseline": steadystate.Unknown, "mean >= 0.05x baseline": steadystate.Held},
		},
		{
			"one observation in a phase decides nothing",
			history{timeline: "++++++++++++++++++++", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"slow <= 1% during inject"}, end: record.Completed},
			map[string]steadystate.Verdict{"slow <= 1% during inject": steadystate.Unknown},
		},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			result := row.history.judge(t)
			got := map[string]steadystate.Verdict{}
			for _, f := range result.Findings {
				got[f.Limit] = f.Verdict
				if f.Verdict == steadystate.Unknown && f.Undecided == "" {
					t.Errorf("%s is unknown and does not say why", f.Limit)
				}
			}
			for limit, want := range row.want {
				if v, there := got[limit]; !there || v != want {
					t.Errorf("%s: %s, want %s (%v)", limit, v, want, result.Findings)
				}
			}
			if end, there := got["good at the end"]; !there || (row.history.end != record.Completed && end != steadystate.Unknown) {
				t.Errorf("good at the end is %s, there %t, of a run that ended %q", end, there, row.history.end)
			}
		})
	}
}

// Each quantity has its own figure of one history, and as that goes on a figure that can
// only be raised, or lowered, is.
func TestEachQuantityIsJudged(t *testing.T) {
	want := map[string]string{
		steadystate.Downtime: "3s to 7s", steadystate.Longest: "2s to 4s", steadystate.Count: "2", steadystate.Uptime: "74.074% to 88.889%",
		steadystate.TTD: "2s", steadystate.TTR: "3s to 15s", steadystate.MTTR: "3s to 9.5s (n=2, longest 15s, not recovered 0)",
		steadystate.Slow: "18.519% of 27 observations", steadystate.Mean: "0.8148/s of 27 observations", "p50": "1/s of 27 observations",
		steadystate.Max: "1/s of 27 observations", steadystate.Min: "0/s of 27 observations",
		steadystate.Errors: "not judged", steadystate.Rate: "not judged", // of polls
	}
	const timeline = "++++++++---+++++++++--++++++++++++"
	judged := func(l steadystate.Limit, length int) judge.Finding {
		return history{timeline: timeline[:length], inject: []time.Duration{7 * s, 18 * s}, settle: 3 * s, limits: []string{l.String()}, end: record.Completed}.judge(t).Findings[0]
	}
	for _, line := range append(steadystate.Quantities(), "p50") {
		name := strings.Fields(line)[0]
		if name == "pNN" || name == "of" { // is of others
			continue
		}
		var limit steadystate.Limit
		for _, bound := range []string{"1", "1s", "1%", "1/s"} {
			if l, err := steadystate.ParseLimit(name + " <= " + bound); err == nil {
				limit = l
			}
		}
		switch got := judged(limit, len(timeline)); {
		case got.Text != want[name]:
			t.Errorf("%s: %q, want %q: %s", name, got.Text, want[name], got.Undecided)
		case limit.Toward() != 0:
			compared := 0
			for n := 24; n < len(timeline); n++ {
				a, b := judged(limit, n).Seen, judged(limit, n+1).Seen
				if a == nil || b == nil {
					continue
				}
				if compared++; limit.Toward() > 0 && b.Low < a.Low || limit.Toward() < 0 && b.High > a.High {
					t.Errorf("%s goes from %v to %v", name, *a, *b)
				}
			}
			if compared == 0 {
				t.Errorf("%s: no two of its records were compared", name)
			}
		}
	}
}

func TestMTTRIsNeverPrintedAlone(t *testing.T) {
	result := history{
		timeline: "++++++--------------++++++++++", inject: []time.Duration{5 * s, 7 * s}, settle: 5 * s,
		limits: []string{"mttr <= 1m"}, end: record.Completed,
	}.judge(t)
	for _, want := range []string{"n=2", "longest", "not recovered 0"} {
		if text := result.Findings[0].Text; !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

// newcomer 9: what the service's own configuration forbids is a finding about
// the service; what else keeps a fault from being injected is none.
func TestWhatTheServiceRefusesIsBroken(t *testing.T) {
	const budget = "0 of 3 pods evicted; the API server says of a: Cannot evict pod (PodDisruptionBudget checkout (maxUnavailable 0): disruptionsAllowed 0)"
	for _, row := range []struct {
		sentence, reason, refused string
		verdict                   steadystate.Verdict
		want                      string // in the reason
	}{
		{"a budget that forbids a drain", budget, "can be drained", steadystate.Broken, "drain checkout: wanted can be drained, seen " + budget},
		{"an API server that is too busy", "please try again later", "", steadystate.Unknown, "please try again later"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := []record.Entry{
				{Header: &record.Header{Format: record.Format, Version: record.Version}},
				{Plan: &record.Plan{Name: "drain", Settle: s, Faults: []record.Scheduled{{Fault: "drain checkout"}}, Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}}}},
				{Phase: record.PhaseSettle},
				{At: 5 * s, Phase: record.PhaseInject},
				{At: 5 * s, Injection: &record.Injection{Fault: "drain checkout", Span: steadystate.Instant(5 * s), Effects: []record.Effect{{Event: record.EventGone}}, FailureReason: row.reason, Refused: row.refused}},
				{At: 5 * s, Phase: record.PhaseRecover},
				{At: 6 * s, Removal: &record.Removal{Fault: "drain checkout", Span: steadystate.Instant(6 * s)}},
			}
			for at := time.Duration(0); at < 7*s; at += s {
				list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{{Span: steadystate.Instant(at), Value: 1}}}})
			}
			list = append(list, record.Entry{At: 7 * s, End: &record.End{Reason: record.NotInjected, Detail: "drain checkout: " + row.reason}})
			result, err := judge.Judge(recordtest.All(list), nil)
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
				if (p.Name == "effect" || p.Name == "exposed") && p.Text != "not exercised: no fault was injected" && p.Text != "neither a load nor a signal of the targets' traffic shows whether they serve" {
					t.Errorf("%s says %q", p.Name, p.Text)
				}
			}
		})
	}
}
