package judge

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// ErrNoPlan is wrapped by the error of a record in which nothing can be judged.
var ErrNoPlan = errors.New("the record holds no plan: it ended before the experiment began")

// Judge judges a record. It is a pure function of the entries and the limits:
// the same record gives the same result. Each limit in override, in its text form,
// replaces that of the check or expectation it names on the same quantity, phase and
// bound, and the others stay. The evaluator of its kind judges each expectation;
// without one it is unknown. An error means that the record cannot be read, holds no
// experiment, or that an override is invalid. A truncated record is judged as far as
// it goes and is never Held.
//
// Judge ranges over the entries twice, first for the events, then for the
// observations, so that memory does not depend on their number: only on their
// rate, on how late some arrived, and on how much happened.
func Judge(entries iter.Seq2[record.Entry, error], override map[string][]string, evaluators ...Evaluator) (Result, error) {
	j := judge{
		Result:    Result{Traffic: map[string]Traffic{}, Signals: map[string]string{}},
		buffers:   map[string]*reorderBuffer{},
		stalls:    map[string]stalls{},
		answerers: map[string]answerers{},
		means:     map[string]mean{},
	}
	entries = record.Whole(entries)
	for e, err := range entries {
		if errors.Is(err, record.ErrCut) {
			j.Notes = append(j.Notes, err.Error())
			break
		}
		if err != nil {
			return Result{}, err
		}
		j.take(e)
	}
	if j.plan == nil {
		return Result{}, ErrNoPlan
	}
	if err := j.override(override, evaluators); err != nil {
		return Result{}, err
	}
	j.frame()
	for _, c := range j.plan.Checks {
		c.Limits = j.limits[c.Name]
		j.checks = append(j.checks, j.newCheckEvaluator(c))
	}
	j.newExposures()
	j.newEffects()
	j.newServing()
	j.newSegments()
	j.newTimeSeries()
	left := j.entries
	for e, err := range entries {
		if left--; left < 0 || errors.Is(err, record.ErrCut) {
			break
		}
		if err != nil {
			return Result{}, err
		}
		j.observe(e)
	}
	j.conclude(evaluators)
	return j.Result, nil
}

type judge struct {
	Result
	plan       *record.Plan
	entries    int                       // number of entries
	last       time.Duration             // At of the last one
	watched    time.Duration             // end of the observations: of the watch phase, or of the record
	buffers    map[string]*reorderBuffer // by signal
	stalls     map[string]stalls         // by signal
	checks     []*checkEvaluator
	effects    []*delta
	rates      []*rateChange
	segments   []*segment
	unrest     unrest                 // around the service, up to the fault
	moves      []steadystate.Restart  // of the settling, because of it
	settledBy  map[string]*exposure   // in the settled stretch, by signal
	exposures  []map[string]*exposure // of each injection, for pods that came later than the first
	answerers  map[string]answerers   // by signal
	servings   []map[string]*serving  // of the targets of each injection, by the signal of their own traffic
	ownTraffic map[string]*serving    // of all of those signals, in the settled stretch
	means      map[string]mean        // of them before the fault
	timeSeries map[string]*TimeSeries // by the subject of the expectation

	removals []record.Removal
	lacks    []lackReason // why each proof is missing

	limits       map[string][]steadystate.Limit // of the checks, by name
	expectations []record.Expectation           // with the limits to judge by
}

// take takes in one entry.
func (j *judge) take(e record.Entry) {
	j.entries++
	j.last = max(j.last, e.At)
	switch {
	case e.Header != nil:
		j.Run, j.Started, j.Tool = e.Header.Run, e.Header.Started, e.Header.Tool
	case e.Plan != nil:
		j.plan = e.Plan
		j.Experiment, j.Title, j.Labels, j.Load = e.Plan.Name, e.Plan.Title, e.Plan.Labels, e.Plan.Load
		j.Service, j.Namespace = e.Plan.Service, e.Plan.Namespace
		j.Source, j.Hash = e.Plan.Source, e.Plan.Hash
		j.Baseline = e.Plan.Baseline
		maps.Copy(j.Signals, e.Plan.Signals)
	case e.Environment != nil:
		if j.Environment == nil {
			j.Environment = map[string]string{}
		}
		maps.Copy(j.Environment, e.Environment)
	case e.Workload != nil:
		j.Workload = e.Workload
	case e.Phase != "":
		if n := len(j.Phases); n > 0 {
			j.Phases[n-1].To = e.At
		}
		j.Phases = append(j.Phases, PhaseResult{Name: e.Phase, Span: steadystate.Instant(e.At)})
	case e.Observations != nil:
		for _, o := range e.Observations.List {
			j.buffer(e.Observations.Signal).see(o)
			j.served(e.Observations.Signal, o)
		}
	case e.Requests != nil:
		for _, q := range e.Requests.List {
			j.request(e.Requests.Signal, q)
		}
	case e.Event != nil:
		j.Events = append(j.Events, *e.Event)
	case e.Injection != nil:
		j.Injections = append(j.Injections, InjectionResult{Injection: *e.Injection})
		slices.SortStableFunc(j.Injections, func(a, b InjectionResult) int { return cmp.Compare(a.From, b.From) })
	case e.Removal != nil:
		j.removals = append(j.removals, *e.Removal)
	case e.Note != "":
		j.Notes = append(j.Notes, e.Note)
	case e.End != nil:
		j.End = *e.End
	}
}

