// Package lock lets only one run at a time use a workload. The lock is a Lease of
// coordination.k8s.io in a namespace of the program's own, one for each workload,
// and a safeguard of the run:
//
//	e.Safeguards = append(e.Safeguards, &lock.Lock{
//		Client:     c,
//		Namespace:  "aftershock",
//		Workload:   kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"},
//		Experiment: e.Name,
//		Who:        "ann@laptop",
//		Longest:    e.Longest(),
//	})
//
// [Look] tells who holds which lock, and whether each holder is alive.
//
// # How a lock changes hands
//
// A holder renews its Lease every [RenewEvery]. The Lease has a duration: without a
// renewal for so long, another run may take it over. Clocks of two machines are
// never compared. An observer counts from when it saw the last change itself, by
// its own monotonic clock; a holder counts from before it sent the last renewal
// that succeeded, by its own, and so gives up before an observer may begin. Every
// change is conditional on the version of the Lease that was read, so that of two
// runs that take it at once one is refused by the API server.
//
// A run ends and undoes its faults when its Lease was deleted, was taken, or could
// not be renewed in time.
//
// # A fault ends before another run may begin
//
// Right before each injection the Lease is renewed with a duration that outlasts
// the fault: for as long as the fault may stay in the cluster without the harness,
// and a margin. If the harness dies, the cluster ends the fault first, and the
// Lease expires after that. The duration shrinks as the fault's end nears, and is
// the usual one again once the fault is gone. A run that could not undo its faults
// does not release its Lease.
//
// A Lease is not a fence. A harness that is suspended for longer than the fault's
// lifetime between the renewal and the request that creates the fault, a few
// milliseconds later, would still create it. It then finds that it has lost the
// lock at its next renewal, and undoes the fault.
//
// # Rights
//
// In the namespace of the Leases: get, list, create, update and delete leases.
// There is one lock for a workload only among runs that use the same namespace.
package lock
