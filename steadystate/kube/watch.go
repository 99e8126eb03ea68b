package kube

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Watch follows the objects of one kind.
type Watch struct {
	Client client.WithWatch
	// List is an empty list of the kind, &corev1.PodList{} for pods.
	List client.ObjectList
	// Options select the objects: a namespace, labels, fields.
	Options []client.ListOption
	// Every is the interval between reads. Default 1 s. A read may take twice as
	// long before it counts as failed.
	Every time.Duration
	// Confirm reads at once after each change from the watch.
	Confirm bool
}

// A Change of one object happened at some instant in its span.
type Change struct {
	steadystate.Span
	// Old is nil for a new object, New for one that is gone.
	Old, New client.Object
	// First: the object existed when the watch began.
	First bool
}

// A View holds the callbacks of a watch. They are called in order and from one
// goroutine. Nil functions are skipped.
type View struct {
	// Changed is called for each change of an object.
	Changed func(Change)
	// Read is called after each read with all objects that existed at some
	// instant in the span, after Changed for the changes it showed.
	Read func(steadystate.Span, []client.Object)
	// Gap is called for each failed read: the span is unknown.
	Gap func(steadystate.Span, error)
}

// Follow calls the view until ctx ends. It then returns nil, after everything it
// started has stopped. It restarts a broken watch and finds missed changes by
// reading. It returns an error if it can never observe: a missing right, an
// unknown kind.
func (w Watch) Follow(ctx context.Context, clock steadystate.Clock, view View) error {
	w.Every = cmp.Or(w.Every, time.Second)
	f := &following{
		Watch: w,
		clock: clock,
		view:  view,
		known: map[string]*state{},
		gone:  map[string]time.Duration{},
	}
	defer f.unwatch()
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	if err := f.read(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case a, ok := <-f.events:
			changed := f.arrived(a, ok)
			if !changed || !w.Confirm {
				continue
			}
		case <-tick.C:
		}
		if err := f.read(ctx); err != nil {
			return err
		}
	}
}

// following is a running watch.
type following struct {
	Watch
	clock  steadystate.Clock
	view   View
	events <-chan Arrival // of the watch; nil: it starts after the next read
	stop   func()         // ends the watch, and waits

	known map[string]*state // by UID
	// gone holds the objects that the watch reported as gone, and when: a read
	// sent before may still show them.
	gone  map[string]time.Duration
	ready bool          // a read has succeeded
	sent  time.Duration // when the last one was sent
}

// state is the last known state of an object.
type state struct {
	object client.Object
	// since: a later state began no earlier than this.
	since time.Duration
	// arrived is when the watch brought the state; reads sent before may show an
	// older one.
	arrived time.Duration
}

// arrived takes an arrival from the stream and reports whether it was a change.
func (f *following) arrived(a Arrival, ok bool) bool {
	if !ok || a.Type == watch.Error {
		// The version was too old, a server restarted, a proxy timed out: the
		// next read shows what the watch misses.
		f.unwatch()
		return false
	}
	object, ok := a.Object.(client.Object)
	if !ok || a.Type == watch.Bookmark || !f.selects(object) {
		return false
	}
	uid := string(object.GetUID())
	before := f.known[uid]
	_, was := f.gone[uid]
	switch {
	case a.Type == watch.Deleted:
		if before == nil {
			return false
		}
		delete(f.known, uid)
		f.gone[uid] = a.at
		f.changed(Change{Span: steadystate.Span{From: before.since, To: a.at}, Old: before.object})
		return true
	case before == nil:
		if was && a.Type != watch.Added {
			return false // late: a read has shown the object gone
		}
		delete(f.gone, uid)
		f.known[uid] = &state{object: object, since: f.sent, arrived: a.at}
		f.changed(Change{Span: steadystate.Span{From: f.sent, To: a.at}, New: object})
		return true
	case !newer(object, before.object):
		return false // a read already showed it
	}
	f.known[uid] = &state{object: object, since: before.since, arrived: a.at}
	f.changed(Change{Span: steadystate.Span{From: before.since, To: a.at}, Old: before.object, New: object})
	return true
}

