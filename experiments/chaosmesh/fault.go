package chaosmesh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Fault is one Chaos Mesh object at a time: Inject creates it and waits
// until it has acted, Recover deletes it and waits until it is gone. It
// implements [experiments.Fault] and is used by one goroutine at a time.
type Fault struct {
	cluster *Cluster
	kind    kind
	pods    Pods
	count   Count
	// placed are the objects that may exist, because of Inject.
	placed []placed
}

var _ experiments.Fault = (*Fault)(nil)

// placed is an object that may exist.
type placed struct {
	object v1alpha1.InnerObject
	unsure bool // its creation had no answer
}

// String is "kill 1 of the pods app=checkout in shop".
func (f *Fault) String() string {
	return fmt.Sprintf("%s %s of the %s", f.kind.verb(), f.count, f.pods)
}

// kindName is Chaos Mesh's name of the kind: PodChaos.
func (f *Fault) kindName() string { return kindOf(f.cluster.client.Scheme(), f.kind.list()) }

// A Preview is what Inject would do now.
type Preview struct {
	// Object is what would be created, without its name.
	Object client.Object
	// Candidates are the running pods that match.
	Candidates []experiments.Target
	// Asked is how many of them would be hit.
	Asked int
}

// Preview says what Inject would do now, in the run of that name, and changes
// nothing. Its error is the one that Inject would return: it asks the API
// server to check the object, so that missing rights and a missing Chaos Mesh
// come out before anything is at stake.
func (f *Fault) Preview(ctx context.Context, run string) (Preview, error) {
	prepared, err := f.prepare(ctx, run)
	if err != nil {
		return Preview{}, err
	}
	trial, _ := prepared.Object.DeepCopyObject().(client.Object)
	settleName(trial)
	if err := f.cluster.client.Create(ctx, trial, client.DryRunAll); err != nil {
		return Preview{}, fmt.Errorf("try %s: %w", f, explain(err, f.kindName()))
	}
	return prepared, nil
}

// prepare checks everything that can be checked without Chaos Mesh.
func (f *Fault) prepare(ctx context.Context, run string) (Preview, error) {
	if err := f.cluster.guard.allow(f.pods); err != nil {
		return Preview{}, fmt.Errorf("%s: %w", f, err)
	}
	if err := f.cluster.guard.identify(ctx, f.cluster.client); err != nil {
		return Preview{}, fmt.Errorf("%s: %w", f, err)
	}
	matching, err := f.pods.list(ctx, f.cluster.client)
	if err != nil {
		return Preview{}, explain(err, "Pod")
	}
	if err := f.cluster.guard.protect(matching); err != nil {
		return Preview{}, fmt.Errorf("%s: %w", f, err)
	}
	candidates := running(matching)
	asked, err := f.count.of(len(candidates))
	if err != nil {
		return Preview{}, fmt.Errorf("%s: %w", f, err)
	}
	lifetime := f.cluster.guard.lifetime(ctx).Round(time.Second)
	object := f.kind.object(newMeta(f.kind.action(), f.pods.Namespace, run), f.pods.selector(asked), lifetime.String())
	if err := complete(ctx, object); err != nil {
		return Preview{}, fmt.Errorf("%s: %w", f, err)
	}
	return Preview{Object: object, Candidates: candidates, Asked: asked}, nil
}

// Recover deletes what Inject created and returns when it is really gone, with
// the span in which it went. An object that stays although it was deleted is
// helped along: it is touched, then given up by Chaos Mesh's own means, then
// its finalizers are removed; each of that is noted in the record. An error
// says that something may still be in place, and what to do.
func (f *Fault) Recover(ctx context.Context, rec *experiments.Recorder) (steadystate.Span, error) {
	clock := rec.Clock()
	span := steadystate.Instant(clock.Now())
	var errs []error
	var left []placed
	for _, p := range slices.Backward(f.placed) {
		found, err := removal{
			client:   f.cluster.client,
			patience: f.cluster.patience,
			note:     rec.Note,
			unsure:   p.unsure,
		}.run(ctx, p.object)
		span.To = clock.Now()
		if err != nil {
			errs, left = append(errs, err), append(left, p)
			continue
		}
		if found {
			rec.Event(experiments.Event{
				Span:    span,
				Kind:    EventRemoved,
				Subject: subject(f.cluster.client.Scheme(), p.object),
				UID:     string(p.object.GetUID()),
			})
		}
	}
	slices.Reverse(left)
	f.placed = left
	return span, errors.Join(errs...)
}
