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

// A Cause is what the record shows of one outage of a check, or of a limit that broke
// without one.
type Cause struct {
	// Check names the check, or the autoscaler. Outage is the index among its outages,
	// or [NoOutage] if the limit named by Limit broke without one.
	Check  string
	Outage int
	Limit  string
	// Failures counts the bad requests by backend and reason, most frequent first. A
	// request that overlaps two outages counts in the first. Empty: the check does not
	// measure requests.
	Failures []Failure
	// Before is the last event before the outage, Inside the first one during it, and
	// More the number of further events during it. The middle of an event's span
	// decides where it belongs. Nil: none.
	Before, Inside *Moment
	More           int
	// Stage is the stage of the pod's recovery that was under way when more than half
	// of the bad requests were sent; Recovering is the pod that had to reach it. Both
	// are empty if there is no such stage or several pods recovered.
	Stage, Recovering string
	// Who says in a sentence which backends failed and how; When, what happened around
	// the start, and what Kubernetes said of the pods in question. Empty: unknown.
	Who, When string
	// Rule is the rule that fits, one of the constants such as [NoneLeft]; Why is a
	// sentence that begins "consistent with: ". Both are empty if none fits.
	Rule, Why string
	// Quote is what Why quotes of Kubernetes; nil: nothing.
	Quote *Quote
	// NoPartIn lists the broken limits on values and shares of which the outage makes up less
	// than a tenth.
	NoPartIn []string

	fault *judge.InjectionResult // that broke a limit without an outage; nil: none, or not known
}

// A Failure counts the requests that failed for one reason at one backend.
type Failure struct {
	Backend string // the one that answered; empty: none did, or it gave no name
	// Reason is the HTTP status, the error, or [Slow].
	Reason   string
	Requests int
}

// Slow is the reason of a request whose answer took longer than the check allows.
const Slow = "too slow"

// A Moment is an event, or the instant at which a fault took effect or was
// undone.
type Moment struct {
	steadystate.Span
	Kind    string // the event's kind, [FaultOn] or [FaultOff]
	Subject string // the event's subject, or the fault
	Reason  string // the reason that Kubernetes gives; empty: none
}

// The kinds of a [Moment] that is not an event.
const (
	FaultOn  = "fault took effect"
	FaultOff = "fault undone"
)

// An Inquiry finds the causes of a result's outages. Create it with [NewInquiry].
type Inquiry struct {
	result     judge.Result
	waterfalls []recovery.Waterfall
	actions    []action // of the result's injections, in their order
	held       []steadystate.Span
	endings    []ending
	deaths     []death
	short      []steadystate.Span // fewer endpoints than before were there
	without    []steadystate.Span // none may have been there, or the news of one was on the way
	kin        kin
	open       []*outage
	breaches   []*breach
}

// outage is an outage under inquiry.
type outage struct {
	steadystate.Outage
	steadystate.Span // from its earliest start to its latest end
	check            judge.CheckResult
	index            int
	failures         map[Failure]int // by backend and reason
	staged           []int           // bad requests by stage of the one recovery
	memory, again    stopping        // killed for lack of memory, and started again by no fault
	// Bad requests sent around the end of a victim, and those of them that surely came to it
	// when it had begun to end.
	ending, late int
	// Those sent as a victim was killed, and those sent after it until the endpoint
	// was surely gone.
	cutOff, lingering int
	short             int // slow answers sent while fewer endpoints were there
	// Requests by the tenth of a second in which they were sent, while no endpoint may
	// have been there.
	without map[int]share
}

// NewInquiry starts an inquiry into the outages of r and the limits that it broke
// without one. The waterfalls are those of the same record.
func NewInquiry(r judge.Result, waterfalls []recovery.Waterfall) *Inquiry {
	in := &Inquiry{result: r, waterfalls: waterfalls, endings: endings(r, waterfalls), deaths: deaths(r, waterfalls)}
	in.kin = kinOf(r)
	counts, before := endpoints(r)
	for _, c := range counts {
		if c.n < before {
			in.short = append(in.short, c.Span)
		}
		if c.n == 0 {
			in.without = append(in.without, steadystate.Span{From: c.may.From, To: c.may.To + propagation})
		}
	}
	in.actions = actions(r, waterfalls)
	in.held = held(in.actions)
	in.breaches = breaches(r, in.suspects())
	for _, c := range r.Checks {
		for i, o := range c.Outages {
			at := &outage{Outage: o, Span: wholeOf(o), check: c, index: i, failures: map[Failure]int{}, without: map[int]share{}}
			at.memory, at.again = in.stops(at.Span, ofMemory), in.stops(at.Span, byNoFault(r))
			in.open = append(in.open, at)
		}
	}
	return in
}

