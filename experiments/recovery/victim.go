package recovery

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A victim is a target that an injection took away or brought down.
type victim struct {
	*life
	injection record.Injection
	undone    *steadystate.Span
	until     time.Duration // the next injection into it, when another fault took it away, or the record's end
	goes      bool          // it is replaced, otherwise it recovers in place
	stays     bool          // another fault took it away
}

// aims reports whether a fault declares one of these events as its effect.
func aims(i record.Injection, kinds ...string) bool {
	return slices.ContainsFunc(i.Effects, func(e record.Effect) bool { return slices.Contains(kinds, e.Event) })
}

// targets reports whether a fault is into an object.
func targets(i record.Injection, uid string) bool {
	return slices.ContainsFunc(i.Targets, func(t record.Target) bool { return t.UID == uid })
}

// victims are those of all injections, in the order of these.
func (h *History) victims() []victim {
	injections := slices.Clone(h.injections)
	slices.SortFunc(injections, func(a, b record.Injection) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Index, b.Index))
	})
	var list []victim
	for n, i := range injections {
		if i.FailureReason != "" {
			continue
		}
		for _, t := range i.Targets {
			v := victim{life: h.lives[t.UID], injection: i, until: h.last}
			if v.life == nil {
				// Nothing was seen of it, and it may not be a pod.
				if !aims(i, record.EventGone) {
					continue
				}
				v.life = &life{uid: t.UID, subject: t.Name}
			}
			if undone, ok := h.removals[i.Index]; ok {
				v.undone = &undone
			}
			for _, next := range injections[n+1:] {
				if targets(next, t.UID) {
					v.until = min(v.until, next.From)
					break
				}
			}
			v.date()
			// A pod leaves once: by the last fault that had taken pods away until then.
			left, taken := v.left(), -1
			for m, o := range injections {
				if left != nil && o.FailureReason == "" && o.From <= left.To && aims(o, record.EventGone, record.EventTerminating) && targets(o, t.UID) {
					taken = m
				}
			}
			switch {
			case taken < 0 || taken == n:
			case aims(i, record.EventGone, record.EventTerminating):
				continue
			default:
				v.until, v.stays = min(v.until, left.From), true
			}
			if v.suffered() {
				list = append(list, v)
			}
		}
	}
	return list
}

// date starts the victim's recovery with its own fault, where the record tells
// that apart from the first one of the injection: a budget makes an eviction of
// several pods wait between them.
func (v *victim) date() {
	for _, e := range within(v.events, v.injection.From, v.until) {
		if e.Kind == record.EventEvicted {
			v.injection.Span = e.Span
			return
		}
	}
}

// suffered reports whether the fault brought the victim down, and how. A fault
// with another effect, such as a delay, is to blame only for events while it
// was in place.
func (v *victim) suffered() bool {
	during := v.until
	if v.undone != nil {
		during = min(during, v.undone.To)
	}
	away := aims(v.injection, record.EventGone, record.EventTerminating)
	to := during
	if away {
		to = v.until
	}
	left := v.left()
	if away || (left != nil && !v.stays && left.To >= v.injection.From && left.From <= to) {
		v.goes = true
		return true
	}
	losses := []string{record.EventStopped, record.EventRestarted, record.EventNotReady}
	if aims(v.injection, losses...) {
		return true
	}
	return slices.ContainsFunc(within(v.events, v.injection.From, during), func(e record.Event) bool {
		return slices.Contains(losses, e.Kind) && (!v.stays || e.To < v.until)
	})
}

// A match is the replacement of an object that left.
type match struct {
	*life
	note string
}

// replacements finds which pod replaced which, by the UID of the one that left.
func (h *History) replacements() map[string]match {
	matches := map[string]match{}
	var leaving, born []*life
	for _, l := range h.lives {
		if l.left() != nil {
			leaving = append(leaving, l)
		}
		if l.born() != nil {
			born = append(born, l)
		}
	}
	byInstant := func(at func(*life) *steadystate.Span) func(a, b *life) int {
		return func(a, b *life) int {
			s, t := at(a), at(b)
			return cmp.Or(cmp.Compare(s.To, t.To), cmp.Compare(s.From, t.From), cmp.Compare(a.subject, b.subject), cmp.Compare(a.uid, b.uid))
		}
	}
	slices.SortFunc(leaving, byInstant((*life).left))
	slices.SortFunc(born, byInstant((*life).born))

	taken := map[string]bool{}
	// The first that is free and may have come after the other left.
	pick := func(gone *life, fits func(*life) bool) *life {
		for _, l := range born {
			if !taken[l.uid] && l.uid != gone.uid && l.born().To >= gone.left().From && fits(l) {
				taken[l.uid] = true
				return l
			}
		}
		return nil
	}
	for _, gone := range leaving {
		if l := pick(gone, func(l *life) bool { return l.subject == gone.subject }); l != nil {
			matches[gone.uid] = match{life: l}
		}
	}
	for _, gone := range leaving {
		if _, done := matches[gone.uid]; done || gone.owner == "" {
			continue
		}
		same := func(l *life) bool { return l.owner == gone.owner && l.namespace() == gone.namespace() }
		if l := pick(gone, same); l != nil {
			matches[gone.uid] = match{life: l, note: ambiguity(gone, leaving, born, same)}
		}
	}
	return matches
}

// ambiguity says that the pairing is a convention, if it is: of the same owner
// more than one left, or more than one came since.
func ambiguity(gone *life, leaving, born []*life, same func(*life) bool) string {
	left, came := 0, 0
	var since *steadystate.Span
	for _, l := range leaving {
		if same(l) {
			left++
			since = first(since, l.left())
		}
	}
	for _, l := range born {
		if same(l) && l.born().To >= since.From {
			came++
		}
	}
	if left == 1 && came == 1 {
		return ""
	}
	return fmt.Sprintf("%s lost %d and created %d: which replaced which is told from the order alone", gone.owner, left, came)
}

// revised reports whether a rollout has made pods of another revision of the
// victim's deployment since the fault: they may come before the victim leaves,
// and belong to another replica set, whose name differs in the last part. Other
// workloads own their pods themselves, under one name for every revision.
func (h *History) revised(v victim) bool {
	deployment := func(owner string) string {
		if !strings.HasPrefix(owner, "ReplicaSet/") {
			return ""
		}
		return owner[:max(0, strings.LastIndex(owner, "-"))]
	}
	for _, l := range h.lives {
		if b := l.born(); b != nil && b.To >= v.injection.From && l.owner != v.owner && l.namespace() == v.namespace() &&
			deployment(l.owner) != "" && deployment(l.owner) == deployment(v.owner) {
			return true
		}
	}
	return false
}

// namespace is the first part of the subject's name, with the kind.
func (l *life) namespace() string { return l.subject[:max(0, strings.LastIndex(l.subject, "/"))] }
