package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/steadystate"
)

// JSON writes reports as one JSON document of package results.
func JSON(w io.Writer, list ...Report) error { return Document(list...).Write(w) }

// Document returns the document that [JSON] writes.
func Document(list ...Report) results.Document {
	d := results.Document{
		Format: results.Format, Version: results.Version, ToolVersion: record.Tool(),
		Verdict: Worst(list...).String(), ExitCode: ExitCode(list...), Results: each(list, Report.result),
	}
	for i, number := range trials(list) {
		d.Results[i].Trial = number
	}
	return d
}

// ReadJSON reads the reports of a document that [JSON] wrote. They have no time series, so
// a page of them draws no chart, and they cannot be judged by other limits.
func ReadJSON(r io.Reader) ([]Report, error) {
	d, err := results.Read(r)
	if err != nil {
		return nil, err
	}
	list := make([]Report, len(d.Results))
	for i, of := range d.Results {
		if list[i], err = newReport(of); err != nil {
			return nil, fmt.Errorf("read results: %q: %w", of.Experiment, err)
		}
	}
	return list, nil
}

// MarshalJSON writes the report as a result of package results.
func (r Report) MarshalJSON() ([]byte, error) { return json.Marshal(r.result()) }

// UnmarshalJSON reads it back, as [ReadJSON] does.
func (r *Report) UnmarshalJSON(text []byte) error {
	var of results.Result
	err := json.Unmarshal(text, &of)
	if err == nil {
		*r, err = newReport(of)
	}
	return err
}

// each maps a list; never to null.
func each[A, B any](list []A, f func(A) B) []B {
	mapped := make([]B, 0, len(list))
	for _, v := range list {
		mapped = append(mapped, f(v))
	}
	return mapped
}

// back maps a list back; an empty one to nil.
func back[A, B any](list []A, f func(A) B) []B {
	if len(list) == 0 {
		return nil
	}
	return each(list, f)
}

// maybe maps what may be absent.
func maybe[A, B any](v *A, f func(A) B) *B {
	if v == nil {
		return nil
	}
	return new(f(*v))
}

// some is a list that is never null.
func some(list []string) []string { return append([]string{}, list...) }

// secondsIn is a length of time in seconds, in the digits of its nanoseconds.
func secondsIn(d time.Duration) float64 { return float64(d) / float64(time.Second) }

// inSeconds is a length of time from seconds, exact to the nanosecond.
func inSeconds(v float64) time.Duration { return time.Duration(math.Round(v * float64(time.Second))) }

func spanOf(s steadystate.Span) results.Span {
	return results.Span{FromSeconds: secondsIn(s.From), ToSeconds: secondsIn(s.To)}
}

func newSpan(s results.Span) steadystate.Span {
	return steadystate.Span{From: inSeconds(s.FromSeconds), To: inSeconds(s.ToSeconds)}
}

func lengthOf(b steadystate.Bounds[time.Duration]) results.Length {
	return results.Length{LowSeconds: secondsIn(b.Low), HighSeconds: new(secondsIn(b.High))}
}

// openLength is a length of what may not be over.
func openLength(b steadystate.Bounds[time.Duration], open bool) results.Length {
	l := lengthOf(b)
	if open {
		l.HighSeconds = nil
	}
	return l
}

// newLength is the bounds of a length. Those of one that is open end where they
// begin: no report shows the end.
func newLength(l results.Length) steadystate.Bounds[time.Duration] {
	b := steadystate.Exactly(inSeconds(l.LowSeconds))
	if l.HighSeconds != nil {
		b.High = inSeconds(*l.HighSeconds)
	}
	return b
}

func rangeOf(b steadystate.Bounds[float64]) results.Range {
	finite := func(v float64) *float64 {
		if math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	return results.Range{Low: finite(b.Low), High: finite(b.High)}
}

func newRange(r results.Range) steadystate.Bounds[float64] {
	b := steadystate.Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}
	if r.Low != nil {
		b.Low = *r.Low
	}
	if r.High != nil {
		b.High = *r.High
	}
	return b
}

// units are those of dimensions, in the names of the document.
var units = map[string]string{"time": "seconds", "share": "share", "rate": "perSecond", "number": "number", "multiple": "multiple"}

func dimension(unit string) string {
	for dimension, name := range units {
		if name == unit {
			return dimension
		}
	}
	return ""
}

