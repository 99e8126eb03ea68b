// Package rollout disturbs a workload by what people do to it every day: it
// restarts it, or rolls out an image that cannot be pulled and rolls it back.
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
// The targets of a rollout are the pods that serve when it begins: it is to
// replace them, and that they answered requests before is the proof that
// clients would have noticed. The effect of a [Restart] is that each of them,
// by its UID, is gone. The pods of a [BadImage] never serve, and those that do
// are to stay: its effect is the event [record.EventWaiting] of a new pod,
// which is named in the effect itself, see [record.Effect].
//
// # What ends it
//
// A restart ends by itself. A bad image does not: unlike an object of Chaos
// Mesh's, a workload has no deadline, and the cluster keeps what it is told.
// So the image that was there is remembered, with the name of the run, in an
// annotation of the workload ([Annotation]), which is set and taken off in
// the very request that changes the image: the bad image is never there without
// how to undo it. If the program is killed the bad image stays until [Sweep], and
// how well the service bears that is up to the workload's strategy
// (maxUnavailable). Whatever keeps objects as they are in a repository may
// undo either fault before its time: the record then says so.
//
// A StatefulSet is a trap: it replaces no pod while one of its pods is not ready,
// and so keeps the bad one for ever although the image was put back (the "forced
// rollback" of its documentation). So those pods, and no others, are deleted: the
// ones that have the bad image and are not ready.
//
// The rights it needs: to get and patch the workload (for [Find] and [Sweep] to
// list deployments, statefulsets and daemonsets), to list pods, and to list and
// delete replicasets or, of StatefulSets and DaemonSets, controllerrevisions: the
// bad revision is taken out of the history, where the next "kubectl rollout undo"
// would find it. And, of a StatefulSet, to delete pods.
package rollout