// removed gives each injection the span in which its fault was undone.
func (j *judge) removed() {
	for _, r := range j.removals {
		if r.Error != "" {
			j.LeftBehind = append(j.LeftBehind, Left{r.Fault, r.Error})
			continue
		}
		for i := range j.Injections {
			if in := &j.Injections[i]; in.Index == r.Index && in.Fault == r.Fault && in.Removed == nil {
				in.Removed = &r.Span
				break
			}
		}
	}
}

func (j *judge) buffer(signal string) *reorderBuffer {
	o := j.buffers[signal]
	if o == nil {
		o = &reorderBuffer{}
		j.buffers[signal] = o
	}
	return o
}

// frame computes the phases and the window.
func (j *judge) frame() {
	// Sources drain after the last phase, and observe nothing new meanwhile.
	j.watched = j.last
	if watch, ok := j.phase(record.PhaseWatch); ok && j.plan.Watch > 0 && j.End.Reason == record.Completed {
		j.watched = min(j.last, watch.From+j.plan.Watch)
	}
	if n := len(j.Phases); n > 0 {
		j.Phases[n-1].To = j.watched
	}
	j.removed()
	j.Length = j.last
	j.Window = steadystate.Instant(j.watched)
	if at, ok := j.windowStart(); ok {
		j.Window.From = at
	}
	j.traffic()
	j.restless()
}

// observe takes the observations of one entry.
func (j *judge) observe(e record.Entry) {
	switch {
	case e.Observations != nil:
		for _, o := range e.Observations.List {
			j.buffer(e.Observations.Signal).add(o)
			for _, of := range j.servings {
				if s := of[e.Observations.Signal]; s != nil {
					s.add(o)
				}
			}
			if s := j.ownTraffic[e.Observations.Signal]; s != nil {
				s.add(o)
			}
			for _, c := range j.effects {
				if name, ok := c.instance(e.Observations.Signal); ok {
					c.add(name, o)
				}
			}
		}
	case e.Requests != nil:
		signal := e.Requests.Signal
		for _, q := range e.Requests.List {
			o := q.Observation()
			j.buffer(signal).add(o)
			j.since(signal, q, o)
			j.expose(signal, q, o)
			for _, c := range j.rates {
				c.add(signal, q)
			}
			for _, p := range j.segments {
				if p.signal == signal {
					p.add(q, o)
				}
			}
			for _, c := range j.effects {
				if q.Backend != "" && c.Signal == signal {
					c.add(q.Backend, o)
				}
			}
		}
	}
}

// conclude computes figures, findings, proofs and the verdict.
func (j *judge) conclude(evaluators []Evaluator) {
	for _, o := range j.buffers {
		o.end()
	}
	j.concludeSegments()
	j.concludeTimeSeries()
	for _, c := range j.checks {
		j.check(c)
	}
	j.expect(evaluators)
	j.aborted()
	j.prove()
	j.refused()
	j.sources()
	j.verdict()
}

// windowStart is when the first fault may have begun; in a control run without
// faults, the start of the inject phase.
func (r Result) windowStart() (time.Duration, bool) {
	if len(r.Injections) > 0 {
		return r.Injections[0].From, true
	}
	if phase, ok := r.phase(record.PhaseInject); ok {
		return phase.From, true
	}
	return 0, false
}

func (r Result) phase(name string) (steadystate.Span, bool) {
	for _, p := range r.Phases {
		if p.Name == name {
			return p.Span, true
		}
	}
	return steadystate.Span{}, false
}

