package suites

import (
	"context"
	"errors"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/chaosmesh"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/ledger"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A sweeper finds and removes what one package leaves in the cluster.
type sweeper struct {
	scope faults.Scope // without a namespace there is nothing to find
	find  func(context.Context, faults.Scope) ([]faults.Leftover, error)
	sweep func(context.Context, faults.Scope) ([]faults.Leftover, error)
	// restores reports whether it restores objects of a kind that the run did not create.
	// Nil: none.
	restores ledger.Restores
}

// sweepers are all of them, in the order in which they sweep. The doubts are for those that
// sweep.
func (s *Session) sweepers(books []ledger.Book, doubts func(run string) faults.Doubts) []sweeper {
	seen := s.seen(books)
	return []sweeper{
		{
			scope: s.scope(books...),
			find: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return chaosmesh.Find(ctx, s.Client, scope)
			},
			sweep: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return chaosmesh.Sweep(ctx, s.Client, scope, chaosmesh.Timeouts{}, doubts)
			},
		},
		{
			scope: s.scope(books...),
			find: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return rollout.Find(ctx, s.Client, scope, seen...)
			},
			sweep: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return rollout.Sweep(ctx, s.Client, scope, 0, seen...)
			},
			restores: rollout.Restores,
		},
		{
			scope: s.workersScope(),
			find: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return workers.Find(ctx, s.Client, scope)
			},
			sweep: func(ctx context.Context, scope faults.Scope) ([]faults.Leftover, error) {
				return workers.Sweep(ctx, s.Client, scope)
			},
		},
	}
}

// restores reports whether a sweep restores objects of a kind that the run did not create.
// A change of any other is left in place.
func (s *Session) restores(kind schema.GroupKind) bool {
	return slices.ContainsFunc(s.sweepers(nil, nil), func(w sweeper) bool { return w.restores != nil && w.restores(kind) })
}

// remove removes what is left of runs.
func (s *Session) remove(ctx context.Context, of func(run string) bool, books []ledger.Book, doubts func(run string) faults.Doubts) (removed []faults.Leftover, err error) {
	for _, sweeper := range s.sweepers(books, doubts) {
		sweeper.scope.Of = of
		if len(sweeper.scope.Namespaces) > 0 {
			swept, errSweep := sweeper.sweep(ctx, sweeper.scope)
			removed, err = append(removed, swept...), errors.Join(err, errSweep)
		}
	}
	return removed, err
}

// left is what runs have left behind in the namespaces of the file and, by their
// ledgers, anywhere.
func (s *Session) left(ctx context.Context, books ...ledger.Book) (left []faults.Leftover, err error) {
	for _, sweeper := range s.sweepers(books, nil) {
		if len(sweeper.scope.Namespaces) > 0 {
			found, errFind := sweeper.find(ctx, sweeper.scope)
			left, err = append(left, found...), errors.Join(err, errFind)
		}
	}
	for _, b := range books {
		written, errWritten := b.Find(ctx, s.Client, s.restores)
		err = errors.Join(err, errWritten)
		for _, w := range written {
			if !slices.ContainsFunc(left, func(l faults.Leftover) bool {
				return l.Kind == w.Kind && l.Namespace == w.Namespace && l.Name == w.Name && l.Run == w.Run
			}) {
				left = append(left, w)
			}
		}
	}
	return left, err
}

// seen are the kinds of custom resources that runs may have changed.
func (s *Session) seen(books []ledger.Book) (kinds []kube.Kind) {
	for _, k := range kube.Kinds() {
		is := slices.Contains(s.Seen, k) || slices.ContainsFunc(s.Plan.Services, func(t *config.Target) bool { return t.Workload.Kind == k })
		for _, b := range books {
			is = is || slices.ContainsFunc(b.Entries, func(e ledger.Entry) bool { return e.Kind.GroupKind() == k.GroupKind() })
		}
		if is && k.Custom() {
			kinds = append(kinds, k)
		}
	}
	return kinds
}
