package autoscaling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/steadystate"
)

// ranged: the desired size is within min and max. A size that a new spec puts
// out of range counts once a later status repeats it.
func (v verdicts) ranged() steadystate.Reading {
	for i, s := range v.states {
		n, low, high := s.desired, s.min, s.max
		switch {
		case n >= low && n <= high, s.idle:
		case s.own, i > 0 && !s.renewed && !v.states[i-1].renewed:
			return broken(fmt.Sprintf("%d at %s, with a min of %d and a max of %d", n, s.at, low, high))
		}
	}
	if why := v.unseen(); why != "" {
		return unknown("within them where it was seen", why)
	}
	last := v.states[len(v.states)-1]
	return held(fmt.Sprintf("%s within %d and %d", v.trajectory(), last.min, last.max))
}

// resolution is the precision for periods and windows: they are stated in whole
// seconds, and a change that was inside of one by less is not worth reporting.
// Without it every step of a controller whose sync period equals its policy's
// period would lie within the error.
const resolution = time.Second

// inside reports whether an instant lies less than a length of time before
// another.
func inside(earlier, later steadystate.Span, length time.Duration) steadystate.Verdict {
	switch since := later.Since(earlier); {
	case since.High < length:
		return steadystate.Held
	case since.Low >= length-resolution:
		return steadystate.Broken
	}
	return steadystate.Unknown
}

// stabilized: no step down below a recommendation within the window. The API
// does not show the recommendations. But a step up to a size recommends at
// least that size, and a metric at or above its target, with all pods ready,
// recommends at least the current size. A window that the spec does not set is
// a flag of the controller, and not judged.
func (v verdicts) stabilized() steadystate.Reading {
	var undecided, last string
	set := false
	for i, s := range v.states {
		seconds := s.rules(false).StabilizationWindowSeconds
		if seconds == nil {
			continue
		}
		set = true
		if !s.own || s.desired >= s.from || (s.from > s.max && s.desired == s.max) {
			continue
		}
		window := time.Duration(*seconds) * time.Second
		for j := i - 1; j >= 0; j-- {
			recommended, why := v.recommended(v.states[j])
			if recommended <= s.desired {
				continue
			}
			text := fmt.Sprintf("%d -> %d at %s, %s after %s; its window is %s", s.from, s.desired, s.at, steadystate.FormatLengths(s.at.Since(v.states[j].at)), why, steadystate.FormatSeconds(window.Seconds()))
			switch inside(v.states[j].at, s.at, window) {
			case steadystate.Held:
				if s.gap {
					undecided = text + "; for a time nothing was seen of it"
					continue
				}
				return broken(text)
			case steadystate.Unknown:
				undecided = text
			case steadystate.Broken:
				last = text
			}
		}
	}
	switch {
	case undecided != "":
		return unknown("within the error", undecided)
	case !set:
		return held("its spec sets no window")
	case v.unseen() != "":
		return unknown("none where it was seen", v.unseen())
	case last == "":
		last = "no step down after a step up"
	}
	return held(last)
}

// recommended is the lowest possible recommendation of a state, and why.
func (v verdicts) recommended(s state) (n int, why string) {
	if s.own && s.desired > s.from && s.from >= s.min {
		return s.desired, fmt.Sprintf("the step up to %d", s.desired)
	}
	if !s.full {
		return 0, ""
	}
	for _, l := range s.loads() {
		if l.known && l.ratio >= 1 {
			return s.current, l.text
		}
	}
	return 0, ""
}

