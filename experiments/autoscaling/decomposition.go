package autoscaling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The stages of an autoscaler's response to a fault, in their order.
const (
	Fault     = "fault"     // it took effect: T0
	Lag       = "lag"       // the autoscaler's metric is above its target
	Decision  = "decision"  // it desires more replicas
	Actuation = "actuation" // the scale target is updated
	Ready     = "ready"     // as many pods are ready as the largest size desires
	Relieved  = "relieved"  // the metrics are within their targets, for as long as the fault is on
	Undone    = "undone"    // the fault is gone: T1
	Back      = "back"      // the old size again, for good
)

// A Decomposition says how long each stage took, from Fault to Back.
type Decomposition struct {
	// Autoscaler is the subject of its events, hpa/shop/checkout.
	Autoscaler string `json:"autoscaler"`
	// Sizes are the desired ones in their order: "2 -> 4 -> 2".
	Sizes string `json:"sizes"`
	judge.Breakdown
}

// Decompose returns what each watched autoscaler did, sorted by name. It does not
// depend on the order in which the events arrived.
func Decompose(r judge.Result) []Decomposition {
	var list []Decomposition
	for _, h := range histories(r) {
		d := h.decompose()
		d.Note = surroundings(h, r.Events)
		list = append(list, d)
	}
	return list
}