// wholeOf is an outage from its earliest start to its latest end.
func wholeOf(o steadystate.Outage) steadystate.Span {
	return steadystate.Span{From: o.Start.From, To: o.End.To}
}

// Empty reports whether there is nothing to explain, so that reading the record
// again would be in vain.
func (in *Inquiry) Empty() bool { return len(in.open)+len(in.breaches) == 0 }

// Take adds one entry of the record. The order does not matter.
func (in *Inquiry) Take(e record.Entry) {
	if e.Observations != nil {
		for _, o := range e.Observations.List {
			for _, b := range in.breaches {
				if b.check.Signal == e.Observations.Signal {
					b.take(o, o.Middle(), "", in.result.Phases)
				}
			}
		}
	}
	if e.Requests == nil {
		return
	}
	for _, q := range e.Requests.List {
		o := q.Observation()
		if o.Unknown != "" {
			continue
		}
		for _, b := range in.breaches {
			if b.check.Signal == e.Requests.Signal {
				b.take(o, q.Sent, q.Backend, in.result.Phases)
			}
		}
		counted := map[string]bool{} // by check
		for _, at := range in.open {
			if at.check.Signal != e.Requests.Signal || counted[at.check.Check] || !o.Overlaps(at.Span) {
				continue
			}
			counted[at.check.Check] = true
			bad := o.Bad(at.check.Tolerance)
			if slices.ContainsFunc(in.without, steadystate.Instant(q.Sent).Overlaps) {
				n := at.without[int(q.Sent/tenth)]
				n.all++
				if bad {
					n.beyond++
				}
				at.without[int(q.Sent/tenth)] = n
			}
			if !bad {
				continue
			}
			at.failures[Failure{Backend: q.Backend, Reason: cmp.Or(o.Failed, Slow)}]++
			in.stage(at, q.Sent)
			for _, s := range []*stopping{&at.memory, &at.again} {
				if len(s.names) > 0 && q.Sent >= s.from {
					s.bad++
				}
			}
			// While a fault is held, a slow answer, an error or a timeout may be by that.
			sent := steadystate.Instant(q.Sent)
			vague := !cut(o.Failed) && in.whileHeld(sent)
			if slices.ContainsFunc(in.endings, func(e ending) bool { return sent.Overlaps(e.around) && (!vague || q.Backend == e.name) }) {
				at.ending++
				if in.isLate(q, o.Failed) {
					at.late++
				}
			}
			if o.Failed == "" && slices.ContainsFunc(in.short, steadystate.Instant(q.Sent).Overlaps) {
				at.short++
			}
			// One that another pod answered went to no dead one. One that was refused was not
			// under way: when a container ended is known to a second or so.
			switch {
			case q.Backend != "" || vague:
			case slices.ContainsFunc(in.deaths, func(d death) bool { return sent.Overlaps(d.after) }):
				at.lingering++
			case !slices.ContainsFunc(in.deaths, func(d death) bool { return sent.Overlaps(d.around) }):
			case o.Failed == record.ConnectionRefused:
				at.lingering++
			default:
				at.cutOff++
			}
		}
	}
}

// stage counts a bad request by the stage of the recovery that was under way when
// it was sent. Several pods that recover at once cannot be told apart.
func (in *Inquiry) stage(at *outage, sent time.Duration) {
	if len(in.waterfalls) != 1 {
		return
	}
	steps := in.waterfalls[0].Steps
	if at.staged == nil {
		at.staged = make([]int, len(steps))
	}
	if i := underWay(steps, sent); i >= 0 {
		at.staged[i]++
	}
}