// place splits FILE:LINE.
func place(text string) *results.Source {
	if text == "" {
		return nil
	}
	if at := strings.LastIndexByte(text, ':'); at >= 0 {
		if line, err := strconv.Atoi(text[at+1:]); err == nil {
			return &results.Source{File: text[:at], Line: line}
		}
	}
	return &results.Source{File: text}
}

func newPlace(s *results.Source) string {
	switch {
	case s == nil:
		return ""
	case s.Line == 0:
		return s.File
	}
	return s.File + ":" + strconv.Itoa(s.Line)
}

// The names in the environment of a record that a document has as fields.
const (
	configurationDigest = "file.sha256"
	imagePrefix         = "image."
)

// toolVersion is the version of the program that made the record. The environment
// has it where the header does not.
func (r Report) toolVersion() string { return cmp.Or(r.Tool, r.Environment["version.aftershock"]) }

func (r Report) result() results.Result {
	v := results.Result{
		Experiment: r.Experiment, Title: r.Title, Labels: some(r.Labels), Service: r.Service, Namespace: r.Namespace,
		Source: place(r.Source), PlanHash: r.Hash, Load: r.Load,
		Run: results.Run{
			ID: r.Run, Started: r.Started, LengthSeconds: secondsIn(r.Length),
			Complete: r.End.Reason == record.Completed, End: r.End.Reason, EndDetail: r.End.Detail, ExitCode: ExitCode(r),
			LeftBehind:  each(r.LeftBehind, func(l judge.Left) results.Left { return results.Left(l) }),
			ToolVersion: r.toolVersion(), ConfigurationSHA256: r.Environment[configurationDigest],
		},
		Verdict: r.Verdict.String(), Reason: r.Reason, Caveats: some(r.Caveats), Images: []results.Image{},
		Environment: map[string]string{}, Baseline: maybe(r.Baseline, baselineOf), Window: spanOf(r.Window),
		Phases:   each(r.Phases, func(p judge.PhaseResult) results.Phase { return results.Phase{Phase: p.Name, Span: spanOf(p.Span)} }),
		Findings: each(r.Findings, r.findingOf),
		Proofs: each(r.Proofs, func(p judge.Proof) results.Proof {
			return results.Proof{Proof: p.Name, Signal: p.Signal, Verdict: p.Verdict.String(), Text: p.Text}
		}),
		Checks: each(r.Checks, r.checkOf), Injections: each(r.Injections, r.injectionOf), Traffic: []results.Traffic{},
		PodRecoveries: each(r.Waterfalls, podRecoveryOf), Autoscaling: each(r.Scalings, autoscalingOf),
		Events: each(r.Events, func(e record.Event) results.Event {
			return results.Event{Span: spanOf(e.Span), Kind: e.Kind, Subject: e.Subject, UID: e.UID, Attributes: e.Attrs}
		}),
		Notes: some(r.Notes), Signals: map[string]string{},
		Workload:     maybe(r.Workload, workloadOf),
		Advice:       each(r.Advice, adviceOf),
		Disturbances: each(r.Disturbances, momentOf), UnwatchedBecause: r.Unwatched,
	}
	for _, name := range keys(r.Environment) {
		v.Environment[name] = r.Environment[name]
		if container, ok := strings.CutPrefix(name, imagePrefix); ok {
			v.Images = append(v.Images, results.Image{Container: container, Digests: strings.Split(r.Environment[name], ", ")})
		}
	}
	for _, signal := range keys(r.Traffic) {
		v.Traffic = append(v.Traffic, trafficOf(signal, r.Traffic[signal]))
	}
	maps.Copy(v.Signals, r.Signals)
	return v
}

