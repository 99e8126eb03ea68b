package suites

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/abort"
	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/kubeevents"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// An Experiment is an experiment of the plan on its cluster, or the control run of
// several.
type Experiment struct {
	experiments.Experiment
	Planned config.Planned
	service *service
	ledger  *ledger.Ledger
	queries []asked
	signals []perPod
}

// asked is a query of a check.
type asked struct {
	check  config.PlannedCheck
	source prom.Source
}

// Experiments makes the experiments that [Session.Read] returned. If the file asks for
// control runs, each comes before the experiments that it is the baseline of. The error
// names what cannot be made.
func (s *Session) Experiments(chosen []config.Planned) ([]Experiment, error) {
	var list []Experiment
	var errs []error
	for _, p := range chosen {
		e, err := s.experiment(p)
		if err != nil {
			errs = append(errs, p.Place.Error(fmt.Errorf("%s: %w", p.ID(), err)))
			continue
		}
		list = append(list, e)
	}
	list = controlled(s.Plan, list)
	for i, e := range list {
		list[i].Safeguards = slices.Concat(s.stopsOf(e), s.locksOf(e), e.Safeguards)
		if !e.IsControl() {
			e.ledger.Switch = s.switchOf(e)
			list[i].Safeguards = append(list[i].Safeguards, e.ledger)
		}
	}
	return list, errors.Join(errs...)
}

// data is what an experiment has of the plan's that needs no cluster.
func data(p config.Planned) experiments.Experiment {
	e := experiments.Experiment{
		Name:        p.ID(),
		Title:       p.Title,
		Labels:      p.Labels(),
		Evaluators:  Evaluators(),
		Source:      p.Place.String(),
		Service:     p.Target.Name,
		Namespace:   p.Target.Namespace,
		Hash:        p.Hash,
		Settle:      p.Times.Settle,
		Hold:        p.Times.Hold,
		Watch:       p.Times.Watch,
		UndoTimeout: p.Times.Undo,
		Deadline:    p.Times.Deadline,
	}
	if e.Title == e.Name {
		e.Title = "" // the file gives none
	}
	e.Places = make(map[string]string, len(p.Places))
	for limit, place := range p.Places {
		e.Places[limit] = place.String()
	}
	return e
}

// Plans returns the plans of experiments as far as the file says, in the order in which they
// would run: for the reports of those that cannot begin.
func Plans(plan *config.Plan, chosen []config.Planned) (plans []*record.Plan) {
	var list []Experiment
	for _, p := range chosen {
		e := Experiment{Experiment: data(p), Planned: p}
		for _, c := range p.Checks {
			e.Hypothesis.Checks = append(e.Hypothesis.Checks, c.Check)
		}
		for _, x := range p.Expects {
			e.Expectations = append(e.Expectations, autoscaling.Expect(x.Name, p.Target.Namespace, p.Target.Autoscaler.Name, x.Limits...))
		}
		e.Traffic = config.SignalTraffic
		if p.Load != nil {
			e.Load, e.Traffic = p.Load, ""
		}
		list = append(list, e)
	}
	for _, e := range controlled(plan, list) {
		of := e.Plan()
		if !e.IsControl() {
			for _, f := range e.Planned.Faults {
				of.Faults = append(of.Faults, record.Scheduled{Name: f.Name, Fault: f.Name})
			}
		}
		plans = append(plans, of)
	}
	return plans
}

func (s *Session) experiment(p config.Planned) (Experiment, error) {
	read := s.services[p.Target.Name]
	if read == nil {
		return Experiment{}, fmt.Errorf("%s was not read: call Read first", p.Target.Workload)
	}
	e := Experiment{Experiment: data(p), Planned: p, service: read, ledger: s.ledgerOf(p.ID())}
	e.Environment = maps.Clone(s.environment)
	e.Environment["where"] = s.Where(p)
	e.AgainstControl = s.Plan.Baseline == config.BaselineControl
	e.Safeguards = append(e.Safeguards, &kubeevents.Announcer{Client: s.Client, Workload: read.Workload, Experiment: e.Name})
	err := errors.Join(s.checks(&e), s.expects(&e), s.observers(&e))
	var traffic *load.HTTP
	if p.Load != nil {
		copied := *p.Load
		traffic = &copied
	}
	err = errors.Join(err, s.faults(&e, traffic))
	if traffic != nil {
		e.Load = s.driven(e, *traffic)
	} else {
		e.Traffic = config.SignalTraffic
	}
	if err == nil {
		err = e.Validate()
	}
	return e, err
}

// checks adds the checks and their signals.
func (s *Session) checks(e *Experiment) error {
	t := e.service
	signals := []steadystate.Signal{{
		Name:     config.SignalReplicas,
		Source:   kube.Replicas(s.Client, t.Workload),
		Describe: "ready / desired pods of " + t.Workload.String(),
	}}
	var errs []error
	for _, c := range e.Planned.Checks {
		e.Hypothesis.Checks = append(e.Hypothesis.Checks, c.Check)
		if c.Query == nil {
			continue
		}
		source, err := s.source(t, *c.Query)
		errs = append(errs, err)
		e.queries = append(e.queries, asked{c, source})
		signals = append(signals, source.Signal(c.Name))
	}
	aborts := &abort.Conditions{Blind: e.Planned.Abort.Blind}
	for _, c := range e.Planned.Abort.Unless {
		aborts.Unless = append(aborts.Unless, abort.Condition{Name: c.Name, Signal: c.Signal, Good: c.Good, For: c.For})
		if c.Query == nil {
			continue
		}
		source, err := s.source(t, *c.Query)
		errs = append(errs, err)
		e.queries = append(e.queries, asked{config.PlannedCheck{Check: steadystate.Check{Name: c.Signal, Signal: c.Signal, Good: c.Good}, Query: c.Query, Place: c.Place}, source})
		signals = append(signals, source.Signal(c.Signal))
	}
	if len(aborts.Unless) > 0 {
		e.Safeguards = append(e.Safeguards, aborts)
	}
	if e.Planned.Uses(config.SignalRollout) {
		signals = append(signals, steadystate.Signal{
			Name:     config.SignalRollout,
			Source:   kube.Rollout(s.Client, t.Workload),
			Describe: "pods that are up to date and ready / pods of " + t.Workload.String(),
		})
	}
	for name, probe := range t.Probes() {
		signals = append(signals, probe.Signal(name))
	}
	e.Hypothesis.Signals = signals
	return errors.Join(errs...)
}

