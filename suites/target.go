package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A Target is a service on a cluster, connected: what the suites make their
// experiments for.
type Target struct {
	Config
	Client client.WithWatch
	Chaos  *chaosmesh.Cluster

	rest        *rest.Config
	reach       workers.Reach
	prometheus  *prom.Client
	environment map[string]string
	read        string // what was read from the cluster in place of the file
}

// Connect makes the clients. Nothing is asked of the cluster yet.
func (c Config) Connect() (*Target, error) {
	// controller-runtime complains at length about a program that sets none;
	// what it would log comes as errors too.
	log.SetLogger(logr.Discard())
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = c.Cluster.Kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: c.Cluster.Context}).ClientConfig()
	if err != nil {
		return nil, c.lines.at("cluster", fmt.Errorf("connect to context %q of kubeconfig %q: %w", c.Cluster.Context, c.Cluster.Kubeconfig, err))
	}
	t := &Target{Config: c, rest: config, environment: map[string]string{}}
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return nil, err
	}
	if t.Client, err = kube.NewClient(config, scheme); err != nil {
		return nil, err
	}
	if t.reach, err = workers.Proxy(config); err != nil {
		return nil, err
	}
	if t.Chaos, err = chaosmesh.New(t.guarded(), chaosmesh.Timeouts{}); err != nil {
		return nil, c.lines.at("allow", err)
	}
	if c.Prometheus != nil {
		if t.prometheus, err = prom.NewClient(*c.Prometheus); err != nil {
			return nil, c.lines.at("prometheus", err)
		}
	}
	return t, nil
}

// guarded is the cluster, within what the configuration allows.
func (t *Target) guarded() faults.Cluster {
	return faults.Cluster{Client: t.Client, Guard: faults.Guard{Cluster: t.Cluster.UID, Namespaces: t.Namespaces, Protected: t.Protected}}
}

// Close closes idle connections.
func (t *Target) Close() {
	if t.prometheus != nil {
		t.prometheus.Close()
	}
}

// String says what is meant, in the first line that a run prints.
func (t *Target) String() string {
	return fmt.Sprintf("cluster %s (%s), %s", cmp.Or(t.Cluster.Context, "of the current context"), t.rest.Host, t.Service.Workload)
}

// ErrOtherCluster is wrapped by the error of whatever is refused because the
// cluster is not the one that the configuration is meant for.
var ErrOtherCluster = errors.New("refused: this is another cluster")

// ErrUnavailable is wrapped by the error of what cannot be tested now, although
// nothing is wrong with the configuration: the cluster does not answer, or the
// service is not at rest.
var ErrUnavailable = errors.New("cannot be tested now")

func (t *Target) identify(ctx context.Context) error {
	uid, err := kube.Identity(ctx, t.Client)
	if err != nil {
		return t.lines.at("cluster", fmt.Errorf("%s: %w: %w", t, ErrUnavailable, err))
	}
	if uid != t.Cluster.UID {
		return t.lines.at("cluster.uid", fmt.Errorf("%w: the file is meant for the one with uid %s, and %s has %s", ErrOtherCluster, t.Cluster.UID, t.rest.Host, uid))
	}
	return nil
}

