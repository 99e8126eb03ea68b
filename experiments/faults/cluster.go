package faults

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A Cluster is where faults are injected, within a guard. The zero value
// refuses every fault.
type Cluster struct {
	Client client.WithWatch
	Guard  Guard
	// Doubts is told before an object of a fault is removed by force. Default: nothing is
	// kept of that but the error.
	Doubts Doubts
}

var errNoClient = errors.New("needs a client of a cluster")

// Validate reports mistakes, without asking the cluster.
func (c Cluster) Validate() error {
	if c.Client == nil {
		return errNoClient
	}
	return c.Guard.Validate()
}

// Choose returns the running pods that a fault may hit, and how many of them the count
// asks for. The error wraps [ErrRefused] if the guard refuses the cluster, the namespace,
// an empty selector, a protected pod, or a count above the number of pods.
func (c Cluster) Choose(ctx context.Context, pods Pods, count Count) (candidates []corev1.Pod, asked int, err error) {
	if c.Client == nil {
		return nil, 0, errNoClient
	}
	if err := c.Guard.Allow(pods); err != nil {
		return nil, 0, err
	}
	if err := c.Guard.identify(ctx, c.Client); err != nil {
		return nil, 0, err
	}
	up, err := c.Select(ctx, pods, true)
	if err != nil {
		return nil, 0, err
	}
	asked, err = count.Of(len(up))
	return up, asked, err
}

// Select returns the running pods of a selection. If the fault touches them, it refuses
// the selection if one of them is protected.
func (c Cluster) Select(ctx context.Context, pods Pods, touched bool) ([]corev1.Pod, error) {
	matching, err := pods.List(ctx, c.Client)
	if err != nil {
		return nil, err
	}
	if touched {
		if err := c.Guard.Protect(matching); err != nil {
			return nil, err
		}
	}
	return Running(matching), nil
}