func newReport(v results.Result) (Report, error) {
	r := Report{Result: judge.Result{
		Experiment: v.Experiment, Title: v.Title, Labels: v.Labels, Service: v.Service, Namespace: v.Namespace,
		Source: newPlace(v.Source), Hash: v.PlanHash, Load: v.Load,
		Run: v.Run.ID, Started: v.Run.Started, Tool: v.Run.ToolVersion, Length: inSeconds(v.Run.LengthSeconds),
		End:        record.End{Reason: v.Run.End, Detail: v.Run.EndDetail},
		LeftBehind: back(v.Run.LeftBehind, func(l results.Left) judge.Left { return judge.Left(l) }),
		Reason:     v.Reason, Caveats: v.Caveats, Environment: v.Environment, Baseline: maybe(v.Baseline, newBaseline),
		Window: newSpan(v.Window),
		Phases: back(v.Phases, func(p results.Phase) judge.PhaseResult {
			return judge.PhaseResult{Name: p.Phase, Span: newSpan(p.Span)}
		}),
		Injections: back(v.Injections, newInjection), Traffic: map[string]judge.Traffic{},
		Events: back(v.Events, func(e results.Event) record.Event {
			return record.Event{Span: newSpan(e.Span), Kind: e.Kind, Subject: e.Subject, UID: e.UID, Attrs: e.Attributes}
		}),
		Notes: v.Notes, Signals: v.Signals,
	}}
	read := verdicts{}
	r.Verdict = read.of(v.Verdict)
	r.Findings = back(v.Findings, read.finding)
	r.Proofs = back(v.Proofs, func(p results.Proof) judge.Proof {
		return judge.Proof{Name: p.Proof, Signal: p.Signal, Verdict: read.of(p.Verdict), Text: p.Text}
	})
	r.Checks = back(v.Checks, read.check)
	for _, c := range v.Checks {
		for i, o := range c.Outages {
			if o.Cause != nil {
				r.Causes = append(r.Causes, newCause(c.Check, i, *o.Cause))
			}
		}
	}
	for _, f := range v.Findings {
		if f.Cause != nil {
			c := newCause(f.Check, cause.NoOutage, *f.Cause)
			c.Limit = f.Limit.Text
			r.Causes = append(r.Causes, c)
		}
	}
	for _, t := range v.Traffic {
		r.Traffic[t.Signal] = newTraffic(t)
	}
	r.Waterfalls = back(v.PodRecoveries, newPodRecovery)
	r.Scalings = back(v.Autoscaling, newAutoscaling)
	r.Workload = maybe(v.Workload, newWorkload)
	r.Advice = back(v.Advice, newAdvice)
	r.Disturbances, r.Unwatched = back(v.Disturbances, newMoment), v.UnwatchedBecause
	return r, read.err
}

// verdicts reads what may be malformed, and keeps the first error.
type verdicts struct{ err error }

func (v *verdicts) of(text string) (verdict steadystate.Verdict) {
	v.err = cmp.Or(v.err, verdict.UnmarshalText([]byte(text)))
	return verdict
}

func baselineOf(b record.Baseline) results.Baseline {
	v := results.Baseline{Run: b.Run, LengthSeconds: secondsIn(b.Length), UnusableBecause: b.Unknown, Figures: []results.BaselineFigure{}}
	for _, check := range keys(b.Figures) {
		for _, quantity := range keys(b.Figures[check]) {
			f := b.Figures[check][quantity]
			v.Figures = append(v.Figures, results.BaselineFigure{Check: check, Quantity: quantity, Low: f.Low, High: f.High, N: f.N, UnknownBecause: f.Unknown})
		}
	}
	return v
}

func newBaseline(v results.Baseline) record.Baseline {
	b := record.Baseline{Run: v.Run, Length: inSeconds(v.LengthSeconds), Unknown: v.UnusableBecause}
	for _, f := range v.Figures {
		if b.Figures == nil {
			b.Figures = map[string]map[string]steadystate.Base{}
		}
		if b.Figures[f.Check] == nil {
			b.Figures[f.Check] = map[string]steadystate.Base{}
		}
		b.Figures[f.Check][f.Quantity] = steadystate.Base{Bounds: steadystate.Bounds[float64]{Low: f.Low, High: f.High}, N: f.N, Unknown: f.UnknownBecause}
	}
	return b
}

func (r Report) findingOf(f judge.Finding) results.Finding {
	v := results.Finding{
		Check: f.Check, Signal: f.Signal, Subject: f.Subject, Limit: results.Limit{Text: f.Limit}, Source: place(f.Source),
		Verdict: f.Verdict.String(), Seen: maybe(f.Seen, rangeOf), Open: f.Open, Text: f.Text, UndecidedBecause: f.Undecided, OfRun: f.OfRun,
		Outages: []int{},
	}
	if f.Where != "" {
		v.LookAt = &results.LookAt{Text: f.Where, Events: append([]int{}, f.Near...)}
	}
	for _, c := range cause.Of(r.Result, f, r.Causes) {
		if c.Outage != cause.NoOutage {
			v.Outages = append(v.Outages, c.Outage)
		}
	}
	if f.Wanted != nil {
		v.Unit = units[f.Wanted.Dimension]
		v.Limit.Quantity, v.Limit.Operator, v.Limit.Value = f.Wanted.Quantity, f.Wanted.Operator, new(f.Wanted.Value)
	}
	if f.Open && v.Seen != nil {
		v.Seen.High = nil
	}
	v.Cause = maybe(r.ofLimit(f), causeOf)
	return v
}

