package suites

import (
	"slices"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Controlled puts before the experiments of each suite a control run, as long
// as the longest of them, whose figures are the baseline of those that follow;
// if the configuration asks for it. Its labels are all of theirs, so that a
// filter that leaves one of them leaves it too.
func (c Config) Controlled(list []experiments.Experiment) []experiments.Experiment {
	if c.Baseline != BaselineControl {
		return list
	}
	var all []experiments.Experiment
	for _, e := range list {
		suite := e.Labels[0]
		of := func(o experiments.Experiment) bool { return o.Labels[0] == suite }
		if !slices.ContainsFunc(all, of) {
			own := slices.DeleteFunc(slices.Clone(list), func(o experiments.Experiment) bool { return !of(o) })
			all = append(all, control(own))
		}
		e.AgainstControl = true
		all = append(all, e)
	}
	return all
}

// ofScaled reports whether a check is an objective of a service that has scaled,
// which one that nothing is done to has not.
func ofScaled(c steadystate.Check) bool {
	return slices.ContainsFunc(objectives(), func(o objective) bool { return o.scaled && o.name == c.Name && c.Signal == c.Name })
}

// control is the control run of the experiments of one suite.
func control(suite []experiments.Experiment) experiments.Experiment {
	longest := slices.MaxFunc(suite, func(a, b experiments.Experiment) int { return int(a.Hold + a.Watch - b.Hold - b.Watch) })
	e := longest.Control()
	e.Hypothesis.Checks = slices.DeleteFunc(e.Hypothesis.Checks, ofScaled)
	for _, other := range suite {
		for _, label := range other.Labels {
			if !slices.Contains(e.Labels, label) {
				e.Labels = append(e.Labels, label)
			}
		}
	}
	e.Name = "control run of " + e.Labels[0]
	return e
}
