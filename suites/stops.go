package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// Stop keeps runs of a scope from beginning until a time and ends those in progress; see
// [stop.Set]. It identifies the cluster first. The stop says who set it, from where and
// when.
func (s *Session) Stop(ctx context.Context, of stop.Scope, reason string, until time.Time) (stop.Stop, error) {
	of, err := s.stoppable(ctx, of)
	if err != nil {
		return stop.Stop{}, err
	}
	who, err := kube.Account(ctx, s.Client)
	if err != nil {
		who = "an unknown account" // of an old cluster; it must not keep a stop from being set
	}
	set := stop.Stop{Scope: of, Reason: reason, Who: who, From: Machine(), Since: time.Now().Format(time.RFC3339)}
	if !until.IsZero() {
		set.Until = until.Format(time.RFC3339)
	}
	return set, stop.Set(ctx, s.Client, s.Plan.Cluster.Namespace, set)
}

// Resume removes the stops of a scope. It identifies the cluster first.
func (s *Session) Resume(ctx context.Context, of stop.Scope) (removed []stop.Stop, err error) {
	if of, err = s.stoppable(ctx, of); err != nil {
		return nil, err
	}
	return stop.Resume(ctx, s.Client, s.Plan.Cluster.Namespace, of)
}

// Stops returns all stops, including those whose time is over.
func (s *Session) Stops(ctx context.Context) ([]stop.Stop, error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	return stop.Read(ctx, s.Client, s.Plan.Cluster.Namespace)
}

// stoppable is a scope with the workload of its service, on the file's cluster.
func (s *Session) stoppable(ctx context.Context, of stop.Scope) (stop.Scope, error) {
	if of.Service != "" {
		target := s.Plan.Find(of.Service)
		if target == nil || target.Workload.Name == "" || target.Namespace == "" {
			var names []string
			for _, t := range s.Plan.Services {
				names = append(names, t.Name)
			}
			return of, fmt.Errorf("%s: %w with a namespace and a workload: %s; services: %s", s.Plan.Path, ErrNoService, of.Service, strings.Join(names, ", "))
		}
		of.Workload = target.Workload.Subject()
	}
	return of, s.identify(ctx)
}

// ErrNoService is wrapped by the error for a service that the file does not have.
var ErrNoService = errors.New("no such service")

// stopsOf are the safeguards by which an experiment is stopped. A person's stop is
// read last.
func (s *Session) stopsOf(e Experiment) (list []experiments.Safeguard) {
	if freeze := s.freeze(); freeze != nil {
		list = append(list, freeze)
	}
	return append(list, &stop.Switch{Client: s.Client, Namespace: s.Plan.Cluster.Namespace, Services: e.hits()})
}

// hits are the workloads that the experiment is about or touches, by their services.
func (e Experiment) hits() map[string]kube.Workload {
	services := map[string]kube.Workload{e.service.Name: e.service.Workload}
	for _, f := range e.Planned.Faults {
		if f.Callee != nil {
			services[f.Callee.Name] = f.Callee.Workload
		}
	}
	return services
}

// freeze is that of the file; nil: it has none.
func (s *Session) freeze() *stop.Freeze {
	f := s.Plan.Freeze
	if f == nil {
		return nil
	}
	freeze := &stop.Freeze{Windows: f.Windows, EndsRunning: f.Running == config.RunningStop}
	if f.Incident != "" {
		freeze.Incident = func(ctx context.Context) (string, error) {
			query, err := prom.Parse(f.Incident)
			if err != nil {
				return "", err
			}
			series, err := prom.Source{Client: s.prometheus, Query: query, Timeout: 2 * time.Second}.Holds(ctx)
			return strings.Join(series, ", "), err
		}
	}
	return freeze
}

// Refused looks whether experiments would be refused now, by a stop, a freeze or another
// run. It asks nothing of their services. The error wraps [ErrNotNow], or
// [ErrUnavailable] if the cluster does not answer.
func (s *Session) Refused(ctx context.Context, chosen []config.Planned) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	p := &preflight{Session: s, say: func(Mark, string, string) {}}
	for _, e := range chosen {
		p.list = append(p.list, Experiment{Planned: e, service: &service{Target: e.Target}})
	}
	p.stops(ctx)
	p.held(ctx)
	return errors.Join(p.errs...)
}

// stops looks whether the experiments are stopped now, or a freeze is in force.
func (p *preflight) stops(ctx context.Context) {
	place := config.Place{File: p.Plan.Path, Line: 1}
	p.look("stops", place, func() (string, error) {
		stops, err := stop.Read(ctx, p.Client, p.Plan.Cluster.Namespace)
		if err != nil {
			return "", later(err)
		}
		var errs []error
		var others []string
		for _, s := range stops {
			switch {
			case !s.InForce(time.Now()):
				others = append(others, "over: "+s.String())
			case slices.ContainsFunc(p.list, func(e Experiment) bool { return s.On("", e.hits()) }):
				errs = append(errs, fmt.Errorf("%w: %s; %s", ErrNotNow, s, s.Hint()))
			default:
				others = append(others, "of others: "+s.String())
			}
		}
		if len(errs) == 0 && len(others) > 0 {
			return "", note(strings.Join(others, "; "))
		}
		return "none", errors.Join(errs...)
	})
	freeze := p.freeze()
	if freeze == nil {
		return
	}
	p.look("freeze", place, func() (string, error) {
		why, err := freeze.Now(ctx)
		switch {
		case err != nil:
			return "", fmt.Errorf("%w: %w", ErrNotNow, err)
		case why != "":
			return "", fmt.Errorf("%w: %s", ErrNotNow, why)
		}
		next, err := freeze.Next()
		if err == nil && !next.IsZero() {
			return "none now; the next window begins " + stop.Clock(next), nil
		}
		return "none now", err
	})
}