// kindOf is the kind of a signal's observations, as the plan and the record say.
func (j *judge) kindOf(signal string) steadystate.Kind {
	_, sent := j.Traffic[signal]
	_, staged := j.plan.Stages[signal]
	switch {
	case sent || staged || signal == record.TrafficSignal:
		return steadystate.Requests
	case slices.Contains(j.plan.Sampled, signal) || slices.Contains(j.plan.Attempts, signal):
		return steadystate.Attempts
	}
	return steadystate.Polls
}

// byChance reports whether each observation of a signal meets one of several backends, so
// that each is a sample of its own.
func (j *judge) byChance(signal string) bool {
	_, sent := j.Traffic[signal]
	return sent || ByChance(j.plan, signal)
}

// ByChance is the [steadystate.Rule]'s of a signal, as far as the plan says: the record
// shows the requests of loads whose rates are not planned.
func ByChance(p *record.Plan, signal string) bool {
	_, staged := p.Stages[signal]
	return staged || signal == record.TrafficSignal || slices.Contains(p.Sampled, signal)
}

// check judges the limits of a check, and whether it was good at the end.
func (j *judge) check(c *checkEvaluator) {
	c.conclude()
	result := CheckResult{Check: c.Name, Signal: c.Signal, Tolerance: c.Good, Dimension: c.Good.Dimension(), Figures: c.over(j.Window)}
	if _, requests := j.Traffic[c.Signal]; requests {
		result.Dimension = "time"
	}
	result.kind, result.Uptime = j.kindOf(c.Signal), result.Figures.Uptime()
	result.before, result.during = c.prior.fold.Figures()[0], map[string]steadystate.Figures{}
	j.recoveries(&result)
	for _, p := range j.Phases {
		if _, twice := result.during[p.Name]; !twice {
			result.during[p.Name] = c.over(p.Span)
		}
		if d, ok := c.over(p.Span).Distribution(); ok {
			result.Phases = append(result.Phases, PhaseDistribution{Phase: p.Name, Distribution: d})
		}
	}
	j.Checks = append(j.Checks, result)

	limits := c.Limits
	if len(limits) == 0 {
		limits = []steadystate.Limit{steadystate.Throughout()}
	}
	var findings []Finding
	for _, l := range limits {
		f := j.finding(result, l)
		if len(c.Limits) == 0 {
			f.Limit, f.Subject, f.Wanted = throughoutText, throughoutText, nil
		}
		findings = append(findings, f)
	}
	j.Findings = append(append(j.Findings, findings...), j.atEnd(c, findings))
}

// throughoutText is what a check without limits must be.
const throughoutText = "good throughout"

// notJudged is the reading of every limit of a run that never came to its fault.
func notJudged() steadystate.Reading {
	return steadystate.Reading{Text: "not judged", Undecided: neverFaultedText}
}

// sources says of each finding where its limit is written.
func (j *judge) sources() {
	for i := range j.Findings {
		f := &j.Findings[i]
		f.Subject = cmp.Or(f.Subject, f.Limit)
		f.Source = j.plan.Places[record.PlaceKey(f.Check, f.Limit)]
	}
}

// finding judges one limit.
func (r Result) finding(c CheckResult, l steadystate.Limit) Finding {
	finding := Finding{Check: c.Check, Signal: c.Signal, Limit: l.String(), Subject: l.Subject(), Wanted: NewWanted(l.Figure(), l.Tolerance, cmp.Or(l.Dimension(), c.Dimension))}
	if _, injected := r.windowStart(); !injected {
		finding.Reading = notJudged()
		return finding
	}
	f := c.Figures
	if l.Phase != "" {
		during, ok := c.during[l.Phase]
		if !ok {
			finding.Reading = steadystate.Reading{Text: "no such phase", Undecided: fmt.Sprintf("the run never came to the phase %q", l.Phase)}
			return finding
		}
		f = during
	}
	counts := l.Counts(c.kind)
	switch {
	case counts != nil:
		finding.Reading = steadystate.Reading{Text: "not judged", Undecided: counts.Error()}
	case l.OfInjections():
		finding.Reading = c.recovery(l)
	case l.Baseline:
		base, of := r.base(c, l)
		finding.Reading = l.JudgeRatio(f, base, of)
	default:
		finding.Reading = l.Judge(f)
	}
	if l.Phase != "" && f.Observed() < steadystate.MinObservations {
		finding.Verdict, finding.Undecided = steadystate.Unknown, fmt.Sprintf("%d observations in the phase, wanted at least %d", f.Observed(), steadystate.MinObservations)
	}
	_, watched := r.phase(record.PhaseWatch)
	// A phase before the watch phase is whole once that has begun.
	whole := r.End.Reason == record.Completed || watched && l.Phase != "" && l.Phase != record.PhaseWatch
	if !whole && changeable(l, finding.Reading) {
		made := map[steadystate.Verdict]string{steadystate.Broken: "better", steadystate.Held: "worse"}[finding.Verdict]
		finding.Verdict, finding.Undecided = steadystate.Unknown, "the run did not come to its end, which could have made it "+made
	}
	if finding.Verdict != steadystate.Held {
		finding.Where, finding.Near = r.where(f)
	}
	return finding
}

