package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// standard plans what a service runs of the catalogue, in the catalogue's order.
func (r *resolver) standard(t *Target) {
	for _, id := range r.catalogue.Experiments.Names {
		asks := r.asks(t, id)
		if asks == nil {
			continue
		}
		suite, name, _ := strings.Cut(id, "/")
		base := r.catalogue.Experiments.at[id]
		p := Planned{Suite: suite, Name: name, Target: t, Place: asks.told()}
		if patch, varied := t.Vary.at[id]; varied {
			p.Place = patch.place()
			r.experiment(p, r.onto(base.value, patch))
		} else {
			r.experiment(p, base.usedBy(*asks))
		}
	}
}

// usedBy is the cursor with the line of what uses it, if it is the catalogue's.
func (c cursor) usedBy(user cursor) cursor {
	if c.files.standard(c.line) {
		c.line = user.line
	}
	return c
}

// own plans an experiment of the file's own.
func (r *resolver) own(name string, at cursor) {
	if strings.Contains(name, "/") {
		r.badName(at, "has a slash, as names of the catalogue have: to change that experiment for a service, write services: {NAME: {vary: {%s: {...}}}}; an experiment of your own has a name without a slash, and may have \"from: %s\"", name, name)
		return
	}
	r.name(at, name, r.plan.Experiments.Names)
	if at.null() {
		return // which was reported
	}
	if merged := r.inherit(name, at, nil); merged.value != nil {
		r.experiment(Planned{Name: name, Place: at.place()}, merged)
	}
}

// inherit merges an experiment onto the one that it is from, and that onto its
// own. Its value is nil where that fails.
func (r *resolver) inherit(name string, at cursor, chain []string) (merged cursor) {
	if merged, done := r.merged[name]; done {
		return merged
	}
	defer func() { r.merged[name] = merged }()
	none := at
	none.value = nil
	if !at.is(yaml.MappingNode) {
		r.bad(at, "want a mapping, as in {from: pods/kill-one}, not %s", at.what())
		return none
	}
	var base *yaml.Node
	if from := at.field("from"); !from.null() {
		chain = append(chain, name)
		if !from.is(yaml.ScalarNode) {
			r.bad(from, "want the name of an experiment, as in pods/kill-one, not %s", from.what())
			return none
		}
		standard, ok := r.catalogue.Experiments.at[from.value.Value]
		other, there := r.plan.Experiments.at[from.value.Value]
		switch {
		case ok:
			base = standard.value
		case !there:
			r.bad(from, "no experiment %q; experiments: %s", from.value.Value, choicesFor(from.value.Value, slices.Concat(r.catalogue.Experiments.Names, r.plan.Experiments.Names)))
			return none
		case slices.Contains(chain, from.value.Value):
			r.bad(from, "is circular: %s", strings.Join(head(append(chain, from.value.Value)), " from "))
			return none
		default:
			if base = r.inherit(from.value.Value, other, chain).value; base == nil {
				return none
			}
		}
	}
	return r.onto(base, at)
}

// onto is a patch merged onto the experiment that it changes, which may be nil.
// Without all of its faults that one would hold and test nothing.
func (r *resolver) onto(base *yaml.Node, patch cursor) cursor {
	merged := patch.with(merge(base, patch.value))
	before, after := cursor{value: base}.field("faults"), merged.field("faults")
	if before.is(yaml.MappingNode) && len(before.value.Content) > 0 && after.is(yaml.MappingNode) && len(after.value.Content) == 0 {
		r.bad(after, "every fault is removed; add another, or write an experiment with no \"from\" and faults: {}")
	}
	return merged
}

