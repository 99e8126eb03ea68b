package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/joined"
)

// An Observer records events around the service.
type Observer interface {
	// Observe records until ctx ends. Where it cannot see for a while it records
	// that (see [record.EventGap]) and goes on; its error ends the run.
	Observe(ctx context.Context, rec *record.Recorder) error
}

// An Experiment tests a hypothesis.
type Experiment struct {
	// Name identifies the experiment in reports, and names its record; required.
	Name string
	// Title says in a sentence what the experiment does, for people; default: none.
	Title string
	// Labels are for filters and reports: service, suite and name. Experiments whose
	// labels differ only in the last are one suite, and share a control run.
	Labels []string
	// Source is the place in a file that names the experiment, as FILE:LINE. Hash
	// covers the load, the faults, the times and the definitions of the checks.
	// Both are recorded verbatim and shown in reports.
	Source, Hash string
	// Service and Namespace are those that the experiment is about, and Places where
	// its limits are written, as in [record.Plan]; for reports. Default: none.
	Service, Namespace string
	Places             map[string]string

	// Hypothesis is what must be good before the faults, and within its limits
	// from the first on; required.
	Hypothesis steadystate.Hypothesis
	// Expectations are requirements on subjects without a signal. They do not
	// affect whether the service is steady before the fault.
	Expectations []record.Expectation
	// Evaluators judge the expectations, by kind. They reject, before anything
	// is touched, an expectation that they could not judge afterwards. A record
	// does not contain them: judging it again needs them again.
	Evaluators []judge.Evaluator
	// Load is driven from the settle phase to the end of the watch phase. nil: the
	// service has traffic of its own, see Traffic.
	Load Load
	// Traffic is a signal that the observers record of each possible target of
	// the faults, see [record.TargetSignal], and that is above zero while the
	// target serves: operations per second, for example. An experiment without a
	// load needs it; with one, the answers show which targets serve.
	Traffic string
	// Faults are injected when due and undone when their time is over, at the
	// latest all together.
	Faults []Scheduled
	// Observers record events around the service, such as those of its pods.
	Observers []Observer
	// Safeguards may keep the run from beginning or a fault from being injected, and
	// may end the run.
	Safeguards []Safeguard
	// Baseline is the reference of relative limits, see [judge.NewBaseline]. nil:
	// the settled stretch before the fault.
	Baseline *record.Baseline
	// AgainstControl: without a Baseline the reference is a control run, and
	// relative limits are unknown until there is one; package runs makes one the
	// baseline.
	AgainstControl bool
	// Environment is recorded verbatim: versions, the cluster's identity.
	Environment map[string]string

	// Settle is how long the hypothesis must be good before the fault, at least,
	// and again for an outage to be over. A check that allows a share of bad
	// observations needs as many as prove that no more are bad, see
	// [steadystate.Settling]. Default 10 s.
	Settle time.Duration
	// SettleTimeout bounds the wait for that. Default: 60 s more than the
	// shortest possible.
	SettleTimeout time.Duration
	// Hold is how long a fault without a time of its own stays in place, at
	// least, and how long the service is observed after a one-shot fault. The
	// hold phase begins when the faults that come first are in place, and lasts
	// until each scheduled fault was injected and had its time; then all that are
	// in place are undone. Default 0, for faults with a time of their own.
	Hold time.Duration
	// Watch is how long to observe after the faults are gone. Default 30 s.
	Watch time.Duration
	// UndoTimeout bounds the undoing of all faults. Default 3 min: Chaos Mesh's controller
	// may need as long after the API server was away.
	UndoTimeout time.Duration
	// Deadline bounds the whole run except the undoing. Default: twice the
	// length of the phases with the longest settling, and a minute.
	Deadline time.Duration
}

// Longest is the maximum duration of a run, its cleanup included: objects that a
// run creates elsewhere may expire after that.
func (e Experiment) Longest() time.Duration {
	return e.withDefaults().Deadline + e.Cleanup()
}

// Cleanup is how long, at most, a run goes on once it is interrupted: it undoes its
// faults, waits for its load to stop, and ends its safeguards.
func (e Experiment) Cleanup() time.Duration {
	d := e.withDefaults().UndoTimeout + endTimeout
	if load, ok := e.Load.(Stopper); ok {
		d += load.StopTimeout()
	}
	return d
}

// Shortest is how long the phases of a run take, if the service is steady at once,
// and injecting and undoing take no time.
func (e Experiment) Shortest() time.Duration {
	e = e.withDefaults()
	return e.settleTime() + e.scheduled() + e.Watch
}

