package cause

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// told says in words what events of a kind are, of the subjects of which they are
// told; the rest are details of these, or states.
var told = map[string]string{
	"pod " + record.EventTerminating:    "%s was marked for deletion",
	"pod " + record.EventGone:           "%s was gone",
	"pod " + record.EventEvicted:        "the eviction of %s was granted",
	"pod " + record.EventStopped:        "a container of %s stopped",
	"pod " + record.EventRestarted:      "a container of %s was started again",
	"pod " + record.EventFailed:         "%s failed",
	"pod " + record.EventUnschedulable:  "no node was found for %s",
	"pod " + record.EventWaiting:        "a container of %s could not be started",
	"pod " + record.EventNotReady:       "%s was not ready",
	"pod " + record.EventReady:          "%s was ready",
	"pod " + record.EventAlsoHit:        "%s was hit by another fault",
	"pod " + record.EventEndedEarly:     "the fault in %s ended early",
	"pod " + record.EventUnproven:       "nothing shows that the fault in %s was undone",
	"process " + record.EventGone:       "%s was gone",
	"process " + record.EventReady:      "%s was ready",
	"endpoint " + record.EventAdded:     "%s was added to the endpoints",
	"endpoint " + record.EventRemoved:   "%s was removed from the endpoints",
	"replicaset " + record.EventCreated: "replica set %s was created",
	"replicaset " + record.EventScaled:  "replica set %s was scaled",
	"node " + record.EventNotReady:      "node %s was not ready",
	"node " + record.EventReady:         "node %s was ready",
	"node " + record.EventGone:          "node %s was gone",
}

// moments are the events that are told and the faults, in order. Several watches
// may have seen one event: their spans overlap, and it lies in all of them.
func moments(r judge.Result) []Moment {
	var list []Moment
	for _, i := range r.Injections {
		list = append(list, Moment{Span: i.Span, Kind: FaultOn, Subject: i.Fault})
		if i.Removed != nil && !i.OneShot {
			list = append(list, Moment{Span: *i.Removed, Kind: FaultOff, Subject: i.Fault})
		}
	}
	for _, e := range r.Events {
		kind, _, _ := strings.Cut(e.Subject, "/")
		if told[kind+" "+e.Kind] == "" {
			continue
		}
		m := Moment{Span: e.Span, Kind: e.Kind, Subject: e.Subject, Reason: e.Attrs[record.AttrReason]}
		again := slices.IndexFunc(list, func(o Moment) bool {
			return o.Kind == m.Kind && o.Subject == m.Subject && o.Overlaps(m.Span)
		})
		if again < 0 {
			list = append(list, m)
			continue
		}
		was := &list[again]
		was.Span = steadystate.Span{From: max(was.From, m.From), To: min(was.To, m.To)}
		was.Reason = cmp.Or(was.Reason, m.Reason)
	}
	slices.SortStableFunc(list, func(a, b Moment) int {
		return cmp.Or(cmp.Compare(a.Middle(), b.Middle()), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Kind, b.Kind))
	})
	return list
}

// String says what happened but not when: "shop-b was ready".
func (m Moment) String() string {
	switch m.Kind {
	case FaultOn:
		return "the fault took effect (" + m.Subject + ")"
	case FaultOff:
		return "the fault was undone (" + m.Subject + ")"
	}
	kind, _, _ := strings.Cut(m.Subject, "/")
	text := m.Subject + " " + m.Kind
	if words := told[kind+" "+m.Kind]; words != "" {
		text = fmt.Sprintf(words, nameOf(m.Subject))
	}
	if m.Reason != "" {
		text += " (" + m.Reason + ")"
	}
	return text
}

// nameOf is the last part of a subject.
func nameOf(subject string) string { return subject[strings.LastIndex(subject, "/")+1:] }