// followed: no step against its metrics. The largest of them determines the
// desired size; which steps up must follow, and how far, depends on pods and
// flags that the API does not show.
func (v verdicts) followed() steadystate.Reading {
	pending := false // it may still act on an earlier recommendation
	count, undecided := 0, ""
	for _, s := range v.states {
		high, _ := s.high()
		pending = pending || high != steadystate.Broken
		if !s.own || s.from == s.desired {
			continue
		}
		count++
		verdict, text := v.against(s, pending)
		text = fmt.Sprintf("%d -> %d at %s with %s", s.from, s.desired, s.at, text)
		switch {
		case verdict == steadystate.Held:
		case s.gap:
			undecided = text + "; for a time nothing was seen of it"
		case s.renewed:
			undecided = text + "; its spec had just changed"
		case verdict == steadystate.Broken:
			return broken(text)
		default:
			undecided = text
		}
	}
	byHand := v.byHand()
	switch {
	case undecided != "":
		return unknown("a step that may be against them", undecided)
	case len(byHand) > 0:
		return unknown("changed by another client", byHand[len(byHand)-1].hand())
	case v.doubt != "":
		return unknown(steps(count)+", none against what it said that they are", v.doubt)
	}
	return held(steps(count) + ", none against them")
}

// byHand are the changes of size since the fault that other clients made.
func (v verdicts) byHand() (list []state) {
	for i, s := range v.states {
		if i > 0 && !s.own && s.from != s.desired && s.at.To >= v.t0.From {
			list = append(list, s)
		}
	}
	return list
}

