package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

const (
	// writeFor bounds each write to the ledger; writeEvery is the time between retries.
	writeFor   = 5 * time.Second
	writeEvery = 500 * time.Millisecond
	// prefix begins the name of each ledger.
	prefix = "aftershock-run-"
	// lines is the ConfigMap's key for the lines.
	lines = "changes"
)

// experimentAnnotation is the annotation of a ledger that names the experiment. It
// is for people; the program does not read it.
const experimentAnnotation = "aftershock.dev/experiment"

// A Ledger records each object that its run creates or changes before the request
// is sent. It serves one run at a time.
type Ledger struct {
	// Client reads and writes the ledger. Required.
	Client client.Client
	// Namespace is the namespace of the ConfigMap and the Job. It must exist, and no
	// fault may delete it. Required.
	Namespace string
	// Experiment is the name in the annotation aftershock.dev/experiment, for people.
	Experiment string
	// Switch sweeps the run if it is killed. Default: none; then faults that the
	// cluster does not end by itself stay until someone sweeps.
	Switch *Switch

	rec *record.Recorder

	mu    sync.Mutex
	book  Book // of the run; without one: closed
	noted bool // whether the switch is of this version

	seen sync.Mutex
	left bool    // a fault could not be undone
	in   []Entry // the pods that it may be in, though its object is gone

	doubts sync.WaitGroup // writes of such pods
}

var (
	_ experiments.Readier = (*Ledger)(nil)
	_ faults.Doubts       = (*Ledger)(nil)
)

// String returns "ledger in aftershock", or "ledger and dead-man switch in aftershock".
func (l *Ledger) String() string {
	if l.Switch != nil {
		return "ledger and dead-man switch in " + l.Namespace
	}
	return "ledger in " + l.Namespace
}

// Begin opens the ledger and creates the Job of the switch. It returns an error if
// the Job cannot be created. The ConfigMap is created with the first line.
func (l *Ledger) Begin(ctx context.Context, rec *record.Recorder) error {
	l.mu.Lock()
	l.book, l.rec, l.noted = Book{Run: rec.Run(), Namespace: l.Namespace, experiment: l.Experiment}, rec, false
	l.mu.Unlock()
	l.seen.Lock()
	l.left, l.in = false, nil
	l.seen.Unlock()
	rec.Tap(l.see)
	if l.Switch == nil {
		return nil
	}
	return l.Switch.start(ctx, l)
}

// see remembers faults that could not be undone.
func (l *Ledger) see(e record.Entry) {
	l.seen.Lock()
	defer l.seen.Unlock()
	switch {
	case e.Removal != nil && e.Removal.Error != "":
		l.left = true
	case e.Event != nil && e.Event.Kind == record.EventUnproven:
		namespace, name, _ := strings.Cut(strings.TrimPrefix(e.Event.Subject, "pod/"), "/")
		l.in = append(l.in, unproven(e.Event.Attrs[record.AttrBy], faults.PodID{ObjectKey: client.ObjectKey{Namespace: namespace, Name: name}, UID: types.UID(e.Event.UID)}))
		// At once: the run may be killed while it waits for another fault. End repeats it.
		l.doubts.Go(func() { _ = l.doubt(context.Background(), doubting) })
	}
}

// Doubt writes down pods in which a fault of the run may stay when its object is removed by
// force.
func (l *Ledger) Doubt(ctx context.Context, fault string, pods ...faults.PodID) error {
	l.seen.Lock()
	l.in = append(l.in, unprovens(fault, pods)...)
	l.seen.Unlock()
	return l.doubt(ctx, doubting)
}

// Clear takes out the pods in which a fault of the run was seen to be undone. If that fails,
// it is done with what is written next, at the end of the run at the latest.
func (l *Ledger) Clear(ctx context.Context, fault string, pods ...client.ObjectKey) error {
	l.seen.Lock()
	l.in = slices.DeleteFunc(l.in, func(e Entry) bool { return e.cleared(fault, pods) })
	l.seen.Unlock()
	return l.doubt(ctx, clearing(fault))
}

// doubt makes the run's lines of pods those in which a fault may be.
func (l *Ledger) doubt(ctx context.Context, what string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen.Lock()
	in := slices.Clone(l.in)
	l.seen.Unlock()
	own := l.book.Entries
	over := func(e Entry) bool {
		return e.UID != "" && slices.ContainsFunc(own, e.is) && !slices.ContainsFunc(in, e.is)
	}
	var add []Entry
	for _, e := range in {
		if !slices.ContainsFunc(own, e.is) && !slices.ContainsFunc(add, e.is) {
			add = append(add, e)
		}
	}
	if l.book.Run == "" || len(add) == 0 && !slices.ContainsFunc(own, over) {
		return nil
	}
	return l.book.change(ctx, l.Client, what, add, over)
}

