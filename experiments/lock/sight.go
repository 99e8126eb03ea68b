package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/steadystate/kube"
)

// A sight is a Lease as it was last seen, dated by this machine's monotonic clock.
type sight struct {
	lease   *coordinationv1.Lease
	first   time.Time // when this holder was first seen
	since   time.Time // when this version of the Lease was first seen
	renewed bool      // this holder has made or changed it while it was observed
}

// see takes in what was just read. It is dated after the answer came: the holder
// had made this version by then.
func (s *sight) see(lease *coordinationv1.Lease) {
	now := time.Now()
	switch {
	case s.lease == nil || s.lease.UID != lease.UID || ptr.Deref(s.lease.Spec.HolderIdentity, "") != ptr.Deref(lease.Spec.HolderIdentity, ""):
		// One that has come while it was observed is alive.
		*s = sight{lease: lease, first: now, since: now, renewed: s.lease != nil}
	case s.lease.ResourceVersion != lease.ResourceVersion:
		s.lease, s.since, s.renewed = lease, now, true
	}
}

// known reports whether it is known by now if the holder is alive.
func (s *sight) known() bool { return s.renewed || time.Since(s.first) >= enough }

// expires is when the Lease may be taken over, if it stays as it is.
func (s *sight) expires() time.Time { return s.since.Add(durationOf(s.lease)) }

func (s *sight) held() Held {
	return Held{Holder: holderOf(s.lease), Alive: s.renewed, Silent: time.Since(s.since), Left: max(0, time.Until(s.expires())), lease: s.lease}
}

// Held is a lock and whether the run that holds it is alive.
type Held struct {
	Holder
	// Alive: the holder renewed its Lease while it was observed.
	Alive bool
	// Silent is how long the Lease was observed without a renewal.
	Silent time.Duration
	// Left is the longest time until the lock is free if the holder is dead. Its faults
	// are over then.
	Left time.Duration

	lease *coordinationv1.Lease
}

// String is "run 4f1c2a9d3b of ann@laptop since 14:03:10 (checkout/pods/kill-one),
// alive, until 14:09:10 at the latest".
func (h Held) String() string {
	if h.Alive {
		return fmt.Sprintf("%s, alive, until %s at the latest", h.Holder, clock(h.Until))
	}
	return fmt.Sprintf("%s, which has not renewed its Lease for %s and seems to be dead; the lock is free in %s at the latest", h.Holder, h.Silent.Round(time.Second), time.Duration(seconds(h.Left))*time.Second)
}

// Look lists the locks in a namespace, and observes each until its holder
// has renewed it, for 7 seconds at the most. Before it observes any it calls
// waiting with what it found, before any holder is known to be alive. It changes
// nothing.
func Look(ctx context.Context, c client.Reader, namespace string, waiting func([]Held)) ([]Held, error) {
	seen := map[string]*sight{}
	for first := true; ; first = false {
		list, err := leases(ctx, c, namespace)
		if err != nil {
			return nil, err
		}
		last := seen
		seen = map[string]*sight{}
		var held []Held
		known := true
		for _, lease := range list {
			s := last[lease.Name]
			if s == nil {
				s = &sight{}
			}
			s.see(&lease)
			// One that was not there a moment ago was made by a run that is alive.
			s.renewed = s.renewed || (!first && last[lease.Name] == nil)
			seen[lease.Name] = s
			held, known = append(held, s.held()), known && s.known()
		}
		if known {
			return held, nil
		}
		if first {
			waiting(held)
		}
		if err := experiments.Wait(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

// Readable returns nil if the locks in a namespace can be listed, as [Look] does.
func Readable(ctx context.Context, c client.Reader, namespace string) error {
	_, err := leases(ctx, c, namespace)
	return err
}

// leases lists the Leases of runs. A failure that may pass is asked again.
func leases(ctx context.Context, c client.Reader, namespace string) ([]coordinationv1.Lease, error) {
	var list coordinationv1.LeaseList
	err := retry(ctx, func(ctx context.Context) error {
		return c.List(ctx, &list, client.InNamespace(namespace), faults.Scope{}.Labels())
	})
	if err != nil {
		return nil, fmt.Errorf("list the Leases in %s: %w", namespace, kube.Explain(err, "the right to list leases"))
	}
	return list.Items, nil
}

// Release removes the Lease of a dead run, unless it was renewed or taken over since.
func (h Held) Release(ctx context.Context, c client.Client) error {
	return h.failed(remove(ctx, c, h.lease))
}

// Break removes the Lease of a living run, unless another took it over since. The run
// undoes its faults and ends.
func (h Held) Break(ctx context.Context, c client.Client) error {
	return h.failed(c.Delete(ctx, h.lease.DeepCopy(), client.Preconditions{UID: &h.lease.UID}))
}

func (h Held) failed(err error) error {
	if err == nil || apierrors.IsNotFound(err) {
		return nil
	}
	return fmt.Errorf("remove the Lease of %s: %w", h.Holder, kube.Explain(err, "the right to delete leases"))
}

// Leftover returns the Lease as something that a dead run left behind.
func (h Held) Leftover() faults.Leftover { return faults.NewLeftover("Lease", h.Run, h.lease) }

// remove deletes the Lease if it is still as it was read.
func remove(ctx context.Context, c client.Client, lease *coordinationv1.Lease) error {
	return c.Delete(ctx, lease.DeepCopy(), client.Preconditions{UID: &lease.UID, ResourceVersion: &lease.ResourceVersion})
}

// retry calls f until it succeeds, for a few seconds, unless it fails in a way that
// it would again.
func retry(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, retryFor)
	defer cancel()
	err := faults.Retry(ctx, lookEvery, func() error { return f(ctx) }, apierrors.IsNotFound, apierrors.IsConflict)
	if err == nil {
		return nil
	}
	return errors.Join(err, context.Cause(ctx))
}
