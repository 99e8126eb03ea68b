package config

// Signals of single pods are here; those that checks name are in signal.go.

import (
	"slices"

	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
)

// podDefaults are the queries of the signals of single pods that a file need not give,
// for a Prometheus that scrapes the kubelets' cAdvisor as most do. Each takes the
// greatest of a pod's series and not their sum: where the kubelets' other metrics are
// scraped too they are there twice, and so is a container that was just restarted. No
// older ones than of a minute: the kubelets' samples have times of their own, so that
// Prometheus does not notice for five minutes that a container has gone.
var podDefaults = map[string]string{
	chaosmesh.SignalCPU:    `max by (pod) (rate(container_cpu_usage_seconds_total{ {{.Usage}}}[10s]))`,
	chaosmesh.SignalMemory: `max by (pod) (last_over_time(container_memory_working_set_bytes{ {{.Usage}}}[1m]))`,
}

// Signals are the signals of single pods that the experiment needs: those in
// which its effects show and, without a load, the pods' traffic.
func (p Planned) Signals() (names []string) {
	for _, f := range p.Faults {
		names = append(names, f.signals()...)
	}
	if p.Load == nil && p.Target.Traffic != "" {
		names = append(names, SignalTraffic)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
