package judge

import (
	"slices"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// checkEvaluator computes the figures of a check while the record is read.
type checkEvaluator struct {
	steadystate.Check
	prior   *prior // to the fault
	windows []steadystate.Span
	pinned  bool // to one backend
	fold    *steadystate.Fold
	figures []steadystate.Figures // of the windows, in the end
}

// newCheckEvaluator follows a check over every window that a limit may name:
// the injection to the end, the end, the settle time before, and each phase.
func (j *judge) newCheckEvaluator(c steadystate.Check) *checkEvaluator {
	k := &checkEvaluator{Check: c, windows: []steadystate.Span{j.Window, j.ending(c.Signal), j.eve()}}
	for _, p := range j.Phases {
		k.windows = append(k.windows, p.Span)
	}
	_, requests := j.Traffic[c.Signal]
	rule := c.Rule(j.plan.Settle, j.byChance(c.Signal))
	rule.Smallest = j.smallest(c.Signal)
	if !requests && rule.ByChance {
		// A probe does not name the backend it met. Its backends are the load's, or
		// those whose own traffic is observed.
		if len(j.Traffic) == 0 {
			rule.Smallest = j.smallestServing()
		}
		for signal := range j.Traffic {
			if s := j.smallest(signal); s > 0 && (rule.Smallest == 0 || s < rule.Smallest) {
				rule.Smallest = s
			}
		}
	}
	k.pinned = slices.Contains(j.plan.Reused, c.Signal)
	k.fold = steadystate.NewFold(c.Good, rule, steadystate.Span{To: j.watched}, k.windows...)
	if watch, ok := j.phase(record.PhaseWatch); ok {
		k.fold.SlowIfSent(slices.Index(k.windows, watch)) // the rest is the fault's
	}
	k.prior = j.newPrior(c, rule)
	o := j.buffer(c.Signal)
	o.next = append(o.next, k.fold.Add, k.prior.add)
	return k
}

// conclude ends the fold. Over a connection that is kept, all observations may have
// met one backend, so that another may have been out for the whole of a window.
func (k *checkEvaluator) conclude() {
	k.figures = k.fold.Figures()
	if !k.pinned {
		return
	}
	for i, f := range k.figures {
		k.figures[i] = f.Pinned()
	}
}

// over are the figures of one window.
func (k *checkEvaluator) over(window steadystate.Span) steadystate.Figures {
	return k.figures[slices.Index(k.windows, window)]
}
