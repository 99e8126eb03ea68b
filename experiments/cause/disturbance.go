package cause

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// NoPods is the reason that [Disturbances] returns for a record without pods.
const NoPods = "no pods were watched"

// Disturbances returns what happened to the service within the window that no fault
// of the run explains: restarts, deleted pods, rollouts, scalings, other people's
// faults, failed nodes. A scaling by an autoscaler counts, even in answer to a load.
//
// Unwatched says why something may have gone unseen. If it is empty, pods and their
// owners were watched throughout; with an empty list, too, nothing else changed.
func Disturbances(r judge.Result, waterfalls []recovery.Waterfall) (list []Moment, unwatched string) {
	d := disturbances{result: r, kin: kinOf(r), replacements: map[string]bool{}, worst: map[string]Moment{}, sizes: map[string]string{}}
	for _, i := range r.Injections {
		d.over = append(d.over, over(r, i))
	}
	for _, w := range waterfalls {
		if w.Replacement != nil {
			d.replacements[w.Replacement.UID] = true
		}
	}
	watched := false
	owners, seen := map[string]string{}, map[string]bool{} // of the pods and of their number, by their subjects; what was there
	for _, e := range slices.SortedStableFunc(slices.Values(r.Events), func(a, b record.Event) int { return cmp.Compare(a.To, b.To) }) {
		kind, _, _ := strings.Cut(e.Subject, "/")
		watched = watched || kind == "pod" && e.Kind == record.EventExists
		if e.Kind == record.EventExists || e.Kind == record.EventCreated {
			if owner := e.Attrs[record.AttrOwner]; kind == "pod" && owner != "" {
				owners[ownerOf(e.Subject, owner)] = owner
			}
			seen[e.Subject] = true
		}
		inWindow := e.To > r.Window.From && e.From <= r.Window.To
		if e.Kind == record.EventGap && kind == "watch" && e.Overlaps(r.Window) {
			unwatched = fmt.Sprintf("from %s to %s nothing was seen of %s", steadystate.Instant(e.From), steadystate.Instant(e.To), nameOf(e.Subject))
		}
		d.take(kind, e, inWindow)
	}
	for _, f := range r.Findings {
		if strings.HasPrefix(f.Signal, "hpa/") {
			owners[f.Signal] = named(f.Signal)
		}
	}
	switch unseen := unseen(owners, seen); {
	case !watched:
		unwatched = NoPods
	case unwatched == "" && unseen != "":
		unwatched = "nothing was seen of " + unseen + ", whose events show a scaling or a rollout"
	}
	list = slices.Collect(maps.Values(d.worst))
	slices.SortFunc(list, func(a, b Moment) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Kind, b.Kind))
	})
	return list, unwatched
}

// unseen is the first owner of pods of which the record has no event, and whose size
// is thus not known; empty: all were seen.
func unseen(owners map[string]string, seen map[string]bool) string {
	for _, subject := range slices.Sorted(maps.Keys(owners)) {
		if !seen[subject] {
			return owners[subject]
		}
	}
	return ""
}

// ownerOf is the subject of an owner, as kind/name, which is in the namespace of what
// it owns: of pod/shop/a and ReplicaSet/rs it is replicaset/shop/rs.
func ownerOf(subject, owner string) string {
	kind, name, _ := strings.Cut(owner, "/")
	_, place, _ := strings.Cut(subject, "/")
	return strings.ToLower(kind) + "/" + place[:strings.LastIndex(place, "/")+1] + name
}

// disturbances collects them, the most telling event of each subject.
type disturbances struct {
	result       judge.Result
	kin          kin
	replacements map[string]bool // by UID
	worst        map[string]Moment
	sizes        map[string]string // of workloads, by subject
	over         []time.Duration   // when what each fault caused was over, if it is a rollout
}

// telling are the kinds of event of a pod that are no part of a normal life, the
// most telling first.
var telling = []string{record.EventRestarted, record.EventFailed, record.EventTerminating, record.EventGone, record.EventWaiting, record.EventNotReady}