// read reads all objects and compares them with the known states.
func (f *following) read(ctx context.Context) error {
	list, ok := f.List.DeepCopyObject().(client.ObjectList)
	if !ok {
		return fmt.Errorf("read %T: not a client.ObjectList", f.List)
	}
	span := steadystate.Instant(f.clock.Now())
	bounded, cancel := context.WithTimeoutCause(ctx, 2*f.Every, fmt.Errorf("the API server did not answer within %s", 2*f.Every))
	defer cancel()
	err := f.Client.List(bounded, list, f.Options...)
	span.To = f.clock.Now()
	if ctx.Err() != nil {
		return nil
	}
	// Events that arrived in the meantime come first.
	f.drain()
	refused := err
	if err == nil && f.events == nil {
		// A watch that fails to start is retried after the next read. Reads
		// alone date changes less precisely, and miss nothing that lasts.
		refused = f.begin(ctx, list.GetResourceVersion())
	}
	if refused != nil && !f.ready && Hopeless(refused) {
		return fmt.Errorf("watch %T: %w; give the account the rights to list and watch, or use another", f.List, refused)
	}
	if err != nil {
		if cause := context.Cause(bounded); cause != nil {
			err = cause
		}
		if f.view.Gap != nil {
			f.view.Gap(span, err)
		}
		return nil
	}
	items, err := meta.ExtractList(list)
	if err != nil {
		return fmt.Errorf("read %T: %w", f.List, err)
	}
	objects := make([]client.Object, 0, len(items))
	for _, item := range items {
		if object, ok := item.(client.Object); ok && f.selects(object) {
			objects = append(objects, object)
		}
	}
	f.compare(span, objects)
	f.sent, f.ready = span.From, true
	if f.view.Read != nil {
		f.view.Read(span, objects)
	}
	return nil
}

// drain takes all arrivals that the stream has buffered.
func (f *following) drain() {
	for f.events != nil {
		select {
		case a, ok := <-f.events:
			f.arrived(a, ok)
		default:
			return
		}
	}
}

// compare takes the result of a read. For objects whose state arrived by watch
// since the read was sent, it may show an earlier state.
func (f *following) compare(span steadystate.Span, objects []client.Object) {
	shown := map[string]bool{}
	for _, object := range objects {
		uid := string(object.GetUID())
		shown[uid] = true
		before := f.known[uid]
		at, was := f.gone[uid]
		switch {
		case before == nil && was && at >= span.From:
		case before == nil:
			delete(f.gone, uid)
			change := Change{Span: steadystate.Span{From: f.sent, To: span.To}, New: object, First: !f.ready}
			if change.First {
				change.From = span.From
			}
			f.known[uid] = &state{object: object, since: span.From}
			f.changed(change)
		case object.GetResourceVersion() == before.object.GetResourceVersion():
			before.since = max(before.since, span.From)
		case before.arrived >= span.From || !newer(object, before.object):
		default:
			f.known[uid] = &state{object: object, since: span.From}
			f.changed(Change{Span: steadystate.Span{From: before.since, To: span.To}, Old: before.object, New: object})
		}
	}
	for uid, before := range f.known {
		if !shown[uid] && before.arrived < span.From {
			delete(f.known, uid)
			f.gone[uid] = span.To
			f.changed(Change{Span: steadystate.Span{From: before.since, To: span.To}, Old: before.object})
		}
	}
	for uid, at := range f.gone {
		// No read sent before that can still be in flight.
		if at < span.From-time.Minute {
			delete(f.gone, uid)
		}
	}
}

func (f *following) changed(c Change) {
	if f.view.Changed != nil {
		f.view.Changed(c)
	}
}

// selects reports whether the watch's options select the object.
func (f *following) selects(object client.Object) bool {
	var options client.ListOptions
	options.ApplyOptions(f.Options)
	return (options.Namespace == "" || options.Namespace == object.GetNamespace()) &&
		(options.LabelSelector == nil || options.LabelSelector.Matches(labelsOf(object))) &&
		(options.FieldSelector == nil || options.FieldSelector.Matches(nameOf(object)))
}

// begin starts the watch from a version.
func (f *following) begin(ctx context.Context, version string) (err error) {
	options := client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true}}
	f.events, f.stop, err = Arrivals(ctx, f.Client, f.clock, f.List, append(slices.Clone(f.Options), &options)...)
	return err
}

func (f *following) unwatch() {
	if f.stop != nil {
		f.stop()
		f.events, f.stop = nil, nil
	}
}

// Hopeless reports whether a read or a watch that is tried again would fail in the same way:
// a right or the kind is missing.
func Hopeless(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) || apierrors.IsMethodNotSupported(err)
}