// Ready waits for the pod of the switch to run, for up to 45 s. Its error says why the
// pod does not run; then nothing is injected. Without a switch there is nothing to wait
// for.
func (l *Ledger) Ready(ctx context.Context) error {
	if l.Switch == nil {
		return nil
	}
	return l.Switch.ready(ctx, l)
}

// Allow returns nil.
func (l *Ledger) Allow(context.Context, time.Duration) error { return nil }

// Watch returns nil when ctx ends.
func (l *Ledger) Watch(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// End deletes the ledger and the switch, or keeps both if a fault may be left. It
// always returns nil: if it keeps them or cannot delete them, it adds a note to the
// record.
func (l *Ledger) End(ctx context.Context) error {
	l.doubts.Wait()
	if err := faults.Retry(ctx, writeEvery, func() error { return l.doubt(ctx, doubting) }); err != nil {
		l.rec.Note("%s: in which pods a fault may be is not written down as it is: %v", l, err)
	}
	l.mu.Lock()
	book := l.book
	l.book.Run = ""
	l.mu.Unlock()
	if !book.ledger && l.Switch == nil {
		return nil
	}
	l.seen.Lock()
	left := l.left
	l.seen.Unlock()
	found, err := existing(ctx, l.Client, book.Entries)
	if left || len(found) > 0 || err != nil {
		kept := fmt.Sprintf("ConfigMap/%s/%s has what may be left", l.Namespace, prefix+book.Run)
		if l.Switch != nil {
			kept += ", and the dead-man switch sweeps it"
		}
		l.rec.Note("%s: %s", l, kept)
		return nil
	}
	if l.Switch != nil {
		book.job = l.Switch.name
	}
	// Retry until ctx ends, unless a sweep wrote into it; the switch removes what remains.
	remove := func() error {
		err := book.Remove(ctx, l.Client)
		if apierrors.IsConflict(err) && book.current(ctx, l.Client) { // only something else of it was changed
			err = book.Remove(ctx, l.Client)
		}
		return err
	}
	if err := faults.Retry(ctx, writeEvery, remove, apierrors.IsConflict); err != nil {
		l.rec.Note("%s: everything is undone, but not forgotten: %v", l, err)
	}
	return nil
}

// Writing returns a client that adds a line before each create, patch and update,
// dry runs excepted. If the line cannot be written, it does not send the request and
// the error wraps [faults.ErrNotRequested].
func (l *Ledger) Writing(c client.WithWatch) client.WithWatch {
	return interceptor.NewClient(c, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.CreateOption) error {
			var of client.CreateOptions
			if of.ApplyOptions(options); len(of.DryRun) == 0 {
				if err := l.write(ctx, o, true); err != nil {
					return err
				}
			}
			return c.Create(ctx, o, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, options ...client.PatchOption) error {
			var of client.PatchOptions
			if of.ApplyOptions(options); len(of.DryRun) == 0 {
				if err := l.write(ctx, o, false); err != nil {
					return err
				}
			}
			return c.Patch(ctx, o, patch, options...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, options ...client.UpdateOption) error {
			var of client.UpdateOptions
			if of.ApplyOptions(options); len(of.DryRun) == 0 {
				if err := l.write(ctx, o, false); err != nil {
					return err
				}
			}
			return c.Update(ctx, o, options...)
		},
	})
}

// write adds a line for an object that has none yet.
func (l *Ledger) write(ctx context.Context, o client.Object, created bool) error {
	e, err := entryOf(o, l.Client.Scheme(), created)
	if err != nil {
		return fmt.Errorf("%w: write it down: %w", faults.ErrNotRequested, err)
	}
	if !created && e.Kind.Group == v1alpha1.SchemeGroupVersion.Group {
		return nil // removes a finalizer that Chaos Mesh left; see Doubt
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.book.Entries, e.is) {
		return nil
	}
	if l.book.Run == "" {
		return fmt.Errorf("%w: %s: the ledger is not open", faults.ErrNotRequested, e)
	}
	if err := l.book.change(ctx, l.Client, "write it down", []Entry{e}, none); err != nil {
		return fmt.Errorf("%w: %w", faults.ErrNotRequested, err)
	}
	return nil
}

// insist retries a request until it succeeds, cannot succeed, or ctx ends.
func insist(ctx context.Context, request func() error) error {
	err := faults.Retry(ctx, writeEvery, request, apierrors.IsNotFound)
	if err == nil {
		return nil
	}
	return errors.Join(err, context.Cause(ctx))
}

// explain adds to an error what the user can do about it.
func explain(err error, namespace, right string) error {
	return kube.Explain(kube.MissingNamespace(err, namespace), "the right to "+right+" in "+namespace)
}

// refused explains why a ledger could not be read or written.
func refused(err error, namespace string) error {
	return explain(err, namespace, "list, create, update and delete configmaps")
}