// experiment plans one that was merged, or skips it.
func (r *resolver) experiment(p Planned, at cursor) {
	var e Experiment
	r.value(at, &e)
	if p.Target == nil {
		if p.Target = r.of(e, at); p.Target == nil {
			return
		}
	} else if e.Service != "" {
		r.bad(at.field("service"), "is only for an experiment of the file's own; this one runs on %s", p.Target.Name)
	}
	if r.undecoded.below(p.Target.at.path.String()) {
		r.hushed = true // what seems to be wrong may be a consequence
		defer func() { r.hushed = false }()
	}
	why, where := r.missing(p, e, at)
	switch {
	case e.Skip != "" || why != "" && p.Suite != "":
		r.plan.Skipped = append(r.plan.Skipped, Skipped{p.ID(), cmp.Or(e.Skip, why)})
		return
	case why != "":
		r.bad(where, "%s", why)
		return
	}
	if at.field("faults").null() && !r.undecoded.below(at.path.String()) {
		r.bad(at.field("faults"), "is missing, as in {kill: {podKill: {pods: 1}}}; faults: {} is for the load alone")
	}
	if least := at.field("atLeast"); e.AtLeast.Undo+e.AtLeast.Deadline > 0 {
		r.bad(least, "no effect needs an undo or a deadline; write them under times")
	}
	p.Title = r.title(e, p, at.field("title"))
	p.Load, p.Workers, p.CABundle = r.loadOf(p.Target, at.field("load"))
	p.LoadAt = loadAt(p.Target, at.field("load"))
	r.times(&p, e, at.field("times"))
	r.faults(&p, e, at.field("faults"))
	r.checksOf(&p, e, at)
	r.expects(&p, e, at)
	r.abortOf(&p, at.field("abort"))
	p.Hash = r.hash(p, e)
	r.plan.Planned = append(r.plan.Planned, p)
}

// loadAt is where the file has what the load requests: in the experiment's own, or else
// in the service's.
func loadAt(t *Target, own cursor) Place {
	for _, at := range []cursor{own, t.at.field("load")} {
		for _, name := range []string{"url", "targets"} {
			if of := at.field(name); of.value != nil && !of.files.standard(of.key) {
				return of.told()
			}
		}
	}
	return t.At("load")
}

// of is the service that an experiment names; the only one, if there is no other.
func (r *resolver) of(e Experiment, at cursor) *Target {
	names := r.plan.File.Services.Names
	target := r.plan.Find(e.Service)
	switch {
	case e.Service == "" && len(r.plan.Services) == 1:
		return r.plan.Services[0]
	case e.Service == "" && len(r.plan.Services) > 1:
		r.bad(at.field("service"), "is missing; services: %s", choices(names))
	case target == nil && len(r.plan.Services) > 0:
		r.bad(at.field("service"), "no service %q; services: %s", e.Service, choicesFor(e.Service, names))
	}
	return target
}

func (r *resolver) title(e Experiment, p Planned, at cursor) string {
	if e.Title == "" {
		return p.ID()
	}
	title, err := fill(e.Title, ofService(p.Target.Name))
	if err != nil {
		r.bad(at, "%s", err)
	}
	return title
}

// times are the experiment's own, else the file's, at least as long as its fault
// needs.
func (r *resolver) times(p *Planned, e Experiment, at cursor) {
	said := r.plan.Times
	choose := func(name string, own, least, file, otherwise time.Duration) time.Duration {
		switch {
		case own > 0 && own < least:
			p.Notes = append(p.Notes, fmt.Sprintf("%s is %s as the file says, and its effect may not show in less than %s", name, steadystate.FormatDuration(own), steadystate.FormatDuration(least)))
		case own > 0:
		case least > cmp.Or(file, otherwise):
			if file > 0 {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is %s and not %s, as times.%s says: its effect may not show in less; times: {%s: ...} of the experiment sets another", name, steadystate.FormatDuration(least), steadystate.FormatDuration(file), name, name))
			}
			own = least
		}
		return cmp.Or(own, file, otherwise)
	}
	p.Times = Times{
		Settle:   choose("settle", e.Times.Settle, e.AtLeast.Settle, said.Settle, defaultSettle),
		Hold:     choose("hold", e.Times.Hold, e.AtLeast.Hold, said.Hold, defaultHold),
		Watch:    choose("watch", e.Times.Watch, e.AtLeast.Watch, said.Watch, defaultWatch),
		Undo:     cmp.Or(e.Times.Undo, said.Undo),
		Deadline: cmp.Or(e.Times.Deadline, said.Deadline),
	}
	least, serial := p.Times.Settle+p.Times.Hold, false
	for _, f := range e.Faults.Values {
		least = max(least, p.Times.Settle+f.At+f.Within+cmp.Or(f.For, p.Times.Hold))
		switch f.Spec.(type) {
		case Drain, Restart, BadImage:
			serial = true
		}
	}
	if p.Times.Deadline < least && p.Times.Deadline > 0 {
		r.overrun(*p, e, least, at)
	}
	if serial {
		p.Times.Undo = cmp.Or(p.Times.Undo, serialUndo)
		// A run without one takes twice the length of its phases, plus 3m.
		if 2*(least+time.Minute+p.Times.Watch)+time.Minute < serialDeadline {
			p.Times.Deadline = cmp.Or(p.Times.Deadline, serialDeadline)
		}
	}
}

