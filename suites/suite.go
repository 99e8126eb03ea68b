package suites

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/kubewatch"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// standard is one experiment of the standard suites.
type standard struct {
	// id names it in the configuration: SUITE/EXPERIMENT, its labels.
	id string
	// name is what it does to the workload, whose name is put in place of %s.
	name string
	// hold is how long the fault stays at least, so that its effect can be
	// seen; zero is for what happens at once. watch is how long to look on at
	// least; zero is for what the configuration says.
	hold, watch time.Duration
	// signals of single pods that show its effect.
	signals []string
	// peer: it needs to know the pods of the dependency.
	peer bool
	// autoscaler: it is about the service's autoscaler, and expects of it what
	// the configuration says.
	autoscaler bool
	// rollout: it replaces every pod by one of another template. drain: it does
	// what the drain of a node does.
	rollout, drain bool
	// capacity: it is about objectives, which need a Prometheus.
	capacity bool
	// lossless: no request may be lost.
	lossless bool
	// extra checks, besides the configuration's.
	extra []steadystate.Check
	// unhurried: it goes through the pods one after the other, however many
	// there are.
	unhurried bool
	// held is the experiment's fault if it can follow, fault if it cannot; more
	// makes the experiment another where a fault is not all that is special about
	// it. Without all of them there is none.
	held  func(t *Target, follow bool) chaosmesh.Spec
	fault func(*Target) experiments.Fault
	more  func(*Target, *experiments.Experiment)
}

// IDs are the ids of the standard experiments, by which the configuration and
// label filters choose them.
func IDs() []string {
	var ids []string
	for _, s := range standards() {
		ids = append(ids, s.id)
	}
	return ids
}

// Evaluators are those of the expectations that standard experiments have, for
// judging a record of one again.
func Evaluators() []judge.Evaluator { return []judge.Evaluator{autoscaling.Evaluator{}} }

// ID is the id of a standard experiment: its labels, joined, since a label may
// hold no slash.
func ID(e experiments.Experiment) string { return strings.Join(e.Labels, "/") }

// standards are all standard experiments, in the order in which they are run:
// what heals by itself first.
func standards() []standard {
	return slices.Concat(pods, network, stress, disruption, rollouts, scaling, capacity)
}

// All is every experiment of the standard suites that the configuration has
// what is needed for, and does not skip.
func All(t *Target) []experiments.Experiment {
	var list []experiments.Experiment
	for _, s := range standards() {
		if s.leftOut(t.Config) == "" {
			list = append(list, t.experiment(s))
		}
	}
	return list
}

// LeftOut says of each standard experiment that is not run why it is not, by
// id.
func (c Config) LeftOut() map[string]string {
	left := map[string]string{}
	for _, s := range standards() {
		if why := s.leftOut(c); why != "" {
			left[s.id] = why
		}
	}
	return left
}

func (s standard) leftOut(c Config) string {
	if why := c.Variations[s.id].Skip; why != "" {
		return why
	}
	if s.peer && len(c.Dependency.Selector) == 0 {
		return "no dependency is named in the configuration"
	}
	if s.autoscaler && !c.Service.Scales() {
		return fmt.Sprintf("the nodes decide how many pods a %s has, and no autoscaler", c.Service.Kind)
	}
	if s.drain && !c.Service.Drains() {
		return fmt.Sprintf("the drain of a node leaves the pods of a %s where they are", c.Service.Kind)
	}
	if s.rollout && c.Service.held != "" {
		return "no rollout of " + c.Service.String() + " reaches every pod: " + c.Service.held
	}
	if s.autoscaler && c.Autoscaler.Name == "" {
		return "no autoscaler is named in the configuration"
	}
	if s.capacity && c.Capacity.sources == nil {
		return "no capacity is asked for in the configuration"
	}
	for _, name := range s.signals {
		if _, ok := c.PodSignals[name]; !ok {
			return fmt.Sprintf("no pod signal %q in the configuration, which would show its effect", name)
		}
	}
	return ""
}

