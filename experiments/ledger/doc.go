// Package ledger is a write-ahead log, kept in the cluster, of what a run changes
// there. A [Ledger] is a safeguard of the run and wraps the client of its faults:
//
//	l := &ledger.Ledger{Client: c, Namespace: "aftershock", Experiment: e.Name}
//	e.Safeguards = append(e.Safeguards, l)
//	cluster := faults.Cluster{Client: l.Writing(c), Guard: guard}
//
// With a [Switch], the cluster itself sweeps the run if the run is killed.
//
// # The ledger
//
// Each run has one ConfigMap, aftershock-run-RUN, in a namespace of the
// program's own. It has a line for each object:
//
//	created chaos-mesh.org/v1alpha1 NetworkChaos shop/network-delay-4f1c2a9d3b-x7k2p
//	changed apps/v1 Deployment shop/checkout
//
// A third kind of line names a pod from which nothing shows that a fault is gone
// although its object is: Chaos Mesh never said so. The line is added before an object is
// removed by force, and taken out if Chaos Mesh undoes the fault after all. No sweep ends
// well until that pod is gone, or a person says with --force that it is free of the fault. A
// sweep itself takes the line out once Chaos Mesh has made the pod's network anew without the
// rules of a NetworkChaos, or each container of the pod has restarted, which ended the
// processes of a stress. For that the line names the fault, and how often the containers had
// restarted.
//
//	unproven v1 Pod shop/checkout-7bb9879ff8-x7k2p 6f0c4a8e-9b1d-4c55-8f3a-2d7e1b9c0a64 NetworkChaos/shop/network-delay-4f1c2a9d3b-x7k2p checkout=0
//
// Nor does a sweep end well while a line says "changed" of an object of a kind that none
// of this program's sweeps restores: a fault of another version may have changed it.
//
// The client that [Ledger.Writing] returns adds the line before it sends the
// request. If the line cannot be written, the request is not sent. Undoing a fault
// works without the ledger, since it touches only objects that already have a line. Only an
// object that Chaos Mesh does not let go stays until the pods in which its fault may be are
// written down. The ConfigMap is deleted once everything is undone, and kept while something
// may be left. The record lists the same objects and is the copy outside the cluster.
//
// Most objects of a run are found by their labels (see package faults). The ledger
// finds the others: objects in namespaces that the configuration no longer names,
// and objects that lost their labels. It is not needed for
//
//   - a bad image: an annotation of the workload has the previous image, and a sweep
//     leaves workloads without that annotation alone;
//   - deletions and evictions: there is nothing to undo;
//   - the Job of load workers: its labels are in the program's own namespace, and it
//     has a deadline.
//
// # The dead-man switch
//
// The switch is a Job beside the ledger whose pod runs this program. Its init container
// looks whether it could sweep the run. Then the pod waits until the run's locks show
// that the run is dead (see package lock), and sweeps that run: it restores images,
// which the cluster does not do by itself, and removes the objects that Chaos Mesh keeps
// after a fault has ended. The Job is created before the settle phase, and nothing is
// injected until its pod has looked and runs. The run deletes the Job once everything is
// undone; otherwise the Job deletes itself after the sweep. A Job that fails is retried
// with backoff, and has a deadline.
//
// # Rights
//
// In the namespace of the ledger: list, create, update and delete configmaps; list,
// create and delete jobs; list pods. In the namespaces of the faults: get the kinds
// that a run creates.
package ledger