func (d *disturbances) take(kind string, e record.Event, inWindow bool) {
	m := Moment{Span: e.Span, Kind: e.Kind, Subject: e.Subject, Reason: e.Attrs[record.AttrReason]}
	switch kind {
	case "pod":
		rank := slices.Index(telling, e.Kind)
		switch {
		case !inWindow:
		case e.Kind == record.EventAlsoHit:
			m.Reason = e.Attrs[record.AttrBy]
			d.worst[e.Subject+" "+e.UID+" "+e.Kind] = m
		case rank >= 0 && !d.explained(e):
			key := e.Subject + " " + e.UID
			if was, ok := d.worst[key]; !ok || rank < slices.Index(telling, was.Kind) {
				d.worst[key] = m
			}
		}
	case "replicaset":
		if !inWindow || d.rolled(e) || (e.Kind != record.EventCreated && e.Kind != record.EventScaled) {
			return
		}
		if from := e.Attrs["from"]; from != "" {
			m.Reason = from + " to " + e.Attrs["to"]
		}
		if was, ok := d.worst[e.Subject]; ok {
			// Several steps are one change.
			m.Kind, m.Span = was.Kind, was.Hull(m.Span)
			if first, _, ok := strings.Cut(was.Reason, " to "); ok {
				m.Reason = first + " to " + e.Attrs["to"]
			} else {
				m.Reason = "" // it is new
			}
		}
		d.worst[e.Subject] = m
	case "node":
		if inWindow && (e.Kind == record.EventNotReady || e.Kind == record.EventGone) {
			d.worst[e.Subject] = m
		}
	case "deployment", "rollout": // their replica sets show it
	default:
		if !slices.Contains(record.WorkloadKinds(), kind) {
			return
		}
		was, now := d.sizes[e.Subject], e.Attrs[record.AttrDesired]
		d.sizes[e.Subject] = now
		if inWindow && e.Kind == record.EventChanged && was != "" && was != now {
			m.Kind, m.Reason = record.EventScaled, was+" to "+now
			d.worst[e.Subject] = m
		}
	}
}

// aims are the events that a fault which brings pods down declares as its effect.
var aims = []string{record.EventGone, record.EventTerminating, record.EventStopped, record.EventRestarted, record.EventNotReady}

// explained reports whether a fault of the run did that to the pod, or made a pod
// that is only starting.
func (d *disturbances) explained(e record.Event) bool {
	if d.rolled(e) && e.Kind != record.EventRestarted {
		return true
	}
	if d.replacements[e.UID] && (e.Kind == record.EventNotReady || e.Kind == record.EventWaiting) {
		return true
	}
	return downed(d.result, e)
}

// downed reports whether a fault that brings pods down had hit the event's pod. One that is
// over at once starts a container again only once.
func downed(r judge.Result, e record.Event) bool {
	return slices.ContainsFunc(r.Injections, func(i judge.InjectionResult) bool {
		return i.FailureReason == "" && i.From <= e.To && hits(i, e.UID) &&
			slices.ContainsFunc(i.Effects, func(of record.Effect) bool { return slices.Contains(aims, of.Event) }) &&
			!(i.OneShot && e.Kind == record.EventRestarted && slices.ContainsFunc(r.Events, func(o record.Event) bool {
				return o.Kind == e.Kind && o.UID == e.UID && o.Attrs[record.AttrContainer] == e.Attrs[record.AttrContainer] && o.To < e.From && o.To >= i.From
			}))
	})
}

// rolled reports whether a rollout by a fault did that: to a pod or a replica set of the
// workload, after it had begun, and before all that it replaced was gone.
func (d *disturbances) rolled(e record.Event) bool {
	for n, i := range d.result.Injections {
		if isRollout(i) && i.From <= e.To && e.From <= d.over[n] && !d.foreign(i, e) {
			return true
		}
	}
	return false
}

// over is when all that a rollout replaced was gone, what it caused was over, and it was
// rolled back.
func over(r judge.Result, i judge.InjectionResult) (last time.Duration) {
	if len(i.Targets) == 0 || !isRollout(i) {
		return math.MaxInt64
	}
	for _, t := range i.Targets {
		n := slices.IndexFunc(r.Events, func(e record.Event) bool { return e.Kind == record.EventGone && e.UID == t.UID })
		if n < 0 {
			return math.MaxInt64
		}
		last = max(last, r.Events[n].To+lasting)
	}
	if i.Removed != nil {
		last = max(last, i.Removed.To+lasting)
	}
	return last
}

// foreign reports whether a pod or a replica set is surely of another Deployment than the
// pods that a fault is in.
func (d *disturbances) foreign(i judge.InjectionResult, e record.Event) bool {
	set := e.Subject
	if aboutPod(e) {
		set = d.kin.pods[e.UID]
	}
	owner := d.kin.sets[set]
	return owner != "" && len(i.Targets) > 0 && !slices.ContainsFunc(i.Targets, func(t record.Target) bool {
		own, sure := d.kin.owns(owner, t.UID)
		return own || !sure
	})
}

// hits reports whether a pod is a target of a fault.
func hits(i judge.InjectionResult, uid string) bool {
	return slices.ContainsFunc(i.Targets, func(t record.Target) bool { return t.UID == uid })
}

// isRollout reports whether a fault is a rollout. Records from before that was a
// field have only its text.
func isRollout(i judge.InjectionResult) bool {
	return i.Rolls || strings.HasPrefix(i.Fault, "restart ") || strings.HasPrefix(i.Fault, "roll out ")
}
