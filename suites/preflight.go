package suites

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// A Mark begins a line of a preflight and says what kind of line it is.
type Mark string

// The marks of the lines of a preflight. What is missing or refused is in its error.
const (
	OK   Mark = "ok"   // as it must be
	Hit  Mark = "hit"  // the pods that a fault would hit
	Note Mark = "note" // does not prevent the run, but should be known before it
	Skip Mark = "skip" // an experiment that will not run, and why
)

// A note is what a look found that does not prevent the run.
type note string

// Error is the note.
func (n note) Error() string { return string(n) }

// A preflighter is a load that says what it found, see [load.HTTP.Preflight].
type preflighter interface {
	Preflight(ctx context.Context, ours func(backend string) bool) (found string, err error)
}

var (
	_ preflighter = load.HTTP{}
	_ preflighter = workers.Job{}
	_ preflighter = askedOnly{}
)

// A preflight is under way.
type preflight struct {
	*Session
	list     []Experiment
	say      func(mark Mark, what, found string)
	patience time.Time                         // until when a query may have no answer yet
	desired  map[*service]int                  // pods, of those whose workload could be read
	missing  map[*service]bool                 // whose pods are not as they must be
	running  map[*service][]corev1.Pod         // of the others
	owned    map[*service][]string             // names of all their pods
	daemons  map[string][]string               // by node, the experiments that need its chaos-daemon
	ahead    steadystate.Bounds[time.Duration] // of Prometheus' clock
	away     error                             // why Prometheus does not answer
	lacking  bool                              // the account has not all rights
	errs     []error
}

// Preflight checks whether the experiments can run and calls say for each thing it found.
// It sends a few requests of each load and changes nothing else. The error joins everything
// that is missing or refused; [errors.Join] makes it, of one thing, too.
func (s *Session) Preflight(ctx context.Context, list []Experiment, say func(mark Mark, what, found string)) error {
	if err := s.identify(ctx); err != nil {
		return errors.Join(err) // nothing else should be asked
	}
	p := &preflight{
		Session: s, list: list, say: say,
		desired: map[*service]int{}, missing: map[*service]bool{}, running: map[*service][]corev1.Pod{}, owned: map[*service][]string{}, daemons: map[string][]string{},
	}
	say(OK, "cluster", s.rest.Host+", uid "+s.Plan.Cluster.UID)
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(s.environment)) {
		if version, ok := strings.CutPrefix(name, "version."); ok {
			versions = append(versions, version+" "+s.environment[name])
		}
	}
	say(OK, "versions", strings.Join(versions, ", "))
	if on := s.environment["netem"]; on != "" {
		say(Note, "network faults", on+" in user space: delay, jitter and loss work; the kernel there has no netem")
	}
	p.rights(ctx)
	p.locks(ctx)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	p.patience = time.Now().Add(newPods)
	p.stops(ctx)
	if s.prometheus != nil {
		p.ahead, p.away = s.prometheus.Ahead(ctx)
	}
	nodes := p.nodes(ctx)
	for _, of := range p.services() {
		p.service(ctx, of)
		p.placed(of, nodes)
	}
	p.look("faults of other runs", s.Plan.At("allow.namespaces"), func() (string, error) { return p.others(ctx) })
	p.loads(ctx)
	p.faults(ctx)
	for _, e := range list {
		for _, text := range e.Planned.Notes {
			say(Note, e.Name, text)
		}
	}
	for _, skipped := range s.Plan.Skipped {
		say(Skip, skipped.ID, skipped.Why)
	}
	p.prometheus(ctx)
	return errors.Join(p.errs...)
}

// look tells what f found, or keeps its error with the place.
func (p *preflight) look(what string, place config.Place, f func() (string, error)) {
	found, err := f()
	if n, ok := errors.AsType[note](err); ok {
		p.say(Note, what, string(n))
		return
	}
	if p.lacking && apierrors.IsForbidden(err) {
		return // the right is among those that are missing
	}
	if err != nil {
		p.errs = append(p.errs, place.Error(fmt.Errorf("%s: %w", what, err)))
		return
	}
	p.say(OK, what, found)
}