func (v *verdicts) finding(f results.Finding) judge.Finding {
	of := judge.Finding{
		Check: f.Check, Signal: f.Signal, Subject: f.Subject, Limit: f.Limit.Text, Source: newPlace(f.Source), OfRun: f.OfRun,
		Reading: steadystate.Reading{Verdict: v.of(f.Verdict), Seen: maybe(f.Seen, newRange), Open: f.Open, Text: f.Text, Undecided: f.UndecidedBecause},
	}
	if f.LookAt != nil {
		of.Where, of.Near = f.LookAt.Text, f.LookAt.Events
	}
	if f.Seen != nil && f.Open {
		of.Seen.High = of.Seen.Low
	}
	if f.Limit.Value != nil {
		of.Wanted = &judge.Wanted{Quantity: f.Limit.Quantity, Operator: f.Limit.Operator, Value: *f.Limit.Value, Dimension: dimension(f.Unit)}
	}
	return of
}

func (r Report) checkOf(c judge.CheckResult) results.Check {
	v := results.Check{
		Check: c.Check, Signal: c.Signal, Good: results.Good{Text: c.Tolerance.String(), Operator: c.Tolerance.Operator(), Value: c.Tolerance.Value()}, Unit: units[c.Dimension], Window: spanOf(c.Window),
		Observations:      results.Observations{Good: c.Good, Bad: c.Bad, Unknown: c.Unknown, Failed: c.Failed, Doubtful: c.Doubtful, Missing: c.Missing},
		ResolutionSeconds: secondsIn(c.Resolution), Gaps: each(c.Gaps, spanOf), GapSeconds: secondsIn(c.UnknownTime),
		Outages: each(c.Outages, outageOf), Downtime: lengthOf(c.Downtime), Recoveries: each(c.Recoveries, recoveryOf),
		MTTR: maybe(c.MTTR, lengthOf), Unrecovered: c.Unrecovered,
		Values: each(c.Phases, func(p judge.PhaseDistribution) results.PhaseValues {
			return results.PhaseValues{Phase: p.Phase, Distribution: distributionOf(p.Distribution)}
		}),
	}
	if c.PartialResolution != (steadystate.PartialResolution{}) {
		v.PartialResolution = &results.PartialResolution{Share: c.PartialResolution.Share, LengthSeconds: secondsIn(c.PartialResolution.Length)}
	}
	if c.Observed() > 0 {
		v.UptimeShare = new(rangeOf(c.Uptime))
	}
	for i := range v.Outages {
		if why := r.cause(c.Check, i); why.Check != "" {
			v.Outages[i].Cause = new(causeOf(why))
		}
	}
	return v
}

func (v *verdicts) check(c results.Check) judge.CheckResult {
	of := judge.CheckResult{
		Check: c.Check, Signal: c.Signal, Dimension: dimension(c.Unit),
		Figures: steadystate.Figures{
			Window: newSpan(c.Window), Good: c.Observations.Good, Bad: c.Observations.Bad, Unknown: c.Observations.Unknown,
			Failed: c.Observations.Failed, Doubtful: c.Observations.Doubtful, Missing: c.Observations.Missing,
			Resolution: inSeconds(c.ResolutionSeconds), Gaps: back(c.Gaps, newSpan), UnknownTime: inSeconds(c.GapSeconds),
			Outages: back(c.Outages, newOutage), Downtime: newLength(c.Downtime),
		},
		Recoveries: back(c.Recoveries, newRecovery), MTTR: maybe(c.MTTR, newLength), Unrecovered: c.Unrecovered,
		Phases: back(c.Values, func(p results.PhaseValues) judge.PhaseDistribution {
			return judge.PhaseDistribution{Phase: p.Phase, Distribution: newDistribution(p.Distribution)}
		}),
	}
	v.err = cmp.Or(v.err, of.Tolerance.UnmarshalText([]byte(c.Good.Text)))
	if p := c.PartialResolution; p != nil {
		of.PartialResolution = steadystate.PartialResolution{Share: p.Share, Length: inSeconds(p.LengthSeconds)}
	}
	if c.UptimeShare != nil {
		of.Uptime = newRange(*c.UptimeShare)
	}
	return of
}