// underWay is the index of the stage of a recovery that is under way at an
// instant: of those reached later the first, or the one that never was; -1: it is
// before the fault, or after the recovery. A check's own recovery is no stage of
// the pod's, and the endpoint of the victim goes beside its stages.
func underWay(steps []judge.Step, at time.Duration) int {
	found, when := -1, time.Duration(0)
	for i, s := range steps {
		switch {
		case s.Stage == recovery.Restored || s.Stage == recovery.Removed:
		case s.Stage == recovery.Fault && s.Reached != nil && at < s.Reached.From:
			return -1
		case s.Stage == recovery.Fault:
		case s.Reached != nil && s.Reached.Middle() > at && (found < 0 || s.Reached.Middle() < when):
			found, when = i, s.Reached.Middle()
		}
	}
	if found >= 0 {
		return found
	}
	return slices.IndexFunc(steps, func(s judge.Step) bool { return s.Open && s.Took != nil && s.Stage != recovery.Restored })
}

// Causes returns one cause for each outage, in the order of the checks, then one for
// each limit that broke without an outage.
func (in *Inquiry) Causes() []Cause {
	all := moments(in.result)
	var list []Cause
	for _, o := range in.open {
		c := Cause{Check: o.check.Check, Outage: o.index, Failures: o.sorted()}
		bad := c.bad()
		for i, n := range o.staged {
			if 2*n > bad {
				w := in.waterfalls[0]
				c.Stage, c.Recovering = w.Steps[i].Stage, w.Victim.Name
				if w.Replacement != nil {
					c.Recovering = w.Replacement.Name
				}
			}
		}
		for _, m := range all {
			switch at := m.Middle(); {
			case at <= o.Start.Middle():
				c.Before = &m
			case at > o.End.Middle():
			case c.Inside == nil:
				c.Inside = &m
			default:
				c.More++
			}
		}
		c.Who, c.When = in.who(o, c.Failures), when(o, c)
		c.Rule, c.Why, c.Quote = in.why(o, c)
		c.When = strings.TrimPrefix(c.When+in.said(o, c), "; ")
		list = append(list, c)
	}
	for _, b := range in.breaches {
		if !b.byOutages() {
			list = append(list, b.cause(in))
			continue
		}
		for i := range list {
			if c := &list[i]; c.Check == b.check.Check && c.Outage != NoOutage && 10*b.byOutage[c.Outage] < b.inOutages {
				c.NoPartIn = append(c.NoPartIn, b.finding.Limit)
			}
		}
	}
	return append(list, ofScalers(in.result)...)
}

// Of returns the causes of a broken limit: its own if no outage broke it, which may be
// none, and else those of the outages in its time. Of a limit on values, on a share or on
// the downtime these are the outages that make up what breaks it, each a tenth at least; of
// one on the longest outage, those that are longer.
func Of(r judge.Result, f judge.Finding, causes []Cause) (list []Cause) {
	check, err := r.Check(f.Check)
	limit, _ := steadystate.ParseLimit(f.Limit)
	window, down, lengths := windowOf(r, check, limit), time.Duration(0), map[int]time.Duration{}
	for _, c := range causes {
		if c.Check != f.Check || c.Limit != "" && c.Limit != f.Limit || slices.Contains(c.NoPartIn, f.Limit) {
			continue
		}
		if c.Outage == NoOutage {
			return []Cause{c}
		}
		if err == nil && c.Outage < len(check.Outages) {
			o := check.Outages[c.Outage]
			length := o.Length().High
			if limit.Phase != "" { // which has a part of it, or none
				length = min(length, min(window.To, o.End.To)-max(window.From, o.Start.From))
			}
			if length < 0 || limit.Quantity == steadystate.Longest && !o.Open && limit.Tolerance.Holds(length.Seconds()) {
				continue
			}
			lengths[c.Outage] = length
			down += length
		}
		list = append(list, c)
	}
	if limit.Quantity != steadystate.Downtime && limit.Quantity != steadystate.Uptime {
		return list
	}
	return slices.DeleteFunc(list, func(c Cause) bool {
		length, known := lengths[c.Outage]
		return known && 10*length < down
	})
}

// bad is the number of bad requests that were found.
func (c Cause) bad() (n int) {
	for _, f := range c.Failures {
		n += f.Requests
	}
	return n
}

// sorted are the failures, the most first.
func (o *outage) sorted() []Failure {
	var list []Failure
	for f, n := range o.failures {
		f.Requests = n
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Backend, b.Backend), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}
