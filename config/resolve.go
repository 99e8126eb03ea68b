package config

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/internal/near"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// The defaults of what a file leaves out.
const (
	defaultSettle    = 10 * time.Second
	defaultHold      = 10 * time.Second
	leastHold        = time.Second // of a fault that is held: its watch looks so often
	defaultWatch     = 30 * time.Second
	defaultSurge     = 10
	defaultHistogram = "http_request_duration_seconds"
	defaultRange     = 15 * time.Second
	// serialUndo and serialDeadline are for what goes through the pods one after
	// the other, however many there are; the deadline is at least that.
	serialUndo     = 7 * time.Minute
	serialDeadline = time.Hour
)

// autoscalerLimits are those of an autoscaler that names none.
func autoscalerLimits() []string {
	return []string{"decision <= 1m since fault", "ready <= 2m since fault", "turns <= 1", "back <= 7m"}
}

// A resolver makes a plan of a file and the catalogue.
type resolver struct {
	*decoder
	plan      *Plan
	catalogue File
	merged    map[string]cursor // the file's experiments, merged onto those that they are from
	contents  map[string]string // of files that loads name, by path
	abort     cursor            // the file's
	overruns  []overrun         // of its deadlines
}

// version reports whether the file is one that this program can read. One that
// says nothing is.
func (r *resolver) version(root cursor) bool {
	at, version := root.field("apiVersion"), ""
	ok := r.ok(func() { r.value(at, &version) })
	if version != "" && version != Version {
		r.bad(at, "%q is not known; this program reads %s", version, Version)
	}
	return ok && (version == "" || version == Version)
}

func (r *resolver) resolve(root cursor) {
	f := &r.plan.File
	if f.APIVersion == "" {
		r.bad(root.field("apiVersion"), "is missing; write apiVersion: %s", Version)
	}
	if r.old {
		return // what else is wrong is a consequence
	}
	r.cluster(root)
	r.checks()
	r.abort = root.field("abort")
	r.aborts(r.abort, f.Abort)
	for _, name := range f.Services.Names {
		r.name(f.Services.at[name], name, f.Services.Names)
		r.service(name, f.Services.at[name])
	}
	if len(f.Services.Names) == 0 {
		r.bad(root.field("services"), "is missing: name what is tested, as in {checkout: {namespace: shop, workload: deployment/checkout}}")
	}
	for _, target := range r.plan.Services {
		r.standard(target)
	}
	for _, name := range f.Experiments.Names {
		r.own(name, f.Experiments.at[name])
	}
	for _, o := range r.overruns {
		r.bad(o.at, "%s is shorter than settle and hold, with the faults that come and go in it: %s needs %s", steadystate.FormatDuration(o.deadline), o.id, steadystate.FormatDuration(o.least))
	}
	for _, name := range f.GameDays.Names {
		r.gameDay(name, f.GameDays.at[name])
	}
}

