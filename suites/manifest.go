package suites

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
)

// Manifest returns the object that a fault creates, as far as the file determines it
// without a cluster; nil if it creates none. If the file names no selector, a label stands
// for the workload's. The warning says why there is no object, or what it lacks.
func Manifest(p config.Planned, f config.PlannedFault) (object any, warning string) {
	var unknown []string
	pods := func(t *config.Target) faults.Pods {
		if t.Selector != nil {
			return faults.Pods{Namespace: t.Namespace, Selector: t.Selector}
		}
		unknown = append(unknown, "the labels of the pods of "+t.Workload.String())
		return faults.Pods{Namespace: t.Namespace, Selector: map[string]string{"selector-of": t.Workload.Text()}}
	}
	from, to := pods(p.Target), faults.Pods{}
	if f.Callee != nil {
		to = pods(f.Callee)
	}
	spec, ok := f.Aim(from, to, p.Target.Container)
	if !ok {
		return nil, ""
	}
	if p.Target.Container == "" {
		named, _ := f.Aim(from, to, "container-of."+p.Target.Workload.Name)
		if !reflect.DeepEqual(named, spec) {
			unknown = append(unknown, "the container of "+p.Target.Workload.String())
		}
		spec = named
	}
	if _, whole := f.Spec.(config.ChaosMesh); whole {
		unknown = nil // it says itself what it selects
	}
	if len(unknown) > 0 {
		warning = "the cluster knows " + strings.Join(unknown, " and ") + ": --dry-run=server prints them"
	}
	manifest, err := chaosmesh.Manifest(spec, lifetime(p, f.Name))
	if err != nil {
		return nil, err.Error()
	}
	return manifest, warning
}

// lifetime is how long a fault of the plan would be in the cluster at most.
func lifetime(p config.Planned, name string) time.Duration {
	e, nowhere := data(p), new(chaosmesh.Cluster)
	for _, f := range p.Faults {
		scheduled := experiments.Scheduled{Name: f.Name, At: f.At, For: f.For, Within: f.Within}
		spec, ok := f.Aim(faults.Pods{}, faults.Pods{}, "")
		switch {
		case ok:
			scheduled.Fault = nowhere.Fault(spec)
		case f.Traits().Loads:
			scheduled.Fault = new(load.Surge)
		}
		e.Faults = append(e.Faults, scheduled)
	}
	i := slices.IndexFunc(e.Faults, func(s experiments.Scheduled) bool { return s.Name == name })
	return e.Lasts(i) + experiments.Grace
}

// Preview returns the object that a fault of the list would create now, with the cluster's
// warning or refusal.
func Preview(ctx context.Context, list []Experiment, p config.Planned, f config.PlannedFault) (object any, warning string) {
	for _, e := range list {
		if e.Name != p.ID() {
			continue
		}
		i := slices.IndexFunc(e.Faults, func(s experiments.Scheduled) bool { return s.Name == f.Name })
		fault, ok := e.Faults[i].Fault.(experiments.Previewer)
		if !ok {
			return nil, ""
		}
		// The object's lifetime counts from the end of ctx.
		ctx, cancel := context.WithTimeout(ctx, e.Lasts(i))
		defer cancel()
		preview, err := fault.Preview(ctx, "dry-run")
		if err != nil {
			return nil, err.Error()
		}
		return preview.Object, preview.Warning
	}
	return nil, "skipped"
}
