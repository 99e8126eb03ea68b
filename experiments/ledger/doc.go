// Package ledger writes down what a run changes in a cluster before it is changed,
// in the cluster itself, and has it swept by the cluster if the run is killed. A
// [Ledger] is a safeguard of the run, and the client that its faults use:
//
//	l := &ledger.Ledger{Client: c, Namespace: "aftershock", Experiment: e.Name}
//	e.Safeguards = append(e.Safeguards, l)
//	cluster := faults.Cluster{Client: l.Writing(c), Guard: guard}
//
// # The ledger
//
// It is a ConfigMap for each run, aftershock-run-RUN, in a namespace of the
// program's own, with a line for each object:
//
//	created chaos-mesh.org/v1alpha1 NetworkChaos shop/network-delay-4f1c2a9d3b-x7k2p
//	changed apps/v1 Deployment shop/checkout
//
// The client of [Ledger.Writing] adds the line before it sends the request. A change
// that cannot be written down is not requested. Undoing makes no new line, so that it
// needs no ledger: what it touches was written down before, or is what Chaos Mesh
// does not let go of. Once everything is undone the ConfigMap is
// deleted; it is kept if something may be left. The record has the same objects, as
// the copy outside the cluster.
//
// Labels find a run's objects too (see package faults). The ledger finds besides
// what labels cannot: objects in namespaces that the configuration does not name any
// more, and objects that lost their labels. It adds nothing for a bad image: the
// note on the workload has the previous image, and a workload without the note is
// not changed by a sweep. Deletions and evictions are not written down, since there
// is nothing to undo. Nor is the Job of a load's workers, whose labels are in the
// program's own namespace, and which has a deadline.
//
// # The dead-man switch
//
// With a [Switch] the run has a Job beside the ledger, whose pod runs this program.
// It waits until the run is dead, which its locks tell (see package lock), and then
// sweeps that run. It undoes what the cluster does not end by itself, a bad image,
// and removes the objects that Chaos Mesh keeps of faults that are over. The Job
// begins before the settle phase, and nothing is injected until its pod runs. The
// run deletes the Job once everything is undone; otherwise it removes itself after
// the sweep. It is started again a few times if it fails, and has a deadline.
//
// # Rights
//
// In the namespace of the ledger: list, create, update and delete configmaps; list,
// create and delete jobs; list pods. In the others: get what was created there.
package ledger