// others looks for the faults of other runs, which would be seen as the service's.
func (p *preflight) others(ctx context.Context) (string, error) {
	books, _, errBooks := p.books(ctx, "")
	left, errLeft := p.left(ctx, books...)
	left, errHeld := p.told(ctx, left)
	err := errors.Join(errBooks, errLeft, errHeld)
	dead := slices.DeleteFunc(slices.Clone(left), func(l faults.Leftover) bool { return l.Holder != "" })
	living := slices.DeleteFunc(left, func(l faults.Leftover) bool { return l.Holder == "" })
	if len(living) > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %w: %s; wait for that run", ErrNotNow, ErrInPlace, faults.Named(living)))
	}
	if len(dead) > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %s; remove them with \"aftershock sweep -f %s\"", ErrInPlace, faults.Named(dead), p.Plan.Path))
	}
	return "none in " + strings.Join(p.Swept(), ", "), err
}

// services are those that the experiments are about or touch, each once.
func (p *preflight) services() (list []*service) {
	for _, name := range servicesOf(p.chosen()) {
		list = append(list, p.Session.services[name])
	}
	return list
}

// chosen are the experiments, as the plan has them.
func (p *preflight) chosen() (list []config.Planned) {
	for _, e := range p.list {
		list = append(list, e.Planned)
	}
	return list
}

// rights looks whether the account has each right that the experiments need.
func (p *preflight) rights(ctx context.Context) {
	if p.rehearsed {
		return
	}
	a := p.account(ctx, p.chosen())
	if a.incomplete != nil {
		p.say(Note, "rights", fmt.Sprintf("the list of rights may be incomplete: %v", a.incomplete))
	}
	for _, line := range rights.Lines(a.missing(true)) {
		p.say(Note, "rights", "optional, and missing: "+line)
	}
	err := a.err(p.Plan.Path)
	if p.lacking = err != nil; p.lacking {
		p.errs = append(p.errs, err)
		return
	}
	p.say(OK, "rights", fmt.Sprintf("%d rules", len(a.needs)-len(a.lacks)))
}

func (p *preflight) service(ctx context.Context, of *service) {
	if of.found != "" {
		p.say(OK, "read from "+of.Workload.String(), of.found)
	}
	p.look("workload of "+of.Name, of.At("workload"), func() (string, error) {
		state, err := of.Workload.Read(ctx, p.Client)
		if err != nil {
			return "", err
		}
		p.desired[of] = int(state.Desired)
		if reason := state.Unsettled(); reason != "" {
			return "", fmt.Errorf("%w: not at rest: %s", ErrNotAtRest, reason)
		}
		for _, e := range p.list {
			if e.service == of {
				for _, text := range unseen(e, p.desired[of]) {
					p.say(Note, e.Name, text)
				}
			}
		}
		return of.Workload.String() + " is at rest", nil
	})
	p.look("pods of "+of.Name, of.At("selector", "workload"), func() (string, error) {
		found, matching, err := p.Session.owned(ctx, of)
		p.missing[of], p.running[of] = err != nil, faults.Running(matching)
		for _, pod := range matching {
			p.owned[of] = append(p.owned[of], pod.Name)
		}
		return found, err
	})
	if !slices.ContainsFunc(p.list, func(e Experiment) bool { return e.service == of }) {
		return // a fault is narrowed to it, and no more is asked of it
	}
	if !p.rehearsed {
		for signal, probe := range of.Probes() {
			p.look(signal+" of "+of.Name, of.At(signal), func() (string, error) {
				found, err := probe.Preflight(ctx)
				if err == nil && probe.Signal(signal).Reuses {
					return "", note(found) // which says what its one connection does not show
				}
				return found, err
			})
		}
	}
	if slices.ContainsFunc(p.list, func(e Experiment) bool { return e.service == of && len(e.Expectations) > 0 }) {
		p.look("autoscaler of "+of.Name, of.At("autoscaler"), func() (string, error) { return p.autoscaler(ctx, of) })
	}
}

