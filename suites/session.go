package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// A Session is a plan connected to its cluster.
type Session struct {
	Plan   *config.Plan
	Client client.WithWatch
	Chaos  *chaosmesh.Cluster

	rest        *rest.Config
	reach       workers.Reach
	prometheus  *prom.Client // nil: there is none
	services    map[string]*service
	environment map[string]string // for records
}

// ErrOtherCluster is wrapped where something is refused because the cluster is
// not the one that the file is for.
var ErrOtherCluster = errors.New("refused: this is another cluster")

// ErrUnavailable is wrapped where something cannot be tested now although the
// file is right: the cluster does not answer, or the service is not at rest.
var ErrUnavailable = errors.New("cannot be tested now")

// Connect makes the clients. It asks the cluster nothing yet.
func Connect(plan *config.Plan) (*Session, error) {
	// controller-runtime complains at length about a program that sets none;
	// what it would log comes as errors too.
	log.SetLogger(logr.Discard())
	cluster, err := kube.ReadContext(plan.Cluster.Kubeconfig, plan.Cluster.Context)
	if err != nil {
		return nil, fmt.Errorf("%s: cluster: %w", plan.Path, err)
	}
	s := &Session{Plan: plan, rest: cluster.Config, services: map[string]*service{}, environment: map[string]string{}}
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return nil, err
	}
	if s.Client, err = kube.NewClient(cluster.Config, scheme); err != nil {
		return nil, err
	}
	if s.reach, err = workers.Proxy(cluster.Config); err != nil {
		return nil, err
	}
	if s.Chaos, err = chaosmesh.New(s.guarded(), chaosmesh.Timeouts{}); err != nil {
		return nil, fmt.Errorf("%s: allow: %w", plan.Path, err)
	}
	if plan.Prometheus != nil {
		if s.prometheus, err = prom.NewClient(*plan.Prometheus); err != nil {
			return nil, fmt.Errorf("%s: prometheus: %w", plan.Path, err)
		}
	}
	return s, nil
}

// guarded is the cluster, within what the file allows.
func (s *Session) guarded() faults.Cluster {
	return faults.Cluster{Client: s.Client, Guard: faults.Guard{Cluster: s.Plan.Cluster.UID, Namespaces: s.Plan.Allow.Namespaces, Protected: s.Plan.Allow.Protected}}
}

// Close closes idle connections.
func (s *Session) Close() {
	if s.prometheus != nil {
		s.prometheus.Close()
	}
}

// String says which cluster and which services are meant, for the first line that
// a run prints.
func (s *Session) String() string {
	var services []string
	for _, t := range s.Plan.Services {
		services = append(services, t.Workload.String())
	}
	return fmt.Sprintf("cluster %s (%s), %s", cmp.Or(s.Plan.Cluster.Context, "of the current context"), s.rest.Host, strings.Join(services, ", "))
}

// Evaluators are those of the expectations that a plan may have, for judging its
// records again.
func Evaluators() []judge.Evaluator { return []judge.Evaluator{autoscaling.Evaluator{}} }