// signalsOf are the signals of single pods that the experiments need.
func signalsOf(chosen []experiments.Experiment) []string {
	var names []string
	for _, s := range standards() {
		if slices.ContainsFunc(chosen, func(e experiments.Experiment) bool { return ID(e) == s.id }) {
			names = append(names, s.signals...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// experiment is a standard experiment on the target, with the configuration's
// load, checks and times as the configuration varies them.
func (t *Target) experiment(s standard) experiments.Experiment {
	variation := t.Variations[s.id]
	signals := []steadystate.Signal{{
		Name:     SignalReplicas,
		Source:   kube.Replicas(t.Client, t.Service.Workload),
		Describe: "ready / desired pods of " + t.Service.String(),
	}}
	checks := variation.checks(s.checks(t.Config))
	if slices.ContainsFunc(checks, func(c steadystate.Check) bool { return c.Signal == SignalRollout }) {
		signals = append(signals, steadystate.Signal{
			Name:     SignalRollout,
			Source:   kube.Rollout(t.Client, t.Service.Workload),
			Describe: "pods that are up to date and ready / pods of " + t.Service.String(),
		})
	}
	if t.WebSocket != nil {
		signals = append(signals, t.WebSocket.Signal(SignalWebSocket))
	}
	if t.GRPC != nil {
		signals = append(signals, t.GRPC.Signal(SignalGRPC))
	}
	if !s.capacity { // its objectives have queries of their own
		for _, q := range t.queries {
			signals = append(signals, t.asked(q.source, q.check))
		}
	}
	for _, o := range t.objectives(s) {
		if source, ok := t.Capacity.sources[o.name]; ok {
			signals = append(signals, t.asked(source, o.name))
		}
	}
	if s.autoscaler && t.Autoscaler.reading != nil {
		signals = append(signals, t.asked(*t.Autoscaler.reading, SignalKubelets))
	}
	e := experiments.Experiment{
		Name:        strings.ReplaceAll(s.name, "%s", t.Service.Name),
		Labels:      strings.Split(s.id, "/"),
		Hypothesis:  steadystate.Hypothesis{Signals: signals, Checks: checks},
		Load:        t.Load,
		Evaluators:  Evaluators(),
		Observers:   t.observers(s),
		Environment: t.environment,
		Settle:      t.Settle,
		Hold:        max(t.Hold, s.hold),
		Watch:       max(t.Watch, s.watch),
	}
	if s.capacity {
		// Or nothing that is observed would lie within them.
		e.Settle = max(e.Settle, 2*t.Capacity.Range)
		e.Hold = max(e.Hold, 4*t.Capacity.Range)
	}
	if s.unhurried {
		e.UndoTimeout, e.Deadline = rolloutTime+2*time.Minute, unhurriedDeadline
	}
	if variation.Hold > 0 {
		e.Hold = variation.Hold
	}
	if variation.Watch > 0 {
		e.Watch = variation.Watch
	}
	if s.fault != nil {
		e.Faults = []experiments.Scheduled{{Fault: s.fault(t)}}
	}
	if s.held != nil {
		e.Faults = []experiments.Scheduled{{Fault: t.Chaos.Fault(s.held(t, variation.Follow))}}
	}
	if s.autoscaler {
		limits := t.Autoscaler.Limits
		if variation.Autoscaler != nil {
			limits = variation.Autoscaler
		}
		e.Expectations = []record.Expectation{t.expectation(limits)}
	}
	if s.more != nil {
		s.more(t, &e)
	}
	e.Load = t.drivenBy(e)
	return e
}

// lengthened says which of the times that the file gives an experiment goes
// beyond, since it could not show its effect within them; it is empty if none.
func (c Config) lengthened(e experiments.Experiment) string {
	var texts []string
	for _, t := range []struct {
		name      string
		said, are time.Duration
		hint      string
	}{
		{"settle", c.Settle, e.Settle, ""},
		{"hold", c.Hold, e.Hold, "; experiments: {" + ID(e) + ": {hold: ...}} sets another"},
		{"watch", c.Watch, e.Watch, "; experiments: {" + ID(e) + ": {watch: ...}} sets another"},
	} {
		if t.are > t.said && c.lines.has("times."+t.name) && !c.lines.has("experiments."+ID(e)+"."+t.name) {
			texts = append(texts, fmt.Sprintf("%s is %s and not %s, which is too short for what it does%s", t.name, short(t.are), short(t.said), t.hint))
		}
	}
	return strings.Join(texts, "; ")
}

// short writes a length of time without the zeros that Go writes.
func short(d time.Duration) string { return model.Duration(d).String() }

// asked is the signal of a query.
func (t *Target) asked(source prom.Source, name string) steadystate.Signal {
	source.Client = t.prometheus
	return source.Signal(name)
}

// rolloutTime is how long a rollout may take until it counts as stuck.
const rolloutTime = 5 * time.Minute

// unhurriedDeadline bounds a run that waits for one pod after the other.
const unhurriedDeadline = time.Hour

// checks are those of the experiment, as the configuration has them before it
// varies single ones.
func (s standard) checks(c Config) []steadystate.Check {
	checks := slices.Concat(c.Checks, s.extra)
	if s.lossless {
		checks = lossless(checks)
	}
	if s.capacity {
		checks = nil
	}
	for _, o := range c.objectives(s) {
		checks = append(checks, o.check())
	}
	return checks
}

// A Variation is what the configuration wants different of one experiment.
type Variation struct {
	// Skip leaves it out, and says why.
	Skip string
	// Hold and Watch, if not zero, are in place of those for all.
	Hold, Watch time.Duration
	// Follow renews a fault that is held on the pods that replace those hit.
	Follow bool
	// Limits are in place of a check's own, by the check's name.
	Limits map[string][]steadystate.Limit
	// Autoscaler are limits in place of those of the autoscaler; nil: there are
	// none.
	Autoscaler []string
}

func (v Variation) checks(all []steadystate.Check) []steadystate.Check {
	checks := slices.Clone(all)
	for i, c := range checks {
		if limits, ok := v.Limits[c.Name]; ok {
			checks[i].Limits = limits
		}
	}
	return checks
}

// observers record what happens to the pods and their endpoints, what the
// autoscaler does if the experiment is about it, and the signals of single pods
// that it needs.
func (t *Target) observers(s standard) []experiments.Observer {
	watched := kubewatch.Observer{
		Client:    t.Client,
		Namespace: t.Service.Namespace,
		Selector:  t.Service.Selector,
		Workloads: []kube.Workload{t.Service.Workload},
	}
	if t.Service.Service != "" {
		watched.Services = []string{t.Service.Service}
	}
	if s.autoscaler {
		watched.Autoscalers, watched.VerticalAutoscalers = []string{t.Autoscaler.Name}, []string{t.Autoscaler.Name}
		watched.Nodes = true
	}
	list := []experiments.Observer{watched}
	if t.prometheus != nil {
		list = append(list, clockOf{t.prometheus})
	}
	for _, name := range s.signals {
		signal := t.PodSignals[name]
		signal.Source.Client = t.prometheus
		list = append(list, perPod{name: name, series: signal})
	}
	return list
}
