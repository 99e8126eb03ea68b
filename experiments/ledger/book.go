package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// A Book is a run's ledger as read from the cluster: the ConfigMap and the Job of
// the switch, of which either may be missing.
type Book struct {
	Run       string // the run's ID
	Namespace string // of the ConfigMap and the Job
	Entries   []Entry
	// Unread joins the errors of the lines that could not be parsed: the run may have
	// changed more than Entries has.
	Unread error

	experiment string // the ConfigMap's annotation
	ledger     bool   // the ConfigMap may exist
	version    string // its resource version; empty: any
	job        string // name of the switch's Job; empty: none
}

// Read returns the books of all runs in a namespace, by reads only. The error joins
// what could not be listed; what could not be parsed is in the book of its run.
func Read(ctx context.Context, c client.Reader, namespace string) ([]Book, error) {
	var maps corev1.ConfigMapList
	var jobs batchv1.JobList
	errMaps := c.List(ctx, &maps, client.InNamespace(namespace), faults.Scope{}.Labels())
	errJobs := c.List(ctx, &jobs, client.InNamespace(namespace), faults.Scope{}.Labels(), client.HasLabels{SwitchLabel})
	var errs []error
	if errMaps != nil {
		errs = append(errs, fmt.Errorf("list the ledgers in %s: %w", namespace, refused(errMaps, namespace)))
	}
	if errJobs != nil {
		errs = append(errs, fmt.Errorf("list the dead-man switches in %s: %w", namespace, explain(errJobs, namespace, "list, create and delete jobs")))
	}
	var books []Book
	of := func(run string) *Book {
		i := slices.IndexFunc(books, func(b Book) bool { return b.Run == run })
		if i < 0 {
			i, books = len(books), append(books, Book{Run: run, Namespace: namespace})
		}
		return &books[i]
	}
	for _, m := range maps.Items {
		run := m.Labels[faults.RunLabel]
		if m.Name != prefix+run {
			continue // another's
		}
		b := of(run)
		b.ledger, b.version, b.experiment = true, m.ResourceVersion, m.Annotations[experimentAnnotation]
		for line := range strings.Lines(m.Data[lines]) {
			e, err := parse(line)
			if err != nil {
				b.Unread = errors.Join(b.Unread, fmt.Errorf("ConfigMap/%s/%s: %w", namespace, m.Name, err))
				continue
			}
			b.Entries = append(b.Entries, e)
		}
	}
	for _, j := range jobs.Items {
		of(j.Labels[faults.RunLabel]).job = j.Name
	}
	return books, errors.Join(errs...)
}

// UnprovenKind is the kind of leftover of a pod from which nothing shows that a fault is
// gone: a sweep cannot remove it. It is over when that pod is gone, or with [Book.Trust].
const UnprovenKind = "fault in Pod"

// ChangeKind begins the kind of leftover of an object that the run did not create, and
// that no sweep restores, as in "change of Service". It is over with [Book.Trust].
const ChangeKind = "change of "

// Restores reports whether a sweep restores what runs have changed in objects of a kind.
type Restores func(kind schema.GroupKind) bool

// unrestored reports whether nothing tells that what the entry says was undone.
func (r Restores) unrestored(e Entry) bool {
	return e.UID == "" && !e.Created && !r(e.Kind.GroupKind())
}

// Find returns the objects that the run created and that still exist, with or
// without labels, those that it changed and that no sweep restores, and the pods in
// which its fault may be, by reads only. The error joins what could not be read.
func (b Book) Find(ctx context.Context, c client.Client, restores Restores) ([]faults.Leftover, error) {
	found, err := existing(ctx, c, b.Entries)
	var left []faults.Leftover
	for _, f := range found {
		kind := f.Kind.Kind
		if f.UID != "" {
			kind = UnprovenKind
		}
		left = append(left, faults.NewLeftover(kind, b.Run, f.object))
	}
	for _, e := range b.Entries {
		if restores.unrestored(e) {
			left = append(left, faults.Leftover{Kind: ChangeKind + e.Kind.Kind, Namespace: e.Namespace, Name: e.Name, Run: b.Run})
		}
	}
	return left, err
}