// Read identifies the cluster and reads from it what the file does not say of the
// services of the experiments. It returns those that can run: one of the
// catalogue that does not apply to its workload is skipped, with the reason in the
// plan. The error has everything that the file must say because the cluster
// leaves a choice.
func (s *Session) Read(ctx context.Context, chosen []config.Planned) ([]config.Planned, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	versions, err := kube.Versions(ctx, s.rest)
	if err != nil {
		return nil, fmt.Errorf("%s: versions: %w", s.Plan.Path, err)
	}
	s.environment["where"], s.environment["cluster.uid"] = s.String(), s.Plan.Cluster.UID
	for name, v := range versions {
		s.environment["version."+name] = v
	}
	maps.Copy(s.environment, s.origin(ctx))
	if on := s.emulated(ctx); len(on) > 0 {
		s.environment["netem"] = "emulated on " + strings.Join(on, ", ")
	}
	var errs []error
	for _, name := range servicesOf(chosen) {
		read, err := s.read(ctx, s.Plan.Find(name))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.services[name] = read
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var able []config.Planned
	for _, p := range chosen {
		switch why := s.services[p.Target.Name].unable(p); {
		case why == "":
			able = append(able, p)
		case p.Suite == "":
			errs = append(errs, p.Place.Error(fmt.Errorf("%s: %s", p.ID(), why)))
		default:
			s.Plan.Skipped = append(s.Plan.Skipped, config.Skipped{ID: p.ID(), Why: why})
		}
	}
	return able, errors.Join(errs...)
}

// servicesOf are the services that experiments are about or touch, each once.
func servicesOf(chosen []config.Planned) []string {
	var names []string
	for _, p := range chosen {
		names = append(names, p.Target.Name)
		for _, f := range p.Faults {
			if f.To != "" {
				names = append(names, f.To)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *Session) identify(ctx context.Context) error {
	uid, err := kube.Identity(ctx, s.Client)
	if err != nil {
		return fmt.Errorf("%s: cluster: %s: %w: %w", s.Plan.Path, s.rest.Host, ErrUnavailable, err)
	}
	if uid != s.Plan.Cluster.UID {
		return fmt.Errorf("%s: cluster.uid: %w: the file is for the one with uid %s, and %s has %s", s.Plan.Path, ErrOtherCluster, s.Plan.Cluster.UID, s.rest.Host, uid)
	}
	return nil
}

// netemAnnotation is how a node tells that Chaos Mesh finds a stand-in for tc
// on it, as the lab's nodes do where the kernel has no netem.
const netemAnnotation = "aftershock.dev/netem"

// emulated are the nodes on which the faults of the network are emulated. An
// account that may not list nodes is on no such cluster.
func (s *Session) emulated(ctx context.Context) []string {
	var nodes corev1.NodeList
	if err := s.Client.List(ctx, &nodes); err != nil {
		return nil
	}
	var names []string
	for _, n := range nodes.Items {
		if n.Annotations[netemAnnotation] == "emulated" {
			names = append(names, n.Name)
		}
	}
	return names
}

// Sweep removes what runs left behind in the namespaces of the file, and verifies
// that nothing remains. It identifies the cluster first.
func (s *Session) Sweep(ctx context.Context) ([]faults.Leftover, error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	removed, err := chaosmesh.Sweep(ctx, s.Client, s.scope(), chaosmesh.Timeouts{})
	rolledBack, errImages := rollout.Sweep(ctx, s.Client, s.scope(), 0)
	removed, err = append(removed, rolledBack...), errors.Join(err, errImages)
	if scope := s.workersScope(); len(scope.Namespaces) > 0 {
		jobs, errJobs := workers.Sweep(ctx, s.Client, scope)
		removed, err = append(removed, jobs...), errors.Join(err, errJobs)
	}
	return removed, err
}

// Swept are the namespaces in which runs can have left something behind: faults
// where they are allowed, and workers in theirs.
func (s *Session) Swept() []string {
	list := slices.Concat(s.Plan.Allow.Namespaces, s.workersScope().Namespaces)
	slices.Sort(list)
	return slices.Compact(list)
}

// left is what runs have left behind in the namespaces of the file.
func (s *Session) left(ctx context.Context) ([]faults.Leftover, error) {
	left, err := chaosmesh.Find(ctx, s.Client, s.scope())
	images, errImages := rollout.Find(ctx, s.Client, s.scope())
	left, err = append(left, images...), errors.Join(err, errImages)
	if scope := s.workersScope(); len(scope.Namespaces) > 0 {
		jobs, errJobs := workers.Find(ctx, s.Client, scope)
		left, err = append(left, jobs...), errors.Join(err, errJobs)
	}
	return left, err
}

func (s *Session) scope() faults.Scope { return faults.Scope{Namespaces: s.Plan.Allow.Namespaces} }

// workersScope are the namespaces of the plan's load workers.
func (s *Session) workersScope() faults.Scope {
	namespaces := map[string]bool{}
	for _, p := range s.Plan.Planned {
		if p.Workers != nil {
			namespaces[p.Workers.Namespace] = true
		}
	}
	// Also those of a service whose experiments a mistake keeps out of the plan.
	for _, t := range s.Plan.Services {
		if t.Load != nil && t.Load.Workers != nil {
			namespaces[cmp.Or(t.Load.Workers.Namespace, s.Plan.Cluster.Namespace)] = true
		}
	}
	delete(namespaces, "")
	return faults.Scope{Namespaces: slices.Sorted(maps.Keys(namespaces))}
}
