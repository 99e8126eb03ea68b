package judge

import (
	"slices"

	"github.com/aftershockhq/aftershock/steadystate"
)

// checked is a check on its way through the record.
type checked struct {
	steadystate.Check
	windows []steadystate.Span
	fold    *steadystate.Fold
	figures []steadystate.Figures // of the windows, in the end
}

// newChecked follows a check over every window that may be asked about: the
// injection to the end, each phase, and the end.
func (j *judge) newChecked(c steadystate.Check) *checked {
	k := &checked{Check: c, windows: []steadystate.Span{j.Window, j.ending(c.Signal)}}
	for _, p := range j.Phases {
		k.windows = append(k.windows, p.Span)
	}
	_, requests := j.Traffic[c.Signal]
	k.fold = steadystate.NewFold(c.Good, c.Rule(j.plan.Settle, requests), steadystate.Span{To: j.last}, k.windows...)
	o := j.order(c.Signal)
	o.next = append(o.next, k.fold.Add)
	return k
}

// over are the figures of one of the windows.
func (k *checked) over(window steadystate.Span) steadystate.Figures {
	return k.figures[slices.Index(k.windows, window)]
}
