package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// M12: a broken limit erases nothing that is true of the run.
func TestABrokenLimitErasesNothing(t *testing.T) {
	broken := history{timeline: "++++++++++----------++++++++++", inject: []time.Duration{9 * s}, settle: 5 * s, limits: []string{"downtime <= 3s"}, oneShot: true}
	for _, row := range []struct {
		sentence string
		end      string
		remove   time.Duration
		want     []string // among the caveats, and in the reason
	}{
		{"a run that came to its end, and whose load is not known", record.Completed, 20 * s, []string{"no proof that the targets"}},
		{"interrupted", record.Interrupted, 20 * s, []string{record.Interrupted, "no proof that the targets"}},
		{"stopped by its own failure", record.Failed, 20 * s, []string{record.Failed}},
		{"cut", "", 20 * s, []string{"the record ends before the run did"}},
		{"never shown to be undone", record.Interrupted, 0, []string{record.Interrupted, "no proof that every fault is gone"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			h := broken
			h.end, h.remove = row.end, row.remove
			r := h.judge(t)
			if r.Verdict != steadystate.Broken {
				t.Fatalf("%s: %s, want broken", r.Verdict, r.Reason)
			}
			if !strings.HasPrefix(r.Reason, "whole: wanted downtime <= 3s") {
				t.Errorf("%q does not begin with the broken limit", r.Reason)
			}
			caveats := strings.Join(r.Caveats, "\n")
			for _, want := range row.want {
				if !strings.Contains(caveats, want) || !strings.Contains(r.Reason, want) {
					t.Errorf("caveats %q and reason %q do not say %q", r.Caveats, r.Reason, want)
				}
			}
			if row.end == record.Completed && strings.Contains(caveats, record.Interrupted) {
				t.Errorf("caveats %q of a run that was not interrupted", r.Caveats)
			}
		})
	}
}

// Proofs that are missing only because nothing was injected are no caveats of their own,
// and neither is what the end of the run says.
func TestACaveatIsSaidOnce(t *testing.T) {
	for _, row := range []struct {
		end  record.End
		want map[string]int // how often the caveats say it
	}{
		{record.End{Reason: record.NotSteady, Detail: "answers: 3 of 3 bad"}, map[string]int{"answers: 3 of 3 bad": 1, "faults were injected": 0}},
		{record.End{Reason: record.NotInjected, Detail: "kill b: no pod matches"}, map[string]int{"kill b: no pod matches": 1, "faults were injected": 0}},
		{record.End{Reason: record.Interrupted}, map[string]int{"interrupted": 1, "0 of 1 faults were injected": 1}},
	} {
		r := drive{list: func(list []record.Entry) []record.Entry {
			list = slices.DeleteFunc(list, func(e record.Entry) bool {
				return e.Injection != nil || e.Removal != nil || e.Phase != "" && e.Phase != record.PhaseSettle
			})
			list[slices.IndexFunc(list, func(e record.Entry) bool { return e.End != nil })].End = &row.end
			return list
		}}.judge(t)
		if r.Verdict != steadystate.Unknown || len(r.Caveats) == 0 {
			t.Errorf("%s: %s, caveats %q; want unknown, and why", row.end.Reason, r.Verdict, r.Caveats)
		}
		row.want["no fault was injected"], row.want["no proof that every check was observed"], row.want["the run never came to its fault"] = 0, 0, 1
		for text, n := range row.want {
			if got := strings.Count(strings.Join(r.Caveats, "\n"), text); got != n {
				t.Errorf("%s: the caveats say %q %d times, want %d: %q", row.end.Reason, text, got, n, r.Caveats)
			}
		}
	}
}
