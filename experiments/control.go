package experiments

import (
	"slices"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// IsControl reports whether the experiment is the control run of another.
func (e Experiment) IsControl() bool {
	return len(e.Faults) == 0 && slices.Contains(e.Labels, record.ControlLabel)
}

// Control is the control run of the experiment: the same without its faults, so
// that it shows the service undisturbed. It keeps the limits that make sense
// without a fault; a check with none left must be good throughout.
// [record.ControlLabel] replaces the last label, which is the experiment's name. A
// control run that holds makes a baseline:
//
//	control, err := directory.Run(ctx, e.Control()) // a runs.Directory
//	if err != nil {
//		return err
//	}
//	e.Baseline = judge.NewBaseline(control.Result, e.Hypothesis.Checks)
func (e Experiment) Control() Experiment {
	e.Name = "control run of " + e.Name
	e.Labels = append(slices.Clone(e.Labels[:max(0, len(e.Labels)-1)]), record.ControlLabel)
	e.Hold = e.scheduled() // as long as with the faults
	e.Faults, e.Expectations, e.Baseline, e.AgainstControl = nil, nil, nil, false
	e.Title, e.Hash = "", "" // both tell what the experiment does, faults included
	e.Hypothesis.Checks = slices.Clone(e.Hypothesis.Checks)
	for i, c := range e.Hypothesis.Checks {
		e.Hypothesis.Checks[i].Limits = slices.DeleteFunc(slices.Clone(c.Limits), func(l steadystate.Limit) bool {
			// Without a fault these phases take no time.
			return l.Baseline || l.OfInjections() || l.Phase == record.PhaseInject || l.Phase == record.PhaseRecover
		})
	}
	return e
}
