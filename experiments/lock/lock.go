package lock

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

const (
	// RenewEvery is how often a holder renews its Lease.
	RenewEvery = 3 * time.Second
	// base is the duration of a Lease while no fault is in place.
	base = 15 * time.Second
	// margin is how much longer a Lease lasts than a fault at its injection: until
	// the cluster has the fault, and until it has undone it.
	margin = 10 * time.Second
	// enough is how long a holder is observed that is not seen to renew its Lease.
	enough = 2*RenewEvery + time.Second
	// lookEvery is how often a Lease is looked at, and how soon a failed request is
	// repeated; retryFor is how long at most, and requestFor what one may take.
	lookEvery  = time.Second
	retryFor   = 10 * time.Second
	requestFor = 3 * time.Second
	// allowFor is how long an injection may wait for its renewal.
	allowFor = 5 * time.Second
)

// A Lock gives its run exclusive use of a workload. It serves one run at a time.
type Lock struct {
	Client client.Client
	// Namespace is where the Leases are. It must exist, and not be one that a fault
	// may delete.
	Namespace string
	// Workload is what is locked.
	Workload kube.Workload
	// Experiment, Who and Longest tell others which experiment has the workload,
	// whose it is, and how long it takes at most.
	Experiment string
	Who        string
	Longest    time.Duration
	// Wait is how long to wait for another living run. Default: do not wait.
	Wait time.Duration

	ahead time.Duration // of the wall clock, in tests
	run   string
	rec   *record.Recorder
	stop  func() // ends the renewing and waits for it; nil: not held

	writing chan struct{}         // full while the Lease is changed
	lease   *coordinationv1.Lease // as last written

	mu      sync.Mutex // guards what follows
	expires time.Time  // until then no other run can have taken it
	next    time.Time  // until when the fault that may be injected now can last
	faults  map[int]time.Time
	left    bool // a fault could not be undone
	lost    chan struct{}
	why     error // it was lost
}

var _ experiments.Safeguard = (*Lock)(nil)

// String returns "lock of deployment checkout in shop".
func (l *Lock) String() string { return "lock of " + l.Workload.String() }

// Begin takes the lock, and renews it from then on. If another run has it, the
// error is an [experiments.Ending] that says which, and whether it is alive. One
// that is dead is waited for if its Lease has the usual duration.
func (l *Lock) Begin(ctx context.Context, rec *record.Recorder) error {
	l.run, l.rec, l.lease, l.writing = rec.Run(), rec, nil, make(chan struct{}, 1)
	l.mu.Lock()
	l.expires, l.next, l.faults, l.left, l.lost, l.why = time.Time{}, time.Time{}, map[int]time.Time{}, false, make(chan struct{}), nil
	l.mu.Unlock()
	if err := l.acquire(ctx); err != nil {
		// A request without an answer may have succeeded.
		if failed := l.release(context.WithoutCancel(ctx)); failed != nil {
			rec.Note("%s: it may be held until its Lease expires: %v", l, failed)
		}
		return err
	}
	rec.Tap(l.see)
	renewing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var done sync.WaitGroup
	done.Go(func() { l.keep(renewing) })
	l.stop = func() { cancel(); done.Wait() }
	return nil
}