// source is the source of a query about a service.
func (s *Session) source(of *service, q config.Query) (prom.Source, error) {
	parsed, err := q.Parse(of.subject())
	if err != nil {
		return prom.Source{}, q.Place.Error(err)
	}
	return prom.Source{Client: s.prometheus, Query: parsed, Reduce: q.Reduce, Interval: q.Every}, nil
}

// expects adds what is expected of the autoscaler, with a second reading of its
// metric where there is one.
func (s *Session) expects(e *Experiment) error {
	for _, x := range e.Planned.Expects {
		expectation := autoscaling.Expect(x.Name, e.service.Namespace, e.service.Autoscaler.Name, x.Limits...)
		if s.prometheus != nil {
			source, err := s.source(e.service, kubelets())
			if err != nil {
				return err
			}
			expectation.Signal = signalKubelets
			e.Hypothesis.Signals = append(e.Hypothesis.Signals, source.Signal(signalKubelets))
		}
		e.Expectations = append(e.Expectations, expectation)
	}
	return nil
}

// observers record what happens to the pods and their endpoints, what the
// autoscaler does if the service has one, and the signals of single pods in which
// effects show.
func (s *Session) observers(e *Experiment) error {
	t := e.service
	watched := kubewatch.Observer{Client: s.Client, Namespace: t.Namespace, Selector: t.selector, Workloads: []kube.Workload{t.Workload}, Except: []string{kubeevents.Controller}}
	if t.front != "" {
		watched.Services = []string{t.front}
	}
	if t.Autoscaler != nil {
		watched.Autoscalers, watched.VerticalAutoscalers = []string{t.Autoscaler.Name}, []string{t.Autoscaler.Name}
		watched.Nodes = true
	}
	evicts := slices.ContainsFunc(e.Planned.Faults, func(f config.PlannedFault) bool { return f.Traits().Evicts })
	e.Observers = []experiments.Observer{watched, images{s.Client, t}, described{client: s.Client, of: t, evicted: evicts}}
	if s.prometheus != nil {
		e.Observers = append(e.Observers, clockOf{s.prometheus})
	}
	for _, name := range e.Planned.Signals() {
		source, err := s.source(t, t.Signals[name])
		if err != nil {
			return err
		}
		signal := perPod{name: name, series: source.Per(podLabel)}
		e.Observers, e.signals = append(e.Observers, signal), append(e.signals, signal)
	}
	return nil
}

// controlled puts before the experiments of each suite of a service a control run,
// as long as the longest of them, if the file asks for it. Its labels are all of
// theirs, so that a filter that leaves one of them leaves it too.
func controlled(plan *config.Plan, list []Experiment) []Experiment {
	if plan.Baseline != config.BaselineControl {
		return list
	}
	suite := func(e Experiment) string { return e.Labels[0] + "/" + e.Planned.Suite }
	var all []Experiment
	for i, e := range list {
		if !slices.ContainsFunc(list[:i], func(o Experiment) bool { return suite(o) == suite(e) }) {
			own := slices.DeleteFunc(slices.Clone(list), func(o Experiment) bool { return suite(o) != suite(e) })
			all = append(all, control(own))
		}
		all = append(all, e)
	}
	return all
}

// control is the control run of the experiments of one suite. What is asked only
// of a service that has scaled, it is not asked.
func control(suite []Experiment) Experiment {
	e := slices.MaxFunc(suite, func(a, b Experiment) int { return int(a.Hold + a.Watch - b.Hold - b.Watch) })
	shared := func(c steadystate.Check) bool {
		return !slices.ContainsFunc(suite, func(o Experiment) bool {
			return !slices.ContainsFunc(o.Hypothesis.Checks, func(d steadystate.Check) bool { return d.Name == c.Name })
		})
	}
	e.Experiment = e.Control()
	e.Hypothesis.Checks = slices.DeleteFunc(e.Hypothesis.Checks, func(c steadystate.Check) bool { return !shared(c) })
	for _, other := range suite {
		for _, label := range other.Labels {
			if !slices.Contains(e.Labels, label) {
				e.Labels = append(e.Labels, label)
			}
		}
	}
	e.Name = "control run of " + e.Planned.Target.Name
	if e.Planned.Suite != "" {
		e.Name += "/" + e.Planned.Suite
	}
	return e
}

// surged is the experiment's load with its surge; the surges of one experiment
// are one switch, with one factor.
func surged(traffic *load.HTTP, factor float64) (*load.Surge, error) {
	if traffic == nil {
		return nil, errors.New("a surge needs a load")
	}
	if traffic.Surge == nil {
		traffic.Surge = &load.Surge{Factor: factor}
	}
	return traffic.Surge, nil
}
