// Package rollout disturbs a deployment by what people do to it every day: it
// restarts it, or rolls out an image that cannot be pulled and rolls it back.
//
//	cluster := faults.Cluster{Client: c, Guard: guard}
//	checkout := rollout.Workload{Cluster: cluster, Namespace: "shop", Deployment: "checkout"}
//	err = experiments.Experiment{Faults: []experiments.Fault{&rollout.BadImage{Workload: checkout}}, ...}.Run(ctx, recorder)
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
// Mesh's, a deployment has no deadline, and the cluster keeps what it is told.
// So the image that was there is remembered, with the name of the run, in an
// annotation of the deployment ([Annotation]), which is set and taken off in
// the very request that changes the image: the bad image is never there without
// how to undo it. If the program is killed the bad image stays until [Sweep], and
// how well the service bears that is up to the deployment's strategy
// (maxUnavailable). Whatever keeps deployments as they are in a repository may
// undo either fault before its time: the record then says so.
//
// The rights it needs: to get and patch deployments (for [Find] and [Sweep] to
// list them), to list replicasets and pods, and to delete replicasets: the
// bad revision is taken out of the deployment's history, where the next
// "kubectl rollout undo" would find it.
package rollout