func outageOf(o steadystate.Outage) results.Outage {
	v := results.Outage{
		Start: spanOf(o.Start), Length: openLength(o.Length(), o.Open), Bad: o.Bad, Total: o.Total,
		Stretches: o.Stretches, Down: lengthOf(o.Down), Stray: o.Stray, Reason: o.Reason,
	}
	if o.Total > 0 {
		v.BadShare = new(float64(o.Bad) / float64(o.Total))
	}
	if end := spanOf(o.End); o.Open {
		v.SeenUntil = &end
	} else {
		v.End = &end
	}
	return v
}

func newOutage(v results.Outage) steadystate.Outage {
	o := steadystate.Outage{
		Start: newSpan(v.Start), Open: v.End == nil, Stray: v.Stray, Bad: v.Bad, Total: v.Total,
		Stretches: v.Stretches, Down: newLength(v.Down), Reason: v.Reason,
	}
	if end := cmp.Or(v.End, v.SeenUntil); end != nil {
		o.End = newSpan(*end)
	}
	return o
}

func causeOf(c cause.Cause) results.Cause {
	return results.Cause{
		Who: c.Who, When: c.When, Rule: c.Rule, Why: c.Why, Before: maybe(c.Before, momentOf), Inside: maybe(c.Inside, momentOf), MoreEvents: c.More,
		Stage: c.Stage, Recovering: c.Recovering, Quote: maybe(c.Quote, quoteOf), NoPartIn: c.NoPartIn,
		Failures: each(c.Failures, func(f cause.Failure) results.Failure { return failureOf(f.Backend, f.Reason, f.Requests) }),
	}
}

func newCause(check string, outage int, v results.Cause) cause.Cause {
	return cause.Cause{
		Check: check, Outage: outage, Who: v.Who, When: v.When, Rule: v.Rule, Why: v.Why, Before: maybe(v.Before, newMoment), Inside: maybe(v.Inside, newMoment), More: v.MoreEvents,
		Stage: v.Stage, Recovering: v.Recovering, Quote: maybe(v.Quote, newQuote), NoPartIn: v.NoPartIn,
		Failures: back(v.Failures, func(f results.Failure) cause.Failure {
			return cause.Failure{Backend: f.Backend, Reason: f.Reason, Requests: f.Requests}
		}),
	}
}

func quoteOf(q cause.Quote) results.Quote { return results.Quote(q) }

func newQuote(v results.Quote) cause.Quote { return cause.Quote(v) }

func adviceOf(a cause.Advice) results.Advice {
	v := results.Advice(a)
	v.Findings = append([]int{}, a.Findings...)
	return v
}

func newAdvice(v results.Advice) cause.Advice { return cause.Advice(v) }

func workloadOf(w record.Workload) results.Workload {
	return results.Workload{
		Subject: w.Subject, Replicas: w.Replicas, Strategy: w.Strategy, MaxUnavailable: w.MaxUnavailable, MaxSurge: w.MaxSurge, GraceSeconds: w.GraceSeconds, Nodes: w.Nodes, Zones: w.Zones, Budgets: w.Budgets,
		Serving: w.Serving, SchedulableNodes: w.SchedulableNodes, SchedulableZones: w.SchedulableZones, AllowedNodes: w.AllowedNodes, AllowedZones: w.AllowedZones, Autoscalers: w.Autoscalers, Spread: w.Spread,
		Containers: each(w.Containers, containerOf),
	}
}

func containerOf(c record.Container) results.Container {
	probe := func(p record.Probe) results.Probe { return results.Probe(p) }
	return results.Container{
		Name: c.Name, Readiness: c.Readiness, Liveness: c.Liveness, GraceSeconds: c.GraceSeconds, PreStop: c.PreStop, Requests: c.Requests, Limits: c.Limits,
		ReadinessProbe: maybe(c.ReadinessProbe, probe), LivenessProbe: maybe(c.LivenessProbe, probe),
	}
}