// acquire takes the Lease once it is free.
func (l *Lock) acquire(ctx context.Context) error {
	var seen sight
	began := time.Now()
	failing := began // since when requests fail
	for {
		asking, cancel := context.WithTimeout(ctx, requestFor)
		taken, err := l.take(asking, &seen)
		cancel()
		now := time.Now()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case taken:
			return nil
		case errors.Is(err, errChanged):
			continue // see by whom
		case err != nil && (faults.Permanent(err) || apierrors.IsNotFound(err) || now.Sub(failing) > retryFor):
			return fmt.Errorf("take the Lease %s in %s: %w", Name(l.Workload), l.Namespace, explain(err, l.Namespace))
		case err == nil:
			failing = now
			patience := l.Wait
			if due := seen.expires().Sub(began); !seen.renewed && due <= base+2*lookEvery {
				patience = max(patience, due+lookEvery) // it is free soon
			}
			if seen.known() && now.Sub(began) >= patience {
				return experiments.Ending{Reason: record.Refused, Detail: l.refusal(seen.held())}
			}
		}
		if err := experiments.Wait(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// refusal says who has the workload, and what to do.
func (l *Lock) refusal(h Held) string {
	todo := "wait for it, or run with --wait"
	if !h.Alive {
		todo = "\"aftershock sweep\" removes what it left"
	}
	return fmt.Sprintf("%s is held by %s; %s", l.Workload, h, todo)
}

// explain adds what to do.
func explain(err error, namespace string) error {
	return kube.Explain(kube.MissingNamespace(err, namespace), "the right to get, create, update and delete leases")
}

// errChanged says that the Lease was changed by another run after it was read.
var errChanged = errors.New("the Lease was changed meanwhile")

// take takes the Lease if it is free.
func (l *Lock) take(ctx context.Context, seen *sight) (taken bool, err error) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: l.Namespace, Name: Name(l.Workload)}}
	switch err = l.Client.Get(ctx, client.ObjectKeyFromObject(lease), lease); {
	case apierrors.IsNotFound(err):
		err = l.written(lease, func() error { return l.Client.Create(ctx, lease) })
		if apierrors.IsAlreadyExists(err) {
			return false, errChanged
		}
		return err == nil, err // not found: the namespace
	case err != nil:
		return false, err
	}
	var was *coordinationv1.Lease // of a run that is dead
	switch ptr.Deref(lease.Spec.HolderIdentity, "") {
	case "":
		// Released in the manner of client-go.
	case identity(l.run, l.Who):
		// An earlier request of this run, whose answer was lost.
	default:
		if seen.see(lease.DeepCopy()); time.Now().Before(seen.expires()) {
			return false, nil
		}
		was = seen.lease
	}
	err = l.written(lease, func() error { return l.Client.Update(ctx, lease) })
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err):
		return false, errChanged
	case err == nil && was != nil:
		l.rec.Note("%s: taken over from %s, whose Lease expired: it was not renewed for %s", l, holderOf(was), time.Since(seen.since).Round(time.Second))
	}
	return err == nil, err
}

// written makes the Lease this run's by a request.
func (l *Lock) written(lease *coordinationv1.Lease, request func() error) error {
	l.write(lease, base)
	sent := time.Now()
	if err := request(); err != nil {
		return err
	}
	l.lease = lease
	l.mu.Lock()
	l.expires = sent.Add(base)
	l.mu.Unlock()
	return nil
}

// keep renews the Lease until ctx ends or the lock is lost.
func (l *Lock) keep(ctx context.Context) {
	failed, again := errHalted, RenewEvery
	for {
		// It gives up while the faults can still be undone under the lock.
		end := l.expiry().Add(-RenewEvery)
		if experiments.Wait(ctx, min(again, time.Until(end))) != nil {
			return
		}
		if !time.Now().Before(end) {
			_ = l.lose(fmt.Errorf("its Lease was not renewed in time: %w", failed))
			return
		}
		asking, cancel := context.WithDeadline(ctx, earlier(time.Now().Add(requestFor), end))
		err := l.renew(asking)
		cancel()
		switch {
		case ctx.Err() != nil || l.isLost() != nil:
			return
		case err == nil:
			failed, again = errHalted, RenewEvery
		default:
			failed, again = err, lookEvery
		}
	}
}

// errHalted is why a Lease was not renewed if no request failed.
var errHalted = errors.New("this process was halted")

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// renew writes the Lease anew, with the duration that the faults need.
func (l *Lock) renew(ctx context.Context) error {
	select {
	case l.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-l.writing }()
	for {
		if err := l.isLost(); err != nil {
			return err
		}
		lease := l.lease.DeepCopy()
		sent := time.Now()
		duration := l.needed(sent)
		l.write(lease, duration)
		// The request may succeed without an answer, and be shorter than the last one.
		l.mu.Lock()
		l.expires = earlier(l.expires, sent.Add(duration))
		l.mu.Unlock()
		err := l.Client.Update(ctx, lease)
		if err == nil {
			l.lease = lease
			l.mu.Lock()
			l.expires = sent.Add(duration)
			l.mu.Unlock()
			return nil
		}
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
			return kube.Explain(err, "the right to update leases")
		}
		if err := l.reread(ctx); err != nil {
			return err
		}
	}
}

