package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// abortSignal goes before the name of a condition, in the name of its query's
// signal.
const abortSignal = "abort "

// aborts looks at what is written of when to abort.
func (r *resolver) aborts(at cursor, a Abort) {
	if a.Blind < 0 {
		r.bad(at.field("blind"), "%s is below zero", a.Blind)
	}
	for _, name := range a.Unless.Names {
		r.condition(a.Unless.at[name], name, a.Unless.Values[name])
	}
}

func (r *resolver) condition(at cursor, name string, c Condition) {
	if strings.TrimSpace(name) != name || name == "" {
		r.bad(at, "is not a name")
	}
	r.observes(at, "condition", Check{Signal: c.Signal, Query: c.Query, Reduce: c.Reduce, Good: c.Good})
	if c.For < 0 {
		r.bad(at.field("for"), "%s is below zero", c.For)
	}
}

// abortOf is when a run of an experiment is aborted: the experiment's own, merged
// onto the file's. A condition of the file's on a signal that the service does not
// have is left out, and said.
func (r *resolver) abortOf(p *Planned, own cursor) {
	a, at := r.plan.Abort, r.abort
	if !own.null() {
		at = own.with(merge(r.abort.value, own.value))
		a = Abort{}
		if !r.ok(func() { r.value(at, &a) }) {
			return
		}
		r.aborts(at, a)
	}
	p.Abort.Blind = a.Blind
	for _, name := range a.Unless.Names {
		c, inner := a.Unless.Values[name], a.Unless.at[name]
		if why := r.signalMissing(p, Check{Signal: c.Signal, Query: c.Query}); why != "" {
			if own.field("unless").name(name).null() {
				p.Notes = append(p.Notes, fmt.Sprintf("without abort condition %s: %s", name, why))
			} else {
				r.bad(inner, "abort condition %q: %s", name, why)
			}
			continue
		}
		planned := PlannedCondition{Name: name, Signal: c.Signal, Good: c.Good.Tolerance, For: c.For, Place: inner.place()}
		if c.Query != "" {
			planned.Signal = abortSignal + name
			planned.Query = &Query{Text: c.Query, Reduce: c.Reduce, Every: time.Second, Place: inner.field("query").place()}
		}
		p.Abort.Unless = append(p.Abort.Unless, planned)
	}
}

// Uses reports whether a check or a condition is on a signal.
func (p Planned) Uses(signal string) bool {
	return slices.ContainsFunc(p.Checks, func(c PlannedCheck) bool { return c.Signal == signal }) ||
		slices.ContainsFunc(p.Abort.Unless, func(c PlannedCondition) bool { return c.Signal == signal })
}