// Doubt adds lines of pods in which a fault of the run may be, and makes the ConfigMap if
// there is none. What others have added to it meanwhile stays.
func (b *Book) Doubt(ctx context.Context, c client.Client, fault string, pods ...faults.PodID) error {
	if len(pods) == 0 {
		return nil
	}
	return b.change(ctx, c, doubting, unprovens(fault, pods), none)
}

// Clear takes out the lines of pods in which a fault of the run was seen to be undone;
// without pods, all of its lines. A ConfigMap that is gone stays gone.
func (b *Book) Clear(ctx context.Context, c client.Client, fault string, pods ...client.ObjectKey) error {
	over := func(e Entry) bool { return e.cleared(fault, pods) }
	if !slices.ContainsFunc(b.Entries, over) {
		return nil
	}
	return b.change(ctx, c, clearing(fault), nil, over)
}

// What a change of lines of pods is for, in its error.
const doubting = "write down in which pods a fault may be"

func clearing(fault string) string { return "take out in which pods " + fault + " was undone" }

// none are no lines to take out.
func none(Entry) bool { return false }

// change takes lines out of the ConfigMap and adds others to it, which makes it if there is
// none. What others have added to it meanwhile stays.
func (b *Book) change(ctx context.Context, c client.Client, what string, add []Entry, over func(Entry) bool) error {
	ctx, cancel := context.WithTimeout(ctx, writeFor)
	defer cancel()
	if err := insist(ctx, func() error { return b.changeOnce(ctx, c, add, over) }); err != nil {
		return fmt.Errorf("ConfigMap/%s/%s: %s: %w", b.Namespace, prefix+b.Run, what, refused(err, b.Namespace))
	}
	b.Entries = slices.DeleteFunc(slices.Clone(b.Entries), over)
	for _, e := range add {
		if !slices.ContainsFunc(b.Entries, e.is) {
			b.Entries = append(b.Entries, e)
		}
	}
	return nil
}

func (b *Book) changeOnce(ctx context.Context, c client.Client, add []Entry, over func(Entry) bool) error {
	var list corev1.ConfigMapList
	if err := c.List(ctx, &list, client.InNamespace(b.Namespace), client.MatchingLabels(faults.Labels(b.Run))); err != nil {
		return err
	}
	i := slices.IndexFunc(list.Items, func(m corev1.ConfigMap) bool { return m.Name == prefix+b.Run })
	if i < 0 && len(add) == 0 {
		return nil
	}
	made := b.object()
	if i >= 0 {
		made = &list.Items[i]
	}
	text := ""
	for line := range strings.Lines(made.Data[lines]) {
		if e, err := parse(line); err != nil || !over(e) {
			text += line
		}
	}
	for _, e := range add {
		if line := e.String() + "\n"; !strings.Contains(text, line) {
			text += line
		}
	}
	changes := text != made.Data[lines]
	made.Data = map[string]string{lines: text}
	var err error
	if i < 0 || changes { // in the version that was read; who may not update could not add the next line
		err = c.Update(ctx, made)
	}
	switch {
	case !apierrors.IsNotFound(err):
	case i < 0:
		err = c.Create(ctx, made)
	default: // it was deleted since
		return b.changeOnce(ctx, c, add, over)
	}
	if b.ledger = b.ledger || !faults.Rejected(err); err == nil {
		b.version = made.ResourceVersion
	}
	return err
}

// object is the ConfigMap with the lines of the entries.
func (b *Book) object() *corev1.ConfigMap {
	var text strings.Builder
	for _, e := range b.Entries {
		fmt.Fprintln(&text, e)
	}
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: b.Namespace, Name: prefix + b.Run,
		Labels:      faults.Labels(b.Run),
		Annotations: map[string]string{experimentAnnotation: b.experiment},
	}, Data: map[string]string{lines: text.String()}}
}

// Trust assumes that the pods are free of the run's fault, and that the objects that no
// sweep restores are restored. It returns their lines.
func (b *Book) Trust(restores Restores) (trusted []Entry) {
	b.Entries = slices.DeleteFunc(slices.Clone(b.Entries), func(e Entry) bool {
		is := e.UID != "" || restores.unrestored(e)
		if is {
			trusted = append(trusted, e)
		}
		return is
	})
	return trusted
}