func newContainer(v results.Container) record.Container {
	probe := func(p results.Probe) record.Probe { return record.Probe(p) }
	return record.Container{
		Name: v.Name, Readiness: v.Readiness, Liveness: v.Liveness, GraceSeconds: v.GraceSeconds, PreStop: v.PreStop, Requests: v.Requests, Limits: v.Limits,
		ReadinessProbe: maybe(v.ReadinessProbe, probe), LivenessProbe: maybe(v.LivenessProbe, probe),
	}
}

func newWorkload(v results.Workload) record.Workload {
	return record.Workload{
		Subject: v.Subject, Replicas: v.Replicas, Strategy: v.Strategy, MaxUnavailable: v.MaxUnavailable, MaxSurge: v.MaxSurge, GraceSeconds: v.GraceSeconds, Nodes: v.Nodes, Zones: v.Zones, Budgets: v.Budgets,
		Serving: v.Serving, SchedulableNodes: v.SchedulableNodes, SchedulableZones: v.SchedulableZones, AllowedNodes: v.AllowedNodes, AllowedZones: v.AllowedZones, Autoscalers: v.Autoscalers, Spread: v.Spread,
		Containers: back(v.Containers, newContainer),
	}
}

func momentOf(m cause.Moment) results.Moment {
	return results.Moment{Span: spanOf(m.Span), Kind: m.Kind, Subject: m.Subject, Reason: m.Reason}
}

func newMoment(v results.Moment) cause.Moment {
	return cause.Moment{Span: newSpan(v.Span), Kind: v.Kind, Subject: v.Subject, Reason: v.Reason}
}

// failureOf is how many requests failed for a reason, whose text is that of the
// record.
func failureOf(backend, reason string, requests int) results.Failure {
	f := results.Failure{Reason: reason, Backend: backend, Requests: requests}
	if status, err := strconv.Atoi(reason); err == nil {
		f.Status = status
	}
	return f
}

func recoveryOf(r judge.Recovery) results.Recovery {
	until := func(b steadystate.Bounds[time.Duration]) results.Length { return openLength(b, r.Open) }
	return results.Recovery{Fault: r.Fault, OutageCount: r.Outages, TTR: until(r.TTR), TTD: maybe(r.TTD, lengthOf), TTRAfterRemoval: maybe(r.AfterRemoval, until), Open: r.Open}
}

func newRecovery(v results.Recovery) judge.Recovery {
	return judge.Recovery{Fault: v.Fault, Outages: v.OutageCount, TTR: newLength(v.TTR), TTD: maybe(v.TTD, newLength), AfterRemoval: maybe(v.TTRAfterRemoval, newLength), Open: v.Open}
}

func distributionOf(d steadystate.Distribution) results.Distribution {
	return results.Distribution{N: d.N, Mean: rangeOf(d.Mean), P50: rangeOf(d.P50), P95: rangeOf(d.P95), P99: rangeOf(d.P99), Max: rangeOf(d.Max)}
}

func newDistribution(v results.Distribution) steadystate.Distribution {
	return steadystate.Distribution{N: v.N, Mean: newRange(v.Mean), P50: newRange(v.P50), P95: newRange(v.P95), P99: newRange(v.P99), Max: newRange(v.Max)}
}

func targetOf(t record.Target) results.Target { return results.Target(t) }

func newTarget(v results.Target) record.Target { return record.Target(v) }

// effectUnit is the unit of the values of an effect; empty: it has none, or it is not known.
func (r Report) effectUnit(i judge.InjectionResult, e record.Effect) string {
	_, sent := r.Traffic[e.Signal]
	switch {
	case e.Rise == 0 && e.Ceiling == 0 && e.AtMost == nil:
		return ""
	case i.Kind == record.KindStressCPU:
		return "cores"
	case i.Kind == record.KindStressMemory:
		return "bytes"
	case sent, e.Signal == record.TrafficSignal, i.Kind == record.KindNetworkDelay:
		return units["time"]
	}
	for _, c := range r.Checks {
		if c.Signal == e.Signal {
			return units[c.Dimension]
		}
	}
	return ""
}

