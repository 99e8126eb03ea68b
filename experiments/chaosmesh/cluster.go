package chaosmesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Cluster makes faults in one cluster, within one guard.
type Cluster struct {
	client   client.WithWatch
	guard    Guard
	patience Patience
}

// New makes a cluster. A guard that allows nothing is refused.
func New(c client.WithWatch, guard Guard, patience Patience) (*Cluster, error) {
	if c == nil {
		return nil, errors.New("chaosmesh: needs a client")
	}
	if err := guard.Validate(); err != nil {
		return nil, err
	}
	return &Cluster{client: c, guard: guard, patience: patience.withDefaults()}, nil
}

// Choose says which pods run that a fault may hit, and how many of them are
// asked for. The error wraps [ErrRefused] where the guard refuses: the cluster,
// the namespace, an empty selector, a protected pod, more than there are.
func (c *Cluster) Choose(ctx context.Context, pods Pods, count Count) (candidates []corev1.Pod, asked int, err error) {
	if err := c.guard.allow(pods); err != nil {
		return nil, 0, err
	}
	if err := c.guard.identify(ctx, c.client); err != nil {
		return nil, 0, err
	}
	return c.candidates(ctx, peer{Pods: pods, touched: true, count: count, own: true})
}

// candidates are those that run of the pods, and how many of them are asked
// for.
func (c *Cluster) candidates(ctx context.Context, p peer) ([]corev1.Pod, int, error) {
	matching, err := p.list(ctx, c.client)
	if err != nil {
		return nil, 0, err
	}
	if p.touched {
		if err := c.guard.protect(matching); err != nil {
			return nil, 0, err
		}
	}
	up := running(matching)
	asked, err := p.count.of(len(up))
	if err != nil && !p.own {
		err = fmt.Errorf("%w (%s)", err, p.Pods)
	}
	return up, asked, err
}

// Patience says how long to wait for Chaos Mesh before drawing a conclusion.
type Patience struct {
	// Inject bounds the wait for an injection. Default 15 s.
	Inject time.Duration
	// Select is how long "no pod selected" must stay before it is final: the
	// controller says so for an instant at the beginning of every object's
	// life. Default 2 s.
	Select time.Duration
	// Proof is how long to wait, once Chaos Mesh says that it injected, for
	// the cluster to show it. Default 2 s.
	Proof time.Duration
	// Nudge is how long a deleted object may stay before the first remedy,
	// and then before each next one. Default 5 s.
	Nudge time.Duration
	// Remove bounds the removal of one object. Default 40 s.
	Remove time.Duration
}

func (p Patience) withDefaults() Patience {
	return Patience{
		Inject: cmp.Or(p.Inject, 15*time.Second),
		Select: cmp.Or(p.Select, 2*time.Second),
		Proof:  cmp.Or(p.Proof, 2*time.Second),
		Nudge:  cmp.Or(p.Nudge, 5*time.Second),
		Remove: cmp.Or(p.Remove, 40*time.Second),
	}
}