func (r *resolver) cluster(root cursor) {
	f := &r.plan.File
	f.Cluster.Kubeconfig = r.beside(f.Cluster.Kubeconfig)
	if f.Cluster.UID == "" {
		r.bad(root.field("cluster").field("uid"), "is missing: it says which cluster this file is for; kubectl get namespace kube-system -o jsonpath={.metadata.uid}")
	}
	own := root.field("cluster").field("namespace")
	f.Cluster.Namespace = cmp.Or(f.Cluster.Namespace, OwnNamespace)
	f.Cluster.ServiceAccount = cmp.Or(f.Cluster.ServiceAccount, OwnNamespace)
	r.namespace(own, f.Cluster.Namespace)
	r.kubernetes(root.field("cluster").field("serviceAccount"), f.Cluster.ServiceAccount, "ServiceAccount", validation.IsDNS1123Subdomain(f.Cluster.ServiceAccount))
	if slices.Contains(f.Allow.Namespaces, f.Cluster.Namespace) {
		r.bad(own, "%q is in allow.namespaces too: the locks of runs must not be where faults are; name another, as in namespace: %s", f.Cluster.Namespace, OwnNamespace)
	}
	allow := root.field("allow")
	if len(f.Allow.Namespaces) == 0 {
		r.bad(allow.field("namespaces"), "is missing: list the namespaces that faults may touch")
	}
	for i, name := range f.Allow.Namespaces {
		r.namespace(allow.field("namespaces").item(i), name)
	}
	for i, labels := range f.Allow.Protected {
		if len(labels) == 0 {
			r.bad(allow.field("protected").item(i), "is empty and would protect every pod; name labels, or remove it")
		}
	}
	if f.Baseline = cmp.Or(f.Baseline, BaselineSettle); f.Baseline != BaselineSettle && f.Baseline != BaselineControl {
		r.bad(root.field("baseline"), "%q: want %s or %s", f.Baseline, BaselineSettle, BaselineControl)
	}
	if f.Prometheus != nil && !r.undecoded.below("prometheus") {
		f.Prometheus.HTTP.SetDirectory(r.directory())
		if client, err := prom.NewClient(*f.Prometheus); err != nil {
			r.bad(root.field("prometheus").field("url"), "%s", strings.TrimPrefix(err.Error(), "configure prometheus: "))
		} else {
			client.Close()
		}
	}
	if f.Freeze != nil {
		r.freeze(root.field("freeze"), f.Freeze)
	}
}

func (r *resolver) freeze(at cursor, f *Freeze) {
	r.windows(at.field("windows"), f.Windows)
	switch incident := at.field("incident"); {
	case f.Incident == "":
	case r.plan.Prometheus == nil:
		r.bad(incident, noPrometheus)
	default:
		if _, err := parseQuery(f.Incident); err != nil {
			r.bad(incident, "%s", err)
		}
	}
	if len(f.Windows) == 0 && f.Incident == "" {
		r.bad(at, "never applies; give it windows or an incident, or remove it")
	}
	if f.Running = cmp.Or(f.Running, RunningFinish); f.Running != RunningFinish && f.Running != RunningStop {
		r.bad(at.field("running"), "%q: want %s or %s", f.Running, RunningFinish, RunningStop)
	}
}

func (r *resolver) namespace(at cursor, name string) {
	r.kubernetes(at, name, "namespace", validation.IsDNS1123Label(name))
}

// kubernetes reports what Kubernetes does not take as a name.
func (r *resolver) kubernetes(at cursor, name, of string, wrong []string) {
	if len(wrong) > 0 {
		why, _, _ := strings.Cut(wrong[0], " (e.g.")
		r.bad(at, "%q cannot be the name of a %s: %s", name, of, why)
	}
}

var nameForm = regexp.MustCompile(`^[\pL\pN](?:[\pL\pN\pM ._-]*[\pL\pN\pM._-])?$`)

// name refuses what cannot be a part of an id, SERVICE/SUITE/EXPERIMENT, nor of a
// label of a spec, nor be told from another name by eye.
func (r *resolver) name(at cursor, name string, others []string) {
	switch {
	case !nameForm.MatchString(name):
		r.badName(at, "is not a name: write letters, digits, spaces, and . _ - between them; a slash is for ids, SERVICE/SUITE/EXPERIMENT")
	case strings.EqualFold(name, record.ControlLabel):
		r.badName(at, "is the label of control runs; choose another name")
	}
	for _, other := range others[:slices.Index(others, name)] {
		if strings.EqualFold(other, name) {
			r.badName(at, "differs from %q by upper and lower case only", other)
		}
	}
}

// checks adds the catalogue's checks, as the file patches them, and looks at those
// that the file says something of.
func (r *resolver) checks() {
	checks := &r.plan.Checks
	said := slices.Clone(checks.Names)
	for _, name := range r.catalogue.Checks.Names {
		at := r.catalogue.Checks.at[name]
		check := r.catalogue.Checks.Values[name]
		if patch, patched := checks.at[name]; patched {
			check, at = Check{}, patch.with(merge(at.value, patch.value))
			r.value(at, &check)
		}
		checks.set(name, at, check)
	}
	for _, name := range said {
		r.check(name, checks.at[name], checks.Values[name])
	}
}

