package recovery

import (
	"cmp"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The resources whose watches see the stages.
const (
	pods      = "pods"
	endpoints = "endpointslices"
	traffic   = "requests" // seen by the load
)

// replaced is the chain of a victim that goes and of its replacement, nil if
// none was seen.
func (h *History) replaced(v victim, next *life) chain {
	from := v.injection.From
	c := chain{{stage: Fault, reached: new(v.injection.Span)}}
	left := v.left()
	removed, _ := h.unserved(v.uid, from, h.last)
	var created, scheduled, started, ready, added *steadystate.Span
	who, after := "", time.Duration(0)
	if next != nil {
		created, scheduled = next.once(record.EventCreated), next.once(record.EventScheduled)
		started, ready = initially(record.EventStarted, next.events), initially(record.EventReady, next.events)
		added = h.added(next.uid, from)
		who = next.name()
	}
	// An effect comes after its cause, and a pod passes its stages in order.
	inOrder(c[0].reached, left, created, scheduled, started, ready)
	if next != nil {
		after = cmp.Or(created, ready, next.born()).From
		if gone := v.once(record.EventGone); gone != nil && next.name() == v.name() {
			// Until then the name was the victim's.
			after = max(after, gone.To)
		}
	}

	unmade := ""
	switch {
	case next != nil || v.process():
	case v.owner == "":
		unmade = "the victim's owner is not in the record, so its replacement is not known"
	case h.revised(v):
		unmade = "pods of another revision came, and which of them is its replacement is not known"
	case left == nil:
		unmade = "the victim was not seen to leave"
	}
	c = append(c, link{stage: Left, waits: Fault, reached: left, resource: pods})
	if v.process() && next == nil && left != nil && !h.readied() {
		// Nothing recorded readiness, but the next one answers under the same name.
		return append(c,
			link{stage: Ready, waits: Left, why: "no process was recorded as ready"},
			h.answered(v.name(), left.To, Left, ""))
	}
	if v.process() {
		return append(c,
			link{stage: Ready, waits: Left, reached: ready, resource: pods},
			h.answered(who, after, Ready, unmade))
	}
	// The endpoint goes with the pod, or before it when the pod's node is away.
	waits, unserved := Fault, h.unfollowed()
	if unserved == "" && len(h.endpoints[v.uid]) == 0 {
		unserved = "the victim was not seen to be an endpoint"
	}
	if left != nil {
		waits = c.before(removed)
	}
	return append(c,
		link{stage: Removed, waits: waits, reached: removed, why: unserved, resource: endpoints},
		link{stage: Created, waits: Left, reached: created, why: unmade, resource: pods},
		link{stage: Scheduled, waits: Created, reached: scheduled, why: unmade, resource: pods},
		link{stage: Started, waits: Scheduled, reached: started, why: unmade, resource: pods},
		link{stage: Ready, waits: Started, reached: ready, why: unmade, resource: pods},
		link{stage: Added, waits: Ready, reached: added, why: cmp.Or(h.unfollowed(), unmade), resource: endpoints},
		h.answered(who, after, Added, unmade),
	)
}

// inPlace is the chain of a victim that stays: the stages that it lost, and
// when it had each again for good, as far as the record shows until its next
// fault. Flapping in between shortens nothing.
func (h *History) inPlace(v victim) chain {
	from, to := v.injection.From, v.until
	fault := new(v.injection.Span)
	stopped, started := edges(v.events, record.EventStopped, record.EventStarted, from, to)
	unready, ready := edges(v.events, record.EventNotReady, record.EventReady, from, to)
	removed, added := h.unserved(v.uid, from, to)
	inOrder(fault, stopped, started)
	inOrder(fault, unready, ready)
	inOrder(fault, removed, added)
	inOrder(started, ready)

	c := chain{{stage: Fault, reached: fault}}
	add := func(s string, reached *steadystate.Span, resource string) {
		c = append(c, link{stage: s, waits: c.before(reached), reached: reached, resource: resource})
	}
	if stopped != nil {
		add(Stopped, stopped, pods)
	}
	if unready != nil {
		add(NotReady, unready, pods)
	}
	if removed != nil {
		add(Removed, removed, endpoints)
	}
	back := last(started, ready, added)
	if v.undone != nil && (back == nil || v.undone.From <= back.To) {
		c = append(c, link{stage: Undone, waits: Fault, reached: v.undone})
	}
	whole := true
	for _, lost := range []struct {
		stage    string
		was, is  *steadystate.Span
		resource string
	}{{Started, stopped, started, pods}, {Ready, unready, ready, pods}, {Added, removed, added, endpoints}} {
		if lost.was != nil {
			add(lost.stage, lost.is, lost.resource)
			whole = whole && lost.is != nil
		}
	}
	who, after, nothing := "", time.Duration(0), ""
	switch down := last(stopped, unready, removed); {
	case down == nil:
		nothing = "nothing was seen to happen to the victim"
	case whole:
		// It was silent from the loss of a stage to its return.
		who, after = v.name(), max(down.To, back.From)
	}
	return append(c, h.answered(who, after, c[len(c)-1].stage, nothing))
}

// before is the latest of the stages so far that this one may have waited for,
// or one that was not reached at all. The endpoint changes in parallel to the
// pod, so that nothing of the pod waits for it.
func (c chain) before(reached *steadystate.Span) string {
	best := c[0]
	missing := ""
	for _, l := range c[1:] {
		switch {
		case l.stage == Removed:
		case l.reached == nil:
			missing = l.stage
		case reached != nil && l.reached.From > reached.To:
		case l.reached.To >= best.reached.To:
			best = l
		}
	}
	return cmp.Or(missing, best.stage)
}

// edges are the first event of one kind, and the first event of another kind
// after the last of the one.
func edges(events []record.Event, down, up string, from, to time.Duration) (lost, back *steadystate.Span) {
	var downs []record.Event
	for _, e := range within(events, from, to) {
		switch e.Kind {
		case down:
			downs, back = append(downs, e), nil
		case up:
			if len(downs) > 0 && back == nil {
				back = new(e.Span)
			}
		}
	}
	return initially(down, downs), back
}

// unserved is when the last of a pod's endpoints was first removed, and when
// the first of them was back for good.
func (h *History) unserved(uid string, from, to time.Duration) (removed, added *steadystate.Span) {
	for _, events := range h.slices(uid) {
		lost, back := edges(events, record.EventRemoved, record.EventAdded, from, to)
		removed, added = last(removed, lost), first(added, back)
	}
	if removed != nil {
		removed.From = max(removed.From, from)
	}
	return removed, added
}

// added is when the first of a new pod's endpoints appeared.
func (h *History) added(uid string, from time.Duration) *steadystate.Span {
	return initially(record.EventAdded, within(h.endpoints[uid], from, h.last))
}

// slices are the events of a pod's endpoints, by slice.
func (h *History) slices(uid string) map[string][]record.Event {
	by := map[string][]record.Event{}
	for _, e := range h.endpoints[uid] {
		key := e.Attrs[record.AttrSlice] + " " + e.Attrs[record.AttrAddress]
		by[key] = append(by[key], e)
	}
	return by
}

func (h *History) unfollowed() string {
	if h.followed {
		return ""
	}
	return "no endpoints were followed"
}

// answered is the link of the first good answer of the returned pod, to a
// request that was sent after an instant; unknown says why that is undecided.
func (h *History) answered(who string, after time.Duration, waits string, unknown string) link {
	l := link{stage: Answered, waits: waits, resource: traffic}
	switch a := h.answers[who]; {
	case !h.requests:
		l.why = "no load was driven"
	case len(h.answers) == 0:
		l.why = "no answer named the pod that gave it: let the service name itself in a response header"
	case unknown != "":
		l.why = unknown
	case a != nil:
		l.reached = a.first(after)
	}
	return l
}

// restored is the link of the hypothesis: the end of the last outage that was
// on after the fault took effect and began before the next one, of all checks.
func (h *History) restored(v victim, checks []judge.CheckResult, c chain) link {
	l := link{stage: Restored, waits: Answered}
	if len(checks) == 0 {
		l.why = "not judged"
		return l
	}
	next := h.last
	for _, i := range h.injections {
		if i.FailureReason == "" && i.From > v.injection.From {
			next = min(next, i.From)
		}
	}
	unseen := 0
	for _, check := range checks {
		if check.Observed() == 0 {
			unseen++
		}
		for _, o := range check.Outages {
			if o.End.To < v.injection.From || o.Start.From > next {
				continue
			}
			l.reached = last(l.reached, &o.End)
			l.open = l.open || o.Open
		}
	}
	switch {
	case unseen > 0:
		l.why = fmt.Sprintf("%d of %d checks were not observed", unseen, len(checks))
		l.reached, l.open = nil, false
	case l.open:
		l.why = "an outage was not over when the record ended"
	case l.reached == nil:
		l.why = "no outage was seen"
	default:
		// Later stages cannot have cost it time: others served instead.
		for _, s := range []string{Answered, Added, Ready, Removed} {
			if at := c.find(s); at != nil && at.reached != nil && at.reached.From <= l.reached.To {
				l.waits = s
				return l
			}
		}
		l.waits = Fault
	}
	return l
}
