// Package rollout disturbs a workload by everyday operations: it restarts it,
// or rolls out an image that cannot be pulled and rolls it back.
//
//	cluster := faults.Cluster{Client: c, Guard: guard}
//	ledger := kube.Workload{Kind: kube.StatefulSet, Namespace: "shop", Name: "ledger"}
//	checkout := rollout.Workload{Cluster: cluster, Workload: ledger}
//	err = experiments.Experiment{Faults: []experiments.Scheduled{{Fault: &rollout.BadImage{Workload: checkout}}}, ...}.Run(ctx, recorder)
//
//	left, err := rollout.Find(ctx, c, scope)  // what runs have left in workloads
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
// A restart ends by itself, but for that of a Rollout, see below. A bad image does
// not: unlike an object of Chaos Mesh, a workload has no deadline, and the cluster
// keeps the desired state. So an annotation of the workload ([Annotation]) remembers
// the previous image and the name of the run. It is set and removed in the same request
// that changes the image: the bad image is never there without the information to undo
// it.
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
// A Rollout of Argo Rollouts has no revision for a restart: a time in its spec requests
// it, and its controller evicts one old pod after the other until that is done, also
// after the run. So a label ([RestartLabel]) names the run as long as the request may be
// pending, and undoing withdraws one that is, as [Sweep] does. A bad image of a Rollout
// begins an update with its steps and analyses, and may be aborted by it; undoing it
// returns to the stable ReplicaSet. With the strategy blueGreen it is refused, since the
// bad pods would stay for scaleDownDelaySeconds after that. Neither begins unless the Rollout is at rest: undone
// in the middle of an update, either would change what others had begun.
//
// It needs the right to get and patch the workload (for [Find] and [Sweep] to list
// deployments, statefulsets, daemonsets and, if one may have been changed, rollouts),
// to list pods, and to list and delete replicasets or, of StatefulSets and DaemonSets,
// controllerrevisions: the bad revision is removed from the history, where the next
// "kubectl rollout undo" would find it. And, of a StatefulSet, to delete pods.
package rollout