// An overrun is a deadline that is shorter than what an experiment needs.
type overrun struct {
	at       cursor // of the deadline
	id       string
	deadline time.Duration
	least    time.Duration
}

// overrun notes an overrun of one of the file's own experiments, the longest of each
// deadline. Of those of the catalogue the file may have many that are never run, and a
// run refuses them.
func (r *resolver) overrun(p Planned, e Experiment, least time.Duration, at cursor) {
	if p.Suite != "" || r.hushed {
		return
	}
	if e.Times.Deadline == 0 {
		at = r.plan.root.field("times")
	}
	one := overrun{at.field("deadline"), p.ID(), p.Times.Deadline, least}
	i := slices.IndexFunc(r.overruns, func(o overrun) bool { return o.at.line == one.at.line })
	switch {
	case i < 0:
		r.overruns = append(r.overruns, one)
	case r.overruns[i].least < least:
		r.overruns[i] = one
	}
}

// faults are the experiment's. What is wrong with them whatever runs is reported.
func (r *resolver) faults(p *Planned, e Experiment, at cursor) {
	first, factor := len(e.Faults.Names) == 0, Multiple(0)
	for _, name := range e.Faults.Names {
		f, inner := e.Faults.Values[name], e.Faults.at[name]
		if f.Kind == "" {
			continue // it could not be decoded
		}
		kind, hold := inner.field(f.Kind), cmp.Or(f.For, p.Times.Hold)
		first = first || f.At == 0 && f.When == (When{})
		if f.To == ToCalls && len(p.Target.Calls) == 1 {
			f.To = p.Target.Calls[0]
		} else if f.To != "" && (r.plan.Find(f.To) == nil || f.To == p.Target.Name) {
			r.notAnother(kind.field("to"), f.To, p.Target.Name, r.plan.File.Services.Names)
		}
		ok := true
		switch spec := f.Spec.(type) {
		case ChaosMesh:
			spec.Object, ok = r.chaosMesh(spec, f.Effects, kind)
			f.Spec = spec
			if own := spec.Object.Duration(); own > 0 && own != hold && !f.OneShot() {
				p.Notes = append(p.Notes, fmt.Sprintf("fault %s: spec.duration %s is ignored, it is held for %s; to change that write for: %s", name, steadystate.FormatDuration(own), steadystate.FormatDuration(hold), steadystate.FormatDuration(own)))
			}
			for _, signal := range f.signals() {
				if why := r.lacks(p.Target, "podSignals."+signal, true); why != "" {
					r.bad(inner, "%s", why)
				}
			}
		case Surge:
			spec = r.surge(p, spec, inner)
			f.Spec = spec
			if factor = cmp.Or(factor, spec.Factor); spec.Factor != factor {
				r.bad(kind.field("factor"), "all surges of an experiment have one factor, and this one has %gx after %gx", float64(spec.Factor), float64(factor))
			}
		}
		if ok {
			r.valid(f, inner)
		}
		switch {
		case f.Within > 0 && inner.field("when").null():
			r.bad(inner.field("within"), "is how long to wait for a condition; add when: {autoscaler: %s}", ScalingOut)
		case f.When != (When{}) && f.Within == 0:
			r.bad(inner.field("within"), "is missing: how long to wait for the condition, as in within: 2m")
		}
		if f.At > p.Times.Hold {
			r.bad(inner.field("at"), "%s is beyond hold, which is %s; set times: {hold: %s} or longer, or a shorter at", steadystate.FormatDuration(f.At), steadystate.FormatDuration(p.Times.Hold), steadystate.FormatDuration(f.At))
		}
		if f.For > 0 && f.OneShot() {
			r.bad(inner.field("for"), "%s is over at once, there is nothing to hold; remove it", f.Kind)
		}
		switch {
		case hold <= 0 || hold >= leastHold || f.OneShot():
		case f.For > 0:
			r.bad(inner.field("for"), "%s is too short: a fault is checked once a second; hold it for %s or longer", steadystate.FormatDuration(hold), steadystate.FormatDuration(leastHold))
		default:
			r.bad(inner, "it is held for the hold time of %s, which is too short: a fault is checked once a second; set hold, or for, to %s or longer", steadystate.FormatDuration(hold), steadystate.FormatDuration(leastHold))
		}
		p.Faults = append(p.Faults, PlannedFault{Name: name, Fault: f, Callee: r.plan.Find(f.To), Place: inner.told()})
	}
	if !first {
		r.bad(at, "every fault has an at or a when: one must come first, because the others count from its T0")
	}
}

