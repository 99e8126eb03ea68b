package suites

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/experiments/lock"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// SwitchCommand is the command of aftershock that a dead-man switch runs.
const SwitchCommand = "dead-man-switch"

// SeenFlag is the flag of that command for a kind of [Session.Seen], as in "--rollouts".
func SeenFlag(k kube.Kind) string { return "--" + kube.Workload{Kind: k}.Resource() }

func (s *Session) ledgerOf(experiment string) *ledger.Ledger {
	return &ledger.Ledger{Client: s.Client, Namespace: s.Plan.Cluster.Namespace, Experiment: experiment}
}

// switchOf is the dead-man switch of an experiment; nil: the file has none. A run
// that changes nothing has one too: its locks would outlast it.
func (s *Session) switchOf(e Experiment) *ledger.Switch {
	cluster := s.Plan.Cluster
	if cluster.Image == "" {
		return nil
	}
	return &ledger.Switch{
		Image:          cluster.Image,
		ServiceAccount: cluster.ServiceAccount,
		Longest:        e.Longest(),
		Args: func(run string) []string {
			args := []string{SwitchCommand, "--run", run, "--cluster", cluster.UID, "--namespace", cluster.Namespace, "--allow", strings.Join(s.Plan.Allow.Namespaces, ",")}
			if w := e.service.Workload; w.Kind.Custom() {
				args = append(args, SeenFlag(w.Kind))
			}
			for _, r := range s.undoes(e) {
				args = append(args, "--needs", r.String())
			}
			return args
		},
	}
}

// undoes are the rights by which a sweep undoes an experiment: to what its faults leave,
// which it finds by them, and to the objects of its run. A run that changes nothing has no
// ledger. To delete a bad revision from the history is not among them: without it the
// image is rolled back all the same.
func (s *Session) undoes(e Experiment) []rights.Rule {
	home := s.Plan.Cluster.Namespace
	list := []rights.Rule{
		{Namespace: home, Group: coordinationv1.GroupName, Resource: "leases", Verb: "delete"},
		{Namespace: home, Group: batchv1.GroupName, Resource: "jobs", Verb: "delete"},
	}
	add := func(group, resource, namespace, name string, verbs ...string) {
		for _, verb := range verbs {
			list = append(list, rights.Rule{Namespace: namespace, Group: group, Resource: resource, Name: name, Verb: verb})
		}
	}
	w := e.service.Workload
	group := schema.FromAPIVersionAndKind(w.APIVersion(), string(w.Kind)).Group
	for _, f := range e.Faults {
		switch f := f.Fault.(type) {
		case *chaosmesh.Fault:
			add("", "configmaps", home, "", "delete", "create", "update")
			for _, t := range f.Traces() {
				add(v1alpha1.SchemeGroupVersion.Group, t.Resource, t.Namespace, "", "get", "list", "patch")
				add("", "pods", t.Namespace, "", "list")
				if !t.Kept {
					add(v1alpha1.SchemeGroupVersion.Group, t.Resource, t.Namespace, "", "delete")
				}
			}
		case *rollout.BadImage:
			add("", "configmaps", home, "", "delete")
			add(group, w.Resource(), w.Namespace, w.Name, "patch")
			if w.Sticks() {
				add("", "pods", w.Namespace, "", "delete")
			}
		case *rollout.Restart:
			add("", "configmaps", home, "", "delete")
			if w.Kind == kube.ArgoRollout {
				add(group, w.Resource(), w.Namespace, w.Name, "patch")
			}
		}
	}
	return rights.Merge(list)
}

// unswitched says why an experiment needs a dead-man switch that the file lacks;
// empty: it does not.
func (s *Session) unswitched(p config.Planned) string {
	for _, f := range p.Faults {
		if f.Traits().Stays && s.Plan.Cluster.Image == "" {
			return "refused: nothing in the cluster rolls a bad image back if the run is killed; name an image of this program in cluster.image, of which each run makes a dead-man switch"
		}
	}
	return ""
}

// write asks in a dry run whether the ledger and the switch can be made.
func (p *preflight) write(ctx context.Context) error {
	l := p.ledgerOf("preflight")
	for _, e := range p.list {
		if l.Switch == nil {
			l.Switch = p.switchOf(e)
		}
	}
	return l.Preflight(ctx)
}

