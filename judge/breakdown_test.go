package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestTheBarOfAStep(t *testing.T) {
	span := func(from, to time.Duration) *steadystate.Span { return &steadystate.Span{From: from * s, To: to * s} }
	took := func(low, high time.Duration) *steadystate.Bounds[time.Duration] {
		return &steadystate.Bounds[time.Duration]{Low: low * s, High: high * s}
	}
	fault := judge.Step{Stage: "fault", Reached: span(10, 12)}
	for _, row := range []struct {
		sentence            string
		step                judge.Step
		maybe, surely, open *steadystate.Span
		text, bar           string
	}{
		{"the fault itself", fault, span(10, 12), nil, nil, "-", "---"},
		{
			"what came after it",
			judge.Step{Stage: "ready", Since: "fault", Reached: span(20, 21), Took: took(8, 11)},
			span(10, 21), span(12, 20), nil, "8s to 11s", "--=========-",
		},
		{
			"what may have come at once",
			judge.Step{Stage: "ready", Since: "fault", Reached: span(11, 14), Took: took(0, 4)},
			span(10, 14), nil, nil, "0s to 4s", "-----",
		},
		{
			"what had not come when the record ended",
			judge.Step{Stage: "ready", Since: "fault", Open: true, Took: took(28, 30)},
			span(10, 40), nil, span(12, 40), "at least 28s", "--" + strings.Repeat(">", 29),
		},
		{
			"what nobody could see for a time",
			judge.Step{Stage: "ready", Since: "fault", Open: true, Took: took(0, 30)},
			span(10, 40), nil, nil, "at least 0s", strings.Repeat("-", 31),
		},
		{"what waits for another", judge.Step{Stage: "ready", Open: true}, nil, nil, nil, "not over", ""},
		{"what was not looked for", judge.Step{Stage: "ready", Since: "fault"}, nil, nil, nil, "-", ""},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			// The last step makes the whole forty seconds long, a column each.
			b := judge.Breakdown{Steps: []judge.Step{fault, row.step, {Stage: "last", Reached: span(50, 50)}}, End: 50 * s}
			bar := b.Bar(row.step)
			for _, part := range []struct {
				name      string
				got, want *steadystate.Span
			}{{"maybe", bar.Maybe, row.maybe}, {"surely", bar.Surely, row.surely}, {"open", bar.Open, row.open}} {
				if (part.got == nil) != (part.want == nil) || part.got != nil && *part.got != *part.want {
					t.Errorf("%s: %v, want %v", part.name, part.got, part.want)
				}
			}
			if got := row.step.Text(); got != row.text {
				t.Errorf("text %q, want %q", got, row.text)
			}
			line := strings.Split(b.Lines(), "\n")[1]
			if row.step.Stage == "fault" {
				line = strings.Split(b.Lines(), "\n")[0]
			}
			if _, bars, _ := strings.Cut(line, "|"); strings.TrimRight(bars, " |") != row.bar {
				t.Errorf("bar %q, want %q", bars, row.bar)
			}
		})
	}
}

func TestARemarkSaysWhatAStepIsCountedFrom(t *testing.T) {
	b := judge.Breakdown{Steps: []judge.Step{
		{Stage: "fault"},
		{Stage: "removed", Since: "fault"},
		{Stage: "created", Since: "fault"},
		{Stage: "ready", Since: "fault", Note: "not seen"},
	}}
	for i, want := range []string{"", "", "since fault", "not seen; since fault"} {
		if got := b.Remark(b.Steps[i]); got != want {
			t.Errorf("%s: %q, want %q", b.Steps[i].Stage, got, want)
		}
	}
}