// keeps is what a load that only keeps connections may not show.
const keeps = "it keeps its connections (reuse: true), and a few carry all requests: a pod to which none leads takes no traffic, so that no fault is injected into it, and its outages pass unseen; leave reuse out, and write reuseRate for requests over kept connections beside the others"

// loads looks at each load once.
func (p *preflight) loads(ctx context.Context) {
	var here []string
	told := map[string]bool{}
	for i, e := range p.list {
		if e.Planned.Workers != nil && e.Planned.Load != nil && len(e.Faults) > 0 {
			if _, byWorkers := e.Load.(experiments.Recordable); !byWorkers {
				here = append(here, e.Name)
			}
		}
		same := func(o Experiment) bool {
			return o.service == e.service && reflect.TypeOf(o.Load) == reflect.TypeOf(e.Load) && reflect.DeepEqual(o.Planned.Load, e.Planned.Load)
		}
		traffic, ok := e.Load.(preflighter)
		if !ok || slices.ContainsFunc(p.list[:i], same) {
			continue
		}
		found, err := p.load(ctx, e, traffic, slices.ContainsFunc(p.list, func(o Experiment) bool { return same(o) && targets(o) }))
		// Loads of one service that differ in their rates have one address.
		if err != nil && told[e.service.Name+err.Error()] {
			continue
		}
		if err != nil {
			told[e.service.Name+err.Error()] = true
		}
		p.look("load of "+e.service.Name, e.Planned.LoadAt, func() (string, error) { return found, err })
		if err == nil && e.Planned.Load != nil && e.Planned.Load.Reuse {
			p.say(Note, "load of "+e.service.Name, keeps)
		}
	}
	if len(here) > 0 {
		p.say(Note, "load workers", "a load that surges is driven from here: "+strings.Join(here, ", "))
	}
}

// load looks at an experiment's load. Where no fault has targets that must be
// seen to serve, answers need not name their pods.
func (p *preflight) load(ctx context.Context, e Experiment, traffic preflighter, named bool) (string, error) {
	// What its pods are called is not known where that look failed, which was told.
	found, err := traffic.Preflight(ctx, func(backend string) bool {
		return !named || len(p.owned[e.service]) == 0 || slices.Contains(p.owned[e.service], backend)
	})
	elsewhere, is := errors.AsType[*load.ElsewhereError](err)
	switch {
	case errors.Is(err, workers.ErrFromHere):
		return "", note(err.Error())
	case errors.Is(err, load.ErrUnnamed) && !named:
		return "", note(err.Error() + "; no fault here needs it")
	case is:
		return "", fmt.Errorf("%w: %w, and none a pod of %s, so nothing would be injected: use an address of %s itself; if only other services can reach it, give it traffic in place of load", ErrUnavailable, elsewhere, e.service.Workload, e.service.Name)
	}
	return found, err
}

// targets reports whether the experiment has a fault whose targets must be seen
// to serve.
func targets(e Experiment) bool {
	return slices.ContainsFunc(e.Faults, func(f experiments.Scheduled) bool {
		_, ok := f.Fault.(experiments.Targeter)
		return ok
	})
}

