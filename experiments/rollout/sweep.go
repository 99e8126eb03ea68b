package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// leftoverKind is the kind of a bad image in [faults.Leftover]: the workload
// itself is neither left behind nor removed.
const leftoverKind = "bad image of "

// Find lists the bad images that runs have left in workloads, and changes
// nothing.
func Find(ctx context.Context, c client.Reader, scope faults.Scope) ([]faults.Leftover, error) {
	found, err := find(ctx, c, scope)
	return faults.Leftovers(found), err
}

// finding is a leftover and its note.
type finding struct {
	faults.Leftover
	workload kube.Workload
	note     note
}

func find(ctx context.Context, c client.Reader, scope faults.Scope) ([]finding, error) {
	if err := scope.Validate(); err != nil {
		return nil, err
	}
	var found []finding
	var errs []error
	for _, namespace := range scope.Namespaces {
		states, err := kube.Workloads(ctx, c, namespace)
		errs = append(errs, err)
		for _, s := range states {
			n, err := noteOf(s.Object.GetAnnotations())
			switch {
			case err != nil:
				errs = append(errs, fmt.Errorf("%s: %w", s, err))
			case n != nil && scope.Has(n.Run):
				found = append(found, finding{
					Leftover: faults.Leftover{Kind: leftoverKind + string(s.Kind), Namespace: s.Namespace, Name: s.Name, Run: n.Run},
					workload: s.Workload,
					note:     *n,
				})
			}
		}
	}
	return found, errors.Join(errs...)
}

// Sweep restores the previous images of the workloads that [Find] finds, waits
// until no bad pod is left, at most for the timeout each, and proves by looking
// again that nothing is left. An image that another client has set meanwhile
// stays, and the leftover's notes name it. It continues after a failure; the
// error then names all that may still be in place. It always returns what it
// restored. The default timeout is a minute.
func Sweep(ctx context.Context, c client.WithWatch, scope faults.Scope, timeout time.Duration) ([]faults.Leftover, error) {
	look := func() (found []finding, hidden, err error) {
		found, err = find(ctx, c, scope)
		return found, nil, err
	}
	return faults.Sweep(look, func(f *finding) error {
		w := Workload{Cluster: faults.Cluster{Client: c}, Workload: f.workload, Timeout: timeout}
		if err := w.sweep(ctx, f); err != nil {
			return fmt.Errorf("remove %s: %w", f, err)
		}
		return nil
	})
}

func (w Workload) sweep(ctx context.Context, f *finding) error {
	n, note := f.note, func(format string, args ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, args...)) }
	var was string
	err := unlessChanged(func() (err error) {
		was, err = w.restore(ctx, n)
		return err
	})
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return nil
	case err != nil:
		return err
	case was == n.Bad:
		note("restored image %s of container %s", n.Image, n.Container)
	default:
		note("container %s had the image %q by then, which was left unchanged", n.Container, was)
	}
	_, _, missing, err := w.clear(ctx, steadystate.StartClock(), n, false, note)
	if err != nil || missing != "" {
		return errors.Join(errors.New(missing), err)
	}
	if err := w.forget(ctx, n); err != nil {
		note("the bad revision is still in the history, where \"kubectl rollout undo\" would find it: %v", err)
	}
	return nil
}
