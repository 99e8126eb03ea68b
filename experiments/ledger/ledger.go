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
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

const (
	// writeFor is how long the ledger may take to be written before a change is given
	// up, and writeEvery how soon a failed request is repeated.
	writeFor   = 5 * time.Second
	writeEvery = 500 * time.Millisecond
	// prefix is how the names of ledgers begin.
	prefix = "aftershock-run-"
	// lines is the key of a ledger's lines.
	lines = "changes"
)

// ExperimentAnnotation of a ledger has the experiment's id, for people.
const ExperimentAnnotation = "aftershock.dev/experiment"

// A Ledger writes down what its run changes. It is of one run at a time.
type Ledger struct {
	// Client is a client of the cluster; required.
	Client client.Client
	// Namespace is where the ledger is. It must exist, and not be one that a fault
	// may delete.
	Namespace string
	// Experiment is the experiment's id, for people.
	Experiment string
	// Switch sweeps the run if it is killed. Default: nothing does, and what the
	// cluster does not end by itself stays until a sweep.
	Switch *Switch

	rec *record.Recorder

	mu      sync.Mutex
	run     string // empty: not begun
	entries []Entry
	there   bool // the ConfigMap may exist

	seen sync.Mutex
	left bool // a fault could not be undone
}

var _ experiments.Safeguard = (*Ledger)(nil)

// String is "ledger in aftershock".
func (l *Ledger) String() string {
	if l.Switch != nil {
		return "ledger and dead-man switch in " + l.Namespace
	}
	return "ledger in " + l.Namespace
}

// Begin opens the ledger, and starts the switch. The ConfigMap is made with the
// first line.
func (l *Ledger) Begin(ctx context.Context, rec *record.Recorder) error {
	l.mu.Lock()
	l.run, l.rec, l.entries, l.there = rec.Run(), rec, nil, false
	l.mu.Unlock()
	l.seen.Lock()
	l.left = false
	l.seen.Unlock()
	rec.Tap(l.see)
	if l.Switch == nil {
		return nil
	}
	return l.Switch.start(ctx, l)
}

// see follows the faults in the record.
func (l *Ledger) see(e record.Entry) {
	if e.Removal != nil && e.Removal.Error != "" {
		l.seen.Lock()
		defer l.seen.Unlock()
		l.left = true
	}
}

// Allow refuses an injection until the switch runs.
func (l *Ledger) Allow(ctx context.Context, _ time.Duration) error {
	if l.Switch == nil {
		return nil
	}
	return l.Switch.ready(ctx, l)
}

// Watch returns when ctx ends.
func (l *Ledger) Watch(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// End deletes the ledger and the switch, unless something may be left. That they
// could not be deleted is a note.
func (l *Ledger) End(ctx context.Context) error {
	l.mu.Lock()
	run, entries, there := l.run, l.entries, l.there
	l.run = ""
	l.mu.Unlock()
	if !there && l.Switch == nil {
		return nil
	}
	l.seen.Lock()
	left := l.left
	l.seen.Unlock()
	found, err := existing(ctx, l.Client, entries)
	if left || len(found) > 0 || err != nil {
		kept := fmt.Sprintf("ConfigMap/%s/%s has what may be left", l.Namespace, prefix+run)
		if l.Switch != nil {
			kept += ", and the dead-man switch sweeps it"
		}
		l.rec.Note("%s: %s", l, kept)
		return nil
	}
	book := Book{Run: run, Namespace: l.Namespace, ledger: there}
	if l.Switch != nil {
		book.job = l.Switch.name
	}
	// A server in trouble has until ctx ends, and the switch sweeps what it keeps.
	if err := faults.Retry(ctx, writeEvery, func() error { return book.Remove(ctx, l.Client) }); err != nil {
		l.rec.Note("%s: everything is undone, but not forgotten: %v", l, err)
	}
	return nil
}

// Writing is the client that writes down what it creates, patches or updates before
// it does, except in a dry run. The error wraps [faults.ErrNotRequested] where that
// failed.
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

// write writes an object down, unless it is.
func (l *Ledger) write(ctx context.Context, o client.Object, created bool) error {
	e, err := entryOf(o, l.Client.Scheme(), created)
	if err != nil {
		return fmt.Errorf("%w: write it down: %w", faults.ErrNotRequested, err)
	}
	if !created && e.Kind.Group == v1alpha1.SchemeGroupVersion.Group {
		return nil // it only frees what Chaos Mesh does not let go of
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.entries, e.is) {
		return nil
	}
	if l.run == "" {
		return fmt.Errorf("%w: %s: the ledger is not open", faults.ErrNotRequested, e)
	}
	if err := l.put(ctx, append(l.entries, e)); err != nil {
		return fmt.Errorf("%w: write it down in ConfigMap/%s/%s: %w", faults.ErrNotRequested, l.Namespace, prefix+l.run, explain(err, l.Namespace, "list, create, update and delete configmaps"))
	}
	l.entries = append(l.entries, e)
	return nil
}

// put writes the ConfigMap. Nothing else writes it, so that the last one counts.
func (l *Ledger) put(ctx context.Context, entries []Entry) error {
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&text, e)
	}
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: l.Namespace, Name: prefix + l.run,
		Labels:      faults.Labels(l.run),
		Annotations: map[string]string{ExperimentAnnotation: l.Experiment},
	}, Data: map[string]string{lines: text.String()}}
	update := func() error { return l.Client.Update(ctx, made.DeepCopy()) }
	return insist(ctx, func() error {
		err := update()
		if apierrors.IsNotFound(err) { // not made yet, or deleted by another client
			err = l.Client.Create(ctx, made.DeepCopy())
			l.there = l.there || !faults.Rejected(err)
		}
		if apierrors.IsAlreadyExists(err) { // by a request without an answer
			err = update()
		}
		return err
	})
}

// insist repeats a request that may succeed later.
func insist(ctx context.Context, request func() error) error {
	err := faults.Retry(ctx, writeEvery, request, apierrors.IsNotFound)
	if err == nil {
		return nil
	}
	return errors.Join(err, context.Cause(ctx))
}

// explain adds what to do.
func explain(err error, namespace, right string) error {
	return kube.Explain(kube.MissingNamespace(err, namespace), "the right to "+right+" in "+namespace)
}
