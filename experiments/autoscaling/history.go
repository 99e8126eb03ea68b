package autoscaling

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A state is an autoscaler's status from one event to the next.
type state struct {
	at     steadystate.Span // in which it began
	spec   autoscalingv2.HorizontalPodAutoscalerSpec
	status autoscalingv2.HorizontalPodAutoscalerStatus
	// The replicas of the spec and of the status.
	min, max, current, desired int
	// renewed: the spec may be newer than the status.
	renewed bool
	// own: the autoscaler itself has changed the size, from the previous to the
	// desired one. The time of its last scaling shows that; a size that changed
	// without it was changed by another client, and the autoscaler only follows.
	own  bool
	from int
	// pods are those of the scale target when the autoscaler read it; full:
	// certainly all the desired ones, ready.
	pods census
	full bool
	// gap: a part of the span is unobserved, so more than one state may have
	// passed.
	gap bool
	// idle: it has not decided yet, or is switched off by a size of zero. Its
	// status then desires zero; here desired is the actual size.
	idle bool
}

// A size is the desired and the actual replicas of a scale target from one event
// to the next.
type size struct {
	at                       steadystate.Span
	desired, ready, existing int
}

// A history is everything that a record has of one autoscaler.
type history struct {
	subject string
	states  []state
	target  string // the subject of its scale target's events
	sizes   []size // none: it was not followed
	gone    *steadystate.Span

	fault    string
	t0       steadystate.Span
	t1       *steadystate.Span // nil: the fault was not undone
	on       []hold            // of each fault; none: from t0 to t1
	end      time.Duration
	whole    bool               // the run came to its end
	gaps     []steadystate.Span // the autoscaler was not observed
	sizeGaps []steadystate.Span // the scale target was not observed
	overdue  *overdue           // nil: its metric followed, or there is no second reading
	doubt    string             // how a second reading contradicts its own metric, and whether that counts
}

// histories are those of the autoscalers of a result of which something can be
// said, sorted by name.
func histories(r judge.Result) (list []history) {
	var subjects []string
	for _, e := range r.Events {
		if strings.HasPrefix(e.Subject, "hpa/") && !slices.Contains(subjects, e.Subject) {
			subjects = append(subjects, e.Subject)
		}
	}
	slices.Sort(subjects)
	for _, subject := range subjects {
		if h, reason := newHistory(subject, r); reason == "" {
			list = append(list, h)
		}
	}
	return list
}

// newHistory collects what a result's events say of an autoscaler. The order
// of the events does not matter. The reason is why nothing can be said.
func newHistory(subject string, r judge.Result) (h history, reason string) {
	h = history{subject: subject, end: r.Length, whole: r.End.Reason == record.Completed}
	if reason := h.frame(r); reason != "" {
		return h, reason
	}
	parts := strings.Split(subject, "/")
	if len(parts) != 3 || parts[0] != "hpa" {
		return h, fmt.Sprintf("the subject %q is not hpa/NAMESPACE/NAME", subject)
	}
	namespace := parts[1]
	h.gaps = gaps("watch/"+namespace+"/horizontalpodautoscalers", r.Events)
	if reason := h.collect(r.Events); reason != "" {
		return h, reason
	}
	scaled := h.states[len(h.states)-1].spec.ScaleTargetRef
	kind := strings.ToLower(scaled.Kind)
	h.target = kind + "/" + namespace + "/" + scaled.Name
	h.sizeGaps = gaps("watch/"+namespace+"/"+kind+"s", r.Events) // the API's plural
	if reason := h.follow(r.Events); reason != "" {
		return h, reason
	}
	for i, s := range h.states {
		sizes := h.looked(s)
		h.states[i].pods = counted(sizes)
		h.states[i].pods.lasting = min(h.states[i].pods.lasting, counted(h.during(steadystate.Span{From: s.at.From - staleAfter, To: s.at.From})).leastReady)
		h.states[i].full = h.states[i].pods.full(s.size()) && !slices.ContainsFunc(sizes, func(x size) bool { return x.desired != s.size() })
	}
	if h.overdue, h.doubt = h.late(r.TimeSeries[subject]); h.overdue != nil {
		h.doubt = h.overdue.text
	}
	return h, ""
}

// gaps are the unobserved spans of a watch.
func gaps(watch string, events []record.Event) []steadystate.Span {
	var spans []steadystate.Span
	for _, e := range events {
		if e.Kind == record.EventGap && e.Subject == watch {
			spans = append(spans, e.Span)
		}
	}
	return spans
}

