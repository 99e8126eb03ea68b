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

// A HitShare is how many of the service's pods a fault was in over a span.
type HitShare struct {
	steadystate.Span
	Hit int `json:"hit"`
	Of  int `json:"of"`
}

// HitText is the share of the pods hit over time: "3 of 3 pods, from 31.200s 3
// of 5". It adds the faults of others that the account had no right to look for.
func (i InjectionResult) HitText() string {
	var parts []string
	for at, s := range i.Hit {
		if at == 0 {
			parts = append(parts, fmt.Sprintf("%d of %d pods", s.Hit, s.Of))
			continue
		}
		parts = append(parts, fmt.Sprintf("from %s %d of %d", steadystate.Instant(s.From), s.Hit, s.Of))
	}
	text := strings.Join(parts, ", ")
	if text != "" && i.Unsurveyed != "" {
		text += "; faults of others in them may have gone unseen: " + i.Unsurveyed
	}
	return text
}

// A pod is the time in which the service had it, according to its events.
type pod struct {
	name, uid string
	watched   bool              // its events are complete since its beginning, or since that of the watch
	from, to  *steadystate.Span // it came, and went; nil: not in the record
	followed  *steadystate.Span // a fault that follows reached it
	restarted []steadystate.Span
	// unsurveyed says which faults the account had no right to look for in this
	// pod and the others of its fault.
	unsurveyed string
}

// pods are the pods in the events, by UID. A pod counts from when it first
// became ready, or from its creation if it never did, until it began to
// terminate.
func pods(events []record.Event) map[string]*pod {
	list := map[string]*pod{}
	created := map[string]*steadystate.Span{}
	for _, e := range slices.SortedFunc(slices.Values(events), func(a, b record.Event) int { return cmp.Compare(a.To, b.To) }) {
		name, ok := podName(e.Subject)
		if !ok || e.UID == "" {
			continue
		}
		p := list[e.UID]
		if p == nil {
			p = &pod{name: name, uid: e.UID}
			list[e.UID] = p
		}
		switch e.Kind {
		case record.EventExists:
			p.watched = true
		case record.EventCreated, record.EventNotHit:
			p.watched = true
			created[e.UID] = cmp.Or(created[e.UID], &e.Span)
		case record.EventReady:
			if created[e.UID] != nil {
				p.from = cmp.Or(p.from, &e.Span)
			}
		case record.EventTerminating, record.EventFailed, record.EventGone:
			p.to = cmp.Or(p.to, &e.Span)
		case record.EventFollowed:
			p.followed = cmp.Or(p.followed, &e.Span)
		case record.EventRestarted:
			p.restarted = append(p.restarted, e.Span)
		case record.EventUnsurveyed:
			p.unsurveyed = strings.TrimPrefix(p.unsurveyed+", "+e.Attrs[record.AttrReason], ", ")
		}
	}
	for uid, p := range list {
		p.from = cmp.Or(p.from, created[uid])
	}
	return list
}

// joined reports whether the pod may have come after the instant.
func (p *pod) joined(after time.Duration) bool { return p.from != nil && p.from.To >= after }

// podName is the name of the pod that is an event's subject.
func podName(subject string) (string, bool) {
	rest, ok := strings.CutPrefix(subject, "pod/")
	return rest[strings.LastIndex(rest, "/")+1:], ok
}

// follow computes how many pods each injection was in. It notes where the set of
// pods changed unexpectedly for the experiment, and where another fault was in
// the pods too, or may have been.
func (j *judge) follow() {
	all := pods(j.Events)
	expected := slices.ContainsFunc(j.plan.Expectations, func(x record.Expectation) bool { return x.ChangesPods }) ||
		slices.ContainsFunc(j.Injections, func(i InjectionResult) bool { return i.ChangesPods })
	for n := range j.Injections {
		i := &j.Injections[n]
		i.pods = all
		changes := i.share(j.until(*i))
		for _, t := range i.Targets {
			if p := all[t.UID]; p != nil {
				i.Unsurveyed = cmp.Or(i.Unsurveyed, p.unsurveyed)
			}
		}
		if also := j.alsoHit(*i); also != "" {
			i.unclear = also
		} else if len(changes) > 0 && !expected && !i.Follows {
			i.unclear = fmt.Sprintf("the pods that it was in changed while it was held: %s; where that is meant, let the experiment expect an autoscaler, or the fault follow", strings.Join(changes, ", "))
		}
	}
}