// hand describes a change of size by another client.
func (s state) hand() string {
	last := ""
	if at := s.status.LastScaleTime; at != nil {
		last = at.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("%d -> %d at %s was not its own doing: it scaled last at %q", s.from, s.desired, s.at, last)
}

// against reports whether a step contradicts its metrics: Broken if it does
// however the controller counted the pods, Held if it does not. The text is the
// evidence.
func (v verdicts) against(s state, pending bool) (verdict steadystate.Verdict, text string) {
	loads := s.loads()
	up, _ := s.tolerance(true)
	down, _ := s.tolerance(false)
	if (s.desired < s.from && s.from > s.max) || (s.desired > s.from && s.from < s.min) {
		return steadystate.Held, "" // the range asks for it
	}
	if s.desired < s.from {
		return v.againstDown(s, loads, 1-down)
	}
	if len(loads) == 0 || (s.spec.Behavior == nil && pending) {
		return steadystate.Held, ""
	}
	readable := 0
	verdict, text = steadystate.Broken, texts(loads)+", none above its target"
	for _, l := range loads {
		switch {
		case l.lost: // it takes no part
		case !l.known || l.ratio > 1+up+rounding:
			return steadystate.Held, ""
		case !s.pods.known, l.ceiling(s.from, s.pods) > s.from:
			readable++
			verdict, text = steadystate.Unknown, fmt.Sprintf("%s, none above its target; %s, and more than it wanted ask for more", texts(loads), s.pods)
		default:
			readable++
		}
	}
	if readable == 0 {
		text = texts(loads)
	}
	return verdict, text
}

// againstDown is the contradiction of a step down: a metric that is not below
// its target, or a lost one, without which a controller never steps down.
func (v verdicts) againstDown(s state, loads []load, enough float64) (verdict steadystate.Verdict, text string) {
	verdict = steadystate.Held
	for _, l := range loads {
		switch {
		case l.lost:
			return steadystate.Broken, l.text + ", without which it must not step down"
		case !l.known || l.ratio <= enough+rounding:
			continue
		}
		switch best, worst := l.floor(s.from, s.pods); {
		case s.desired < best:
			return steadystate.Broken, fmt.Sprintf("%s, of which %s", l.text, s.pods)
		case s.desired < worst:
			verdict, text = steadystate.Unknown, fmt.Sprintf("%s, and %s: which of them it counted, the API does not show", l.text, s.pods)
		}
	}
	return verdict, text
}

// staleAfter is how long an unchanged status counts as current. The sync period
// is a flag, 15 s by default.
const staleAfter = time.Minute

// unlimited: its max does not hold it back while its metrics ask for more and
// all the pods of that size are ready: neither when the fault ends, nor for
// more than half of the time in which one is on, nor for longer than a limit lets a decision take.
func (v verdicts) unlimited() steadystate.Reading {
	now := v.before(v.until())
	text, was := "", ""
	for _, s := range v.states {
		if s.at.From > v.until() || (s.at.To < v.t0.From && s.at != v.before(v.t0.From).at) {
			continue
		}
		if quoted := v.limited(s); quoted != "" {
			was = fmt.Sprintf("at its max of %d at %s: %s", s.max, s.at, quoted)
			if s.at == now.at {
				text = was
			}
		}
	}
	high, why := now.beyond()
	n := now.max
	ready := v.fullSince(n, v.until())
	lasted, bound := v.limitedFor(), v.bearable()
	whole := fmt.Sprintf("for %s of the %s of the fault", steadystate.FormatLengths(lasted), steadystate.FormatSeconds(v.lasted().Seconds()))
	switch {
	case was != "" && v.stays(n):
		return held(cmp.Or(text, was) + "; a limit says that this is as large as it may get")
	case was != "" && lasted.Low > bound:
		return broken(whole + ", " + was)
	case text != "" && len(v.sizes) == 0:
		return unknown(text, v.target+" was not followed: whether its pods were ready is not known")
	case text != "" && ready == nil:
		return unknown(text, "its pods were not all ready while the fault was on, so more may not have been needed")
	case text != "" && now.at.To < ready.From && v.until()-ready.To < staleAfter:
		return unknown(text, fmt.Sprintf("its pods were ready at %s, and it said nothing new since: hold the fault for longer", ready))
	case text != "":
		return broken(text)
	case now.desired >= n && high == steadystate.Unknown:
		return unknown(fmt.Sprintf("at its max of %d", n), why)
	case lasted.High > bound:
		return unknown("for a time: "+cmp.Or(was, fmt.Sprintf("at its max of %d", n)), whole+", as far as can be told, and more than "+steadystate.FormatSeconds(bound.Seconds())+" are too many")
	case v.doubt != "" && now.desired >= n:
		return unknown(fmt.Sprintf("at its max of %d", n), v.doubt)
	case was != "":
		return held("for a time only, " + whole + ": " + was)
	}
	return held(fmt.Sprintf("%s, with a max of %d", v.trajectory(), n))
}

// bearable is how long its max may hold it back: half of the time in which a fault
// was on, or as long as a limit lets a decision take.
func (v verdicts) bearable() time.Duration {
	bound := v.lasted() / 2
	for _, l := range v.limits {
		if l.Quantity == Decision && !l.Tolerance.Floor() {
			bound = min(bound, time.Duration(l.Tolerance.Value()*float64(time.Second)))
		}
	}
	return bound
}

// limitedFor is how long within the fault its max held it back, with all the
// pods of that size ready.
func (v verdicts) limitedFor() (lasted steadystate.Bounds[time.Duration]) {
	// A run of moments lasts from its first edge to its last: the time between
	// them is known, whatever the edges inside.
	run := func(until steadystate.Verdict) (total steadystate.Bounds[time.Duration]) {
		var from, to *steadystate.Span
		for _, m := range append(v.moments(), moment{}) {
			if is := v.limitedAt(m); is == steadystate.Held || is == until {
				if from == nil {
					from = &m.from
				}
				to = &m.to
				continue
			}
			if from != nil {
				total = total.Plus(v.within(*from, *to))
			}
			from = nil
		}
		return total
	}
	return steadystate.Bounds[time.Duration]{Low: run(steadystate.Held).Low, High: run(steadystate.Unknown).High}
}

// limitedAt reports whether its max held it back in a moment.
func (v verdicts) limitedAt(m moment) steadystate.Verdict {
	n := m.max
	high, _ := m.beyond()
	pods := counted(v.during(steadystate.Span{From: m.from.To, To: max(m.from.To, m.to.From-1)}))
	switch {
	case n == 0, m.desired < n, high == steadystate.Broken, pods.known && pods.mostReady < n:
		return steadystate.Broken
	case high == steadystate.Unknown, !pods.known, pods.leastReady < n:
		return steadystate.Unknown
	}
	return steadystate.Held
}

// limited is why its max holds a state back, in its own words; empty if it does
// not.
func (v verdicts) limited(s state) string {
	if high, _ := s.high(); s.desired < s.max || high != steadystate.Held {
		return ""
	}
	quoted := texts(s.loads())
	if c := s.condition(autoscalingv2.ScalingLimited); c.Status == corev1.ConditionTrue {
		quoted = quote(c) + "; " + quoted
	}
	return quoted
}

// fullSince is the start of the uninterrupted time, up to an instant, in which
// a size was ready; nil if it was not ready then.
func (v verdicts) fullSince(n int, until time.Duration) *steadystate.Span {
	var since *steadystate.Span
	for _, x := range v.sizes {
		switch {
		case x.at.From > until:
		case x.ready < n:
			since = nil
		case since == nil:
			since = new(x.at)
		}
	}
	return since
}

// scaledOut: it grew while the fault was on. A step that may have been decided
// before the fault, or after it, does not count. One that a limit of the user caps
// at its size need not grow.
func (v verdicts) scaledOut() steadystate.Reading {
	if old := v.old(); v.stays(old) {
		return held(fmt.Sprintf("a limit keeps it at %d", old))
	}
	edge := ""
	for _, s := range v.steps() {
		switch {
		case s.desired <= s.from || s.at.From > v.lastly():
		case s.at.From >= v.t0.From && s.at.To <= v.lastly():
			return held(fmt.Sprintf("%s, first at %s", v.trajectory(), s.at))
		case s.at.From < v.t0.From:
			edge = fmt.Sprintf("%d -> %d at %s may have been decided before the fault", s.from, s.desired, s.at)
		default:
			edge = fmt.Sprintf("%d -> %d at %s may have been when the fault was over", s.from, s.desired, s.at)
		}
	}
	old := v.before(v.t0.From)
	byHand := v.byHand()
	switch n := old.max; {
	case edge != "":
		return unknown("not for certain", edge)
	case v.old() >= n:
		return unknown("it did not", fmt.Sprintf("it was at its max of %d before the fault", n))
	case v.unseen() != "":
		return unknown("not where it was seen", v.unseen())
	}
	above, missing := v.asked()
	switch {
	case above == nil && v.overdue != nil:
		return broken(fmt.Sprintf("it stayed at %d, though %s", v.old(), v.overdue.text))
	case above == nil && missing != "":
		return unknown("it did not", "that its metrics asked for more is not certain: "+missing)
	case above == nil:
		return unknown("it did not", "the fault was not seen to have an effect on its metrics: "+v.stages.Step(Lag).Note)
	case len(byHand) > 0 && byHand[0].at.From <= v.until() && byHand[0].at.From-above.from.To < staleAfter:
		return unknown("it did not", "its size was changed before it can be said to have decided: "+byHand[0].hand())
	}
	said := []string{fmt.Sprintf("it stayed at %d, though %s at %s", v.old(), texts(above.loads()), above.from)}
	for _, of := range []autoscalingv2.HorizontalPodAutoscalerConditionType{autoscalingv2.AbleToScale, autoscalingv2.ScalingLimited} {
		if c := above.condition(of); c.Status != "" {
			said = append(said, quote(c))
		}
	}
	text := strings.Join(said, "; ")
	up := above.rules(true)
	switch {
	case ptr.Deref(up.SelectPolicy, "") == autoscalingv2.DisabledPolicySelect:
		return broken(text + "; its spec disables scaling up")
	case up.StabilizationWindowSeconds != nil && v.until()-above.from.To < time.Duration(*up.StabilizationWindowSeconds)*time.Second:
		return unknown(text, fmt.Sprintf("its window of %ds for steps up was not over: hold the fault for longer", *up.StabilizationWindowSeconds))
	case !v.whole:
		return unknown(text, "the run did not come to its end")
	}
	return broken(text)
}

// asked is the first moment from which its metrics certainly asked for more:
// until the fault was over, or for [sustained]. A demand in one look but not in
// the next may come from pods whose metric was missing once. Otherwise it says
// why that is not certain.
func (v verdicts) asked() (above *moment, missing string) {
	for _, m := range v.moments() {
		high, why := m.high()
		switch {
		case high == steadystate.Held && above == nil:
			above = &m
		case above == nil:
		case high != steadystate.Held && m.from.From-above.from.To >= sustained:
			return above, ""
		case high != steadystate.Held:
			missing = fmt.Sprintf("%s at %s, and no more at %s: whether all its pods were measured, the API does not show", texts(above.loads()), above.from, m.from)
			above = nil
		}
		if high == steadystate.Unknown {
			missing = fmt.Sprintf("at %s: %s", m.from, why)
		}
	}
	return above, missing
}

// lastly is the last instant at which the fault may have been on.
func (v verdicts) lastly() time.Duration {
	if v.t1 != nil {
		return v.t1.To
	}
	return v.end
}

// able: it can scale, and can compute a size. An autoscaler that could not when
// the fault began, nor at any time since, does not work; one that lost its
// metric under the fault may have lost it to the fault's effect on the metrics.
func (v verdicts) able() steadystate.Reading {
	last := v.states[len(v.states)-1]
	inactive := func(s state) bool { return s.condition(autoscalingv2.ScalingActive).Status == corev1.ConditionFalse }
	if inactive(v.before(v.t0.From)) && !slices.ContainsFunc(v.after(), func(s state) bool { return !inactive(s) }) {
		return broken("never since before the fault: " + quote(last.condition(autoscalingv2.ScalingActive)))
	}
	if c := last.condition(autoscalingv2.AbleToScale); c.Status == corev1.ConditionFalse {
		return broken(quote(c))
	}
	if inactive(last) {
		return unknown("not when the record ended", quote(last.condition(autoscalingv2.ScalingActive)))
	}
	var was []string
	for _, s := range v.after() {
		for _, of := range []autoscalingv2.HorizontalPodAutoscalerConditionType{autoscalingv2.AbleToScale, autoscalingv2.ScalingActive} {
			if c := s.condition(of); c.Status == corev1.ConditionFalse {
				was = append(was, fmt.Sprintf("%s at %s", quote(c), s.at))
			}
		}
	}
	if v.doubt != "" {
		return unknown("by its own conditions", v.doubt)
	}
	if len(was) > 0 {
		return held("in the end; before: " + strings.Join(was, "; "))
	}
	return held("throughout")
}

// returned: it is back at the old size when the record ends. A limit may set an
// earlier time.
func (v verdicts) returned() steadystate.Reading {
	p := v.stages.Step(Back)
	byHand, last := v.byHand(), v.states[len(v.states)-1]
	switch {
	case v.unseen() != "":
		return unknown("not known", v.unseen())
	case len(byHand) > 0 && last.status.LastScaleTime.Equal(byHand[len(byHand)-1].status.LastScaleTime):
		return unknown(fmt.Sprintf("at %d, and not by itself", last.desired), byHand[len(byHand)-1].hand())
	case p.Open, p.Reached == nil && p.Took == nil && v.t1 == nil && v.timeSeries()[len(v.timeSeries())-1].desired != v.old():
		return unknown(fmt.Sprintf("at %d", v.timeSeries()[len(v.timeSeries())-1].desired), p.Note+": watch for longer, or say with a limit on \""+Back+"\" when it must be")
	case p.Reached != nil:
		return held(fmt.Sprintf("back at %d replicas at %s", v.old(), p.Reached))
	}
	return held(p.Note)
}