// surge completes one.
func (r *resolver) surge(p *Planned, s Surge, fault cursor) Surge {
	at := fault.field("surge")
	if s.Factor == 0 && p.Target.Autoscaler != nil {
		s.Factor = p.Target.Autoscaler.Surge
	}
	s.Factor = cmp.Or(s.Factor, defaultSurge)
	if s.Factor <= 1 {
		r.bad(at.field("factor"), "%gx: want more than 1x, as in 10x", float64(s.Factor))
	} else if p.Load != nil && p.Load.Validate() == nil {
		surged := *p.Load
		surged.Surge = &load.Surge{Factor: float64(s.Factor)}
		if err := surged.Validate(); err != nil {
			r.fail(fault, err)
		}
	}
	return s
}

// errorList is what Kubernetes returns of several fields: an Aggregate, or a
// strict decoding error.
type errorList interface {
	error
	Errors() []error
}

// valid looks at a fault of Chaos Mesh as far as it can be said without its pods.
func (r *resolver) valid(f Fault, at cursor) {
	sample := faults.Pods{Namespace: "sample", Selector: map[string]string{"app": "sample"}}
	spec, ok := f.Aim(sample, sample, "sample")
	if !ok {
		if len(f.Effects) > 0 {
			r.bad(at.field("effects"), "are for faults of Chaos Mesh; what a %s must show is known", f.Kind)
		}
		return
	}
	object, file := at.field(f.Kind), ""
	if c, ok := f.Spec.(ChaosMesh); ok && c.File != "" {
		object, file = object.field("file"), c.File+": "
	} else if ok {
		object = object.field("yaml")
	}
	var fields errorList
	switch err := spec.Validate(); {
	case err == nil:
	case errors.As(err, &fields):
		for _, err := range fields.Errors() {
			var wrong *field.Error
			if !errors.As(err, &wrong) {
				r.bad(object, "%s%s", file, err)
				continue
			}
			of := at.field(f.Kind)
			if strings.HasPrefix(wrong.Field, "effects") { // which are beside the kind
				of = at
			}
			if wrong.Field == "count" {
				wrong.Field = "pods"
			}
			switch of = of.within(wrong.Field); {
			case wrong.Type == field.ErrorTypeInvalid && of.null():
				r.bad(of, "is missing; it %s", wrong.Detail)
			case wrong.Type == field.ErrorTypeRequired:
				r.bad(of, "is missing; %s", wrong.Detail)
			case wrong.Type == field.ErrorTypeInvalid:
				r.bad(of, "%v: %s", wrong.BadValue, wrong.Detail)
			default:
				r.bad(of, "%s", wrong.Detail)
			}
		}
	default:
		// Of an object: "yaml: refused: 2 documents; ...".
		text := strings.TrimPrefix(strings.ReplaceAll(err.Error(), "refused: ", ""), "yaml: ")
		if m := syntax.FindStringSubmatch(text); m != nil && m[1] != "" {
			text = fmt.Sprintf("line %s of the object is not YAML: %s", m[1], advised(m[2]))
		}
		r.bad(object, "%s%s", file, text)
	}
}

