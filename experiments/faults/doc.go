// Package faults has what all faults on pods share, whatever injects them: which
// pods may be hit and how many, the guard that refuses, and how what a run puts
// into a cluster is named, found again and removed.
//
//	cluster := faults.Cluster{Client: c, Guard: faults.Guard{Cluster: uid, Namespaces: []string{"shop"}}}
//	checkout := faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}}
//
//	candidates, asked, err := cluster.Choose(ctx, checkout, faults.Percent(50)) // refused, or what runs
//
// A fault of one's own implements [experiments.Fault]. It chooses its pods with
// [Cluster.Choose]; writes down what it is about to do ([WriteDown]); labels what
// it creates ([NewMeta], [SettleName]), with an end that the cluster enforces
// without it ([Guard.Expiry]); asks of a failed request whether something may be
// there all the same ([Rejected]); names its targets ([Targets]); and may be a
// [experiments.Previewer].
//
// # Nothing is left behind
//
// The ledger of what a run has put into a cluster is the cluster. Every object
// carries the labels [ManagedLabel] and [RunLabel] from the instant it exists,
// because they are part of the request that creates it; so there is no instant
// at which an object of ours exists that a search for these labels does not find
// ([Scope.Labels]), whatever became of the program that created it. The record
// says the same from the other side: an event with the object's full name is
// written before the request is sent, so that a cut record names everything that
// its run may have left. Each cross-checks the other, and no second store is kept
// that could disagree with the first. What is found is a [Leftover], and [Sweep]
// proves that none is left.
package faults