func (r Report) injectionOf(i judge.InjectionResult) results.Injection {
	return results.Injection{
		Index: i.Index, Fault: i.Fault, Kind: i.Kind, Peers: i.Peers, Targets: each(i.Targets, targetOf), TookEffect: spanOf(i.Span), Undone: maybe(i.Removed, spanOf),
		Effects: each(i.Effects, func(e record.Effect) results.Effect {
			return results.Effect{
				Event: e.Event, Container: e.Container, On: maybe(e.On, targetOf), Signal: e.Signal, Unit: r.effectUnit(i, e), Rise: e.Rise,
				Quantile: e.Quantile, Ceiling: e.Ceiling, AtMost: e.AtMost, Times: e.Times,
			}
		}),
		UnprovableBecause: i.Unprovable, OfPods: i.Of,
		Shares: each(i.Hit, func(h judge.HitShare) results.Share {
			return results.Share{Span: spanOf(h.Span), HitPods: h.Hit, OfPods: h.Of}
		}),
		UnsurveyedBecause: i.Unsurveyed, ChangesPods: i.ChangesPods, Follows: i.Follows, Rolls: i.Rolls, EndsOnRestart: i.EndsOnRestart,
		OneShot: i.OneShot, FailedBecause: i.FailureReason, Refused: i.Refused,
	}
}

func newInjection(v results.Injection) judge.InjectionResult {
	return judge.InjectionResult{
		Injection: record.Injection{
			Index: v.Index, Fault: v.Fault, Kind: v.Kind, Peers: v.Peers, Targets: back(v.Targets, newTarget), Span: newSpan(v.TookEffect),
			Effects: back(v.Effects, func(e results.Effect) record.Effect {
				return record.Effect{
					Event: e.Event, Container: e.Container, On: maybe(e.On, newTarget), Signal: e.Signal, Rise: e.Rise,
					Quantile: e.Quantile, Ceiling: e.Ceiling, AtMost: e.AtMost, Times: e.Times,
				}
			}),
			Unprovable: v.UnprovableBecause, Of: v.OfPods, ChangesPods: v.ChangesPods, Follows: v.Follows, Rolls: v.Rolls,
			EndsOnRestart: v.EndsOnRestart, OneShot: v.OneShot, FailureReason: v.FailedBecause, Refused: v.Refused,
		},
		Removed: maybe(v.Undone, newSpan),
		Hit: back(v.Shares, func(s results.Share) judge.HitShare {
			return judge.HitShare{Span: newSpan(s.Span), Hit: s.HitPods, Of: s.OfPods}
		}),
		Unsurveyed: v.UnsurveyedBecause,
	}
}

func trafficOf(signal string, t judge.Traffic) results.Traffic {
	v := results.Traffic{
		Signal: signal, Sent: t.Sent, FailedFirst: t.FailedFirst, FailedFinally: t.FailedFinally, Repeated: t.Repeated,
		FailedLocally: t.Local, Late: t.Late, Missing: t.Missing, Duplicates: t.Twice,
		LateSeconds: secondsIn(t.LateTime), WorstLateSeconds: secondsIn(t.WorstLate), PlannedPerSecond: t.Rate, SentPerSecond: t.SentRate,
		Backends: []results.Backend{}, Failures: []results.Failure{}, Phases: each(t.Phases, partOf), Stages: each(t.Stages, partOf),
	}
	for _, name := range keys(t.ByBackend) {
		v.Backends = append(v.Backends, results.Backend{Backend: name, Answers: t.ByBackend[name]})
	}
	for _, backend := range keys(t.FailuresBy) {
		for _, why := range keys(t.FailuresBy[backend]) {
			v.Failures = append(v.Failures, failureOf(backend, why, t.FailuresBy[backend][why]))
		}
	}
	return v
}

func newTraffic(v results.Traffic) judge.Traffic {
	t := judge.Traffic{
		Sent: v.Sent, FailedFirst: v.FailedFirst, FailedFinally: v.FailedFinally, Repeated: v.Repeated, Local: v.FailedLocally,
		Late: v.Late, Missing: v.Missing, Twice: v.Duplicates, LateTime: inSeconds(v.LateSeconds), WorstLate: inSeconds(v.WorstLateSeconds),
		Rate: v.PlannedPerSecond, SentRate: v.SentPerSecond, Phases: back(v.Phases, newPart), Stages: back(v.Stages, newPart),
		ByBackend: map[string]int{}, Failures: map[string]int{}, FailuresBy: map[string]map[string]int{},
	}
	for _, b := range v.Backends {
		t.ByBackend[b.Backend] = b.Answers
	}
	for _, f := range v.Failures {
		if t.FailuresBy[f.Backend] == nil {
			t.FailuresBy[f.Backend] = map[string]int{}
		}
		t.Failures[f.Reason] += f.Requests
		t.FailuresBy[f.Backend][f.Reason] += f.Requests
	}
	return t
}