// books are the ledger of the run or, if none is named, those of all runs that changed
// nothing outside the namespaces of the file; others are those of other runs. The error
// is about books alone: what another run wrote down decides nothing about this one.
func (s *Session) books(ctx context.Context, run string) (books, others []ledger.Book, err error) {
	all, err := ledger.Read(ctx, s.Client, s.Plan.Cluster.Namespace)
	for _, b := range all {
		outside := slices.ContainsFunc(b.Entries, func(e ledger.Entry) bool { return !slices.Contains(s.Plan.Allow.Namespaces, e.Namespace) })
		if b.Run == run || run == "" && !outside {
			books = append(books, b)
		} else {
			others = append(others, b)
		}
		if b.Run == run || run == "" {
			err = errors.Join(err, b.Unread)
		}
	}
	return books, others, err
}

// namespacesOf are those in which runs have changed something, each once.
func namespacesOf(books ...ledger.Book) []string {
	var list []string
	for _, b := range books {
		for _, e := range b.Entries {
			list = append(list, e.Namespace)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

const (
	// againEvery is how soon a dead-man switch looks or sweeps again.
	againEvery = 10 * time.Second
	// deadAfter is how long a run may renew no Lease until it is dead: ten renewals. A
	// run that is cut off for so long loses its faults, and notices.
	deadAfter = 10 * lock.RenewEvery
)

// lookFor is how long a first look is repeated that fails in a way that may pass. It is
// less than a run waits for it.
const lookFor = 30 * time.Second

// errLacks is that the account lacks a right of [Session.Needs].
var errLacks = errors.New("rights")

// Look looks whether a dead-man switch could sweep a run: it reads what a sweep reads, asks
// whether the account has the rights of [Session.Needs], and changes nothing. The error
// says what is in the way. What may pass, Look tries again for half a minute.
func (s *Session) Look(ctx context.Context, run string) error {
	ctx, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	return faults.Retry(ctx, time.Second, func() error { return s.lookOnce(ctx, run) }, func(err error) bool { return errors.Is(err, ErrOtherCluster) || errors.Is(err, errLacks) })
}

func (s *Session) lookOnce(ctx context.Context, run string) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	books, _, errBooks := s.books(ctx, run)
	_, errLeft := s.left(ctx, books...)
	errs := []error{errBooks, errLeft, lock.Readable(ctx, s.Client, s.Plan.Cluster.Namespace)}
	lacks, err := rights.Missing(ctx, s.Client, s.Needs)
	for _, line := range rights.Lines(lacks) {
		errs = append(errs, fmt.Errorf("%w: missing %s; add the rule, or all that are needed: aftershock rbac -f FILE | kubectl apply -f -", errLacks, line))
	}
	return errors.Join(append(errs, err)...)
}

// Outlive waits until a run is dead, and sweeps it: what a dead-man switch does once it
// has looked by [Session.Look]. A run is dead once its Leases are gone, have expired, or
// were not renewed for half a minute, as seen from here. Say is told what happens.
// Outlive repeats what fails until ctx ends, unless this is another cluster.
func (s *Session) Outlive(ctx context.Context, run string, say func(string)) (removed []faults.Leftover, err error) {
	dies, err := s.dies(ctx, run)
	for {
		switch {
		case err != nil:
			say(err.Error())
		case dies == lives:
		default:
			if dies > 0 {
				say(fmt.Sprintf("run %s does not renew its Lease; it is swept unless it does within %s", run, dies.Round(time.Second)))
				if err := experiments.Wait(ctx, dies); err != nil {
					return removed, err
				}
			}
			// The sweep finds out whether it was renewed since.
			swept, err := s.Sweep(ctx, Sweeping{Run: run, Say: say})
			if removed = append(removed, swept...); err == nil || errors.Is(err, ErrOtherCluster) {
				return removed, err
			}
			say(err.Error())
		}
		if err := experiments.Wait(ctx, againEvery); err != nil {
			return removed, err
		}
		dies, err = s.dies(ctx, run)
	}
}

// lives is when a run dies that renews a Lease.
const lives = time.Duration(-1)

// dies is in how long a run is dead unless it renews a Lease, or [lives].
func (s *Session) dies(ctx context.Context, run string) (time.Duration, error) {
	held, err := lock.Look(ctx, s.Client, s.Plan.Cluster.Namespace, func([]lock.Held) {})
	dies := time.Duration(0)
	for _, h := range held {
		switch {
		case h.Run != run:
		case h.Alive:
			return lives, err
		default:
			dies = max(dies, min(h.Left, deadAfter-h.Silent))
		}
	}
	return dies, err
}
