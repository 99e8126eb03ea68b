package suites

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// capacity is the suite of what the service must sustain. Its checks are
// objectives, in place of the configuration's.
var capacity = []standard{
	{
		id: "capacity/sustained", name: "%s sustains its load", hold: time.Minute, capacity: true,
	},
	{
		id: "capacity/scaled", name: "%s sustains a surge that it scales out for", hold: time.Minute, watch: scalingWatch, capacity: true, autoscaler: true,
		more: func(t *Target, e *experiments.Experiment) {
			e.Faults = []experiments.Scheduled{{Fault: &scaledOut{Surge: t.surge(e), target: t, rest: scaledRest}}}
		},
	},
}

// An objective is what a service is to sustain, as a check.
type objective struct {
	// name is that of the check, and of its query in the configuration.
	name string
	// query is PromQL, over the configuration's range; empty for a signal.
	query  string
	signal string
	good   string
	limits []string
	// scaled: it is one of a service that has scaled out.
	scaled bool
}

// objectives are what a service must show, by default. Q is a histogram of the
// service's requests, with a label "code", SERVICE the labels of its pods' series, and
// USE those of its container's in the kubelets' cAdvisor. A limit on the hold
// phase is on what the service does under the load and not on how it began.
//
// What is requested is asked of kube-state-metrics. Where there is none, the
// kubelets say it in shares: exact with cgroup v1, and off by up to a quarter
// with v2, which rounds small requests.
//
// Of what a pod uses the greatest series counts, see [defaultCPU].
func objectives() []objective {
	return []objective{
		{name: "throughput", query: `sum(rate(Q_count{SERVICE}[RANGE]))`, good: ">= 1000/min", limits: []string{"mean >= 1000/min during hold"}},
		{name: "p95", query: `histogram_quantile(0.95, sum by (le) (rate(Q_bucket{SERVICE}[RANGE])))`, good: "< 2s", limits: []string{"max < 2s during hold"}},
		{name: "mean", query: `sum(rate(Q_sum{SERVICE}[RANGE])) / sum(rate(Q_count{SERVICE}[RANGE]))`, good: "< 2s", limits: []string{"max < 2s during hold"}},
		{name: "errors", query: `(sum(rate(Q_count{SERVICE,code=~"5.."}[RANGE])) or vector(0)) / sum(rate(Q_count{SERVICE,code!=""}[RANGE]))`, good: "< 0.1%", limits: []string{"mean < 0.1% during hold"}},
		{name: "cpu", query: `max(max by (pod) (rate(container_cpu_usage_seconds_total{USE}[RANGE])) / max by (pod) (last_over_time(container_spec_cpu_quota{USE}[RANGE]) / last_over_time(container_spec_cpu_period{USE}[RANGE])))`, good: "< 75%", limits: []string{"mean < 75% during hold"}},
		{name: "memory", query: `max(max by (pod) (last_over_time(container_memory_working_set_bytes{USE}[RANGE])) / max by (pod) (last_over_time(container_spec_memory_limit_bytes{USE}[RANGE]) > 0))`, good: "< 80%", limits: []string{"max < 80% during hold"}},
		{name: "utilisation", query: `sum(max by (pod) (rate(container_cpu_usage_seconds_total{USE}[RANGE]))) / (sum(last_over_time(kube_pod_container_resource_requests{resource="cpu",USE}[RANGE])) or sum(max by (pod) (last_over_time(container_spec_cpu_shares{USE}[RANGE]) > 2)) / 1024)`, good: "<= 100%", limits: []string{"mean >= 70% during hold", "mean <= 80% during hold"}, scaled: true},
		{name: "uptime", signal: record.TrafficSignal, good: "< 2s", limits: []string{"uptime >= 99.9%"}},
		{name: "answers", signal: record.TrafficSignal, good: "< 2s", limits: []string{"p95 < 2s during hold", "mean < 2s during hold", "errors < 0.1% during hold", "rate >= 1000/min during hold"}},
		{name: "websocket", signal: SignalWebSocket, good: "< 2s", limits: []string{"p95 < 100ms during hold"}},
	}
}

// objectives are those of an experiment about capacity; another has none.
func (c Config) objectives(s standard) []objective {
	return slices.DeleteFunc(objectives(), func(o objective) bool {
		return !s.capacity || (o.scaled && !s.autoscaler) || (o.signal == SignalWebSocket && c.WebSocket == nil)
	})
}

// objectivesOf are the names of the objectives of the experiments, each once.
func (c Config) objectivesOf(chosen []experiments.Experiment) []string {
	var names []string
	for _, e := range chosen {
		for _, o := range c.objectives(find(ID(e))) {
			if !slices.Contains(names, o.name) {
				names = append(names, o.name)
			}
		}
	}
	return names
}

// check is the objective as a check.
func (o objective) check() steadystate.Check {
	c := steadystate.Check{Name: o.name, Signal: o.signal, Good: steadystate.MustParseTolerance(o.good), Limits: steadystate.Limits(o.limits...)}
	if o.query != "" {
		c.Signal = o.name
	}
	if c.Signal == record.TrafficSignal {
		c.Allowed = 0.001
	}
	return c
}

// defaultRange is over how long the objectives' rates are taken; at least two
// scrapes must fit.
const defaultRange = 15 * time.Second

// expand writes the labels of the service into a query.
func (o objective) expand(c Config) string {
	pods := c.Service.PodNames()
	matchers := []string{fmt.Sprintf(`namespace=%q,pod=~%q`, c.Service.Namespace, pods)}
	for _, label := range slices.Sorted(maps.Keys(c.Capacity.Labels)) {
		matchers = append(matchers, fmt.Sprintf("%s=%q", label, c.Capacity.Labels[label]))
	}
	service := strings.Join(matchers, ",")
	use := fmt.Sprintf(`namespace=%q,pod=~%q,container=%q`, c.Service.Namespace, pods, c.Service.Container)
	return strings.NewReplacer("Q_", c.Capacity.Histogram+"_", "SERVICE", service, "USE", use, "RANGE", model.Duration(c.Capacity.Range).String()).Replace(o.query)
}

// sources parses the objectives' queries, the defaults where the file has none.
func (c Config) sources(bad func(name string, err error)) map[string]prom.Source {
	sources := map[string]prom.Source{}
	for _, o := range objectives() {
		if o.query == "" {
			continue
		}
		text, named := c.Capacity.queries[o.name]
		if !named {
			text = o.expand(c)
		}
		q, err := prom.Parse(text)
		if err != nil {
			bad(o.name, fmt.Errorf("objective %q: PromQL: %w", o.name, err))
			continue
		}
		sources[o.name] = prom.Source{Query: q, Interval: time.Second}
	}
	return sources
}
