package recovery

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Waterfall is the recovery of one victim, from Fault to Restored.
type Waterfall struct {
	// Victim is the pod that was brought down.
	Victim record.Target `json:"victim"`
	// Replacement is the new pod; nil: none was seen, or the victim recovers in
	// place.
	Replacement *record.Target `json:"replacement,omitempty"`
	InPlace     bool           `json:"inPlace,omitempty"`
	judge.Breakdown
}

// Costliest is the step that certainly took at least as long as every other. If
// there is none, undecided says why: the bounds overlap, or nothing is known.
// Unwatched stages are left out, as is the time for which the harness left the
// fault in place.
func (w Waterfall) Costliest() (step judge.Step, undecided string) {
	costs := slices.DeleteFunc(slices.Clone(w.Steps), func(s judge.Step) bool { return s.Took == nil || s.Stage == Undone })
	if len(costs) == 0 {
		return judge.Step{}, "nothing is known"
	}
	best := slices.MaxFunc(costs, func(a, b judge.Step) int { return cmp.Compare(a.Took.Low, b.Took.Low) })
	names := []string{best.Stage}
	for _, s := range costs {
		// An open step may yet become longer than any finished one.
		if s.Stage != best.Stage && (s.Open || s.Took.High > best.Took.Low) {
			names = append(names, s.Stage)
		}
	}
	if len(names) > 1 || best.Took.Low == 0 {
		return judge.Step{}, "within the error: " + strings.Join(names, ", ")
	}
	return best, ""
}

// Waterfalls are those of all victims, in the order of their injections. The
// checks are those of the record's result; without them the recovery of the
// hypothesis is unknown.
func (h *History) Waterfalls(checks []judge.CheckResult) []Waterfall {
	replaced := h.replacements()
	var list []Waterfall
	for _, v := range h.victims() {
		w := Waterfall{
			Victim:    record.Target{Name: v.name(), UID: v.uid},
			Breakdown: judge.Breakdown{Fault: v.injection.Fault, End: h.last},
		}
		var c chain
		if v.goes {
			m := replaced[v.uid]
			w.Note = m.note
			if m.life != nil {
				w.Replacement = &record.Target{Name: m.name(), UID: m.uid}
			}
			c = h.replaced(v, m.life)
		} else {
			w.InPlace = true
			c = h.inPlace(v)
		}
		c = append(c, h.restored(v, checks, c))
		w.Steps = h.steps(c)
		list = append(list, w)
	}
	return list
}

// A link is a stage of a chain with the stages it waits for.
type link struct {
	stage, waits string
	reached      *steadystate.Span
	// why it is unobservable, reached or not: no watch followed it.
	why string
	// resource whose watch would have seen it.
	resource string
	// open: it is known not to have been reached when the record ended.
	open bool
}

// A chain is the stages of a victim's recovery, each after the one that it
// waits for.
type chain []link

func (c chain) find(s string) *link {
	if i := slices.IndexFunc(c, func(l link) bool { return l.stage == s }); i >= 0 {
		return &c[i]
	}
	return nil
}

// known is the last seen stage of those that s waits for.
func (c chain) known(s string) *link {
	l := c.find(s)
	for l != nil && l.waits != "" {
		if l = c.find(l.waits); l != nil && l.reached != nil {
			return l
		}
	}
	return nil
}

// passed reports whether a stage was seen that implies s.
func (c chain) passed(s string) bool {
	for _, l := range c {
		if l.stage == Restored {
			continue // others may have served
		}
		for at := &l; at != nil && l.reached != nil; at = c.find(at.waits) {
			if at.waits == s {
				return true
			}
		}
	}
	return false
}

// steps draws the conclusion: the cost of each stage, or why it is unknown.
func (h *History) steps(c chain) []judge.Step {
	var steps []judge.Step
	blocked := map[string]string{} // not reached as far as is known, and the cause
	for _, l := range c {
		s := judge.Step{Stage: l.stage, Reached: l.reached, Note: l.why}
		since := c.known(l.stage)
		switch {
		case since == nil: // the fault itself
		case l.reached != nil && !l.open:
			s.Since = since.stage
			cost := l.reached.Since(*since.reached)
			s.Took = &cost
		case l.open && blocked[l.waits] != "":
			s.Open, s.Reached = true, nil
		case l.open:
			s.Since, s.Open, s.Reached = since.stage, true, nil
			s.Took = &steadystate.Bounds[time.Duration]{
				Low:  max(0, l.reached.From-since.reached.To),
				High: max(0, h.last-since.reached.From),
			}
		case c.passed(l.stage):
			s.Note = cmp.Or(l.why, "not seen, though a later stage was")
		case l.why != "":
			blocked[l.stage] = blocked[l.waits]
		case blocked[l.waits] != "":
			blocked[l.stage] = blocked[l.waits]
			s.Note = "waits for: " + blocked[l.stage]
		default:
			blocked[l.stage] = l.stage
			s.Since, s.Open = since.stage, true
			s.Took = &steadystate.Bounds[time.Duration]{
				Low:  max(0, h.last-since.reached.To),
				High: max(0, h.last-since.reached.From),
			}
			s.Note = "not seen until the record ended"
			if !h.sight(l.resource, steadystate.Span{From: since.reached.From, To: h.last}) {
				s.Took.Low = 0
				s.Note = "not seen, and for a time nothing could be"
			}
		}
		steps = append(steps, s)
	}
	return steps
}
