package judge_test

import (
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