// faults looks at what each fault would hit. What several of them would hit, and what
// is wrong with several, is told once.
func (p *preflight) faults(ctx context.Context) {
	type hit struct {
		mark  Mark
		found string
	}
	type failure struct {
		error
		place config.Place
		of    []string
	}
	var hits []hit
	by := map[hit][]string{}
	var failures []*failure
	tolls := map[string][]toll{} // by experiment
	for _, e := range p.list {
		for i, f := range e.Faults {
			fault, ok := f.Fault.(experiments.Previewer)
			if !ok || p.missing[e.service] || p.missing[p.Session.services[e.Planned.Faults[i].To]] {
				continue
			}
			what, place := e.Name, e.Planned.Faults[i].Place
			if len(e.Faults) > 1 && f.Name != "" {
				what += " (" + f.Name + ")"
			}
			preview, err := fault.Preview(ctx, "preflight")
			if faults.Unadmitted(err) { // which is not a mistake in the file
				err = fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
			if err == nil {
				err = p.shown(ctx, e, preview)
			}
			if err != nil {
				i := slices.IndexFunc(failures, func(o *failure) bool { return alike(o.error, err) })
				if i < 0 {
					i, failures = len(failures), append(failures, &failure{error: err, place: place})
				}
				failures[i].of = append(failures[i].of, what)
				continue
			}
			h := hit{Hit, fmt.Sprintf("%d of %s", preview.Requested, strings.Join(names(preview.Candidates), ", "))}
			if preview.Warning != "" {
				h = hit{Note, h.found + "; " + preview.Warning}
			}
			if by[h] == nil {
				hits = append(hits, h)
			}
			by[h] = append(by[h], what)
			tolls[e.Name] = append(tolls[e.Name], taken(e, f, preview, p.owned[e.service]))
			p.needs(e, f.Fault, preview)
		}
	}
	for _, h := range hits {
		who := strings.Join(by[h], ", ")
		if h.mark == Hit {
			p.say(Hit, h.found, "by "+who)
		} else {
			p.say(h.mark, "would be hit by "+who, h.found)
		}
	}
	for _, f := range failures {
		p.look("would be hit by "+strings.Join(f.of, ", "), f.place, func() (string, error) { return "", f.error })
	}
	p.atWorst(tolls)
	p.daemon(ctx)
}

// shown refuses a fault on pods of another service if nothing shows that they serve:
// the run would wait for that, and inject nothing.
func (p *preflight) shown(ctx context.Context, e Experiment, preview experiments.Preview) error {
	strays := strangers(preview, p.owned[e.service])
	if len(strays) == 0 || p.rehearsed {
		return nil
	}
	by, others := p.serving(ctx, e, strays)
	if others == "" {
		return nil
	}
	return fmt.Errorf("refused: it hits %s, not of %s, and the %s of %s does not show that they serve (%s), so nothing would be injected; %s",
		some(strays), e.service.Workload, by, e.service.Name, others, p.theirs(e, strays[0]))
}

// strangers are the candidates that are not among a service's pods.
func strangers(preview experiments.Preview, own []string) []string {
	return slices.DeleteFunc(names(preview.Candidates), func(name string) bool { return slices.Contains(own, name) })
}

// serving says what shows which pods serve, the load or the traffic, and which it shows
// if none of these pods; empty: one of them, or it is not known, which its own look tells.
func (p *preflight) serving(ctx context.Context, e Experiment, pods []string) (by, others string) {
	one := func(pod string) bool { return slices.Contains(pods, pod) }
	if traffic, ok := e.Load.(preflighter); ok {
		_, err := traffic.Preflight(ctx, one)
		if elsewhere, ok := errors.AsType[*load.ElsewhereError](err); ok {
			return "load", elsewhere.Error()
		}
		return "load", ""
	}
	for _, s := range e.signals {
		if s.name != config.SignalTraffic || e.Traffic == "" || p.away != nil {
			continue
		}
		if found, err := s.series.Preflight(ctx); err == nil && !slices.ContainsFunc(found.Names, one) {
			return "traffic", "its series are of " + some(found.Names)
		}
	}
	return "", ""
}

// theirs says how to hit pods of another service than the experiment's, one of which
// has this name.
func (p *preflight) theirs(e Experiment, pod string) string {
	const needs = "which needs a load or, if only other services can reach it, traffic"
	var list []string
	for _, t := range p.Plan.Services {
		switch {
		case t.Name == e.service.Name:
		case t.Namespace == e.service.Namespace && strings.HasPrefix(pod, t.Workload.Name+"-"):
			return fmt.Sprintf("to hit them, write the experiment with service: %s, %s; to disturb the network between the two, write networkDelay, or another network fault, with to: %[1]s", t.Name, needs)
		default:
			list = append(list, t.Name)
		}
	}
	if len(list) == 0 {
		return "to hit them, name their workload under services, " + needs + ", and write the experiment with that service"
	}
	return fmt.Sprintf("to hit them, write the experiment with their own service, %s; services: %s", needs, strings.Join(list, ", "))
}

// some are names: of many the first.
func some(names []string) string {
	if more := len(names) - shownNames; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), more)
	}
	return strings.Join(names, ", ")
}

const shownNames = 5