// OneShot reports whether a fault is over when it is done, as its run sees it: several
// evictions may have to wait for each other.
func (f Fault) OneShot() bool {
	switch spec := f.Spec.(type) {
	case ChaosMesh:
		return chaosmesh.OneShot(spec.Object)
	case chaosmesh.Spec:
		return chaosmesh.OneShot(spec)
	case Evict:
		return spec.Count == faults.One
	}
	return false
}

// expects is what is expected besides the checks.
func (r *resolver) expects(p *Planned, e Experiment, at cursor) {
	for _, name := range at.field("expects").items(e.Expects) {
		if name.text != ExpectAutoscaler {
			r.bad(name.at, "no expectation %q; expectations: %s", name.text, ExpectAutoscaler)
			continue
		}
		over := at.field("limits").name(name.text)
		if !r.autoscalerLimits(over, e.Limits[name.text]) || p.Target.Autoscaler == nil { // nil: it could not be decoded
			continue
		}
		base := p.Target.Autoscaler.Limits
		for _, text := range slices.Concat(p.Target.at.field("autoscaler").field("limits").items(base), over.items(e.Limits[name.text])) {
			if l, err := autoscaling.ParseLimit(text.text); err == nil {
				p.placed(name.text, l, text.at)
			}
		}
		p.Expects = append(p.Expects, Expectation{Name: name.text, Limits: steadystate.Merge(base, e.Limits[name.text], autoscaling.Evaluator{}.Key)})
	}
}

// placed notes where a limit is written, for reports; of one of the catalogue's,
// where the file asks for it.
func (p *Planned) placed(check string, limit fmt.Stringer, at cursor) {
	if p.Places == nil {
		p.Places = map[string]Place{}
	}
	p.Places[record.PlaceKey(check, limit.String())] = at.told()
}

// signalPrefix, in a key of limits, goes before a signal: the limits are merged
// into each check on it.
const signalPrefix = "signal "

// A placedLimit is a limit and where it is written.
type placedLimit struct {
	steadystate.Limit
	at cursor
}

