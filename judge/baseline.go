package judge

import (
	"fmt"
	"slices"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// usual are the quantities that a baseline has of every check, so that a record
// can be judged again with other limits.
var usual = []string{steadystate.Mean, "p50", "p95", "p99"}

// NewBaseline makes the baseline for experiments with these checks from the
// result of a control run, an experiment without its faults. It has mean, p50,
// p95, p99 and whatever else the limits of the checks compare with a
// baseline, over the control run's window. A control run that did not hold is
// no baseline, and neither is one with a fault. The result must come from
// [Judge]: one that was read from JSON no longer has the values.
func NewBaseline(control Result, checks []steadystate.Check) *record.Baseline {
	b := &record.Baseline{Run: control.Run, Length: control.Window.Width(), Figures: map[string]map[string]steadystate.Base{}}
	switch {
	case len(control.Injections) > 0:
		b.Unknown = fmt.Sprintf("control run %s had a fault", control.Run)
	case control.Verdict != steadystate.Held:
		b.Unknown = fmt.Sprintf("control run %s was %s: %s", control.Run, control.Verdict, control.Reason)
	}
	for _, c := range checks {
		at := slices.IndexFunc(control.Checks, func(r CheckResult) bool { return r.Check == c.Name && r.Signal == c.Signal })
		if at < 0 {
			continue
		}
		figures := map[string]steadystate.Base{}
		for _, q := range usual {
			figures[q] = steadystate.Limit{Quantity: q}.Base(control.Checks[at].Figures)
		}
		for _, l := range c.Limits {
			if l.Baseline {
				figures[l.Figure()] = l.Base(control.Checks[at].Figures)
			}
		}
		b.Figures[c.Name] = figures
	}
	return b
}

// baseOf is the figure that a limit of a check refers to.
func baseOf(b *record.Baseline, check string, l steadystate.Limit) steadystate.Base {
	if b.Unknown != "" {
		return steadystate.Base{Unknown: b.Unknown}
	}
	base, there := b.Figures[check][l.Figure()]
	if !there {
		return steadystate.Base{Unknown: fmt.Sprintf("control run %s has no %s of check %q: name it in a limit of the experiment when it is run", b.Run, l.Figure(), check)}
	}
	return base
}
