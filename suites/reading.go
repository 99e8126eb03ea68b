package suites

import (
	"context"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/config"
)

// signalKubelets is what the service's pods use of the CPU that they request, as
// a share, by the kubelets: a second reading of what an autoscaler looks at. One
// whose own metric stays low is not excused by it.
const signalKubelets = "CPU by the kubelets"

// kubelets is its query. Only containers count whose request is known, or what
// they use would be divided by too little. Requests come from
// kube-state-metrics; where there is none, from the kubelets, which round small
// ones.
func kubelets() config.Query {
	const requested = `(max by (pod, container) (last_over_time(kube_pod_container_resource_requests{resource="cpu",{{.AllUsage}}}[{{.Range}}])) or max by (pod, container) (last_over_time(container_spec_cpu_shares{ {{.AllUsage}}}[{{.Range}}]) > 2) / 1024)`
	return config.Query{
		Text:  `sum(max by (pod, container) (rate(container_cpu_usage_seconds_total{ {{.AllUsage}}}[{{.Range}}])) and on (pod, container) ` + requested + `) / sum(` + requested + `)`,
		Every: time.Second,
	}
}

// secondReading says whether there is one now.
func (s *Session) secondReading(ctx context.Context, of *service) string {
	if s.prometheus == nil {
		return "no Prometheus, so its own metric of the pods' CPU is the only one"
	}
	source, err := s.source(of, kubelets())
	if err != nil {
		return err.Error()
	}
	found, err := source.Preflight(ctx)
	if err != nil {
		return fmt.Sprintf("no second reading of the pods' CPU, so its own metric is the only one (%s)", err)
	}
	return fmt.Sprintf("%s now %v of what is requested", signalKubelets, found.Values)
}
