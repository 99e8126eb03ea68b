package judge

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An exposure counts the good answers of each backend to a signal's requests,
// in a stretch before a fault.
type exposure struct {
	steadystate.Span
	signal    string
	when      string // for people, if it is not right before the fault
	by        map[string]int
	all, well int
}

// add takes a request that ended before the stretch did.
func (e *exposure) add(q record.Request, o steadystate.Observation) {
	if o.From < e.From || o.To >= e.To {
		return
	}
	e.all++
	if o.Failed != "" || o.Unknown != "" {
		return
	}
	e.well++
	if q.Backend != "" {
		e.by[q.Backend]++
	}
}

// fair is the share of an equal split that a target must serve at least: a fault on
// a pod that serves hardly anything shows hardly anything.
const fair = 0.25

// passedOver says why a pod may answer few of the requests that others answer.
const passedOver = "a pod that has just started may be why, or kept connections (reuse or reuseRate of the load), of which few lead to it: fresh ones meet every pod"

// of says what share of the good answers a target gave, and whether that is
// enough: a fault on a pod without traffic proves nothing. The target served for a
// part of the stretch; zero: it is not known for which.
func (e *exposure) of(target string, part float64) (text string, enough bool) {
	named := 0
	for _, n := range e.by {
		named += n
	}
	before := before(e.when, e.Span)
	if named == 0 {
		return fmt.Sprintf("no answer to %s %s names its backend: have the service name its pod in a response header that the load reads", e.signal, before), false
	}
	n := e.by[target]
	text = fmt.Sprintf("%s answered %d of %d %s %s (%.3g%%)", target, n, named, e.signal, before, 100*float64(n)/float64(named))
	if n < steadystate.MinObservations {
		text += fmt.Sprintf(", wanted at least %d", steadystate.MinObservations)
		if named-n >= steadystate.MinObservations { // others answer
			text += ": " + passedOver
		}
		return text, false
	}
	if wanted := fair * part * float64(named) / float64(len(e.by)); float64(n) < wanted {
		return text + fmt.Sprintf(", wanted at least %.0f, a quarter of an equal share of the %d pods that answered: %s", math.Ceil(wanted), len(e.by), passedOver), false
	}
	return text, true
}

// before names a stretch in a text.
func before(when string, stretch steadystate.Span) string {
	return cmp.Or(when, fmt.Sprintf("in the %s before the fault", steadystate.FormatSeconds(stretch.Width().Seconds())))
}

// signalsJudged are the load's signals that checks judge; without any, all of
// them, since the load is then there to show which pods serve.
func signalsJudged(checks []steadystate.Check, load []string) []string {
	list := slices.DeleteFunc(slices.Clone(load), func(signal string) bool {
		return !slices.ContainsFunc(checks, func(c steadystate.Check) bool { return c.Signal == signal })
	})
	if len(list) == 0 {
		return load
	}
	return list
}

// answerers count the backends' good answers before the first injection, or the
// inject phase of a control run, by tenths of a second: the first pass does not
// know yet when the settled stretch begins.
type answerers map[time.Duration]map[string]int

const tenth = 100 * time.Millisecond

// answered counts a request, in the first pass.
func (j *judge) answered(signal string, q record.Request, o steadystate.Observation) {
	if q.Backend == "" || o.Failed != "" || o.Unknown != "" || j.faulted(o.From) {
		return
	}
	of := j.answerers[signal]
	if of == nil {
		of = answerers{}
		j.answerers[signal] = of
	}
	at := o.From / tenth
	if of[at] == nil {
		of[at] = map[string]int{}
	}
	of[at][q.Backend]++
}

// faulted reports, in the first pass, whether an instant is after the first
// injection, which may begin later than its phase.
func (j *judge) faulted(at time.Duration) bool {
	start, ok := j.windowStart()
	return ok && at >= start && (len(j.Injections) > 0 || j.Phases[len(j.Phases)-1].Name != record.PhaseInject)
}

// smallest is the smallest share of a signal's answers that one backend gave in
// the settled stretch; zero if no answer names one. A backend with hardly any
// answers does not count.
func (j *judge) smallest(signal string) float64 {
	span := j.settledFor(signal)
	by := map[string]int{}
	for at, of := range j.answerers[signal] {
		if at*tenth < span.From || (at+1)*tenth > span.To {
			continue
		}
		for name, n := range of {
			by[name] += n
		}
	}
	return steadystate.SmallestShare(maps.Values(by))
}

