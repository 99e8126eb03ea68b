// Package faults is what all faults on pods share: the selection of pods, the guard that
// says what may be touched, and how the objects of a run are named, found and removed.
//
//	cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: uid, Namespaces: []string{"shop"}}}
//	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
//
//	candidates, n, err := cluster.Choose(ctx, checkout, "50%") // hit n of the candidates
//
// A custom fault implements [experiments.Fault]. It chooses its pods with
// [Cluster.Choose]; writes each change down before it makes it ([WriteDown]); labels the
// objects it creates ([NewMeta], [SettleName]) and gives them an expiry that the cluster
// enforces on its own ([Guard.Expiry]); checks whether a failed request may have had an
// effect ([Rejected]); and names its targets ([Targets]). It may also be an
// [experiments.Previewer].
//
// # Nothing is left behind
//
// Every object carries the labels [ManagedLabel] and [RunLabel] from the instant it
// exists, because they are part of the request that creates it. A search for these labels
// ([Scope.Labels]) therefore finds every object of ours at any instant, even after a crash
// of the program. The record is the cross-check: an event with the object's full name is
// written before the request is sent, so that even a cut record names everything that its
// run may have left behind. Package ledger writes the same in the cluster. A search returns
// each [Leftover], and [Sweep] proves that none is left.
package faults