// base is the baseline of a limit, and its name.
func (r Result) base(c CheckResult, l steadystate.Limit) (base steadystate.Base, of string) {
	if b := r.Baseline; b != nil {
		return baseOf(b, c.Check, l), "control run " + b.Run
	}
	return l.Base(c.before), r.stretch(c.before.Window)
}

// Absolute is a limit of a check as one on the figure itself, also if it is on a multiple of
// the baseline. ok is false if that is not known: a result that was read from JSON has no
// baseline of its own run.
func (r Result) Absolute(c CheckResult, l steadystate.Limit) (absolute steadystate.Limit, ok bool) {
	if !l.Baseline {
		return l, true
	}
	base, _ := r.base(c, l)
	return l.Times(base), base.Unknown == ""
}

// stretch names the settled stretch, and its end if requests were in flight for long
// when the fault came.
func (r Result) stretch(s steadystate.Span) string {
	if early := r.Window.From - s.To; early > s.Width()/100 {
		return fmt.Sprintf("the %s up to %s before the fault", steadystate.FormatSeconds(s.Width().Seconds()), steadystate.FormatSeconds(early.Seconds()))
	}
	s.To = r.Window.From
	return fmt.Sprintf("the %s before the fault", steadystate.FormatSeconds(s.Width().Seconds()))
}

// atEnd is the finding that the check was good when the record ended.
func (j *judge) atEnd(c *checkEvaluator, findings []Finding) Finding {
	finding := Finding{Check: c.Name, Signal: c.Signal, Limit: "good at the end"}
	if _, injected := j.windowStart(); !injected {
		finding.Reading = notJudged()
		return finding
	}
	if j.End.Reason != record.Completed {
		finding.Reading = steadystate.Reading{Text: "not judged", Undecided: "the run did not come to its end"}
		return finding
	}
	f, end := c.over(j.Window), c.over(j.ending(c.Signal))
	finding.Text = fmt.Sprintf("%d good, %d bad, %d unknown in the last %s", end.Good, end.Bad, end.Unknown, end.Window.Width().Round(time.Millisecond))
	open := len(f.Outages) > 0 && f.Outages[len(f.Outages)-1].Open
	known := end.Observed()
	switch {
	case known == 0:
		finding.Undecided = "nothing was observed at the end"
	case open && end.Good == 0 && !patient(c.Limits, findings):
		finding.Verdict = steadystate.Broken
	case open:
		finding.Undecided = "an outage was not over for the settle time when the record ended: watch for longer"
	case float64(end.Unknown) > float64(known)/10 || end.UnknownTime > end.Window.Width()/10:
		finding.Undecided = "too much of the end is unknown: " + end.Ignorance()
	default:
		finding.Verdict = steadystate.Held
	}
	if finding.Verdict != steadystate.Held {
		finding.Where, finding.Near = j.where(f)
	}
	return finding
}

// ending is the last settle time of the observations. Values that cover a span,
// such as rates, need their span's length more, or none would lie within it.
func (j *judge) ending(signal string) steadystate.Span {
	return steadystate.Span{From: max(j.Window.From, j.watched-j.plan.Settle-j.buffer(signal).whole), To: j.watched}
}

// changeable reports whether the verdict on a limit could have been another one had
// the run gone on: one on a share or an average could, and one on a figure that only
// grows could have left what is wanted, or come to it.
func changeable(l steadystate.Limit, r steadystate.Reading) bool {
	if r.Verdict == steadystate.Unknown {
		return false
	}
	held, bound := r.Verdict == steadystate.Held, l.Tolerance.Bound()
	if bound == "==" && !held && r.Seen != nil {
		// It is on one side of the value, and missed the bound on that side.
		if bound = "<"; r.Seen.High < l.Tolerance.Value() {
			bound = ">"
		}
	}
	switch l.Toward() {
	case 1:
		return held != (bound == ">")
	case -1:
		return held != (bound == "<")
	}
	return true
}

