// Package faults contains what all faults on pods share: the selection of pods,
// the guard that refuses, and how the objects of a run are named, found and
// removed.
//
//	cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: uid, Namespaces: []string{"shop"}}}
//	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
//
//	candidates, asked, err := cluster.Choose(ctx, checkout, faults.Percent(50)) // refused, or what runs
//
// A custom fault implements [experiments.Fault]. It chooses its pods with
// [Cluster.Choose]; writes down its next change ([WriteDown]); labels the
// objects it creates ([NewMeta], [SettleName]), with an expiry that the cluster
// enforces on its own ([Guard.Expiry]); asks of a failed request whether it may
// have had an effect ([Rejected]); names its targets ([Targets]); and may be an
// [experiments.Previewer].
//
// # Nothing is left behind
//
// Every object carries the labels [ManagedLabel] and [RunLabel] from the instant it
// exists, because they are part of the request that creates it: a search for these
// labels ([Scope.Labels]) finds every object of ours at every instant, even after a
// crash of the program. The record is the cross-check: an event with the object's
// full name is written before the request is sent, so that a cut record names
// everything that its run may have left behind. Package ledger writes the same down
// in the cluster. A search finds a [Leftover], and [Sweep] proves that none is left.
package faults