// checksOf are the experiment's checks, the service's or the catalogue's, with the
// experiment's limits.
func (r *resolver) checksOf(p *Planned, e Experiment, at cursor) {
	list := at.field("checks").items(e.Checks)
	if e.Checks == nil {
		list = p.Target.at.field("checks").items(p.Target.Checks)
		if p.Target.Checks == nil {
			if p.Load != nil {
				list = append(list, reference{"standard/answers", at})
			}
			list = append(list, reference{"standard/replicas", at})
		}
	}
	list = append(list, at.field("extraChecks").items(e.ExtraChecks)...)
	limits, names := at.field("limits"), []string{}
	used := map[string]bool{ExpectAutoscaler: slices.Contains(e.Expects, ExpectAutoscaler)}
	faultless := at.field("faults").is(yaml.MappingNode) && len(e.Faults.Names) == 0
	for _, name := range list {
		if !r.known(name) || slices.Contains(names, name.text) {
			continue
		}
		names = append(names, name.text)
		c, written := r.plan.Checks.Values[name.text], r.plan.Checks.at[name.text]
		used[name.text], used[signalPrefix+c.Signal] = true, true
		if why := r.signalMissing(p, c); why != "" {
			if strings.Contains(name.text, "/") {
				p.Notes = append(p.Notes, fmt.Sprintf("without check %s: %s", name.text, why))
			} else {
				r.bad(name.at, "check %q: %s", name.text, why)
			}
			continue
		}
		planned := PlannedCheck{
			Check: steadystate.Check{Name: name.text, Signal: c.Signal, Good: c.Good.Tolerance, Allowed: float64(c.Allowed)},
			Place: written.place(),
		}
		if c.Query != "" {
			planned.Signal = name.text
			planned.Query = &Query{Text: c.Query, Reduce: c.Reduce, Every: cmp.Or(c.Every, time.Second), Place: written.field("query").place()}
			r.query(written.usedBy(name.at).field("query"), p.Target.Subject(cmp.Or(p.Target.Container, "container")), *planned.Query)
		}
		var merged []placedLimit
		var without []string
		for i, l := range c.Limits {
			one := placedLimit{l, written.usedBy(name.at).field("limits").item(i)}
			if faultless && l.OfInjections() && one.at.files.standard(one.at.key) {
				without = append(without, fmt.Sprintf("check %s without its limit %q: it counts from a fault, and there is none", name.text, l))
				continue
			}
			merged = append(merged, one)
		}
		throughout := len(merged) == 0
		ofSignal := r.limits(limits.name(signalPrefix+c.Signal), e.Limits[signalPrefix+c.Signal], c)
		own := r.limits(limits.name(name.text), e.Limits[name.text], c)
		r.contradictions(ofSignal, own, name.text)
		merged = steadystate.Merge(steadystate.Merge(merged, ofSignal, placedLimit.Key), own, placedLimit.Key)
		if throughout = throughout && !slices.ContainsFunc(merged, placedLimit.BoundsOutages); throughout && len(without) > 0 {
			without = append(without, fmt.Sprintf("check %s must be good throughout: no other limit bounds its outages", name.text))
		}
		p.Notes = append(p.Notes, without...)
		if throughout && len(merged) > 0 {
			// The check itself says: good throughout.
			merged = steadystate.Merge([]placedLimit{{steadystate.Throughout(), written.usedBy(name.at)}}, merged, placedLimit.Key)
		}
		finest := time.Duration(0) // that of a query is asked for in preflight
		if s, ok := signalOf(c.Signal); ok {
			finest, _ = s.finest(p.Target, p.Load)
		}
		for _, l := range merged {
			planned.Limits = append(planned.Limits, l.Limit)
			p.placed(name.text, l.Limit, l.at)
			if err := l.Decidable(finest, p.Times.Hold+p.Times.Watch); err != nil {
				r.bad(l.at, "%s", err)
			}
			if faultless && l.OfInjections() && p.Suite == "" {
				r.bad(l.at, "limit %q counts from a fault, and %s has none: remove it, or give the experiment checks without it, as in checks: [NAME]", l, p.ID())
			}
			r.reachable(p, c.Signal, l)
		}
		p.Checks = append(p.Checks, planned)
	}
	if len(p.Checks) == 0 && len(r.mistakes) == 0 {
		r.bad(at, "has no check: without one nothing could be broken; checks: %s", choices(r.plan.Checks.sorted()))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Limits)) {
		switch on := limits.name(name); {
		case used[name]:
		case on.files.standard(on.key) && strings.HasPrefix(name, signalPrefix):
			p.Notes = append(p.Notes, fmt.Sprintf("without its limits on %s (%s): no check is on it", name, strings.Join(e.Limits[name], ", ")))
		default:
			r.bad(limits.name(name), "the experiment has no such check; \"%sNAME\" is for each check on a signal; checks: %s", signalPrefix, choicesFor(name, names))
		}
	}
}