// Preflight looks whether the experiments can be run, and tells each thing it
// found to say; it changes nothing. The error has everything that is missing
// or refused.
func (t *Target) Preflight(ctx context.Context, chosen []experiments.Experiment, say func(what, found string)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := t.identify(ctx); err != nil {
		return err // nothing else should be asked
	}
	if t.Service.Selector == nil {
		return fmt.Errorf("%s was not read: call Read before its experiments are made", t.Service.Workload)
	}
	say("cluster", t.rest.Host+", uid "+t.Cluster.UID)
	patience := time.Now().Add(newPods)
	t.environment["where"] = t.String()
	t.environment["cluster.uid"] = t.Cluster.UID

	var errs []error
	check := func(what, place string, f func() (string, error)) {
		found, err := f()
		if err != nil {
			errs = append(errs, t.lines.at(place, fmt.Errorf("%s: %w", what, err)))
			return
		}
		say(what, found)
	}
	check("versions", "cluster", func() (string, error) {
		versions, err := kube.Versions(ctx, t.rest)
		for name, v := range versions {
			t.environment["version."+name] = v
		}
		return list(versions), err
	})
	if on := t.emulated(ctx); len(on) > 0 {
		t.environment["netem"] = "emulated on " + strings.Join(on, ", ")
		say("network faults", "emulated in user space on "+strings.Join(on, ", ")+": delay, jitter and loss work, the kernel there has no netem")
	}
	if t.read != "" {
		say("read from "+t.Service.String(), t.read)
	}
	check("workload", "service.workload", func() (string, error) {
		state, err := t.Service.Read(ctx, t.Client)
		if err != nil {
			return "", err
		}
		if reason := state.Unsettled(); reason != "" {
			return "", fmt.Errorf("%w: not at rest: %s", ErrUnavailable, reason)
		}
		return t.Service.String() + " is at rest", nil
	})
	check("pods", "service.selector", func() (string, error) { return t.owned(ctx) })
	check("chaos mesh", "allow", func() (string, error) {
		left, err := t.left(ctx)
		if len(left) > 0 {
			err = errors.Join(err, fmt.Errorf("faults are in place already: %s; wait for that run, or remove them with \"aftershock sweep -f %s\"", faults.Named(left), t.Path))
		}
		return "nothing left behind in " + strings.Join(t.Namespaces, ", "), err
	})
	check("load", "load", func() (string, error) { return t.Load.Preflight(ctx) })
	if t.Workers.Count > 0 {
		check("load workers", "load.workers", func() (string, error) { return t.workersReady(ctx, chosen) })
	}
	if t.WebSocket != nil {
		check(SignalWebSocket, SignalWebSocket, func() (string, error) { return t.WebSocket.Preflight(ctx) })
	}
	if t.GRPC != nil {
		check(SignalGRPC, SignalGRPC, func() (string, error) { return t.GRPC.Preflight(ctx) })
	}
	for _, e := range chosen {
		for _, f := range e.Faults {
			fault, ok := f.Fault.(experiments.Previewer)
			if !ok {
				continue
			}
			check("would be hit by "+ID(e), "service.selector", func() (string, error) {
				preview, err := fault.Preview(ctx, "preflight")
				var names []string
				for _, target := range preview.Candidates {
					names = append(names, target.Name)
				}
				found := fmt.Sprintf("%d of %s", preview.Requested, strings.Join(names, ", "))
				if preview.Warning != "" {
					found += "; note: " + preview.Warning
				}
				return found, err
			})
		}
	}
	for _, e := range chosen {
		if longer := t.lengthened(e); longer != "" {
			say("times of "+ID(e), longer)
		}
	}
	left := t.LeftOut()
	for _, id := range slices.Sorted(maps.Keys(left)) {
		say("left out \""+id+"\"", left[id])
	}
	if slices.ContainsFunc(chosen, func(e experiments.Experiment) bool { return find(ID(e)).autoscaler }) {
		check("autoscaler", "autoscaler", func() (string, error) { return t.scaler(ctx) })
	}
	t.preflightPrometheus(ctx, chosen, patience, check)
	return errors.Join(errs...)
}

// preflightPrometheus looks at Prometheus, and at all that it will be asked. What
// one that does not answer would be asked, is not: it would say the same of each
// query. Patience is until when a query may have no answer yet.
func (t *Target) preflightPrometheus(ctx context.Context, chosen []experiments.Experiment, patience time.Time, check func(what, place string, f func() (string, error))) {
	if t.prometheus != nil {
		answers := false
		check("prometheus", "prometheus", func() (string, error) {
			ahead, err := t.prometheus.Ahead(ctx)
			if err != nil {
				return "", err
			}
			answers = true
			t.environment["prometheus.clock"] = ofClock(ahead)
			return ofClock(ahead), nil
		})
		if !answers {
			return
		}
	}
	for _, q := range t.queries {
		check("check \""+q.check+"\"", q.path, func() (string, error) {
			source := q.source
			source.Client = t.prometheus
			found, err := soon(ctx, source, patience)
			if err != nil {
				return "", err
			}
			text := []string{fmt.Sprintf("%d series, now %v, resolution %s", found.Series, found.Values, found.Resolution.Round(time.Millisecond))}
			return strings.Join(append(text, found.Notes...), "; "), errors.Join(t.decidable(q.check, found.Resolution), t.fits(q.check, q.source.Interval, found.Resolution, chosen), t.covers(q.check, found, chosen))
		})
	}
	for _, name := range t.objectivesOf(chosen) {
		source, ok := t.Capacity.sources[name]
		if !ok {
			continue
		}
		place := "capacity"
		if at := "capacity.queries." + name; t.lines.has(at) {
			place = at
		}
		check("objective \""+name+"\"", place, func() (string, error) {
			source.Client = t.prometheus
			found, err := soon(ctx, source, patience)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("now %v, resolution %s", found.Values, found.Resolution.Round(time.Millisecond)), errors.Join(t.fits(name, source.Interval, found.Resolution, chosen), t.covers(name, found, chosen))
		})
	}
	for _, name := range signalsOf(chosen) {
		check("pod signal \""+name+"\"", "pod_signals."+name, func() (string, error) { return t.podSignal(ctx, name, patience) })
	}
}

