// Package rollout disturbs a workload by everyday operations: it restarts it,
// or rolls out an image that cannot be pulled and rolls it back.
//
//	cluster := faults.Cluster{Client: c, Guard: guard}
//	ledger := kube.Workload{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}
//	checkout := rollout.Workload{Cluster: cluster, Workload: ledger}
//	err = experiments.Experiment{Faults: []experiments.Scheduled{{Fault: &rollout.BadImage{Workload: checkout}}}, ...}.Run(ctx, recorder)
//
//	left, err := rollout.Find(ctx, c, scope)  // bad images that runs have left behind
//	back, err := rollout.Sweep(ctx, c, scope, 0) // rolled back, and looked at again
//
// # What is hit
//
// The targets of a rollout are the pods that serve when it begins: the rollout
// replaces them, and the requests they answered before prove that clients would
// have noticed. The effect of a [Restart] is that each of them, by its UID, is
// gone. The pods of a [BadImage] never serve, and the serving ones are meant to
// stay: its effect is the event [record.EventWaiting] of a new pod, which the
// effect itself names, see [record.Effect].
//
// # What ends it
//
// A restart ends by itself. A bad image does not: unlike an object of Chaos
// Mesh, a workload has no deadline, and the cluster keeps the desired state. So
// an annotation of the workload ([Annotation]) remembers the previous image and
// the name of the run. It is set and removed in the same request that changes
// the image: the bad image is never there without the information to undo it.
// If the program is killed, the bad image stays until [Sweep], by hand or by a
// dead-man switch (package ledger), and how well the service bears that depends on
// the workload's strategy (maxUnavailable). A GitOps controller may undo either fault
// early: the record then says so.
//
// A StatefulSet is a trap: it replaces no pod while one of its pods is not
// ready, and so keeps the bad one indefinitely although the image was restored
// (the "forced rollback" of its documentation). So those pods, and no others,
// are deleted: the ones that have the bad image and are not ready.
//
// It needs the right to get and patch the workload (for [Find] and [Sweep] to
// list deployments, statefulsets and daemonsets), to list pods, and to list and
// delete replicasets or, of StatefulSets and DaemonSets, controllerrevisions:
// the bad revision is removed from the history, where the next "kubectl rollout
// undo" would find it. And, of a StatefulSet, to delete pods.
package rollout
