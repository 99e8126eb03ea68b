package rollout

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// The kinds of leftover in [faults.Leftover]: the workload itself is neither left
// behind nor removed.
const (
	imageKind   = "bad image of "
	restartKind = "restart of "
	fenceKind   = "label " + fenceLabel + " of "
)

// Find lists the bad images that runs have left in workloads, the restarts of Rollouts,
// and the labels with which they kept a request from coming late, and changes nothing. An account that may not list
// custom resources, or whose cluster lacks them, has changed none: that is an error only
// if their kind is among must.
func Find(ctx context.Context, c client.Reader, scope faults.Scope, must ...kube.Kind) ([]faults.Leftover, error) {
	found, err := find(ctx, c, scope, must)
	return faults.Leftovers(found), err
}

// finding is a leftover, and the note of a bad image.
type finding struct {
	faults.Leftover
	workload kube.Workload
	note     *note
	fence    bool
}

func find(ctx context.Context, c client.Reader, scope faults.Scope, must []kube.Kind) ([]finding, error) {
	if err := scope.Validate(); err != nil {
		return nil, err
	}
	var found []finding
	var errs []error
	for _, namespace := range scope.Namespaces {
		states, err := kube.Workloads(ctx, c, namespace, must...)
		if _, unseen := errors.AsType[*kube.UnseenError](err); !unseen {
			errs = append(errs, err)
		}
		for _, s := range states {
			left := func(kind, run string) finding {
				return finding{Leftover: faults.Leftover{Kind: kind + string(s.Kind), Namespace: s.Namespace, Name: s.Name, Run: run}, workload: s.Workload}
			}
			n, err := noteOf(s.Object.GetAnnotations())
			q, errRestart := requestOf(s.Object.GetLabels())
			if err := errors.Join(err, errRestart); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", s, err))
			}
			if n != nil && scope.Has(n.Run) {
				f := left(imageKind, n.Run)
				f.note = n
				found = append(found, f)
			}
			if q != nil && scope.Has(q.run) {
				found = append(found, left(restartKind, q.run))
			}
			if run := s.Object.GetLabels()[fenceLabel]; run != "" && scope.Has(run) {
				f := left(fenceKind, run)
				f.fence = true
				found = append(found, f)
			}
		}
	}
	return found, errors.Join(errs...)
}

// Restores reports whether [Sweep] restores what a run has changed in objects of a kind.
func Restores(kind schema.GroupKind) bool {
	return slices.ContainsFunc(kube.Kinds(), func(k kube.Kind) bool { return k.GroupKind() == kind })
}

// Sweep restores the previous images of the workloads that [Find] finds, waits
// until no bad pod is left, at most for the timeout each, ends the restarts of
// Rollouts, removes the labels, and proves by looking again that nothing is left. An image that another
// client has set meanwhile stays, and the leftover's notes name it. It continues after
// a failure; the error then names all that may still be in place. It always returns
// what it restored. The default timeout is a minute. Must is as in [Find].
func Sweep(ctx context.Context, c client.WithWatch, scope faults.Scope, timeout time.Duration, must ...kube.Kind) ([]faults.Leftover, error) {
	look := func() (found []finding, hidden, err error) {
		found, err = find(ctx, c, scope, must)
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
	note := func(format string, args ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, args...)) }
	switch {
	case f.fence:
		return w.sweepFence(ctx, f.Run)
	case f.note == nil:
		return w.sweepRestart(ctx, f.Run, note)
	}
	n := *f.note
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

func (w Workload) sweepRestart(ctx context.Context, run string, note func(string, ...any)) error {
	ended := false
	err := unlessChanged(func() error {
		pending, err := w.withdraw(ctx, run)
		ended = ended || pending
		return err
	})
	switch {
	case errors.Is(err, kube.ErrNoWorkload):
		return nil
	case err == nil && ended:
		note("ended the restart, which was not done: no further pod is restarted")
	case err == nil:
		note("the restart had been done")
	}
	return err
}

func (w Workload) sweepFence(ctx context.Context, run string) error {
	err := unlessChanged(func() error {
		s, err := w.read(ctx)
		if err != nil {
			return err
		}
		return w.unfence(ctx, s, run)
	})
	if errors.Is(err, kube.ErrNoWorkload) {
		return nil
	}
	return err
}