func (r *resolver) check(name string, at cursor, c Check) {
	_, standard := r.catalogue.Checks.Get(name)
	switch taken := map[string]string{ExpectAutoscaler: "what is expected of the autoscaler", "": "nothing"}; {
	case standard:
	case strings.Contains(name, "/"):
		r.badName(at, "a name with a slash is a check of the catalogue, which has no such check; its checks: %s", choicesFor(name, r.catalogue.Checks.sorted()))
		return
	case taken[name] != "" || strings.HasPrefix(name, signalPrefix) || strings.TrimSpace(name) != name:
		r.badName(at, "cannot be the name of a check: in limits it stands for %s; choose another", cmp.Or(taken[name], "the checks on a signal"))
	case c.Query != "" && slices.Contains(sourced(), name):
		r.badName(at, "cannot be the name of a check with a query: it is the name of another signal; choose another")
	}
	r.observes(at, "check", c)
	if c.Allowed >= 1 {
		r.bad(at.field("allowed"), "%s: with all bad observations allowed nothing could be broken; want less than 100%%", c.Allowed)
	}
	for i, l := range c.Limits {
		r.unit(at.field("limits").item(i), c, l)
	}
}

// observes looks at what a check or a condition looks at, and what is good.
func (r *resolver) observes(at cursor, what string, c Check) {
	switch query := at.field("query"); {
	case c.Signal == "" && c.Query == "":
		r.bad(at.field("signal"), "is missing; name one, or give the %s a query; signals: %s", what, strings.Join(sourced(), ", "))
	case c.Signal != "" && c.Query != "":
		r.bad(query, "the %s has a signal too; keep one of the two", what)
	case c.Signal != "" && !slices.Contains(sourced(), c.Signal):
		r.bad(at.field("signal"), "no signal %q; give the %s a query, or one of the signals: %s", c.Signal, what, choicesFor(c.Signal, sourced()))
	case c.Query != "" && r.plan.Prometheus == nil:
		r.bad(query, noPrometheus)
	case c.Query != "":
		r.query(query, Subject{Namespace: "n", Pods: "p", Container: "c", Histogram: "h", Range: "15s"}, Query{Text: c.Query})
	}
	for name, said := range map[string]bool{"reduce": c.Reduce != "", "every": c.Every != 0} {
		if said && c.Query == "" {
			r.bad(at.field(name), "needs a query, and this %s has none", what)
		}
	}
	if reductions := []string{string(prom.Sum), string(prom.Max), string(prom.Min), string(prom.Avg), string(prom.Each)}; c.Reduce != "" && !slices.Contains(reductions, string(c.Reduce)) {
		r.bad(at.field("reduce"), "%q: want one of %s", c.Reduce, strings.Join(reductions, ", "))
	}
	if !c.Good.IsSet() {
		r.bad(at.field("good"), "is missing: what counts as good, as in \"value <= 1s\"")
	} else if wrong := dimension(c.Signal, c.Good.Tolerance, "value "+c.Good.String()); wrong != "" {
		r.bad(at.field("good"), "%s", wrong)
	}
}

