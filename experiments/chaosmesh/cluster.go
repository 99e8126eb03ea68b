package chaosmesh

import (
	"cmp"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
)

// A Cluster makes faults in one cluster, within its guard; see [Cluster.Fault].
type Cluster struct {
	faults.Cluster
	timeouts Timeouts
}

// New returns a cluster. It refuses a guard that allows nothing. A zero timeout takes its
// default.
func New(c faults.Cluster, timeouts Timeouts) (*Cluster, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return &Cluster{Cluster: c, timeouts: timeouts.withDefaults()}, nil
}

// With returns the same cluster with another client and other doubts.
func (c *Cluster) With(other client.WithWatch, doubts faults.Doubts) *Cluster {
	with := *c
	with.Client, with.Doubts = other, doubts
	return &with
}

// Timeouts bound the waits for Chaos Mesh.
type Timeouts struct {
	// Inject bounds the wait for an injection. Default: 15 s.
	Inject time.Duration
	// Proof bounds the wait for the cluster to show the effect, once Chaos Mesh reports
	// the injection. Default: 2 s.
	Proof time.Duration
	// Nudge is how long a deleted object may stay before the first remedy, and then
	// before each further one. Default: 5 s.
	Nudge time.Duration
	// GiveUp is how long a fault may stay in pods, once Chaos Mesh has noticed that its
	// object was deleted, before Chaos Mesh is told to give up the object; after that
	// nothing undoes the fault. A controller that was cut off from the API server notices
	// nothing for a minute or more, and each of its parts for a different time. Default:
	// 75 s.
	GiveUp time.Duration
	// Remove bounds the removal of one object. Default: 170 s.
	Remove time.Duration
}

func (p Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Inject: cmp.Or(p.Inject, 15*time.Second),
		Proof:  cmp.Or(p.Proof, 2*time.Second),
		Nudge:  cmp.Or(p.Nudge, 5*time.Second),
		GiveUp: cmp.Or(p.GiveUp, 75*time.Second),
		Remove: cmp.Or(p.Remove, 170*time.Second),
	}
}
