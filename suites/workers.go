package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
)

// Workers are pods in the cluster that drive the load together.
type Workers struct {
	Count       int // zero: there are none
	Image       string
	Namespace   string
	CPU, Memory resource.Quantity // that each requests; zero: the package's default
	// Authorities vouch for the service, as load.ca_file says: certificates in
	// PEM.
	Authorities []byte
}

// Driven is a load as the configuration has it driven: by its workers, of which
// it must have some.
func (t *Target) Driven(h load.HTTP) workers.Job {
	return workers.Job{
		Load:      h,
		CABundle:  t.Workers.Authorities,
		Count:     t.Workers.Count,
		Image:     t.Workers.Image,
		Namespace: t.Workers.Namespace,
		CPU:       t.Workers.CPU,
		Memory:    t.Workers.Memory,
		Client:    t.Client,
		Reach:     t.reach,
	}
}

// drivenBy is the load of an experiment, driven by the workers if there are
// any. A load that surges is driven from here all the same: workers are told
// their share once.
func (t *Target) drivenBy(e experiments.Experiment) experiments.Load {
	h, ok := e.Load.(load.HTTP)
	if t.Workers.Count == 0 || !ok || h.Surge != nil {
		return e.Load
	}
	job := t.Driven(h)
	job.Lifetime = e.Longest() + time.Minute
	return job
}

// workersReady looks whether the cluster would take the workers, and whether
// none are there already.
func (t *Target) workersReady(ctx context.Context, chosen []experiments.Experiment) (string, error) {
	found, err := t.Driven(t.Load).Preflight(ctx)
	var here []string
	for _, e := range chosen {
		if h, ok := e.Load.(load.HTTP); ok && h.Surge != nil {
			here = append(here, ID(e))
		}
	}
	if len(here) > 0 {
		found += "; a load that surges is driven from here: " + strings.Join(here, ", ")
	}
	left, errLeft := workers.Find(ctx, t.Client, t.workersScope())
	if len(left) > 0 {
		errLeft = errors.Join(errLeft, fmt.Errorf("workers of a load are in place already: %s; wait for that run, or remove them with \"aftershock sweep -f %s\"", faults.Named(left), t.Path))
	}
	return found, errors.Join(err, errLeft)
}

func (t *Target) workersScope() faults.Scope {
	return faults.Scope{Namespaces: []string{t.Workers.Namespace}}
}

// Swept are the namespaces in which runs can have left something behind: faults
// where they are allowed, and workers in theirs.
func (t *Target) Swept() []string {
	list := slices.Clone(t.Namespaces)
	if t.Workers.Count > 0 && !slices.Contains(list, t.Workers.Namespace) {
		list = append(list, t.Workers.Namespace)
	}
	return list
}