func partOf(p judge.TrafficSegment) results.TrafficPart {
	return results.TrafficPart{
		Name: p.Name, Span: spanOf(p.Span), Sent: p.Sent, FailedFirst: p.FailedFirst, FailedLocally: p.Local,
		PlannedPerSecond: p.Rate, SentPerSecond: p.SentRate, LatencySeconds: maybe(p.Latency, distributionOf),
	}
}

func newPart(v results.TrafficPart) judge.TrafficSegment {
	return judge.TrafficSegment{
		Name: v.Name, Span: newSpan(v.Span), Sent: v.Sent, FailedFirst: v.FailedFirst, Local: v.FailedLocally,
		Rate: v.PlannedPerSecond, SentRate: v.SentPerSecond, Latency: maybe(v.LatencySeconds, newDistribution),
	}
}

func podRecoveryOf(w recovery.Waterfall) results.PodRecovery {
	costliest, _ := w.Costliest()
	return results.PodRecovery{
		Victim: targetOf(w.Victim), Replacement: maybe(w.Replacement, targetOf), InPlace: w.InPlace, Fault: w.Fault,
		Stages: stagesOf(w.Breakdown), CostliestStage: costliest.Stage, RecordEndSeconds: secondsIn(w.End), Note: w.Note,
	}
}

func newPodRecovery(v results.PodRecovery) recovery.Waterfall {
	return recovery.Waterfall{
		Victim: newTarget(v.Victim), Replacement: maybe(v.Replacement, newTarget), InPlace: v.InPlace,
		Breakdown: newBreakdown(v.Fault, v.Stages, v.RecordEndSeconds, v.Note),
	}
}

const sizesArrow = " -> "

func autoscalingOf(d autoscaling.Decomposition) results.Autoscaling {
	v := results.Autoscaling{
		Autoscaler: d.Autoscaler, Sizes: []int{}, Fault: d.Fault, Stages: stagesOf(d.Breakdown),
		RecordEndSeconds: secondsIn(d.End), Note: d.Note,
	}
	for text := range strings.SplitSeq(d.Sizes, sizesArrow) {
		if size, err := strconv.Atoi(text); err == nil {
			v.Sizes = append(v.Sizes, size)
		}
	}
	return v
}

func newAutoscaling(v results.Autoscaling) autoscaling.Decomposition {
	return autoscaling.Decomposition{
		Autoscaler: v.Autoscaler, Sizes: strings.Join(each(v.Sizes, strconv.Itoa), sizesArrow),
		Breakdown: newBreakdown(v.Fault, v.Stages, v.RecordEndSeconds, v.Note),
	}
}

func stageOf(s judge.Step) results.Stage {
	took := func(b steadystate.Bounds[time.Duration]) results.Length { return openLength(b, s.Open) }
	return results.Stage{Stage: s.Stage, Reached: maybe(s.Reached, spanOf), Since: s.Since, Took: maybe(s.Took, took), Open: s.Open, Note: s.Note}
}

// stagesOf are the stages of a breakdown; those that are open with how far they were
// followed.
func stagesOf(b judge.Breakdown) []results.Stage {
	return each(b.Steps, func(s judge.Step) results.Stage {
		v := stageOf(s)
		if since := b.Step(s.Since).Reached; s.Open && s.Took != nil && since != nil {
			v.FollowedUntilSeconds = new(secondsIn(since.From + s.Took.High))
		}
		return v
	})
}

func newBreakdown(fault string, stages []results.Stage, end float64, note string) judge.Breakdown {
	b := judge.Breakdown{Fault: fault, End: inSeconds(end), Note: note}
	for _, v := range stages {
		s := judge.Step{Stage: v.Stage, Reached: maybe(v.Reached, newSpan), Since: v.Since, Took: maybe(v.Took, newLength), Open: v.Open, Note: v.Note}
		if since := b.Step(s.Since).Reached; since != nil && s.Took != nil && v.FollowedUntilSeconds != nil {
			s.Took.High = inSeconds(*v.FollowedUntilSeconds) - since.From
		}
		b.Steps = append(b.Steps, s)
	}
	return b
}
