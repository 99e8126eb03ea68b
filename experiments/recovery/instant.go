package recovery

import (
	"cmp"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// order is the order in which a pod passes the stages that a single look
// reveals at once.
func order(kind string) int {
	return slices.Index([]string{
		record.EventExists, record.EventCreated, record.EventScheduled, record.EventStopped,
		record.EventNotReady, record.EventFailed, record.EventRestarted, record.EventStarted,
		record.EventReady, record.EventTerminating, record.EventGone,
		record.EventRemoved, record.EventAdded,
	}, kind)
}

// chronological sorts events by when they became known, which is the order of
// one watch.
func chronological(events []record.Event) []record.Event {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b record.Event) int {
		return cmp.Or(
			cmp.Compare(a.To, b.To),
			cmp.Compare(a.From, b.From),
			cmp.Compare(order(a.Kind), order(b.Kind)),
			cmp.Compare(a.Subject, b.Subject),
			cmp.Compare(a.Attrs[record.AttrSlice], b.Attrs[record.AttrSlice]),
		)
	})
	return events
}

// once is the time of an event that an object has only once. All the watches
// saw the same instant, so it lies in all the spans; if they have none in
// common, one of them is wrong, and it is somewhere in their hull.
func (l *life) once(kind string) *steadystate.Span {
	var common, hull *steadystate.Span
	for _, e := range l.events {
		if e.Kind != kind {
			continue
		}
		if hull == nil {
			common, hull = new(e.Span), new(e.Span)
			continue
		}
		*common = steadystate.Span{From: max(common.From, e.From), To: min(common.To, e.To)}
		*hull = hull.Hull(e.Span)
	}
	if common != nil && !common.Valid() {
		return hull
	}
	return common
}

// left is when the object left: the first of its deletion mark, its end and its
// failure.
func (l *life) left() *steadystate.Span {
	return first(l.once(record.EventTerminating), l.once(record.EventGone), l.once(record.EventFailed))
}

// born is when the object first existed: its creation, or its first sight if no
// watch records its creation; nil if it existed when the watch began.
func (l *life) born() *steadystate.Span {
	if created := l.once(record.EventCreated); created != nil || !l.process() {
		return created
	}
	return l.once(record.EventReady)
}

// first is the first of several instants: it lies between the least beginning
// and the least end. Unknown ones are skipped.
func first(spans ...*steadystate.Span) *steadystate.Span {
	var f *steadystate.Span
	for _, s := range spans {
		switch {
		case s == nil:
		case f == nil:
			f = new(*s)
		default:
			*f = steadystate.Span{From: min(f.From, s.From), To: min(f.To, s.To)}
		}
	}
	return f
}

// last is the last of several instants, analogously.
func last(spans ...*steadystate.Span) *steadystate.Span {
	var l *steadystate.Span
	for _, s := range spans {
		switch {
		case s == nil:
		case l == nil:
			l = new(*s)
		default:
			*l = steadystate.Span{From: max(l.From, s.From), To: max(l.To, s.To)}
		}
	}
	return l
}

// initially is when an event of a kind first happened.
func initially(kind string, events []record.Event) *steadystate.Span {
	var f *steadystate.Span
	for _, e := range events {
		if e.Kind == kind {
			f = first(f, &e.Span)
		}
	}
	return f
}

// within are the events that may have happened between two instants, in the
// order in which they became known.
func within(events []record.Event, from, to time.Duration) []record.Event {
	return slices.DeleteFunc(chronological(events), func(e record.Event) bool { return e.To < from || e.From > to })
}

// inOrder narrows the spans of instants that are known to follow each other: none is
// before the one before it. Those not known are left out. Where the record
// contradicts the order, the spans stay as they are.
func inOrder(spans ...*steadystate.Span) {
	known := slices.DeleteFunc(slices.Clone(spans), func(s *steadystate.Span) bool { return s == nil })
	for i := 1; i < len(known); i++ {
		if known[i-1].From <= known[i].To {
			known[i].From = max(known[i].From, known[i-1].From)
		}
	}
	for i := len(known) - 2; i >= 0; i-- {
		if known[i+1].To >= known[i].From {
			known[i].To = min(known[i].To, known[i+1].To)
		}
	}
}
