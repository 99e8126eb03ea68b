package suites

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/experiments/lock"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/prom"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// A Session is a plan connected to its cluster. Make it with [Connect].
type Session struct {
	Plan   *config.Plan
	Client client.WithWatch
	Chaos  *chaosmesh.Cluster
	// Wait is how long an experiment waits for a run that is alive and has its workload.
	// Set it before [Session.Experiments]. Default: the experiment is refused.
	Wait time.Duration

	// Seen are kinds of custom resources that sweeps must see, although the plan names
	// none: an account that may not list them is then an error. Default: those of the
	// services of the plan, and those that a ledger names.
	Seen []kube.Kind

	// Needs are the rights that [Session.Look] asks for.
	Needs []rights.Rule

	rest        *rest.Config
	reach       workers.Reach
	prometheus  *prom.Client // nil: there is none
	services    map[string]*service
	environment map[string]string  // for records
	rehearsed   bool               // on a stage, to find the rights that it needs
	unwritten   []*faults.Unproven // found by its sweeps, and in no ledger yet
}

// ErrOtherCluster is wrapped by the error of what is refused because the cluster is not
// the one that the file names.
var ErrOtherCluster = errors.New("refused: this is another cluster")

// ErrUnavailable is wrapped by the error of what cannot be tested now although the file is
// right: the cluster does not answer, or the workload is not at rest.
var ErrUnavailable = errors.New("cannot be tested now")

// ErrNotAtRest is the [ErrUnavailable] of a workload whose pods are not as they must be:
// a rollout is under way, or a pod is not ready.
var ErrNotAtRest = fmt.Errorf("%w", ErrUnavailable)

// ErrInPlace is wrapped if faults of other runs are in place: their effects would count
// against the service.
var ErrInPlace = errors.New("in place already")

// Connect makes the clients of a session. It contacts nothing yet; the error reports an
// unusable kubeconfig, guard or Prometheus client.
func Connect(plan *config.Plan) (*Session, error) {
	cluster, err := kube.ReadContext(plan.Cluster.Kubeconfig, plan.Cluster.Context)
	if errors.Is(err, fs.ErrNotExist) && plan.Cluster.Kubeconfig != "" {
		use := "KUBECONFIG or ~/.kube/config"
		if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" {
			use = "KUBECONFIG (which is set)"
		}
		return nil, plan.At("cluster.kubeconfig").Error(fmt.Errorf("cluster: %w: remove cluster.kubeconfig to use %s", err, use))
	}
	if err != nil {
		return nil, plan.At("cluster.context").Error(fmt.Errorf("cluster: %w", err))
	}
	return connect(plan, cluster.Config, chaosmesh.Timeouts{})
}