// alike reports whether two errors say the same.
func alike(a, b error) bool {
	_, lacksA := errors.AsType[*chaosmesh.NotInstalledError](a)
	_, lacksB := errors.AsType[*chaosmesh.NotInstalledError](b)
	return a.Error() == b.Error() || lacksA && lacksB
}

func names(targets []record.Target) (list []string) {
	for _, t := range targets {
		list = append(list, t.Name)
	}
	return list
}

// autoscaler looks at the service's autoscaler. That it does not work is for the
// experiment to find; that it is another one's, or not at rest, is not.
func (p *preflight) autoscaler(ctx context.Context, of *service) (string, error) {
	var h autoscalingv2.HorizontalPodAutoscaler
	if err := p.Client.Get(ctx, client.ObjectKey{Namespace: of.Namespace, Name: of.Autoscaler.Name}, &h); err != nil {
		return "", err
	}
	target, least := h.Spec.ScaleTargetRef, ptr.Deref(h.Spec.MinReplicas, 1)
	undecided := h.Status.DesiredReplicas == 0 && least > 0 // for good, if it never has its metric
	switch {
	case target.Kind != string(of.Workload.Kind) || target.Name != of.Workload.Name:
		return "", fmt.Errorf("it scales %s/%s, not %s", strings.ToLower(target.Kind), target.Name, of.Workload.Text())
	case h.Spec.MaxReplicas <= least:
		return "", fmt.Errorf("its min and max are both %d: it cannot scale", least)
	case undecided && len(h.Status.Conditions) == 0:
		return "", fmt.Errorf("%w: it has not begun", ErrUnavailable)
	case !undecided && h.Status.DesiredReplicas != h.Status.CurrentReplicas:
		return "", fmt.Errorf("%w: not at rest: it wants %d replicas and has %d", ErrNotAtRest, h.Status.DesiredReplicas, h.Status.CurrentReplicas)
	}
	texts := []string{fmt.Sprintf("%s, %d to %d replicas, now %d", h.Name, least, h.Spec.MaxReplicas, h.Status.CurrentReplicas)}
	if why := idle(h); why != "" {
		return "", note(strings.Join(append(texts, why), "; "))
	}
	if p.away == nil { // it is told once
		texts = append(texts, p.secondReading(ctx, of))
	}
	return strings.Join(texts, "; "), nil
}

// idle says why an autoscaler does not work now, and what to do; empty: it does.
func idle(h autoscalingv2.HorizontalPodAutoscaler) string {
	advice := fmt.Sprintf("kubectl -n %s describe hpa %s says more, and the run would find it: broken", h.Namespace, h.Name)
	active := false
	for _, c := range h.Status.Conditions {
		active = active || c.Type == autoscalingv2.ScalingActive
		if (c.Type == autoscalingv2.ScalingActive || c.Type == autoscalingv2.AbleToScale) && c.Status != corev1.ConditionTrue {
			if strings.HasPrefix(c.Reason, "FailedGet") && c.Type == autoscalingv2.ScalingActive {
				advice = "is its metrics' source there (metrics-server), and do the pods have requests? " + advice
			}
			return fmt.Sprintf("it does not work now: %s: %s; %s", c.Reason, c.Message, advice)
		}
	}
	switch {
	case !active:
		return "it does not work now: nothing says that it is active; " + advice
	case len(h.Status.CurrentMetrics) == 0:
		return "it does not work now: it has no metric yet; " + advice
	}
	return ""
}

