package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// When writes an instant of the run on the wall clock and since the start, as in
// "23:41:00.1 (+2.3s)": the middle of the span, to as many digits as its error leaves.
func (r Result) When(s steadystate.Span) string {
	unit, layout := time.Second, "15:04:05"
	for _, finer := range []string{"15:04:05.0", "15:04:05.00", "15:04:05.000"} {
		if s.Width()/2 < unit {
			unit, layout = unit/10, finer
		}
	}
	return fmt.Sprintf("%s (+%s)", r.Started.Add(s.Middle()).Round(unit).UTC().Format(layout), s.Middle().Round(unit))
}

// How many events before an outage and in it are named. The last before it may be why it
// began; the first in it, what came of it.
const eventsBefore, eventsIn = 2, 4

// where points to the worst outage, its first failure, and the events around it, which near
// has as indexes.
func (r Result) where(f steadystate.Figures) (text string, near []int) {
	if len(f.Outages) == 0 {
		return "", nil
	}
	worst := slices.MaxFunc(f.Outages, func(a, b steadystate.Outage) int {
		return int(a.Length().High - b.Length().High)
	})
	text = "outage from " + r.When(worst.Start)
	if worst.Open {
		text += ", not over when the record ended"
	} else {
		text += " to " + r.When(worst.End)
	}
	text += fmt.Sprintf(": %d of %d bad, first: %s", worst.Bad, worst.Total, worst.Reason)
	before, during := r.around(worst)
	named := func(events []int) string {
		near = append(near, events...)
		var texts []string
		for _, i := range events {
			e := r.Events[i]
			texts = append(texts, fmt.Sprintf("%s %s at %s", e.Subject, e.Kind, r.When(e.Span)))
		}
		return strings.Join(texts, ", ")
	}
	if before = before[max(0, len(before)-eventsBefore):]; len(before) > 0 {
		text += "; before: " + named(before)
	}
	if len(during) > 0 {
		text += "; then: " + named(during[:min(eventsIn, len(during))])
	}
	if more := len(during) - eventsIn; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text, near
}

// around are the events before an outage and in it, as indexes, by the middles of their
// spans. Those before the first fault, and long before the outage, have nothing to do with
// it. What two watches saw, or what happened to one object again and again, is one event: the
// last before the outage, and the first in it.
func (r Result) around(o steadystate.Outage) (before, during []int) {
	order := make([]int, len(r.Events))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.Events[a].Middle(), r.Events[b].Middle()) })
	since := min(r.Window.From, o.Start.From) - 2*time.Second
	for _, i := range order {
		e := r.Events[i]
		again := func(other int) bool { return r.Events[other].Subject == e.Subject && r.Events[other].Kind == e.Kind }
		switch {
		case slices.Contains(states, e.Kind) || e.To < since:
		case e.Middle() <= o.Start.Middle():
			before = append(slices.DeleteFunc(before, again), i)
		case e.Middle() <= o.End.Middle() && !slices.ContainsFunc(during, again):
			during = append(during, i)
		}
	}
	return before, during
}

// states are the kinds of events that tell what is so, or what others tell: nothing
// happened then. A Kubernetes Event may be dated late.
var states = []string{record.EventExists, record.EventChanged, record.EventKubernetes}