// connect makes the clients of a cluster that is reached so.
func connect(plan *config.Plan, cluster *rest.Config, timeouts chaosmesh.Timeouts) (*Session, error) {
	// controller-runtime complains at length about a program that sets none;
	// what it would log comes as errors too.
	log.SetLogger(logr.Discard())
	s := &Session{Plan: plan, rest: cluster, services: map[string]*service{}, environment: map[string]string{}}
	scheme, err := chaosmesh.Scheme()
	if err != nil {
		return nil, err
	}
	if s.Client, err = kube.NewClient(cluster, scheme); err != nil {
		return nil, err
	}
	if s.reach, err = workers.Proxy(cluster); err != nil {
		return nil, err
	}
	if s.Chaos, err = chaosmesh.New(s.guarded(), timeouts); err != nil {
		return nil, plan.At("allow").Error(fmt.Errorf("allow: %w", err))
	}
	if plan.Prometheus != nil {
		if s.prometheus, err = prom.NewClient(*plan.Prometheus); err != nil {
			return nil, plan.At("prometheus").Error(fmt.Errorf("prometheus: %w", err))
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

// Where names the cluster and the services of experiments, among them those that only
// their faults act on, for the first line that a run prints; without any, all services of
// the file.
func (s *Session) Where(chosen ...config.Planned) string {
	names, services := servicesOf(chosen), []string(nil)
	for _, t := range s.Plan.Services {
		if len(chosen) == 0 || slices.Contains(names, t.Name) {
			services = append(services, t.Workload.String())
		}
	}
	return fmt.Sprintf("cluster %s (%s), %s", cmp.Or(s.Plan.Cluster.Context, "of the current context"), s.rest.Host, strings.Join(services, ", "))
}

// Evaluators returns the evaluators of all expectations that a plan may have, to judge its
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
	able, err := s.readAll(ctx, chosen)
	if apierrors.IsForbidden(err) && !s.rehearsed {
		// Preflight would name the rights, and does not come to it.
		err = errors.Join(err, s.account(ctx, chosen).err(s.Plan.Path))
	}
	return able, err
}

func (s *Session) readAll(ctx context.Context, chosen []config.Planned) ([]config.Planned, error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	versions, err := kube.Versions(ctx, s.rest)
	if err != nil {
		return nil, s.Plan.At("cluster").Error(fmt.Errorf("versions: %w", err))
	}
	s.environment["cluster.uid"] = s.Plan.Cluster.UID
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
		switch why := cmp.Or(s.services[p.Target.Name].unable(p), s.unswitched(p)); {
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
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	uid, err := kube.Identity(ctx, s.Client)
	if err != nil {
		return s.Plan.At("cluster").Error(fmt.Errorf("cluster: %s: %w", s.rest.Host, later(kube.Explain(err, "the right to get the namespace kube-system"))))
	}
	if uid != s.Plan.Cluster.UID {
		return s.Plan.At("cluster.uid").Error(fmt.Errorf("cluster.uid: %w: the file is for the one with uid %s, and %s has %s", ErrOtherCluster, s.Plan.Cluster.UID, s.rest.Host, uid))
	}
	return nil
}

// later is the error of a request to the API server, which may succeed later unless it
// is refused, there is no such kind, or what it read is not supported. A token may be
// renewed.
func later(err error) error {
	if err == nil || faults.Permanent(err) && !apierrors.IsUnauthorized(err) || errors.Is(err, kube.ErrUnsupported) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
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

// Sweeping says what a sweep removes.
type Sweeping struct {
	// Run restricts the sweep to the objects of one run. Default: all runs.
	Run string
	// Force also removes the objects of runs that are alive, which ends those runs. With
	// Run, it assumes that pods in which its fault may be, though its object is gone, and
	// the changed objects that no sweep restores are free of it.
	Force bool
	// Say is called with what the sweep waits for, and which locks are held. Default: it
	// is silent.
	Say func(string)
}

// Sweep removes what runs left behind in the namespaces of the file, and verifies
// that nothing remains: faults, load workers, and then the Leases, ledgers and
// dead-man switches of these runs. It identifies the cluster first. Runs that are
// alive keep what they have, and the error names what that is. What a run has changed
// in other namespaces, by its ledger, is removed if it is the only run.
func (s *Session) Sweep(ctx context.Context, how Sweeping) (removed []faults.Leftover, err error) {
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	// The locks are looked at after that: a run has its lock before its first fault.
	books, others, errBooks := s.books(ctx, how.Run)
	left, errLeft := s.left(ctx, books...)
	say := how.Say
	if say == nil {
		say = func(string) {}
	}
	held, errHeld := lock.Look(ctx, s.Client, s.Plan.Cluster.Namespace, func(held []lock.Held) {
		say(fmt.Sprintf("observing for some seconds whether each run that has a lock is alive (%d)", len(held)))
	})
	if errHeld != nil && !how.Force {
		return nil, fmt.Errorf("find out which runs are alive: %w; or sweep with --force, which also removes what living runs have", errHeld)
	}
	living := alive(held)
	held = slices.DeleteFunc(held, func(h lock.Held) bool {
		return h.Run != how.Run && !slices.Contains(s.Plan.Allow.Namespaces, h.Namespace())
	})
	// A run that begins from now on is none of these.
	swept := map[string]bool{}
	for _, l := range left {
		swept[l.Run] = true
	}
	for _, b := range books {
		swept[b.Run] = true
	}
	for _, b := range others {
		switch {
		case how.Run != "" && b.Unread != nil:
			say(fmt.Sprintf("the ledger of run %s, which is not swept, cannot be read: %s", b.Run, b.Unread))
		case how.Run == "" && living[b.Run] == "":
			say(fmt.Sprintf("run %s is dead, and has changed something in %s, of which the file does not name all: --run %s sweeps it there too", b.Run, strings.Join(namespacesOf(b), ", "), b.Run))
		}
	}
	for _, h := range held {
		swept[h.Run] = true
		say(fmt.Sprintf("%s is held by %s", h.Workload, h))
	}
	maps.DeleteFunc(swept, func(run string, _ bool) bool {
		return how.Run != "" && run != how.Run || !how.Force && living[run] != ""
	})
	of := func(run string) bool { return swept[run] }
	errs := []error{errBooks}
	for _, h := range held {
		if h.Alive && of(h.Run) {
			errs = append(errs, h.Break(ctx, s.Client))
		}
	}
	for _, b := range books {
		if of(b.Run) {
			errs = append(errs, b.Label(ctx, s.Client))
		}
	}
	if how.Force && how.Run != "" {
		for i := range books {
			for _, e := range books[i].Trust(s.restores) {
				say(fmt.Sprintf("%s %s is assumed to be free of the fault of run %s", strings.ToLower(e.Kind.Kind), e.ObjectKey, books[i].Run))
			}
		}
	}
	// book is a run's ledger, which may be a new one.
	book := func(run string) *ledger.Book {
		is := func(b ledger.Book) bool { return b.Run == run }
		i := slices.IndexFunc(books, is)
		if i < 0 {
			i, books = len(books), append(books, ledger.Book{Run: run, Namespace: s.Plan.Cluster.Namespace})
			if other := slices.IndexFunc(others, is); other >= 0 {
				books[i] = others[other]
			}
		}
		return &books[i]
	}
	removed, err = s.remove(ctx, of, books, func(run string) faults.Doubts {
		return doubts{s.Client, func() *ledger.Book { return book(run) }}
	})
	errs = append(errs, errLeft, err)
	// What an earlier sweep of this session could not write down is still so.
	unwritten := append(s.unwritten, faults.Unprovens(err)...)
	unwritten = slices.DeleteFunc(unwritten, func(u *faults.Unproven) bool { return u.Run == "" }) // no run has its ledger
	s.unwritten = nil
	for _, u := range unwritten {
		if err := book(u.Run).Doubt(ctx, s.Client, u.Fault, u.Pods...); err != nil {
			errs, s.unwritten = append(errs, err), append(s.unwritten, u)
		}
	}
	rest, errRest := s.left(ctx, books...)
	if errRest == nil {
		var proven bool
		if proven, err = s.proven(ctx, books, rest, of, say); proven {
			rest, errRest = s.left(ctx, books...)
		}
		errs = append(errs, err)
	}
	errs = append(errs, errRest, s.stays(rest, of))
	undone := func(run string) bool {
		return of(run) && living[run] == "" && errRest == nil && !slices.ContainsFunc(s.unwritten, func(u *faults.Unproven) bool { return u.Run == run }) && !slices.ContainsFunc(rest, func(l faults.Leftover) bool { return l.Run == run })
	}
	forgotten, err := s.forget(ctx, undone, held, books)
	removed, errs = append(removed, forgotten...), append(errs, err)
	rest = slices.DeleteFunc(rest, func(l faults.Leftover) bool { return of(l.Run) || how.Run != "" && l.Run != how.Run })
	if rest, err = s.told(ctx, rest); len(rest) > 0 {
		errs = append(errs, err, fmt.Errorf("left alone: %s; wait for that run, or sweep with --force", faults.Named(rest)))
	}
	return removed, errors.Join(errs...)
}

// doubts are kept in the ledger of a run, while it is swept.
type doubts struct {
	client client.Client
	book   func() *ledger.Book
}

var _ faults.Doubts = doubts{}

// Doubt writes pods down.
func (d doubts) Doubt(ctx context.Context, fault string, pods ...faults.PodID) error {
	return d.book().Doubt(ctx, d.client, fault, pods...)
}

// Clear takes pods out again.
func (d doubts) Clear(ctx context.Context, fault string, pods ...client.ObjectKey) error {
	return d.book().Clear(ctx, d.client, fault, pods...)
}

// proven takes out of the ledgers of swept runs the pods that something shows to be free of
// the fault by now, and reports whether there were any. Nothing is asked of those that are
// gone, nor while the fault's object is left, which may go by force yet.
func (s *Session) proven(ctx context.Context, books []ledger.Book, rest []faults.Leftover, of func(run string) bool, say func(string)) (some bool, err error) {
	left := map[string]bool{}
	for _, l := range rest {
		left[l.Kind+"/"+l.Namespace+"/"+l.Name] = true
	}
	var errs []error
	for i := range books {
		if !of(books[i].Run) {
			continue
		}
		for _, e := range books[i].Entries {
			if e.UID == "" || !left[ledger.UnprovenKind+"/"+e.ObjectKey.String()] || left[e.Fault] {
				continue
			}
			why, err := chaosmesh.Undone(ctx, s.Client, e.Fault, e.Pod())
			if why != "" {
				say(fmt.Sprintf("pod %s is free of the fault of run %s: %s", e.ObjectKey, books[i].Run, why))
				err = books[i].Clear(ctx, s.Client, e.Fault, e.ObjectKey)
				some = true
			}
			errs = append(errs, err)
		}
	}
	return some, errors.Join(errs...)
}

// stays names what of swept runs no sweep removes: pods from which nothing shows that a
// fault is gone, and changed objects that no sweep restores.
func (s *Session) stays(rest []faults.Leftover, of func(run string) bool) error {
	var errs []error
	for _, l := range rest {
		switch {
		case !of(l.Run):
		case strings.HasPrefix(l.Kind, ledger.ChangeKind):
			errs = append(errs, fmt.Errorf("%s: no sweep restores it; restore it, and then: aftershock sweep -f %s --run %s --force", l, s.Plan.Path, l.Run))
		case l.Kind == ledger.UnprovenKind:
			errs = append(errs, fmt.Errorf("%s: nothing shows that it was undone there; delete this pod or, once you know that it is free of the fault: aftershock sweep -f %s --run %s --force", l, s.Plan.Path, l.Run))
		}
	}
	return errors.Join(errs...)
}

// forget removes the Leases, ledgers and dead-man switches of runs that have nothing
// left in place, which these outlast.
func (s *Session) forget(ctx context.Context, undone func(run string) bool, held []lock.Held, books []ledger.Book) (removed []faults.Leftover, err error) {
	var errs []error
	drop := func(run string, remove func(context.Context, client.Client) error, what ...faults.Leftover) {
		if !undone(run) {
			return
		}
		if err := remove(ctx, s.Client); err != nil {
			errs = append(errs, err)
			return
		}
		removed = append(removed, what...)
	}
	for _, h := range held {
		drop(h.Run, h.Release, h.Leftover())
	}
	for _, b := range books {
		drop(b.Run, b.Remove, b.Leftovers()...)
	}
	return removed, errors.Join(errs...)
}

// Swept are the namespaces in which runs can have left something behind: faults
// where they are allowed, and workers in theirs.
func (s *Session) Swept() []string {
	list := slices.Concat(s.Plan.Allow.Namespaces, s.workersScope().Namespaces)
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *Session) scope(books ...ledger.Book) faults.Scope {
	namespaces := slices.Concat(s.Plan.Allow.Namespaces, namespacesOf(books...))
	slices.Sort(namespaces)
	return faults.Scope{Namespaces: slices.Compact(namespaces)}
}

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