// prometheus looks at Prometheus and at all that it will be asked. If it does not
// answer, it is asked no query: each would say the same.
func (p *preflight) prometheus(ctx context.Context) {
	if p.Session.prometheus == nil {
		return
	}
	p.look("prometheus", p.Plan.At("prometheus"), func() (string, error) {
		switch asking := p.asking(); {
		case p.away == nil:
			return ofClock(p.ahead), nil
		case errors.Is(p.away, prom.ErrAway) && len(asking) == 0:
			return "", note(fmt.Sprintf("%s: %s; none of these experiments uses it", ErrUnavailable, p.away))
		case errors.Is(p.away, prom.ErrAway):
			return "", fmt.Errorf("%w: %w; %s", ErrUnavailable, p.away, asksIt(asking))
		}
		return "", p.away
	})
	if p.away != nil {
		return
	}
	looked := map[string]bool{}
	for _, e := range p.list {
		for _, q := range e.queries {
			what := fmt.Sprintf("check %q of %s", q.check.Name, e.service.Name)
			if looked[what] {
				continue
			}
			looked[what] = true
			p.look(what, q.check.Place, func() (string, error) {
				found, err := soon(ctx, q.source, p.patience)
				if err != nil {
					return "", err
				}
				text := []string{fmt.Sprintf("%d series, now %v, resolution %s", found.Series, found.Values, found.Resolution.Round(time.Millisecond))}
				return strings.Join(append(text, found.Notes...), "; "), p.judgeable(e.service, q, found)
			})
		}
		for _, signal := range e.signals {
			what := fmt.Sprintf("pod signal %q of %s", signal.name, e.service.Name)
			if looked[what] {
				continue
			}
			looked[what] = true
			p.look(what, e.service.Signals[signal.name].Place, func() (string, error) { return p.podSignal(ctx, e.service, signal) })
		}
	}
}

// asking are the experiments that ask Prometheus.
func (p *preflight) asking() (names []string) {
	for _, e := range p.list {
		if len(e.queries)+len(e.signals) > 0 {
			names = append(names, e.Name)
		}
	}
	return names
}

// asksIt says of experiments that they ask Prometheus: of many the first.
func asksIt(names []string) string {
	if more := len(names) - 1; more > 0 {
		return fmt.Sprintf("%s and %d more use it", names[0], more)
	}
	return names[0] + " uses it"
}

// newPods is how long the pods of a workload that has just been made may take
// until they have been scraped often enough for a rate.
const newPods = 20 * time.Second

// soon looks at a query, again and again until it has an answer or there is no
// more time.
func soon(ctx context.Context, source prom.Source, until time.Time) (prom.Preflight, error) {
	for {
		found, err := source.Preflight(ctx)
		if err == nil || time.Now().After(until) || experiments.Wait(ctx, time.Second) != nil {
			return found, err
		}
	}
}

// podSignal looks whether a signal of single pods is there. One of the defaults
// may be missing: what needs it is then unknown.
func (p *preflight) podSignal(ctx context.Context, of *service, signal perPod) (string, error) {
	source, patience := signal.series.Source, p.patience
	source.Reduce = prom.Each
	_, named := of.PodSignals[signal.name]
	named = named || signal.name == config.SignalTraffic
	if !named {
		patience = time.Time{}
	}
	found, err := soon(ctx, source, patience)
	if err != nil && named {
		return "", err
	}
	if err != nil {
		return "", note(fmt.Sprintf("missing: experiments that depend on it will be unknown; skip them, or name a query under podSignals (%s)", err))
	}
	text := fmt.Sprintf("%d series, resolution %s", found.Series, found.Resolution.Round(time.Millisecond))
	if signal.name == config.SignalTraffic && !slices.ContainsFunc(found.Values, func(v float64) bool { return v > 0 }) {
		return "", note(text + ", none above zero: no pod takes traffic now, and no fault is injected until the pods do")
	}
	return text, nil
}

// judgeable says in which experiments a query is too coarse for the limits of its
// check, or for the times.
func (p *preflight) judgeable(of *service, q asked, found prom.Preflight) error {
	ids := map[string][]string{} // of experiments, by what is wrong
	for _, e := range p.list {
		if e.service != of {
			continue
		}
		for _, c := range e.Hypothesis.Checks {
			if c.Name != q.check.Name {
				continue
			}
			for _, wrong := range slices.Concat(tooFine(e, c.Limits, found), tooShort(e, c.Limits, q.source.Interval, found), tooAlike(e, c.Limits, q.source.Interval, found), uncovered(e, found)) {
				ids[wrong] = append(ids[wrong], e.Name)
			}
		}
	}
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(ids)) {
		errs = append(errs, fmt.Errorf("%s (%s)", what, strings.Join(ids[what], ", ")))
	}
	return errors.Join(errs...)
}