// netemAnnotation is how a node tells that Chaos Mesh finds a stand-in for tc
// on it, as the lab's nodes do where the kernel has no netem.
const netemAnnotation = "aftershock.dev/netem"

// emulated are the nodes on which the faults of the network are emulated. Who
// may not list nodes is on no such cluster.
func (t *Target) emulated(ctx context.Context) []string {
	var nodes corev1.NodeList
	if err := t.Client.List(ctx, &nodes); err != nil {
		return nil
	}
	var names []string
	for _, n := range nodes.Items {
		if n.Annotations[netemAnnotation] == "emulated" {
			names = append(names, n.Name)
		}
	}
	return names
}

// newPods is how long the pods of a workload that has just been made may take
// until they have been scraped often enough for a rate.
const newPods = 20 * time.Second

// soon looks at a query, again and again until it has an answer or there is no
// more time.
func soon(ctx context.Context, source prom.Source, until time.Time) (prom.Preflight, error) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		found, err := source.Preflight(ctx)
		if err == nil || time.Now().After(until) {
			return found, err
		}
		select {
		case <-ctx.Done():
			return found, err
		case <-again.C:
		}
	}
}

// podSignal looks whether a signal of single pods is there. One that the
// configuration does not name may be missing: what needs it is then unknown.
func (t *Target) podSignal(ctx context.Context, name string, patience time.Time) (string, error) {
	source := t.PodSignals[name].Source
	source.Client, source.Reduce = t.prometheus, prom.Each
	wanted := t.lines.has("pod_signals." + name)
	if !wanted {
		patience = time.Time{}
	}
	found, err := soon(ctx, source, patience)
	if err != nil && wanted {
		return "", err
	}
	if err != nil {
		return fmt.Sprintf("missing, so that experiments whose effect it shows can only be unknown: skip them, or name a query under pod_signals (%s)", err), nil
	}
	return fmt.Sprintf("%d series, resolution %s", found.Series, found.Resolution.Round(time.Millisecond)), nil
}

// scaler looks at the service's autoscaler. That it does not work is for the
// experiment to find; that it is another one's, or not at rest, is not.
func (t *Target) scaler(ctx context.Context) (string, error) {
	var h autoscalingv2.HorizontalPodAutoscaler
	if err := t.Client.Get(ctx, client.ObjectKey{Namespace: t.Service.Namespace, Name: t.Autoscaler.Name}, &h); err != nil {
		return "", err
	}
	target, least := h.Spec.ScaleTargetRef, ptr.Deref(h.Spec.MinReplicas, 1)
	undecided := h.Status.DesiredReplicas == 0 && least > 0 // for good, if it never has its metric
	switch {
	case target.Kind != string(t.Service.Kind) || target.Name != t.Service.Name:
		return "", fmt.Errorf("it scales %s/%s, and not %s", strings.ToLower(target.Kind), target.Name, t.Service.Text())
	case h.Spec.MaxReplicas <= least:
		return "", fmt.Errorf("its min and max are both %d: it cannot scale", least)
	case undecided && len(h.Status.Conditions) == 0:
		return "", fmt.Errorf("%w: it has not begun", ErrUnavailable)
	case !undecided && h.Status.DesiredReplicas != h.Status.CurrentReplicas:
		return "", fmt.Errorf("%w: not at rest: it wants %d replicas and has %d", ErrUnavailable, h.Status.DesiredReplicas, h.Status.CurrentReplicas)
	}
	texts := []string{fmt.Sprintf("%s, %d to %d replicas, now %d", h.Name, least, h.Spec.MaxReplicas, h.Status.CurrentReplicas)}
	for _, c := range h.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive && c.Status != corev1.ConditionTrue {
			texts = append(texts, fmt.Sprintf("it does not work now: %s: %s", c.Reason, c.Message))
		}
	}
	return strings.Join(append(texts, t.secondReading(ctx)), "; "), nil
}

