package experiments

import (
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Baseline is what a control run showed, in figures: how the service is while
// nothing is done to it. As part of a plan it is what a limit such as
// "p95 <= 1.5x baseline" refers to, so that one record is enough to judge by.
type Baseline struct {
	Run    string        `json:"run"`    // of the control run's record
	Length time.Duration `json:"length"` // of its window
	// Unknown is why it is no baseline: then whatever refers to it is unknown.
	Unknown string `json:"unknown,omitempty"`
	// Figures are by check, and by quantity, "p95" or "p95 of good" for instance.
	Figures map[string]map[string]steadystate.Base `json:"figures,omitempty"`
}

// String is "control run 4f1c2a9d3b, 40s long".
func (b *Baseline) String() string {
	text := fmt.Sprintf("control run %s, %s long", b.Run, steadystate.FormatSeconds(b.Length.Seconds()))
	if b.Unknown != "" {
		text += ", which is no baseline: " + b.Unknown
	}
	return text
}

// usual are the quantities that a baseline has of every check, so that a record
// can be judged again with other limits.
var usual = []string{steadystate.Mean, "p50", "p95", "p99"}

// NewBaseline makes the baseline for experiments with these checks from the
// result of a control run, see [Experiment.Control]. It has mean, p50,
// p95, p99 and whatever else the limits of the checks compare with a
// baseline, over the control run's window. A control run that did not hold is
// no baseline, and neither is one with a fault. The result must come from
// [Judge]: one that was read from JSON no longer has the values.
func NewBaseline(control Result, checks []steadystate.Check) *Baseline {
	b := &Baseline{Run: control.Run, Length: control.Window.Width(), Figures: map[string]map[string]steadystate.Base{}}
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

// of is the figure that a limit of a check refers to.
func (b *Baseline) of(c steadystate.Check, l steadystate.Limit) steadystate.Base {
	if b.Unknown != "" {
		return steadystate.Base{Unknown: b.Unknown}
	}
	base, there := b.Figures[c.Name][l.Figure()]
	if !there {
		return steadystate.Base{Unknown: fmt.Sprintf("control run %s has no %s of check %q: name it in a limit of the experiment when it is run", b.Run, l.Figure(), c.Name)}
	}
	return base
}

// ControlLabel is the label of a control run.
const ControlLabel = "control"

// IsControl reports whether the experiment is the control run of another.
func (e Experiment) IsControl() bool {
	return len(e.Faults) == 0 && slices.Contains(e.Labels, ControlLabel)
}

// Control is the control run of the experiment: without its faults, and else
// the same, so that what it shows is how the service is while nothing is done
// to it. Of the limits it has those that make sense without a fault; a check
// with none left must be good throughout. A control run that holds makes a
// baseline:
//
//	control, err := directory.Run(ctx, e.Control())
//	e.Baseline = experiments.NewBaseline(control.Result, e.Hypothesis.Checks)
func (e Experiment) Control() Experiment {
	e.Name = "control run of " + e.Name
	e.Labels = append(slices.Clone(e.Labels), ControlLabel)
	e.Faults, e.Expectations, e.Baseline = nil, nil, nil
	e.Hypothesis.Checks = slices.Clone(e.Hypothesis.Checks)
	for i, c := range e.Hypothesis.Checks {
		e.Hypothesis.Checks[i].Limits = slices.DeleteFunc(slices.Clone(c.Limits), func(l steadystate.Limit) bool {
			// Without a fault these phases take no time.
			return l.Baseline || l.OfInjections() || l.Phase == PhaseInject || l.Phase == PhaseRecover
		})
	}
	return e
}