// reread finds out why the Lease is another than the one last written. It may be
// the run's still: a renewal's answer was lost, or another client annotated it.
func (l *Lock) reread(ctx context.Context) error {
	var lease coordinationv1.Lease
	err := l.Client.Get(ctx, client.ObjectKeyFromObject(l.lease), &lease)
	switch {
	case apierrors.IsNotFound(err):
		return l.lose(errors.New("its Lease was deleted by another client"))
	case err != nil:
		return kube.Explain(err, "the right to get leases")
	case lease.UID != l.lease.UID, ptr.Deref(lease.Spec.HolderIdentity, "") != identity(l.run, l.Who):
		return l.lose(fmt.Errorf("its Lease was taken by %s", holderOf(&lease)))
	}
	l.lease = &lease
	return nil
}

// needed is the duration of a Lease that is renewed now.
func (l *Lock) needed(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	needed := base
	for _, end := range l.faults {
		needed = max(needed, end.Sub(now)+margin)
	}
	return max(needed, l.next.Sub(now)+margin)
}

// see follows the faults in the record; see [record.Recorder.Tap].
func (l *Lock) see(e record.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case e.Injection != nil:
		l.faults[e.Injection.Index], l.next = l.next, time.Time{}
	case e.Removal != nil && e.Removal.Error == "":
		delete(l.faults, e.Removal.Index)
	case e.Removal != nil:
		l.left = true
	}
}

// Allow renews the Lease, so that no other run takes it as long as what is injected
// now can last. The API server accepts that only if the Lease is still this run's.
func (l *Lock) Allow(ctx context.Context, lifetime time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, allowFor)
	defer cancel()
	for {
		if !time.Now().Before(l.expiry()) {
			_ = l.lose(fmt.Errorf("its Lease was not renewed in time: %w, or the API server did not answer", errHalted))
		}
		sent := time.Now()
		l.mu.Lock()
		l.next = sent.Add(lifetime)
		l.mu.Unlock()
		err := l.renew(ctx)
		if lost := l.isLost(); lost != nil {
			return lost
		}
		// An answer that took long leaves too little of the margin.
		if took := time.Since(sent); err == nil && took <= margin/2 {
			return nil
		} else if err == nil {
			err = fmt.Errorf("the answer took %s", took.Round(time.Millisecond))
		}
		if faults.Permanent(err) || experiments.Wait(ctx, lookEvery) != nil {
			return fmt.Errorf("renew its Lease before the injection: %w", err)
		}
	}
}

// Watch returns an error once the lock is lost.
func (l *Lock) Watch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-l.lost:
		return l.isLost()
	}
}

// End releases the lock. If a fault may still be in place it does not: the Lease
// expires once the cluster has ended the fault.
func (l *Lock) End(ctx context.Context) error {
	if l.stop == nil {
		return nil
	}
	l.stop()
	l.stop = nil
	l.mu.Lock()
	keep, until := l.left || len(l.faults) > 0, l.expires
	l.mu.Unlock()
	if keep {
		l.rec.Note("%s is not released: a fault may still be in place; it expires in %s", l, time.Until(until).Round(time.Second))
		return nil
	}
	if err := l.release(ctx); err != nil {
		l.rec.Note("%s: it could not be released, and expires in %s: %v", l, time.Until(until).Round(time.Second), err)
	}
	return nil
}

// release deletes the Lease if it is this run's.
func (l *Lock) release(ctx context.Context) error {
	for {
		var lease coordinationv1.Lease
		err := retry(ctx, func(ctx context.Context) error {
			if err := l.Client.Get(ctx, client.ObjectKey{Namespace: l.Namespace, Name: Name(l.Workload)}, &lease); err != nil {
				return err
			}
			if ptr.Deref(lease.Spec.HolderIdentity, "") != identity(l.run, l.Who) {
				return nil // another's
			}
			return remove(ctx, l.Client, &lease)
		})
		if apierrors.IsConflict(err) {
			continue // changed meanwhile
		}
		if apierrors.IsNotFound(err) {
			return nil
		}
		return kube.Explain(err, "the right to delete leases")
	}
}

func (l *Lock) expiry() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.expires
}

// lose ends the run. It returns the first reason.
func (l *Lock) lose(why error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.why == nil {
		l.why = why
		close(l.lost)
	}
	return l.why
}

// isLost is the reason; nil: it is not.
func (l *Lock) isLost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.why
}

// Preflight creates a Lease in the namespace in a dry run. Its error says what is
// missing. It changes nothing.
func Preflight(ctx context.Context, c client.Client, namespace string) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "aftershock.preflight"}}
	return explain(c.Create(ctx, lease, client.DryRunAll), namespace)
}