// contradictions reports limits of the file on a signal that would be silently
// overruled by those on the same of a check by its name, as where one of the two
// was inherited. The catalogue's may be.
func (r *resolver) contradictions(ofSignal, own []placedLimit, check string) {
	for _, s := range ofSignal {
		i := slices.IndexFunc(own, func(o placedLimit) bool { return o.Key() == s.Key() && o.String() != s.String() })
		if i >= 0 && !s.at.files.standard(s.at.key) {
			r.bad(s.at, "%q, and of check %q %q (%s): keep one of the two", s, check, own[i], own[i].at.place())
		}
	}
}

// margin is by how much the rate of requests that is measured may be off the one
// that is sent.
const margin = 1.02

// reachable reports a limit that wants a higher rate of requests than the load
// sends.
func (r *resolver) reachable(p *Planned, signal string, l placedLimit) {
	if l.Quantity != steadystate.Rate || !l.Tolerance.Floor() || p.Load == nil {
		return
	}
	sent := map[string]float64{record.TrafficSignal: p.Load.Shape.Peak(), load.ReusedSignal: float64(p.Load.ReuseRate)}[signal]
	for _, f := range p.Faults {
		if surge, ok := f.Spec.(Surge); ok {
			sent *= float64(surge.Factor)
			break // the surges of one experiment are one
		}
	}
	if least := margin * l.Tolerance.Value(); sent > 0 && sent < least {
		r.bad(l.at, "limit %q: the load sends %.4g/s at most; raise its rate to %.4g/s or more", l, sent, least)
	}
}

// limits are those that an experiment has on a check, or on its signal.
func (r *resolver) limits(at cursor, texts []string, of Check) (limits []placedLimit) {
	for _, text := range at.items(texts) {
		l, err := steadystate.ParseLimit(text.text)
		if err != nil {
			r.bad(text.at, "%s", err)
			continue
		}
		r.unit(text.at, of, l)
		limits = append(limits, placedLimit{l, text.at})
	}
	return limits
}

// unit reports a limit in another unit than its signal's, or on a number of
// observations that is none of the service's. That of a query is the one that its
// good values have.
func (r *resolver) unit(at cursor, c Check, l steadystate.Limit) {
	if err := l.Counts(c.kind()); err != nil {
		r.bad(at, "%s", err)
	}
	if _, ok := signalOf(c.Signal); !ok {
		if err := l.Fits(c.Good.Tolerance); err != nil {
			r.bad(at, "%s", err)
		}
	} else if l.OfValues() && !l.Baseline {
		if wrong := dimension(c.Signal, l.Tolerance, l.String()); wrong != "" {
			r.bad(at, "%s", wrong)
		}
	}
}

// kind is that of the observations of the check.
func (c Check) kind() steadystate.Kind {
	if s, ok := signalOf(c.Signal); ok {
		return s.of
	}
	if c.Query == "" { // a mistake of its own
		return steadystate.Requests
	}
	return steadystate.Polls
}

// signalMissing says why the service does not have a check's signal; empty: it does.
func (r *resolver) signalMissing(p *Planned, c Check) string {
	if c.Query != "" && r.plan.Prometheus == nil {
		return "it has a query, and the file names no prometheus"
	}
	if s, ok := signalOf(c.Signal); ok {
		if _, there := s.finest(p.Target, p.Load); !there {
			return fmt.Sprintf("signal %q is made by %s, and service %s has none", c.Signal, s.by, p.Target.Name)
		}
	}
	return ""
}

// dimension says what is wrong with a tolerance in another unit than the
// signal's: "<= 500" on the seconds of requests would always hold.
func dimension(signal string, t steadystate.Tolerance, text string) string {
	s, ok := signalOf(signal)
	want, dim := units[s.unit], t.Dimension()
	// Zero has no unit; that of durations is asked for one.
	if !ok || dim == want.dimension || dim == "number" && t.Value() == 0 && want.dimension != "time" {
		return "" // also of a query's, whose unit is not known
	}
	return fmt.Sprintf("%q: %s %s", text, signal, want.write)
}