// decidable says which of a check's limits its signal is too coarse for.
func (t *Target) decidable(check string, resolution time.Duration) error {
	var errs []error
	for _, c := range t.Checks {
		if c.Name != check {
			continue
		}
		for _, l := range c.Limits {
			errs = append(errs, l.Decidable(resolution, t.Window()))
		}
	}
	return errors.Join(errs...)
}

// fits says in which experiments a phase that a limit of the check names is too
// short for what its query says: for as many values as make a phase.
func (t *Target) fits(check string, interval, resolution time.Duration, chosen []experiments.Experiment) error {
	need := (resolution + (judge.MinObservations-1)*interval).Round(100 * time.Millisecond)
	short := map[string][]string{} // ids of experiments, by what is wrong
	for _, e := range chosen {
		lengths := map[string]time.Duration{record.PhaseSettle: e.Settle, record.PhaseHold: e.Hold, record.PhaseWatch: e.Watch}
		for _, c := range e.Hypothesis.Checks {
			for _, l := range c.Limits {
				phase := l.Phase
				if l.Baseline && t.Baseline != BaselineControl {
					phase = record.PhaseSettle
				}
				if length, known := lengths[phase]; c.Name == check && known && length < need {
					what := fmt.Sprintf("limit %q: the phase %s lasts %s, and %d values of this query take %s: make it longer, or the query's range shorter", l, phase, length, judge.MinObservations, need)
					short[what] = append(short[what], ID(e))
				}
			}
		}
	}
	return byExperiments(short)
}

// covers says in which experiments nothing that the query shows could be held:
// more of the time after the fault than the proof "covered" allows can pass it
// unseen.
func (t *Target) covers(check string, found prom.Preflight, chosen []experiments.Experiment) error {
	need := time.Duration(float64(found.Resolution) / judge.MostUnseen)
	short := map[string][]string{} // ids of experiments, by what is wrong
	for _, e := range chosen {
		of := func(c steadystate.Check) bool { return c.Name == check }
		after := e.Hold + e.Watch
		if after >= need || !slices.ContainsFunc(e.Hypothesis.Checks, of) {
			continue
		}
		what := fmt.Sprintf("the query can miss outages up to %s, more than %.0f%% of hold+watch (%s): set watch to at least %s",
			found.Resolution.Round(time.Millisecond), 100*judge.MostUnseen, after, up(need-e.Hold))
		if width := found.Window.Width() - (found.Resolution - time.Duration(float64(after)*judge.MostUnseen)); width >= 2*found.Spacing {
			what += fmt.Sprintf(", or shorten its ranges to %s in total", width.Truncate(time.Second/2))
		}
		short[what] = append(short[what], ID(e))
	}
	return byExperiments(short)
}

// byExperiments are errors with the ids of the experiments that they are of.
func byExperiments(ids map[string][]string) error {
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(ids)) {
		errs = append(errs, fmt.Errorf("%s (%s)", what, strings.Join(ids[what], ", ")))
	}
	return errors.Join(errs...)
}

// up is a length of time in whole seconds, and no less than it.
func up(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// Sweep removes what runs left behind in the namespaces of the configuration,
// and proves it. The cluster's identity is looked at first.
func (t *Target) Sweep(ctx context.Context) ([]faults.Leftover, error) {
	if err := t.identify(ctx); err != nil {
		return nil, err
	}
	removed, err := chaosmesh.Sweep(ctx, t.Client, t.scope(), chaosmesh.Timeouts{})
	rolledBack, errImages := rollout.Sweep(ctx, t.Client, t.scope(), 0)
	removed, err = append(removed, rolledBack...), errors.Join(err, errImages)
	if t.Workers.Count > 0 {
		jobs, errJobs := workers.Sweep(ctx, t.Client, t.workersScope())
		removed, err = append(removed, jobs...), errors.Join(err, errJobs)
	}
	return removed, err
}

// left is what runs have left behind in the namespaces of the configuration.
func (t *Target) left(ctx context.Context) ([]faults.Leftover, error) {
	left, err := chaosmesh.Find(ctx, t.Client, t.scope())
	images, errImages := rollout.Find(ctx, t.Client, t.scope())
	return append(left, images...), errors.Join(err, errImages)
}

func (t *Target) scope() faults.Scope { return faults.Scope{Namespaces: t.Namespaces} }

func list(m map[string]string) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+" "+m[k])
	}
	return strings.Join(parts, ", ")
}