// until is the span of an injection's removal; without one, the record's end.
func (j *judge) until(i InjectionResult) steadystate.Span {
	if i.Removed == nil {
		return steadystate.Instant(j.last)
	}
	return *i.Removed
}

// A step is a change in the number of pods hit, and of pods in all.
type step struct {
	at      time.Duration
	hit, of int
	text    string
}

// share computes how many pods the injection was in over time, and returns the
// changes while it was held. Targets without a watch on their lifetime, such as
// processes, yield nothing.
func (i *InjectionResult) share(until steadystate.Span) (changes []string) {
	hit := map[string]bool{}
	watched := i.Of > 0
	for _, t := range i.Targets {
		hit[t.UID] = true
		watched = watched || (i.pods[t.UID] != nil && i.pods[t.UID].watched)
	}
	if !watched || len(i.Targets) == 0 {
		return nil
	}
	now := HitShare{Span: i.Span, Hit: len(i.Targets), Of: cmp.Or(i.Of, len(i.Targets))}
	var steps []step
	for uid, p := range i.pods {
		switch {
		case p.to != nil && p.to.To < i.From, p.from != nil && p.from.From >= until.From:
			continue
		case p.joined(i.From) && !hit[uid]:
			steps = append(steps, step{p.from.To, 0, 1, fmt.Sprintf("%s joined at %s and was not hit", p.name, p.from)})
			if p.followed != nil && i.Follows {
				steps = append(steps, step{p.followed.To, 1, 0, fmt.Sprintf("%s was hit at %s", p.name, p.followed)})
				hit[uid] = true
			}
		case i.Of == 0 && !hit[uid]:
			now.Of++
		}
		free := slices.IndexFunc(p.restarted, func(s steadystate.Span) bool { return s.To >= i.From && s.From < until.From })
		if i.EndsOnRestart && hit[uid] && free >= 0 {
			at := p.restarted[free]
			steps = append(steps, step{at.From, -1, 0, fmt.Sprintf("%s was started again at %s, and was free of it", p.name, at)})
			delete(hit, uid)
		}
		if p.to != nil && p.to.From < until.From {
			s := step{p.to.From, 0, -1, fmt.Sprintf("%s left at %s", p.name, p.to)}
			if hit[uid] {
				s.hit = -1
			}
			steps = append(steps, s)
		}
	}
	i.Hit = []HitShare{now}
	if i.OneShot || i.ChangesPods {
		return nil // it did not stay in them
	}
	slices.SortFunc(steps, func(a, b step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.text, b.text)) })
	for _, s := range steps {
		changes = append(changes, s.text)
		now := &i.Hit[len(i.Hit)-1]
		at := max(s.at, i.To)
		if at > now.From || len(i.Hit) == 1 {
			now.To = at
			i.Hit = append(i.Hit, HitShare{Span: steadystate.Instant(at), Hit: now.Hit, Of: now.Of})
			now = &i.Hit[len(i.Hit)-1]
		}
		now.Hit, now.Of = now.Hit+s.hit, now.Of+s.of
	}
	i.Hit[len(i.Hit)-1].To = max(until.To, i.Hit[len(i.Hit)-1].From)
	return changes
}

// alsoHit says which other fault was in a target during this one, or why that is
// unknown.
func (j *judge) alsoHit(i InjectionResult) string {
	on := steadystate.Span{From: i.From, To: j.until(i).To}
	unseen := ""
	for _, t := range i.Targets {
		for _, e := range j.Events {
			if !isOf(e, t) || !e.Overlaps(on) {
				continue
			}
			switch e.Kind {
			case record.EventAlsoHit:
				return fmt.Sprintf("%s was also hit by %s, seen at %s: what was seen may be its doing", t.Name, e.Attrs[record.AttrBy], e.Span)
			case record.EventGap:
				unseen = cmp.Or(unseen, fmt.Sprintf("of %s it is not known at %s %s", t.Name, e.Span, e.Attrs[record.AttrReason]))
			}
		}
	}
	return unseen
}