func (r *resolver) service(name string, at cursor) {
	services := r.plan.File.Services
	t := &Target{Service: services.Values[name], Name: name, Place: at.place(), at: at}
	r.plan.Services = append(r.plan.Services, t)
	if name == ToCalls {
		r.badName(at, "a service cannot be named %s: in \"to: %s\" it stands for the service that is called", ToCalls, ToCalls)
	}
	switch namespace := at.field("namespace"); {
	case t.Namespace == "":
		r.bad(namespace, "is missing, as in namespace: shop")
	case len(r.plan.Allow.Namespaces) > 0 && !slices.Contains(r.plan.Allow.Namespaces, t.Namespace):
		r.bad(namespace, "%q is not in allow.namespaces (%s)", t.Namespace, choices(r.plan.Allow.Namespaces))
	default:
		r.namespace(namespace, t.Namespace)
	}
	if t.Workload.Name == "" {
		r.bad(at.field("workload"), "is missing, as in workload: deployment/checkout")
	} else {
		r.kubernetes(at.field("workload"), t.Workload.Name, "workload", validation.IsDNS1123Subdomain(t.Workload.Name))
	}
	t.Workload.Namespace = t.Namespace
	if t.Selector != nil && len(t.Selector) == 0 {
		r.bad(at.field("selector"), "is empty and would select every pod; name labels, or remove it to use the workload's")
	}
	for _, called := range at.field("calls").items(t.Calls) {
		if _, there := services.Get(called.text); !there || called.text == name {
			r.notAnother(called.at, called.text, name, services.sorted())
		}
	}
	for _, check := range at.field("checks").items(t.Checks) {
		r.known(check)
	}
	if t.Checks != nil && len(t.Checks) == 0 {
		r.bad(at.field("checks"), "is empty: without a check nothing could be broken; name some, or remove it to use the catalogue's")
	}
	if t.Load != nil {
		r.load(at.field("load"), *t.Load)
		if t.Traffic != "" {
			r.bad(at.field("traffic"), "is for a service without a load: here the answers to the load show which pods serve; keep one of the two")
		}
	}
	r.probes(t)
	r.metrics(t)
	r.signals(t)
	r.autoscaler(t)
	for _, suite := range at.field("suites").items(t.Suites) {
		if len(r.chosen(suite.text)) == 0 {
			r.bad(suite.at, "%q is neither a suite nor an experiment of the catalogue; \"aftershock catalog\" lists the experiments; suites: %s%s", suite.text, choices(append(r.suites(), allSuites)), near.Meant(suite.text, slices.Concat(r.suites(), []string{allSuites}, r.catalogue.Experiments.Names)))
		}
	}
	for _, id := range t.Vary.Names {
		switch _, there := r.catalogue.Experiments.Get(id); {
		case !there:
			r.bad(t.Vary.at[id], "is not an experiment of the catalogue; experiments: %s", choicesFor(id, r.catalogue.Experiments.Names))
		case r.asks(t, id) == nil:
			r.bad(t.Vary.at[id], "varies an experiment that the service does not run; add %q to its suites", id)
		}
	}
}

func (r *resolver) metrics(t *Target) {
	at := t.at.field("metrics")
	if t.Metrics.Histogram != "" && !model.LegacyValidation.IsValidMetricName(t.Metrics.Histogram) {
		r.bad(at.field("histogram"), "%q is not the name of a metric, as in %s", t.Metrics.Histogram, defaultHistogram)
	}
	for _, label := range slices.Sorted(maps.Keys(t.Metrics.Labels)) {
		if !model.LegacyValidation.IsValidLabelName(label) {
			r.bad(at.field("labels").name(label), "%q is not the name of a label of Prometheus", label)
		}
	}
	t.Metrics.Histogram, t.Metrics.Range = cmp.Or(t.Metrics.Histogram, defaultHistogram), cmp.Or(t.Metrics.Range, defaultRange)
}

// signals are the service's signals of single pods, with their defaults.
func (r *resolver) signals(t *Target) {
	t.Signals = map[string]Query{}
	if r.plan.Prometheus != nil {
		for name, text := range podDefaults {
			t.Signals[name] = Query{Text: text, Place: t.Place}
		}
	}
	set := func(name, text string, at cursor) {
		if r.plan.Prometheus == nil {
			r.bad(at, "is a query and %s", noPrometheus)
		}
		t.Signals[name] = r.query(at, t.Subject(cmp.Or(t.Container, "container")), Query{Text: text, Place: at.place()})
	}
	for _, name := range slices.Sorted(maps.Keys(t.PodSignals)) {
		at := t.at.field("podSignals").name(name)
		if name == SignalTraffic {
			r.bad(at, "is a field of the service itself: write services: {%s: {traffic: ...}}", t.Name)
			continue
		}
		set(name, t.PodSignals[name], at)
	}
	if t.Traffic != "" {
		set(SignalTraffic, t.Traffic, t.at.field("traffic"))
	}
}

