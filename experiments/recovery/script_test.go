package recovery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

func read(t testing.TB, entries []record.Entry, checks ...judge.CheckResult) []recovery.Waterfall {
	t.Helper()
	var h recovery.History
	for _, e := range entries {
		h.Take(e)
	}
	return h.Waterfalls(checks)
}

// outage is a check with one outage.
func outage(start, end string, open ...bool) judge.CheckResult {
	c := healthy()
	c.Outages = []steadystate.Outage{{Start: recordtest.Span(start), End: recordtest.Span(end), Open: len(open) > 0}}
	return c
}

// healthy is a check without an outage.
func healthy() judge.CheckResult {
	c := judge.CheckResult{Check: "shop answers"}
	c.Tolerance = steadystate.Within(time.Second)
	c.Good = 100
	return c
}

// lines is a waterfall in short: for each stage when it was reached, what it
// took since which other, and the note.
func lines(w recovery.Waterfall) string {
	var out strings.Builder
	fmt.Fprintln(&out, w.Title())
	for _, s := range w.Steps {
		fmt.Fprintf(&out, "%s:", s.Stage)
		if s.Reached != nil {
			fmt.Fprintf(&out, " at %s", s.Reached)
		}
		if s.Took != nil {
			fmt.Fprintf(&out, " took %s since %s", lengths(*s.Took), s.Since)
		}
		if s.Open {
			fmt.Fprint(&out, " open")
		}
		if s.Note != "" {
			fmt.Fprintf(&out, " (%s)", s.Note)
		}
		fmt.Fprintln(&out)
	}
	step, undecided := w.Costliest()
	if undecided == "" {
		undecided = step.Stage
	}
	fmt.Fprintf(&out, "costliest: %s\n", undecided)
	if w.Note != "" {
		fmt.Fprintf(&out, "note: %s\n", w.Note)
	}
	return out.String()
}

func lengths(b steadystate.Bounds[time.Duration]) string {
	low, high := steadystate.FormatSeconds(b.Low.Seconds()), steadystate.FormatSeconds(b.High.Seconds())
	if low == high {
		return low
	}
	return low + " to " + high
}