func (e Experiment) withDefaults() Experiment {
	e.Settle = cmp.Or(e.Settle, 10*time.Second)
	e.SettleTimeout = cmp.Or(e.SettleTimeout, e.settleTime()+time.Minute)
	e.Watch = cmp.Or(e.Watch, 30*time.Second)
	e.UndoTimeout = cmp.Or(e.UndoTimeout, 3*time.Minute)
	e.Deadline = cmp.Or(e.Deadline, 2*(e.SettleTimeout+e.scheduled()+e.Watch)+time.Minute)
	return e
}

// settleTime is the shortest time in which the service can prove to be steady:
// until the load has made as many observations as that needs.
func (e Experiment) settleTime() time.Duration {
	longest := e.Settle
	if e.Load == nil {
		return longest
	}
	stages := e.Load.Stages()
	for _, c := range judge.Settling(e.Hypothesis.Checks, e.baseline()) {
		if t, ok := timeTo(stages[c.Signal], steadystate.ObservationsToSettle(c, true)); ok {
			longest = max(longest, t)
		}
	}
	return longest
}

// timeTo is how long a load of these stages takes for n requests, to the
// millisecond. It is not ok if a week is not enough.
func timeTo(stages []record.Stage, n int) (t time.Duration, ok bool) {
	if len(stages) == 0 {
		return 0, false
	}
	const week = int(7 * 24 * time.Hour / time.Millisecond)
	ms := sort.Search(week, func(ms int) bool {
		return record.Due(stages, stages[0].After+time.Duration(ms)*time.Millisecond) >= float64(n)
	})
	return time.Duration(ms) * time.Millisecond, ms < week
}

// Validate reports the experiment's mistakes, before anything is touched.
func (e Experiment) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("experiment %q: "+format, append([]any{e.Name}, args...)...))
	}
	if e.Name == "" {
		errs = append(errs, errors.New("an experiment needs a name"))
	}
	if e.validateValues(bad); len(errs) > 0 {
		return errors.Join(errs...) // the rest would ask them
	}
	if len(e.Hypothesis.Checks) == 0 {
		bad("needs a hypothesis: without a check nothing could be broken")
	}
	signals := []string{}
	for i, s := range e.Hypothesis.Signals {
		switch {
		case s.Name == "":
			bad("signal %d needs a name", i+1)
		case slices.Contains(signals, s.Name) || s.Name == record.TrafficSignal:
			bad("signal %q is there twice", s.Name)
		}
		signals = append(signals, s.Name)
	}
	wrong := error(nil)
	if load, ok := e.Load.(Validator); ok {
		wrong = load.Validate()
		for _, err := range joined.Lines(wrong) {
			bad("%w", err)
		}
	}
	for signal := range e.traffic() {
		signals = append(signals, signal)
		if wrong == nil && len(e.Load.Stages()[signal]) == 0 {
			bad("the load %s does not say at which rate it sends %s: see Stages of its Load", e.Load, signal)
		}
	}
	if e.IsControl() && e.baseline() != nil {
		bad("has a Baseline or is AgainstControl, and a control run is compared with no other")
	}
	names := map[string]bool{}
	for _, c := range e.Hypothesis.Checks {
		for _, err := range joined.Lines(c.Validate()) {
			bad("%w", err)
		}
		e.validateLimits(c, bad)
		if names[c.Name] {
			bad("check %q is there twice", c.Name)
		}
		names[c.Name] = true
		if !slices.Contains(signals, c.Signal) {
			bad("check %q: no signal %q; signals: %q", c.Name, c.Signal, signals)
		}
	}
	for _, x := range e.Expectations {
		for _, err := range joined.Lines(judge.Validate(x, e.Evaluators)) {
			bad("%w", err)
		}
		if names[x.Name] {
			bad("expectation %q has the name of a check or of another", x.Name)
		}
		names[x.Name] = true
		if x.Signal != "" && !slices.Contains(signals, x.Signal) {
			bad("expectation %q: no signal %q; signals: %q", x.Name, x.Signal, signals)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"settle", e.Settle},
		{"settle timeout", e.SettleTimeout},
		{"hold", e.Hold},
		{"watch", e.Watch},
		{"undo timeout", e.UndoTimeout},
		{"deadline", e.Deadline},
	} {
		if d.value < 0 {
			bad("%s %s is below zero", d.name, d.value)
		}
	}
	if len(e.Faults) > 0 && e.Load == nil && e.Traffic == "" {
		bad("has a fault, and neither a Load nor a Traffic shows whether its targets serve")
	}
	e.validateFaults(bad)
	if d := e.withDefaults(); d.SettleTimeout < d.Settle {
		bad("settle timeout %s is shorter than settle %s", d.SettleTimeout, d.Settle)
	} else if least := d.Settle + d.scheduled(); e.Deadline > 0 && e.Deadline < least {
		bad("deadline %s is shorter than settle %s and hold, with the faults that come and go in it, %s", e.Deadline, d.Settle, d.scheduled())
	}
	return errors.Join(errs...)
}