// frame finds when the fault began and ended: the first of the injections, and
// the last of the removals of held faults, if there are any: a one-shot fault
// is removed together with the last. Without a fault the load is the change,
// and the phases give the times.
func (h *history) frame(r judge.Result) (reason string) {
	found, stays := false, false
	held := slices.ContainsFunc(r.Injections, func(i judge.InjectionResult) bool { return i.FailureReason == "" && !i.OneShot })
	for _, i := range r.Injections {
		if i.FailureReason != "" {
			continue
		}
		if !found || i.From < h.t0.From {
			h.t0, h.fault = i.Span, i.Fault
		}
		found = true
		if held && i.OneShot {
			continue
		}
		on := hold{t0: i.Span, to: h.end}
		if i.Removed != nil {
			on.to = i.Removed.From
		}
		h.on = append(h.on, on)
		if i.Removed != nil && (h.t1 == nil || i.Removed.To > h.t1.To) {
			h.t1 = i.Removed
		}
		stays = stays || i.Removed == nil
	}
	if stays {
		h.t1 = nil
	}
	if found {
		return ""
	}
	for _, p := range r.Phases {
		switch p.Name {
		case record.PhaseInject:
			h.t0, found = steadystate.Instant(p.From), true
		case record.PhaseRecover:
			h.t1 = new(steadystate.Instant(p.From))
		}
	}
	if !found {
		return "the run never came to the phase \"" + record.PhaseInject + "\""
	}
	return ""
}

// of returns the events of a subject, in the order of one watch.
func of(subject string, events []record.Event) []record.Event {
	var list []record.Event
	for _, e := range events {
		if e.Subject == subject {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b record.Event) int {
		return cmp.Or(
			cmp.Compare(a.To, b.To), cmp.Compare(a.From, b.From), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Attrs[record.AttrStatus], b.Attrs[record.AttrStatus]),
			cmp.Compare(a.Attrs[record.AttrDesired], b.Attrs[record.AttrDesired]),
			cmp.Compare(a.Attrs[record.AttrReady], b.Attrs[record.AttrReady]),
		)
	})
	return list
}

func (h *history) collect(events []record.Event) (reason string) {
	var last state
	for _, e := range of(h.subject, events) {
		if e.Kind == record.EventGone {
			h.gone = new(e.Span)
			continue
		}
		s := state{at: e.Span, spec: last.spec}
		if text := e.Attrs[record.AttrSpec]; text != "" {
			s.renewed, s.spec = true, autoscalingv2.HorizontalPodAutoscalerSpec{}
			if err := json.Unmarshal([]byte(text), &s.spec); err != nil {
				return fmt.Sprintf("read the spec of %s at %s: %v", h.subject, e.Span, err)
			}
		}
		if err := json.Unmarshal([]byte(cmp.Or(e.Attrs[record.AttrStatus], "{}")), &s.status); err != nil {
			return fmt.Sprintf("read the status of %s at %s: %v", h.subject, e.Span, err)
		}
		s.gap = overlap(h.gaps, e.Span)
		s.min, s.max = int(ptr.Deref(s.spec.MinReplicas, 1)), int(s.spec.MaxReplicas)
		s.current, s.desired = int(s.status.CurrentReplicas), int(s.status.DesiredReplicas)
		s.own = len(h.states) > 0 && !s.status.LastScaleTime.Equal(last.status.LastScaleTime)
		if !s.own && s.desired == 0 && s.min > 0 && s.condition(autoscalingv2.ScalingActive).Status != corev1.ConditionTrue {
			s.idle, s.desired = true, s.current
		}
		s.from = last.desired
		if s.own && !s.gap && s.current != s.desired {
			// The size it stepped from, whatever it desired before.
			s.from = s.current
		}
		h.states = append(h.states, s)
		last = s
	}
	if len(h.states) == 0 {
		return fmt.Sprintf("no event of %s is in the record: name it in the observer's Autoscalers", h.subject)
	}
	return ""
}

// follow collects the sizes of the scale target.
func (h *history) follow(events []record.Event) (reason string) {
	for _, e := range of(h.target, events) {
		if e.Kind == record.EventGone {
			continue
		}
		s := size{at: e.Span}
		for _, count := range []struct {
			attr  string
			value *int
		}{{record.AttrDesired, &s.desired}, {record.AttrReady, &s.ready}, {record.AttrExisting, &s.existing}} {
			n, err := strconv.Atoi(e.Attrs[count.attr])
			if err != nil {
				return fmt.Sprintf("read %s of %s at %s: %v", count.attr, h.target, e.Span, err)
			}
			*count.value = n
		}
		h.sizes = append(h.sizes, s)
	}
	return ""
}

func overlap(list []steadystate.Span, span steadystate.Span) bool {
	return slices.ContainsFunc(list, span.Overlaps)
}

// tail is how close to the record's end a gap counts as reaching it: the
// timeout of a read, and one more read.
const tail = 5 * time.Second