// Label restores the run's labels on the objects that it created, so that a sweep by
// labels finds them. The error joins what could not be read or patched.
func (b Book) Label(ctx context.Context, c client.Client) error {
	found, err := existing(ctx, c, b.Entries)
	errs := []error{err}
	for _, f := range found {
		if f.UID != "" {
			continue
		}
		before, _ := f.object.DeepCopyObject().(client.Object)
		labels, changed := f.object.GetLabels(), false
		if labels == nil {
			labels = map[string]string{}
		}
		for key, value := range faults.Labels(b.Run) {
			changed = changed || labels[key] != value
			labels[key] = value
		}
		if !changed {
			continue
		}
		f.object.SetLabels(labels)
		if err := c.Patch(ctx, f.object, client.MergeFrom(before)); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("label %s %s, which has lost its labels: %w", f.Kind.Kind, f.ObjectKey, err))
		}
	}
	return errors.Join(errs...)
}

// Leftovers returns the ConfigMap and the Job themselves.
func (b Book) Leftovers() (list []faults.Leftover) {
	for _, o := range b.objects() {
		kind := "ConfigMap"
		if _, job := o.(*batchv1.Job); job {
			kind = "Job"
		}
		list = append(list, faults.NewLeftover(kind, b.Run, o))
	}
	return list
}

// objects are the ConfigMap and the Job. The Job comes last, since its pod may be the
// caller.
func (b Book) objects() (list []client.Object) {
	if b.ledger {
		list = append(list, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: prefix + b.Run}})
	}
	if b.job != "" {
		list = append(list, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: b.Namespace, Name: b.job}})
	}
	return list
}

// Remove deletes the ConfigMap, if no client has added to it since it was read, and the Job.
// The error joins what could not be deleted.
func (b Book) Remove(ctx context.Context, c client.Client) error {
	var errs []error
	for _, o := range b.objects() {
		options := []client.DeleteOption{client.PropagationPolicy(metav1.DeletePropagationBackground)}
		if _, book := o.(*corev1.ConfigMap); book && b.version != "" {
			options = append(options, client.Preconditions{ResourceVersion: &b.version})
		}
		if len(errs) > 0 {
			break // the switch stays with its ledger
		}
		if err := c.Delete(ctx, o, options...); client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("delete %T %s: %w", o, client.ObjectKeyFromObject(o), err))
		}
	}
	return errors.Join(errs...)
}

// current reads the ConfigMap's version, and reports whether it has only lines of the book.
func (b *Book) current(ctx context.Context, c client.Client) bool {
	books, _ := Read(ctx, c, b.Namespace) // it may not list Jobs
	i := slices.IndexFunc(books, func(of Book) bool { return of.ledger && of.Run == b.Run })
	if i < 0 || books[i].Unread != nil || slices.ContainsFunc(books[i].Entries, func(e Entry) bool { return !slices.ContainsFunc(b.Entries, e.is) }) {
		return false
	}
	b.version = books[i].version
	return true
}

// A thing is an entry whose object exists.
type thing struct {
	Entry
	object client.Object
}

// existing are the created objects, and the pods in which a fault may be, that still
// exist.
func existing(ctx context.Context, c client.Client, entries []Entry) (found []thing, err error) {
	var errs []error
	for _, e := range entries {
		if e.UID != "" {
			pods, err := faults.Pods{Namespace: e.Namespace, Names: []string{e.Name}}.List(ctx, c)
			if err != nil {
				errs = append(errs, fmt.Errorf("look for pod %s: %w", e.ObjectKey, err))
			}
			for i := range pods {
				if (faults.PodID{ObjectKey: e.ObjectKey, UID: e.UID}).Is(&pods[i]) {
					found = append(found, thing{e, &pods[i]})
				}
			}
			continue
		}
		if !e.Created {
			continue
		}
		made, err := c.Scheme().New(e.Kind)
		object, ok := made.(client.Object)
		if err != nil || !ok {
			errs = append(errs, fmt.Errorf("look for %s: no such kind is known: %w", e, err))
			continue
		}
		switch err := c.Get(ctx, e.ObjectKey, object); {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err): // its CRD may be gone, too
		case err != nil:
			errs = append(errs, fmt.Errorf("look for %s %s: %w", e.Kind.Kind, e.ObjectKey, err))
		default:
			found = append(found, thing{e, object})
		}
	}
	return found, errors.Join(errs...)
}
