package cause

import (
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// NoOutage is the outage of a cause of a limit that broke without one.
const NoOutage = -1

// A breach is a limit that outages may not have broken: a percentile of answers that
// were all good, or too many that were slow, or that failed one by one.
type breach struct {
	finding judge.Finding
	limit   steadystate.Limit
	check   judge.CheckResult
	window  steadystate.Span // of the limit
	seconds map[int]bool     // in which one in the window was beyond it
	// Those in the window, those of them that are beyond the limit, those of these in an
	// outage, and by outage.
	in, beyond, inOutages int
	byOutage              []int
	// Those beyond the limit, of all, and the same in the time of each suspect. The
	// settle time is in it: what was so before a fault is not by the fault.
	share    share
	suspects []suspect
	phases   []int // those beyond, by phase
	failures map[Failure]int
}

// A share is how many of all observations are beyond the limit.
type share struct{ beyond, all int }

func (s share) part() float64 { return float64(s.beyond) / float64(max(1, s.all)) }

// A suspect is what may have broken a limit, and when.
type suspect struct {
	rule, text string
	spans      []steadystate.Span
	share      share
	seconds    map[int]bool           // of the breach's, those in its time
	of         *judge.InjectionResult // the fault, if it is one
	pods       []string               // that were away, or whose containers stopped, with those that these replace; by UID
	names      []string               // of those whose containers stopped
	by         []string               // the faults by which they were away
}

// breaches are the broken limits on values, and on how many of them are bad.
func breaches(r judge.Result, suspects []suspect) (list []*breach) {
	for _, f := range r.Findings {
		check, err := r.Check(f.Check)
		limit, bad := steadystate.ParseLimit(f.Limit)
		if f.Verdict != steadystate.Broken || err != nil || bad != nil || !limit.OfValues() && !limit.OfCounts() {
			continue
		}
		limit, known := r.Absolute(check, limit)
		if !known {
			continue
		}
		b := &breach{finding: f, limit: limit, check: check, window: windowOf(r, check, limit), seconds: map[int]bool{}, suspects: slices.Clone(suspects), phases: make([]int, len(r.Phases)), failures: map[Failure]int{}, byOutage: make([]int, len(check.Outages))}
		for i := range b.suspects {
			b.suspects[i].seconds = map[int]bool{}
		}
		list = append(list, b)
	}
	return list
}

// windowOf is the time that a limit is of.
func windowOf(r judge.Result, check judge.CheckResult, l steadystate.Limit) steadystate.Span {
	for _, p := range r.Phases {
		if p.Name == l.Phase {
			return steadystate.Span{From: p.From, To: p.To}
		}
	}
	return check.Window
}

// byOutages reports whether outages broke the limit: most of those beyond it are in one.
// A rate that would be too low if all had been answered is broken by something else.
func (b *breach) byOutages() bool { return 2*b.inOutages >= b.beyond && !b.tooFew() }

// tooFew reports whether a rate would be broken even if nothing had failed.
func (b *breach) tooFew() bool {
	return b.limit.Quantity == steadystate.Rate && !b.limit.Tolerance.Holds(float64(b.in)/max(1e-9, b.window.Width().Seconds()))
}

// suspects are what may have broken a limit, what names it best first.
func (in *Inquiry) suspects() (list []suspect) {
	r, waterfalls := in.result, in.waterfalls
	around := func(rule, how string, fits func(record.Event) bool) {
		s := suspect{rule: rule}
		for _, e := range r.Events {
			if stopped(r, e) && in.kin.mayServe(e.UID) && fits(e) {
				s.pods = append(s.pods, e.UID)
				for _, w := range waterfalls {
					if w.Replacement != nil && w.Replacement.UID == e.UID {
						s.pods = append(s.pods, w.Victim.UID)
					}
				}
				s.spans = append(s.spans, steadystate.Span{From: e.From - 2*propagation, To: e.To + lasting})
				s.names = append(s.names, nameOf(e.Subject))
			}
		}
		if slices.Sort(s.names); len(s.names) > 0 {
			s.names = slices.Compact(s.names)
			s.text = fmt.Sprintf("a container of %s %s", some(s.names), how)
			list = append(list, s)
		}
	}
	around(KilledForMemory, "was killed for lack of memory (OOMKilled)", ofMemory)
	around(Restarted, "was started again, which the fault does not do", byNoFault(r))
	if len(waterfalls) > 0 {
		s := suspect{rule: Away, text: waterfalls[0].Victim.Name + " was away"}
		if n := len(waterfalls); n > 1 {
			s.text = fmt.Sprintf("%d pods were away", n)
		}
		for _, w := range waterfalls {
			s.pods, s.by = append(s.pods, w.Victim.UID), append(s.by, w.Fault)
			gone, to := w.Steps[0].Reached, r.Length
			if ready := w.Step(recovery.Ready).Reached; ready != nil {
				to = ready.To + propagation
			}
			if gone != nil {
				s.spans = append(s.spans, steadystate.Span{From: lost(w), To: to})
			}
		}
		list = append(list, s)
	}
	for _, i := range r.Injections {
		if i.OneShot || i.FailureReason != "" || takesPods(i) {
			continue
		}
		s := suspect{rule: Faulted, text: "the fault itself (" + i.Fault + ")", spans: []steadystate.Span{{From: i.From, To: r.Length}}, of: &i}
		if i.Removed != nil {
			s.spans[0].To = i.Removed.To
		}
		if times := raises(i); times > 0 {
			s.rule, s.text = Surged, fmt.Sprintf("too few pods for %.4g times the load", times)
		}
		list = append(list, s)
	}
	return list
}

// take counts an observation; backend is empty if it is no request.
func (b *breach) take(o steadystate.Observation, at time.Duration, backend string, phases []judge.PhaseResult) {
	is, known := b.limit.Breaking(o, b.check.Tolerance)
	if !known {
		return
	}
	inWindow := b.window.From <= at && at <= b.window.To
	if inWindow {
		b.in++
	}
	beyond := 0
	if is {
		beyond = 1
		reason := o.Failed
		if reason == "" {
			reason = Slow
		}
		b.failures[Failure{Backend: backend, Reason: reason}]++
		for i, p := range phases {
			if at >= p.From && at < p.To {
				b.phases[i]++
			}
		}
	}
	b.share.beyond += beyond
	b.share.all++
	second := int(at / time.Second)
	counts := is && inWindow
	if counts {
		b.seconds[second] = true
		b.beyond++
		if i := slices.IndexFunc(b.check.Outages, func(out steadystate.Outage) bool { return o.Overlaps(wholeOf(out)) }); i >= 0 {
			b.inOutages++
			b.byOutage[i]++
		}
	}
	for i := range b.suspects {
		s := &b.suspects[i]
		if slices.ContainsFunc(s.spans, o.Overlaps) {
			s.share.beyond += beyond
			s.share.all++
			if counts {
				s.seconds[second] = true
			}
		}
	}
}

// cause is what the record shows of a limit that no outage broke.
func (b *breach) cause(in *Inquiry) Cause {
	o := &outage{failures: b.failures, Outage: steadystate.Outage{Bad: b.share.beyond, Total: b.share.all}, Span: steadystate.Span{To: in.result.Length}}
	c := Cause{Check: b.finding.Check, Outage: NoOutage, Limit: b.finding.Limit}
	if in.result.Traffic[b.check.Signal].Sent > 0 {
		c.Failures = o.sorted()
		c.Who = in.who(o, c.Failures)
	}
	if most := slices.Max(append([]int{0}, b.phases...)); most > 0 {
		phase := in.result.Phases[slices.Index(b.phases, most)].Name
		c.When = fmt.Sprintf("%d of the %d %s, of %d, were in %s", most, b.share.beyond, b.limit.Those(), b.share.all, phase)
	}
	c.Rule, c.Why, c.fault = b.why(c)
	return c
}

// byChance is the probability that so many of the limit's seconds beyond it are in the
// time of a suspect, were they spread as the others are: those of one second are one
// event.
func (b *breach) byChance(s *suspect) float64 {
	share := float64(s.share.all-s.share.beyond) / float64(max(1, b.share.all-b.share.beyond))
	if share <= 0 || share >= 1 {
		return 1
	}
	return steadystate.Tail(len(b.seconds), len(s.seconds), share)
}

// seldom is the probability by chance of a cause that is none.
const seldom = 1e-3

// why is the one suspect in whose time two thirds of those beyond the limit are, in the
// limit's window too, and at least three times as dense as in the rest, beyond chance.
func (b *breach) why(c Cause) (rule, text string, fault *judge.InjectionResult) {
	if b.tooFew() {
		return "", "", nil
	}
	var found *suspect
	for i := range b.suspects {
		s := &b.suspects[i]
		rest := share{b.share.beyond - s.share.beyond, b.share.all - s.share.all}
		if s.share.beyond == 0 || 3*s.share.beyond < 2*b.share.beyond || rest.all == 0 || s.share.part() < 3*rest.part() ||
			3*len(s.seconds) < 2*len(b.seconds) || b.byChance(s) > seldom {
			continue
		}
		switch {
		case found == nil:
			found = s
		case found.apart(s, 3*c.from(found.names) >= 2*b.share.beyond):
			return "", "", nil
		}
	}
	if found == nil {
		return "", "", nil
	}
	text = fmt.Sprintf("consistent with: %s: %d of the %d %s were seen then, %.3g%% of all then and %.3g%% of the rest", found.text,
		found.share.beyond, b.share.beyond, b.limit.Those(), 100*found.share.part(), 100*share{b.share.beyond - found.share.beyond, b.share.all - found.share.all}.part())
	if i := found.of; i != nil && i.Of > len(i.Targets) {
		var names []string
		for _, t := range i.Targets {
			names = append(names, t.Name)
		}
		if hit := c.from(names); 3*hit >= 2*b.share.beyond {
			text += fmt.Sprintf(", and %d came from the %d of %d pods that it was in", hit, len(i.Targets), i.Of)
		}
	}
	return found.rule, text, found.of
}

// apart reports whether another suspect, whose time fits as well, is another cause: a fault
// that brought none of the pods down, or other pods than those whose containers stopped. A
// load, or a fault in these pods, may be why they stopped; and if it shows in their own
// answers, it is not by a fault in others.
func (s *suspect) apart(o *suspect, own bool) bool {
	switch {
	case s.of != nil:
		return true
	case s.rule == Away:
		return !slices.Contains(s.by, o.of.Fault)
	case o.rule == Away:
		return slices.ContainsFunc(o.pods, func(uid string) bool { return !slices.Contains(s.pods, uid) })
	case o.of != nil && raises(*o.of) == 0:
		return !own && !slices.ContainsFunc(s.pods, func(uid string) bool { return hits(*o.of, uid) })
	}
	return false
}

// from is how many of the bad requests pods of these names answered.
func (c Cause) from(names []string) (n int) {
	for _, f := range c.Failures {
		if slices.Contains(names, f.Backend) {
			n += f.Requests
		}
	}
	return n
}