// patient reports whether a limit on time is not broken: an outage at the end
// may then still be within it.
func patient(limits []steadystate.Limit, findings []Finding) bool {
	for i, l := range limits {
		if l.OfLength() && findings[i].Verdict != steadystate.Broken {
			return true
		}
	}
	return false
}

// recoveries computes the time to recovery of each injection: from when it took
// effect to the end of the last outage that it may have caused, which may have
// begun after the next injection. Detection ends at the next injection, whose
// effects cannot be told apart.
func (j *judge) recoveries(c *CheckResult) {
	var sum steadystate.Bounds[time.Duration]
	for i, injection := range j.Injections {
		if injection.FailureReason != "" {
			continue
		}
		next := j.watched
		for _, later := range j.Injections[i+1:] {
			if later.FailureReason == "" {
				next = later.From
				break
			}
		}
		r := Recovery{Fault: injection.Fault, oneShot: injection.OneShot}
		r.TTR, r.Outages, r.Open = c.Recovery(injection.Span, injection.Span, next)
		if at, ok := c.Detected(injection.Span, next); ok {
			ttd := steadystate.Instant(at).Since(injection.Span)
			r.TTD = &ttd
		}
		if injection.Removed != nil && !injection.OneShot {
			left, _, _ := c.Recovery(injection.Span, *injection.Removed, next)
			r.AfterRemoval = &left
		}
		c.Recoveries = append(c.Recoveries, r)
		if r.Open {
			c.Unrecovered++
			continue
		}
		sum = sum.Plus(r.TTR)
	}
	if n := time.Duration(len(c.Recoveries) - c.Unrecovered); n > 0 {
		c.MTTR = &steadystate.Bounds[time.Duration]{Low: sum.Low / n, High: sum.High / n}
	}
}

// recovery judges a limit that counts from injections.
func (c CheckResult) recovery(l steadystate.Limit) steadystate.Reading {
	if len(c.Recoveries) == 0 {
		return steadystate.Reading{Text: "no injection", Undecided: noFaultText + ", so there is nothing to recover from"}
	}
	if c.Observed() == 0 {
		return steadystate.Reading{Text: "no observation", Undecided: "nothing was observed in the window"}
	}
	if l.Quantity == steadystate.TTD {
		return c.detection(l)
	}
	var worst, sum steadystate.Bounds[time.Duration]
	for _, r := range c.Recoveries {
		took := r.TTR
		switch {
		case !l.AfterRemoval || r.oneShot:
		case r.AfterRemoval == nil:
			return steadystate.Reading{Text: "no removal", Undecided: r.Fault + ": the record does not show that it was undone"}
		default:
			took = *r.AfterRemoval
		}
		worst.Low, worst.High = max(worst.Low, took.Low), max(worst.High, took.High)
		sum = sum.Plus(took)
	}
	seen := worst
	switch n := time.Duration(len(c.Recoveries)); l.Quantity {
	case steadystate.TTR:
	case steadystate.MTTR:
		// Open ones count with the time seen.
		seen = steadystate.Bounds[time.Duration]{Low: sum.Low / n, High: sum.High / n}
	default:
		return steadystate.Reading{Text: "not a quantity of injections", Undecided: "not a quantity of injections"}
	}
	reading := c.Compare(l, steadystate.Seconds(seen), steadystate.FormatSeconds, c.Unrecovered > 0)
	if why := c.Ignorance(); why != "" && reading.Verdict == steadystate.Unknown && c.Unrecovered == 0 {
		reading.Undecided = why
	}
	if l.Quantity == steadystate.MTTR {
		reading.Text += fmt.Sprintf(" (n=%d, longest %s, not recovered %d)", len(c.Recoveries), steadystate.FormatSeconds(worst.High.Seconds()), c.Unrecovered)
	}
	return reading
}

// detection judges a limit on ttd.
func (c CheckResult) detection(l steadystate.Limit) steadystate.Reading {
	var worst steadystate.Bounds[time.Duration]
	for _, r := range c.Recoveries {
		if r.TTD == nil {
			return steadystate.Reading{Text: "not detected", Undecided: fmt.Sprintf("%s: no outage began after it, and before another fault, so there was nothing to detect", r.Fault)}
		}
		worst.Low, worst.High = max(worst.Low, r.TTD.Low), max(worst.High, r.TTD.High)
	}
	return c.Compare(l, steadystate.Seconds(worst), steadystate.FormatSeconds, false)
}