// surroundings are the nodes that were added or removed since the fault took
// effect, and the changes by vertical autoscalers of the same namespace.
func surroundings(h history, events []record.Event) string {
	namespace := strings.Split(h.subject, "/")[1]
	var list []string
	for _, e := range events {
		if e.To < h.t0.From || e.Kind == record.EventExists {
			continue
		}
		if strings.HasPrefix(e.Subject, "node/") || strings.HasPrefix(e.Subject, "vpa/"+namespace+"/") {
			list = append(list, fmt.Sprintf("%s %s at %s", e.Subject, e.Kind, e.Span))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func (h *history) decompose() Decomposition {
	d := Decomposition{Autoscaler: h.subject, Sizes: h.trajectory(), Breakdown: judge.Breakdown{Fault: h.fault, End: h.end}}
	c := chain{history: h, Decomposition: &d}
	c.Steps = append(c.Steps, judge.Step{Stage: Fault, Reached: new(h.t0)})

	lag, decision, actuation := h.lag(), h.decision(), h.actuation()
	if decision.reached != nil && actuation.reached != nil {
		// The controller updates the scale target and then its status, so it had
		// decided, on the metric that it saw, before either is seen.
		*decision.reached = earlier(*decision.reached, *actuation.reached)
	}
	if lag.reached != nil && decision.reached != nil {
		*lag.reached = earlier(*lag.reached, *decision.reached)
	}
	inOrder(new(h.t0), lag.reached, decision.reached, actuation.reached)
	ready := h.ready()
	c.add(Lag, Fault, lag)
	c.add(Decision, Lag, decision)
	c.add(Actuation, Decision, actuation)
	c.add(Ready, Actuation, ready)
	c.add(Relieved, Ready, h.relieved(lag.reached))
	if h.t1 != nil {
		c.Steps = append(c.Steps, judge.Step{Stage: Undone, Reached: h.t1})
	}
	c.add(Back, Undone, h.back())
	return d
}

// inOrder narrows the spans of instants that are known to follow each other.
// Those not known are left out.
func inOrder(spans ...*steadystate.Span) {
	known := slices.DeleteFunc(spans, func(s *steadystate.Span) bool { return s == nil })
	for i := 1; i < len(known); i++ {
		known[i].From = max(known[i].From, min(known[i].To, known[i-1].From))
	}
}

// A link is a stage on its way into a decomposition.
type link struct {
	reached *steadystate.Span
	// Why the figure is missing, or its limits.
	note string
	// open: it could have been reached until then but was not.
	open  bool
	until time.Duration
	// since, if not nil, is when the stage before it should have been reached.
	since *steadystate.Span
}

// chain adds steps, each with its time since the one it follows.
type chain struct {
	*history
	*Decomposition
}

func (c chain) add(s, follows string, l link) {
	p := judge.Step{Stage: s, Reached: l.reached, Note: l.note}
	since := c.known(follows)
	if l.since != nil {
		since = &judge.Step{Stage: follows, Reached: l.since}
	}
	switch {
	case since == nil:
		p.Note = cmp.Or(p.Note, "the fault was not undone")
	case l.reached != nil:
		p.Since, p.Took = since.Stage, new(l.reached.Since(*since.Reached))
	case l.open && since.Stage != follows && follows != Undone:
		p.Note = "waits for: " + follows
	case l.open:
		p.Since, p.Open = since.Stage, true
		p.Took = &steadystate.Bounds[time.Duration]{
			Low:  max(0, l.until-since.Reached.To),
			High: max(0, l.until-since.Reached.From),
		}
		p.Note = cmp.Or(p.Note, "not reached")
		if gaps := append(slices.Clone(c.gaps), c.sizeGaps...); overlap(gaps, steadystate.Span{From: since.Reached.From, To: l.until}) {
			p.Took.Low, p.Note = 0, "not seen, and for a time nothing could be"
		}
	}
	c.Steps = append(c.Steps, p)
}

// known is the step of a stage, else that of the last reached stage before it; no
// stage before the end of a fault replaces that end.
func (c chain) known(s string) *judge.Step {
	for i := len(c.Steps) - 1; i >= 0; i-- {
		p := &c.Steps[i]
		if p.Reached != nil && (s != Undone || p.Stage == Undone) {
			return p
		}
	}
	return nil
}

func (h *history) lag() link {
	if v, _ := h.before(h.t0.From).high(); v == steadystate.Held {
		return link{note: "its metric was above the target before the fault"}
	}
	maybe, why, most := (*steadystate.Span)(nil), "", ""
	for _, s := range h.after() {
		switch v, reason := s.high(); v {
		case steadystate.Held:
			reached := s.at
			if maybe != nil {
				reached.From = maybe.From
			}
			return link{reached: &reached}
		case steadystate.Unknown:
			if maybe == nil {
				maybe, why = new(s.at), reason
			}
		case steadystate.Broken:
			most = texts(s.loads())
		}
	}
	if why != "" && h.overdue == nil {
		return link{note: why}
	}
	if h.overdue != nil {
		return link{open: true, until: h.until(), note: h.overdue.text}
	}
	if most == "" {
		most = texts(h.before(h.t0.From).loads())
	}
	return link{note: "no metric was seen above its target: last " + cmp.Or(most, "none")}
}

// first is the first step up that can have been after the fault took effect.
func (h *history) first() *state {
	for _, s := range h.steps() {
		if s.desired > s.from {
			return &s
		}
	}
	return nil
}

// decision is the time until it desired more replicas, from when its metric was
// above the target or, where that is late, should have been.
func (h *history) decision() link {
	var l link
	if h.overdue != nil {
		l.since, l.note = &h.overdue.start, h.overdue.text
	}
	s := h.first()
	switch {
	case s == nil:
		l.open, l.until = true, h.until()
	case s.at.From < h.t0.From:
		l.note = fmt.Sprintf("%d -> %d at %s may have been decided before the fault", s.from, s.desired, s.at)
	default:
		l.reached = new(s.at)
	}
	return l
}

func (h *history) actuation() link {
	s := h.first()
	switch {
	case len(h.sizes) == 0:
		return link{note: h.target + " was not followed"}
	case s == nil:
		return link{open: true, until: h.until()}
	}
	for i, x := range h.sizes {
		if i > 0 && x.desired > h.sizes[i-1].desired && x.at.To >= h.t0.From {
			return link{reached: new(x.at)}
		}
	}
	return link{open: true, until: h.end}
}

// ready is when as many pods were ready as the largest size desires. A size
// that is reduced before was never reached.
func (h *history) ready() link {
	if len(h.sizes) == 0 {
		return link{note: h.target + " was not followed"}
	}
	peak, told, most := h.peak(), false, 0
	for i, x := range h.sizes {
		told = told || (i > 0 && x.at.To >= h.t0.From && x.desired >= peak && x.desired > h.sizes[i-1].desired)
		switch {
		case !told:
		case x.ready >= peak:
			return link{reached: new(x.at)}
		case x.desired < peak:
			return link{open: true, until: x.at.From, note: fmt.Sprintf("at most %d of %d were ready before fewer were wanted", most, peak)}
		default:
			most = max(most, x.ready)
		}
	}
	return link{open: true, until: h.end}
}

// relieved is the last time that the metrics returned within their targets
// while the fault was on.
func (h *history) relieved(lag *steadystate.Span) link {
	if lag == nil {
		return link{note: "no metric was seen above its target"}
	}
	list := h.after()
	for i := len(list) - 1; i >= 0; i-- {
		s := list[i]
		if s.at.From > h.until() {
			continue // anything after the fault does not count
		}
		v, why := s.high()
		if v == steadystate.Broken {
			continue
		}
		if i == len(list)-1 || list[i+1].at.To >= h.until() {
			if v == steadystate.Unknown {
				return link{note: why}
			}
			return link{open: true, until: h.until(), note: "not while the fault was on: " + texts(s.loads())}
		}
		if v == steadystate.Held {
			return link{reached: new(list[i+1].at)}
		}
		// It was within its target by then at the latest, and possibly since it was
		// last certainly above it.
		reached := list[i+1].at
		for ; i >= 0; i-- {
			if v, _ := list[i].high(); v != steadystate.Unknown {
				break
			}
			reached.From = list[i].at.From
		}
		return link{reached: &reached}
	}
	return link{note: "no metric was seen above its target while the fault was on"}
}

// back is when the size returned to the old one, for good as far as the record
// shows.
func (h *history) back() link {
	old := h.old()
	left := slices.ContainsFunc(h.steps(), func(s state) bool { return s.desired != old })
	if !left {
		return link{note: fmt.Sprintf("it never left its size of %d", old)}
	}
	list := h.timeSeries()
	for i, c := range slices.Backward(list) {
		switch {
		case c.desired == old:
		case i == len(list)-1:
			return link{open: true, until: h.end, note: fmt.Sprintf("at %d when the record ended, and at %d before the fault", c.desired, old)}
		default:
			l := link{reached: new(list[i+1].at)}
			if h.t1 != nil && l.reached.To < h.t1.From {
				l.note = "before the fault was gone"
			}
			return l
		}
	}
	return link{note: fmt.Sprintf("its scale target never left its size of %d", old)}
}
