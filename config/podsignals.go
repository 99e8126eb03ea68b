package config

// Signals of single pods are here; those of checks are in plan.go and probe.go.

import "slices"

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