// validateValues reports what is missing where a value has to be, or is a nil
// pointer, to bad.
func (e Experiment) validateValues(bad func(format string, args ...any)) {
	none := func(v any) bool {
		r := reflect.ValueOf(v)
		return !r.IsValid() || r.Kind() == reflect.Pointer && r.IsNil()
	}
	for _, s := range e.Hypothesis.Signals {
		if none(s.Source) {
			bad("signal %q has no Source", s.Name)
		}
	}
	if e.Load != nil && none(e.Load) {
		bad("its Load is a nil %T", e.Load)
	}
	for i, f := range e.Faults {
		if none(f.Fault) {
			bad("%s has no Fault", f.called(i))
		}
	}
	for i, o := range e.Observers {
		if none(o) {
			bad("observer %d is nil", i+1)
		}
	}
	for i, o := range e.Safeguards {
		if none(o) {
			bad("safeguard %d is nil", i+1)
		}
	}
	for i, o := range e.Evaluators {
		if none(o) {
			bad("evaluator %d is nil", i+1)
		}
	}
}

// validateLimits reports the limits of a check that no run of the experiment
// could decide, or that mean something else than they say, to bad.
func (e Experiment) validateLimits(c steadystate.Check, bad func(format string, args ...any)) {
	for _, l := range c.Limits {
		switch err := cmp.Or(l.Fits(c.Good), l.Counts(e.kindOf(c.Signal))); {
		case err != nil:
			bad("check %q: %w", c.Name, err)
		case l.Phase == record.PhaseHold && e.scheduled() == 0:
			bad("check %q: limit %q: nothing is held: set Hold", c.Name, l)
		case len(e.Faults) == 0 && l.OfInjections():
			bad("check %q: limit %q counts from a fault, and there is none", c.Name, l)
		}
	}
}

// kindOf is the kind of a signal's observations.
func (e Experiment) kindOf(signal string) steadystate.Kind {
	for _, s := range e.Hypothesis.Signals {
		if s.Name != signal {
			continue
		}
		if s.Samples || s.Attempts {
			return steadystate.Attempts
		}
		return steadystate.Polls
	}
	return steadystate.Requests
}

// traffic describes the signals of the load's requests, by name. A load of
// several streams provides its own.
func (e Experiment) traffic() map[string]string {
	if e.Load == nil {
		return nil
	}
	if load, ok := e.Load.(Signaler); ok {
		return load.Signals()
	}
	return map[string]string{record.TrafficSignal: e.Load.String()}
}

// baseline is the reference of relative limits; nil: the settled stretch.
func (e Experiment) baseline() *record.Baseline {
	if e.Baseline == nil && e.AgainstControl {
		return &record.Baseline{Unknown: "there is no control run"}
	}
	return e.Baseline
}

// Plan returns the experiment as plain data, which its record begins with.
func (e Experiment) Plan() *record.Plan {
	p := &record.Plan{
		Name:         e.Name,
		Title:        e.Title,
		Labels:       e.Labels,
		Service:      e.Service,
		Namespace:    e.Namespace,
		Source:       e.Source,
		Hash:         e.Hash,
		Checks:       e.Hypothesis.Checks,
		Places:       e.Places,
		Expectations: e.Expectations,
		Signals:      map[string]string{},
		Settle:       e.Settle,
		Hold:         e.Hold,
		Watch:        e.Watch,
		Baseline:     e.baseline(),
		Traffic:      e.Traffic,
	}
	for _, s := range e.Hypothesis.Signals {
		p.Signals[s.Name] = s.Describe
		if s.Samples {
			p.Sampled = append(p.Sampled, s.Name)
			if s.Reuses {
				p.Reused = append(p.Reused, s.Name)
			}
		} else if s.Attempts {
			p.Attempts = append(p.Attempts, s.Name)
		}
	}
	if e.Load != nil {
		p.Load, p.Stages = e.Load.String(), e.Load.Stages()
	}
	maps.Copy(p.Signals, e.traffic())
	for _, f := range e.Faults {
		p.Faults = append(p.Faults, f.plan())
	}
	return p
}
