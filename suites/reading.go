package suites

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// SignalKubelets is what the service's pods use of the CPU that they request, as
// a share, by the kubelets: a second reading of what an autoscaler looks at. One
// whose own metric stays low is not excused by it.
const SignalKubelets = "CPU by the kubelets"

// kubelets is its query. POD are the labels of the pods' containers, of which
// only those count whose request is known, or what they use would be divided by
// too little. What is requested comes from kube-state-metrics; where there is
// none, from the kubelets, which round small requests.
const kubelets = `sum(max by (pod, container) (rate(container_cpu_usage_seconds_total{POD}[RANGE])) and on (pod, container) REQUEST) / sum(REQUEST)`

const requested = `(max by (pod, container) (last_over_time(kube_pod_container_resource_requests{resource="cpu",POD}[RANGE])) or max by (pod, container) (last_over_time(container_spec_cpu_shares{POD}[RANGE]) > 2) / 1024)`

// reading is the source of [SignalKubelets].
func (c Config) reading() (prom.Source, error) {
	pods := fmt.Sprintf(`namespace=%q,pod=~%q,container!="",container!="POD"`, c.Service.Namespace, c.Service.PodNames())
	text := strings.ReplaceAll(kubelets, "REQUEST", requested)
	q, err := prom.Parse(strings.NewReplacer("POD}", pods+"}", "RANGE", model.Duration(cmp.Or(c.Capacity.Range, defaultRange)).String()).Replace(text))
	if err != nil {
		return prom.Source{}, fmt.Errorf("signal %q: PromQL: %w", SignalKubelets, err)
	}
	return prom.Source{Query: q, Interval: time.Second}, nil
}

// secondReading says whether there is one now.
func (t *Target) secondReading(ctx context.Context) string {
	if t.Autoscaler.reading == nil {
		return "no Prometheus, so that what it says of the pods' CPU is all that is known of it"
	}
	source := *t.Autoscaler.reading
	source.Client = t.prometheus
	found, err := source.Preflight(ctx)
	if err != nil {
		return fmt.Sprintf("no second reading of the pods' CPU, so that what it says of it is all that is known (%s)", err)
	}
	return fmt.Sprintf("%s now %v of what is requested", SignalKubelets, found.Values)
}
