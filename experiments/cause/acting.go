package cause

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An action is the time in which a fault may show: until it is undone, and until all pods
// are back that it brought down.
type action struct {
	steadystate.Span
	of        judge.InjectionResult
	takesPods bool // pods away, or brings them down
}

// actions are those of the faults of a run, in the order of these.
func actions(r judge.Result, waterfalls []recovery.Waterfall) (list []action) {
	for _, i := range r.Injections {
		a := action{Span: heldFor(r, i), of: i, takesPods: takesPods(i)}
		for _, w := range waterfalls {
			if a.brought(w) {
				a.takesPods = true
				a.To = max(a.To, absence(w, r.Length).To)
			}
		}
		list = append(list, a)
	}
	return list
}

// heldFor is the time in which a fault may act: until it is undone, or at once.
func heldFor(r judge.Result, i judge.InjectionResult) steadystate.Span {
	span := i.Span
	switch {
	case i.Removed != nil:
		span.To = i.Removed.To
	case !i.OneShot && i.FailureReason == "":
		span.To = max(span.To, r.Length)
	}
	return span
}

// raises is the factor by which a fault multiplies the load; 0: it does not.
func raises(i judge.InjectionResult) float64 {
	if n := slices.IndexFunc(i.Effects, func(e record.Effect) bool { return e.Times > 1 }); n >= 0 {
		return i.Effects[n].Times
	}
	return 0
}

// takesPods reports whether a fault takes pods away, or brings them down.
func takesPods(i judge.InjectionResult) bool {
	return i.ChangesPods || isRollout(i) || slices.ContainsFunc(i.Effects, func(e record.Effect) bool { return slices.Contains(aims, e.Event) })
}

// brought reports whether a recovery is from that fault.
func (a action) brought(w recovery.Waterfall) bool {
	return w.Fault == a.of.Fault && hits(a.of, w.Victim.UID)
}

// lost is when a pod may first have been away: a fault that is held may bring it down late.
func lost(w recovery.Waterfall) time.Duration {
	at := time.Duration(-1)
	for _, s := range w.Steps {
		if s.Reached != nil && slices.Contains([]string{recovery.Left, recovery.Stopped, recovery.NotReady, recovery.Removed}, s.Stage) && (at < 0 || s.Reached.From < at) {
			at = s.Reached.From
		}
	}
	if fault := w.Steps[0].Reached; fault != nil {
		at = max(at, fault.From)
	}
	return at
}

// absence is the time in which a pod was away, or had just come back. If it is not known
// whether one replaced it, it counts as back.
func absence(w recovery.Waterfall, length time.Duration) steadystate.Span {
	fault, ready := w.Steps[0].Reached, cmp.Or(w.Step(recovery.Ready).Reached, w.Step(recovery.Added).Reached)
	open := slices.ContainsFunc(w.Steps, func(s judge.Step) bool {
		return s.Open && !slices.Contains([]string{recovery.Removed, recovery.Answered, recovery.Restored}, s.Stage)
	})
	switch {
	case fault == nil:
		return steadystate.Span{}
	case open:
		return steadystate.Span{From: lost(w), To: length}
	case ready == nil:
		ready = fault
	}
	return steadystate.Span{From: lost(w), To: ready.To + lasting}
}

// held are the times of the faults that stayed and brought no pod down. What they do shows
// as slow answers, errors and timeouts.
func held(actions []action) (list []steadystate.Span) {
	for _, a := range actions {
		if !a.takesPods && !a.of.OneShot {
			list = append(list, a.Span)
		}
	}
	return list
}

// whileHeld reports whether such a fault was there in a span.
func (in *Inquiry) whileHeld(span steadystate.Span) bool {
	return slices.ContainsFunc(in.held, span.Overlaps)
}

// alone reports whether nothing but one fault may be why an outage began: no other one was
// there in a span, and right before the outage no pod of the service, and no node of one,
// went without a fault.
func (in *Inquiry) alone(fault int, span steadystate.Span, o *outage) bool {
	for n, a := range in.actions {
		if n != fault && a.Overlaps(span) {
			return false
		}
	}
	before := steadystate.Span{From: o.Start.From - lasting, To: o.Start.To}
	return !slices.ContainsFunc(in.result.Events, func(e record.Event) bool {
		switch {
		case !e.Overlaps(before):
			return false
		case strings.HasPrefix(e.Subject, "node/"):
			return (e.Kind == record.EventNotReady || e.Kind == record.EventGone) && in.hasNode(nameOf(e.Subject))
		case !strings.HasPrefix(e.Subject, "pod/") || !in.kin.mayServe(e.UID):
			return false
		case e.Kind == record.EventAlsoHit:
			return true
		}
		i := in.result.Injections[fault]
		own := !ofNetwork(i.Kind) && e.To >= i.From && hits(i, e.UID) // such as one that was out of memory
		return (e.Kind == record.EventFailed || e.Kind == record.EventTerminating) && !own && !downed(in.result, e)
	})
}

// hasNode reports whether a pod of the service was on a node; if no node of one is known,
// it may have been.
func (in *Inquiry) hasNode(node string) bool {
	known := false
	for _, e := range in.result.Events {
		if of := e.Attrs[record.AttrNode]; of != "" && strings.HasPrefix(e.Subject, "pod/") && in.kin.mayServe(e.UID) {
			if known = true; of == node {
				return true
			}
		}
	}
	return !known
}

// during are the recoveries in the time of an outage, and the fault of the first. There is
// none if no pod was away when the outage began.
func (in *Inquiry) during(o *outage) (list []recovery.Waterfall, first *steadystate.Span) {
	begun := false
	for _, w := range in.waterfalls {
		if !absence(w, in.result.Length).Overlaps(o.Span) {
			continue
		}
		begun = begun || lost(w) <= o.Start.To+propagation
		if at := w.Steps[0].Reached; at != nil && (first == nil || at.From < first.From) {
			first = at
		}
		list = append(list, w)
	}
	if !begun {
		return nil, nil
	}
	return list, first
}

// A stopping is of containers that stopped, or were started again, around an outage's start
// or in it.
type stopping struct {
	names  []string // of their pods
	events []record.Event
	from   time.Duration // when the first of them may have stopped
	bad    int           // requests that were sent from then on
}

// explains reports whether half of what was bad came after it: what came before has
// another cause.
func (s stopping) explains(o *outage, c Cause) bool {
	switch {
	case len(s.names) == 0:
		return false
	case c.bad() > 0:
		return 2*s.bad >= c.bad()
	}
	return 2*(o.To-max(o.From, s.from)) >= o.To-o.From
}

// ambiguous reports whether what fits is as well by one thing as by another that happened
// at the same time: pods that were asked to end, pods that were killed, and containers of
// others that stopped.
func (in *Inquiry) ambiguous(o *outage, c Cause) bool {
	ended, died := in.ended(o, c) != "", in.died(o, c)
	if ended && died {
		return true
	}
	few, _ := in.survivors(o, c)
	if !ended && !died && few == "" && in.shrunk(o, c) == "" {
		return false
	}
	return slices.ContainsFunc([]stopping{o.memory, o.again}, func(s stopping) bool {
		return s.explains(o, c) && !slices.ContainsFunc(in.waterfalls, func(w recovery.Waterfall) bool {
			return absence(w, in.result.Length).Overlaps(o.Span) && (slices.Contains(s.names, w.Victim.Name) || w.Replacement != nil && slices.Contains(s.names, w.Replacement.Name))
		})
	})
}