// query looks whether a query parses.
func (r *resolver) query(at cursor, about Subject, q Query) Query {
	if _, err := q.Parse(about); err != nil && !r.mistakes.below(at.path.String()) {
		r.bad(at, "%s", err)
	}
	return q
}

func (r *resolver) autoscaler(t *Target) {
	a := t.Autoscaler
	if a == nil {
		return
	}
	at := t.at.field("autoscaler")
	a.Name, a.Surge = cmp.Or(a.Name, t.Workload.Name), cmp.Or(a.Surge, defaultSurge)
	if a.Surge <= 1 {
		r.bad(at.field("surge"), "%gx: want more than 1x, as in 10x", float64(a.Surge))
	}
	r.autoscalerLimits(at.field("limits"), a.Limits)
	if a.Limits == nil {
		a.Limits = autoscalerLimits()
	}
}

// autoscalerLimits reports whether these are limits on what an autoscaler does.
func (r *resolver) autoscalerLimits(at cursor, texts []string) bool {
	return r.ok(func() {
		for _, limit := range at.items(texts) {
			if _, err := autoscaling.ParseLimit(limit.text); err != nil {
				r.bad(limit.at, "%s", err)
			}
		}
	})
}

// known reports a check that there is not.
func (r *resolver) known(check reference) bool {
	_, there := r.plan.Checks.Get(check.text)
	if !there {
		r.bad(check.at, "no check %q; checks: %s", check.text, choicesFor(check.text, r.plan.Checks.sorted()))
	}
	return there
}

// allSuites stands for every suite.
const allSuites = "all"

// chosen are the ids of the catalogue that an entry of suites stands for.
func (r *resolver) chosen(entry string) (ids []string) {
	for _, id := range r.catalogue.Experiments.Names {
		suite, _, _ := strings.Cut(id, "/")
		if entry == allSuites || entry == suite || entry == id {
			ids = append(ids, id)
		}
	}
	return ids
}

// asks is the entry of the service's suites that asks for an experiment of the
// catalogue; nil: none does.
func (r *resolver) asks(t *Target, id string) *cursor {
	for _, suite := range t.at.field("suites").items(t.Suites) {
		if slices.Contains(r.chosen(suite.text), id) {
			return &suite.at
		}
	}
	return nil
}

// suites are the catalogue's.
func (r *resolver) suites() (names []string) {
	for _, id := range r.catalogue.Experiments.Names {
		suite, _, _ := strings.Cut(id, "/")
		names = append(names, suite)
	}
	return slices.Compact(names)
}

// notAnother reports a service that is not another one of the file, from the service
// of the given name.
func (r *resolver) notAnother(at cursor, name, from string, services []string) {
	others := slices.DeleteFunc(slices.Clone(services), func(other string) bool { return other == from })
	list := ""
	if len(others) > 0 {
		list = "; others: " + choicesFor(name, others)
	}
	switch {
	case name == from && list != "":
		r.bad(at, "%q is the service itself%s", name, list)
	case name == from:
		r.bad(at, "%q is the service itself, and the file has no other; name one under services, as in payments: {namespace: shop, workload: deployment/payments}", name)
	case near.Meant(name, others) != "" || len(validation.IsDNS1123Label(name)) > 0:
		r.bad(at, "%q is not another service%s", name, list)
	default:
		r.bad(at, "%q is not another service; name it under services, as in %s: {namespace: shop, workload: deployment/%s}%s", name, name, name, list)
	}
}