// newExposures follows the backends by signal, in the settled stretch before
// the first injection: right before a later one the service is not as it is
// without a fault. Pods that joined since then are not in that stretch; they
// count with what they answered before their own injection, or while the fault
// was held.
func (j *judge) newExposures() {
	j.settledBy = map[string]*exposure{}
	widths := map[string]time.Duration{}
	for signal := range j.Traffic {
		widths[signal] = j.settledFor(signal).Width()
		j.settledBy[signal] = &exposure{Span: steadystate.Span{From: j.Window.From - widths[signal], To: j.Window.From}, signal: signal, by: map[string]int{}}
	}
	for _, i := range j.Injections {
		of := map[string]*exposure{}
		for signal, width := range widths {
			span := steadystate.Span{From: i.From - width, To: i.From}
			if !i.OneShot {
				span.To = j.until(i).From
			}
			when := fmt.Sprintf("from %s to %s", steadystate.Instant(span.From), steadystate.Instant(span.To))
			of[signal] = &exposure{Span: span, signal: signal, when: when, by: map[string]int{}}
		}
		j.exposures = append(j.exposures, of)
	}
}

// exposure is the exposure that counts for a target of an injection, and for which
// part of its stretch the target served without the fault.
func (j *judge) exposure(injection int, t record.Target, signal string) (e *exposure, part float64) {
	i := j.Injections[injection]
	if p := i.pods[t.UID]; p != nil && p.joined(j.Window.From) {
		e = j.exposures[injection][signal]
		if e.Width() > 0 {
			part = max(0, float64(i.From-max(e.From, p.from.To))/float64(e.Width()))
		}
		return e, part
	}
	return j.settledBy[signal], 1
}

// expose adds a request to the exposures.
func (j *judge) expose(signal string, q record.Request, o steadystate.Observation) {
	j.settledBy[signal].add(q, o)
	for _, of := range j.exposures {
		of[signal].add(q, o)
	}
}

// exposed: each target answered requests of each judged signal or, without a
// load, showed its own traffic.
func (j *judge) exposed() (seen string, missing lack) {
	loaded := hasLoad(j.plan) || len(j.Traffic) > 0
	switch {
	case loaded && len(j.Traffic) == 0:
		return "", lack{text: noRequest}
	case !loaded && j.plan.Traffic == "":
		return "", lacks("neither a load nor a signal of the targets' traffic shows whether they serve")
	}
	signals := signalsJudged(j.plan.Checks, slices.Sorted(maps.Keys(j.Traffic)))
	var served []string
	for n, i := range j.Injections {
		for _, t := range i.Targets {
			if isOfLoad(i.Injection, t) {
				e := j.settledBy[t.Name]
				if e == nil {
					e = &exposure{}
				}
				before := fmt.Sprintf("answered well in the %s before the fault", steadystate.FormatSeconds(e.Width().Seconds()))
				if e.well == 0 {
					return "", lacks("none of %d %s was %s: see whether the load's url leads to the service, and what it answers there", e.all, t.Name, before)
				}
				served = append(served, fmt.Sprintf("%d of %d %s were %s", e.well, e.all, t.Name, before))
				continue
			}
			if !loaded {
				text, enough := j.serves(n, t)
				if !enough {
					return "", lacks("%s: %s", i.Fault, text)
				}
				served = append(served, text)
			}
			for _, signal := range signals {
				e, part := j.exposure(n, t, signal)
				text, enough := e.of(t.Name, part)
				if !enough {
					return "", lacks("%s: %s", i.Fault, text)
				}
				served = append(served, text)
			}
		}
	}
	if len(served) == 0 {
		return "", lack{noFault, noFaultText}
	}
	return strings.Join(served, "; "), lack{}
}

const noRequest = "the load sent no request, so whether the targets serve is not known"

// Unexposed says which of the possible targets answered too few requests of a
// judged signal in the settle time that ends now or, without a load, showed no
// traffic; empty if all serve. Final: no answer names its backend, so waiting
// does not help.
func (g *Gate) Unexposed(targets []record.Target, now time.Duration) (why string, final bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	load := []string{}
	for _, signal := range slices.Sorted(maps.Keys(g.signals)) {
		if g.signals[signal].requests {
			load = append(load, signal)
		}
	}
	switch {
	case len(load) > 0:
	case hasLoad(g.plan):
		return noRequest, false
	case g.plan.Traffic != "":
		return g.idle(targets, now), false
	}
	for _, signal := range signalsJudged(g.checks, load) {
		s := g.signals[signal]
		e := &exposure{Span: steadystate.Span{From: now - s.needed(g.settle), To: now}, signal: signal, by: map[string]int{}}
		for _, a := range s.answered {
			if e.From <= a.at && a.at < e.To {
				e.by[a.by]++
			}
		}
		for _, t := range targets {
			if text, enough := e.of(t.Name, 1); !enough {
				return text, len(e.by) == 0
			}
		}
	}
	return "", false
}