// unseen says that steps may have passed that no state shows: within a gap the
// time of the last scaling shows whether there was a step, but not how many,
// nor the ones after its end.
func (h *history) unseen() string {
	for _, s := range h.states {
		if s.own && s.gap && s.at.To >= h.t0.From {
			return fmt.Sprintf("nothing was seen of it for a part of %s, in which it scaled", s.at)
		}
	}
	for _, b := range h.gaps {
		if b.To >= h.end-tail {
			return fmt.Sprintf("nothing was seen of it from %s on", steadystate.Instant(b.From))
		}
	}
	return ""
}

// steps are the autoscaler's own changes of size that may have come after the
// fault took effect.
func (h *history) steps() []state {
	var list []state
	for _, s := range h.states {
		if s.own && s.from != s.desired && s.at.To >= h.t0.From {
			list = append(list, s)
		}
	}
	return list
}

// after are the states that may have begun after the fault took effect.
func (h *history) after() []state {
	i := slices.IndexFunc(h.states, func(s state) bool { return s.at.To >= h.t0.From })
	if i < 0 {
		return nil
	}
	return h.states[i:]
}

// before is the state at the fault: the last that had certainly begun, else the
// first there is.
func (h *history) before(at time.Duration) state {
	found := h.states[0]
	for _, s := range h.states[1:] {
		if s.at.To <= at {
			found = s
		}
	}
	return found
}

// old is the service's size at the fault.
func (h *history) old() int { return h.before(h.t0.From).desired }

// timeSeries is the size over time: that of the scale target, else the one that
// the autoscaler desired.
func (h *history) timeSeries() []size {
	if len(h.sizes) > 0 {
		return h.sizes
	}
	var list []size
	for _, s := range h.states {
		list = append(list, size{at: s.at, desired: s.desired})
	}
	return list
}

// peak is the largest desired size since the fault took effect.
func (h *history) peak() int {
	n := h.old()
	for _, s := range h.steps() {
		n = max(n, s.desired)
	}
	return n
}

// trajectory is the desired sizes in their order, "2 -> 4 -> 2".
func (h *history) trajectory() string {
	text, last := strconv.Itoa(h.old()), h.old()
	for _, s := range h.after() {
		if n := s.desired; n != last {
			text, last = text+" -> "+strconv.Itoa(n), n
		}
	}
	return text
}

// during are the sizes that may have been in force at an instant in the span.
func (h *history) during(span steadystate.Span) []size {
	var list []size
	for i, s := range h.sizes {
		if s.at.From <= span.To && (i == len(h.sizes)-1 || h.sizes[i+1].at.To >= span.From) {
			list = append(list, s)
		}
	}
	return list
}

// looked are the sizes of the scale target that may have been in force when the
// autoscaler read it to reach a state.
func (h *history) looked(s state) []size {
	if !s.own {
		return h.during(s.at)
	}
	// It reads before it acts, and updates the status last.
	for i, x := range h.sizes {
		if i == 0 || x.desired != s.desired || h.sizes[i-1].desired != s.from || x.at.From > s.at.To || x.at.To < s.at.From-time.Second {
			continue
		}
		var list []size
		for j, before := range h.sizes[:i] {
			if j == i-1 || h.sizes[j+1].at.To >= x.at.From-time.Second {
				list = append(list, before)
			}
		}
		return list
	}
	return nil
}

// A hold is a time in which a fault was certainly on: from the end of its T0.
type hold struct {
	t0 steadystate.Span
	to time.Duration
}

func (h hold) surely() steadystate.Span  { return steadystate.Span{From: h.t0.To, To: h.to} }
func (h hold) perhaps() steadystate.Span { return steadystate.Span{From: h.t0.From, To: h.to} }

// heldFor is for how long a fault was on between two instants: the time between two
// faults is none of either.
func (h *history) heldFor(from, to time.Duration, when func(hold) steadystate.Span) (sum time.Duration) {
	on := h.on
	if len(on) == 0 {
		on = []hold{{h.t0, h.until()}}
	}
	var spans []steadystate.Span
	for _, o := range on {
		spans = append(spans, when(o))
	}
	slices.SortFunc(spans, func(a, b steadystate.Span) int { return cmp.Compare(a.From, b.From) })
	for _, s := range spans {
		if since, until := max(from, s.From), min(to, s.To, h.until()); since < until {
			sum, from = sum+until-since, until
		}
	}
	return sum
}

// lasted is for how long a fault was on.
func (h *history) lasted() time.Duration { return h.heldFor(h.t0.To, h.until(), hold.surely) }

// until is the last instant at which the fault was certainly on.
func (h *history) until() time.Duration {
	if h.t1 != nil {
		return h.t1.From
	}
	return h.end
}
