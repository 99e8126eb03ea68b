package chaosmesh

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// lookEvery is how often the objects of a held fault are read besides the watch,
// which may end.
const lookEvery = time.Second

// Watch returns, with what it saw, once an object of the fault is being deleted or is
// gone, once Chaos Mesh has stopped it (its lifetime was over, or it was paused), or once it
// is known to have been gone in between.
func (f *Fault) Watch(ctx context.Context, rec *record.Recorder) (over string) {
	f.mu.Lock()
	f.watched = true
	f.mu.Unlock()
	clock := rec.Clock()
	var seen <-chan kube.Arrival // nil: reading must do
	if list, err := listOf(f.plan.kind); err == nil {
		arrivals, stop, err := kube.Arrivals(ctx, f.cluster.Client, clock, list, client.InNamespace(f.plan.pods.Namespace), client.MatchingLabels{faults.RunLabel: rec.Run()})
		if err == nil {
			defer stop()
			seen = arrivals
		}
	}
	for {
		// At first too: it may have gone before the watch began.
		if over = f.lookAll(ctx, clock.Now, seen == nil); over != "" {
			return over
		}
		again := time.After(lookEvery)
		for waiting := true; waiting; {
			select {
			case <-ctx.Done():
				return ""
			case <-again:
				waiting = false
			case a, ok := <-seen:
				object, is := a.Object.(client.Object)
				switch {
				case !ok || a.Type == watch.Error:
					seen = nil
				case is:
					if over = f.saw(object, a.Type == watch.Deleted, a.At()); over != "" {
						return over
					}
				}
			}
		}
	}
}

// lookAll reads the objects that exist. What cannot be read now is read again. An
// object that is not there is gone if there is no watch, alone, or at the second
// look: the watch may be about to tell what Chaos Mesh said last.
func (f *Fault) lookAll(ctx context.Context, now func() time.Duration, alone bool) (over string) {
	f.mu.Lock()
	var objects []client.Object
	for _, p := range f.placed {
		if !p.unsure {
			object, _ := p.object.DeepCopyObject().(client.Object)
			objects = append(objects, object)
		}
	}
	f.mu.Unlock()
	for _, object := range objects {
		at := now()
		err := f.cluster.Client.Get(ctx, client.ObjectKeyFromObject(object), object)
		switch {
		case ctx.Err() != nil:
			return ""
		case apierrors.IsNotFound(err) && !alone && f.missed(object):
		case err == nil || apierrors.IsNotFound(err):
			if over = f.saw(object, err != nil, at); over != "" {
				return over
			}
		}
	}
	return ""
}

// missed notes that an object was not there, and reports whether that is new.
func (f *Fault) missed(object client.Object) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.placed, func(p *placed) bool { return p.object.GetName() == object.GetName() })
	if i < 0 {
		return false
	}
	first, f.placed[i].missed = !f.placed[i].missed, true
	return first
}

// saw notes a state of an object, and says why its fault is over, if it is.
func (f *Fault) saw(object client.Object, gone bool, at time.Duration) (over string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.placed, func(p *placed) bool { return p.object.GetName() == object.GetName() })
	if i < 0 || !f.watched {
		return "" // of another fault of this run, or the fault is being undone
	}
	p, name := f.placed[i], subject(f.cluster.Client.Scheme(), object)
	inner, acts := object.(v1alpha1.InnerObject)
	away := p.away(object, name)
	if acts && !gone && away == "" {
		p.recovered = recovered(inner)
		if inPlace(inner) {
			p.seen = max(p.seen, at)
		}
	}
	switch {
	case away != "":
		over = away
	case gone || object.GetDeletionTimestamp() != nil:
		over = "another client deleted " + name
	case acts && inner.IsPaused():
		over = "another client paused " + name
	case acts && inner.GetStatus().Experiment.DesiredPhase == v1alpha1.StoppedPhase:
		over = fmt.Sprintf("Chaos Mesh stopped %s, whose lifetime was over,", name)
	}
	p.over = over
	return over
}

// replaced reports whether a state is that of another object of the same name,
// such as another client creates after it has deleted the fault's.
func (p *placed) replaced(object client.Object) bool {
	return p.uid != "" && object.GetUID() != p.uid
}

func recreated(name string) string {
	return fmt.Sprintf("another client deleted %s and created it again", name)
}

// away says that the fault was gone since it was injected, whatever this state of
// the object looks like: what happened between two looks shows only in the object's
// identity and in the counts of its records.
func (p *placed) away(object client.Object, name string) (over string) {
	inner, acts := object.(v1alpha1.InnerObject)
	switch {
	case p.replaced(object):
		return recreated(name)
	case acts && p.acted && !inner.IsPaused() && inner.GetStatus().Experiment.DesiredPhase != v1alpha1.StoppedPhase && turns(inner) > p.turns:
		return fmt.Sprintf("Chaos Mesh undid %s for a time, as if it had been paused and resumed", name)
	}
	return ""
}

// turns is how often Chaos Mesh has injected and recovered the targets of an object,
// which only counts up. A record leaves the phase Injected by a recovery alone, and
// is injected again only after it.
func turns(object v1alpha1.InnerObject) (n int) {
	for _, r := range object.GetStatus().Experiment.Records {
		n += r.InjectedCount + r.RecoveredCount
	}
	return n
}

// recovered reports whether Chaos Mesh says that it undid the fault. Not Injected
// alone is also the status of an object that never acted, or that is still trying
// to.
func recovered(object v1alpha1.InnerObject) bool {
	return object.GetStatus().Experiment.DesiredPhase == v1alpha1.StoppedPhase && len(hurt(object)) == 0
}

// hurt are the pods in which the fault is still, by Chaos Mesh's records.
func hurt(object v1alpha1.InnerObject) (ids []string) {
	for _, r := range object.GetStatus().Experiment.Records {
		if r.Phase != v1alpha1.NotInjected {
			ids = append(ids, r.Id)
		}
	}
	return ids
}
