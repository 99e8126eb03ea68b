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

// effect: each fault visibly affected all of its targets for as long as it was
// held, and no other fault did.
func (j *judge) effect() (seen string, missing lack) {
	var texts []string
	happened := happenings{events: slices.SortedStableFunc(slices.Values(j.Events), func(a, b record.Event) int { return cmp.Compare(a.To, b.To) }), taken: map[int]bool{}}
	for _, i := range j.Injections {
		if len(i.Effects) == 0 {
			return "", lacks("%s: %s", i.Fault, cmp.Or(i.Unprovable, "declares no observable effect"))
		}
		for _, effect := range i.Effects {
			if effect.Event == "" {
				continue
			}
			targets := i.Targets
			if effect.On != nil {
				targets = []record.Target{*effect.On}
			}
			for _, t := range targets {
				text, missing := happened.by(i, j.until(i), effect, t)
				if missing != "" {
					return "", lacks("%s: %s", i.Fault, missing)
				}
				texts = append(texts, text)
			}
		}
		if i.unclear != "" {
			return "", lacks("%s: %s", i.Fault, i.unclear)
		}
	}
	for _, e := range j.Events {
		switch e.Kind {
		case record.EventEndedEarly:
			return "", lacks("%s ended before it was undone, at %s: %s", e.Subject, e.Span, e.Attrs[record.AttrReason])
		case record.EventNotFollowed:
			return "", lacks("%s at %s: the fault was not renewed: %s", e.Subject, e.Span, e.Attrs[record.AttrReason])
		}
	}
	for _, c := range j.effects {
		text, missing := c.seen()
		if missing != "" {
			return "", lacks("%s: %s", c.fault, missing)
		}
		texts = append(texts, text)
	}
	for _, c := range j.rates {
		text, missing := c.seen()
		if missing != "" {
			return "", lacks("%s: %s", c.fault, missing)
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return "", lack{noFault, "not exercised: " + noFaultText}
	}
	for _, i := range j.Injections {
		if len(i.Hit) > 1 {
			texts = append(texts, "hit "+i.HitText())
		}
	}
	return strings.Join(texts, "; "), lack{}
}

const (
	// soon is how long after its injection a one-shot fault may start to show:
	// twice the time a kubelet takes to act and to report it.
	soon = 30 * time.Second
	// watchWidth is how far an event's span may reach beyond the time in which
	// it must have happened: a watch is confirmed every second, by a read that
	// may take two.
	watchWidth = 3 * time.Second
)

// heralds are the events that start another one: a pod that is gone was marked
// for deletion first, and had its grace period in between.
var heralds = map[string][]string{
	record.EventGone:      {record.EventEvicted, record.EventTerminating},
	record.EventRestarted: {record.EventStopped},
}

// happenings are events, ordered by when they were over. Each event is the
// effect of one injection and shows no other's.
type happenings struct {
	events []record.Event
	taken  map[int]bool
}

// by says when an event that shows an effect happened to a target. It must have
// begun between the injection and the removal, or soon after the injection of a
// one-shot fault.
func (h happenings) by(i InjectionResult, until steadystate.Span, effect record.Effect, t record.Target) (text, missing string) {
	name := t.Name
	if effect.Container != "" {
		name = fmt.Sprintf("container %s of %s", effect.Container, t.Name)
	}
	on := steadystate.Span{From: i.From, To: until.To}
	if i.OneShot {
		// A one-shot fault's removal may be the instant of its injection, or
		// come much later.
		over := i.To + soon
		if on.To > i.To {
			over = min(over, on.To)
		}
		on.To = over
	}
	var began *record.Event
	for n, e := range h.events {
		herald := slices.Contains(heralds[effect.Event], e.Kind)
		if !isOf(e, t) || (e.Kind != effect.Event && !herald) || (effect.Container != "" && e.Attrs[record.AttrContainer] != effect.Container) {
			continue
		}
		if began == nil {
			began = &e
		}
		if herald {
			continue
		}
		text = fmt.Sprintf("%s %s at %s", strings.TrimSuffix(t.Name+" ("+t.UID+")", " ()"), effect.Event, e.Span)
		if h.taken[n] {
			missing, began = text+", which shows another injection", nil
			continue
		}
		if began.Overlaps(on) && began.From >= on.From-watchWidth && began.To <= on.To+watchWidth {
			h.taken[n] = true
			return text, ""
		}
		missing = fmt.Sprintf("%s, which began with %q at %s, and not certainly while the fault was on, from %s to %s", text, began.Kind, began.Span, steadystate.Instant(on.From), steadystate.Instant(on.To))
		began = nil
	}
	return "", cmp.Or(missing, fmt.Sprintf("%s was never seen %s", name, effect.Event))
}
