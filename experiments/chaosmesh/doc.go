// Package chaosmesh injects faults into pods by way of Chaos Mesh: each fault
// is one Chaos Mesh object that is created, seen to act, deleted, and seen to
// be gone.
//
// "Applied" proves nothing. An injection counts only once Chaos Mesh's own
// records say so for every pod that was asked for; the pods are known by their
// UIDs from before; and where the cluster shows the effect itself, as it does
// for a killed pod, the first sight of it dates the injection. What could not
// be shown is the injection's failure reason, in Chaos Mesh's own words.
//
//	log.SetLogger(logr.Discard()) // controller-runtime's; once, in main
//	scheme, err := chaosmesh.Scheme()
//	c, err := kube.NewClient(config, scheme)
//	guard := faults.Guard{Cluster: uid, Namespaces: []string{"shop"}}
//	cluster, err := chaosmesh.New(faults.Cluster{Client: c, Guard: guard}, chaosmesh.Timeouts{})
//
//	kill := cluster.Fault(chaosmesh.PodKill{
//		Pods:  faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
//		Count: faults.One,
//	})
//	err = experiments.Experiment{Faults: []experiments.Scheduled{{Fault: kill}}, ...}.Run(ctx, recorder)
//
//	left, err := chaosmesh.Find(ctx, c, faults.Scope{Namespaces: []string{"shop"}})
//	removed, err := chaosmesh.Sweep(ctx, c, faults.Scope{Namespaces: []string{"shop"}}, chaosmesh.Timeouts{})
//
// # Faults
//
// Each fault is a struct whose fields say all of it, a [Spec], and
// [Cluster.Fault] makes a fault of it: [PodKill], [PodFailure] and
// [ContainerKill]; [NetworkDelay], [NetworkLoss], [NetworkDuplicate],
// [NetworkCorrupt], [NetworkBandwidth] and [NetworkPartition]; [StressCPU] and
// [StressMemory]; and whatever else Chaos Mesh has, as an [Object] in its own
// words:
//
//	chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, Jitter: 50 * time.Millisecond, To: payments}
//	chaosmesh.NetworkPartition{Pods: checkout, To: payments, Signal: "calls"}
//	chaosmesh.StressCPU{Pods: checkout, Count: faults.Percent(50), Workers: 2, Load: 80 * chaosmesh.Percent, Follow: true}
//	chaosmesh.Object{YAML: slowDisk, Effects: []record.Effect{{Signal: "write seconds", Rise: 0.08}}}
//
// Validate names each field that is wrong and what it may be, before anything is
// touched. What Chaos Mesh would accept and then not do is refused.
//
// A fault says what it must be seen to do (see [record.Effect]), as far as that
// is known; where it is not, its Signal or its Effects say it, and without them
// no verdict can be held.
//
// # Nothing is left behind
//
// Every object carries the labels of its run and is written down before it is
// created, see package faults; [Find] and [Sweep] go by the labels. It also
// carries a duration, which Chaos Mesh's controller enforces when no run is left
// to (see [faults.Guard]). For one-shot faults like a pod kill it means nothing to
// Chaos Mesh, and costs nothing.
//
// # What it needs
//
// The right to create, get, list, watch, patch and delete the chaos kinds, to
// list and watch pods and to list events and workflownodes, in the namespaces
// of the guard; Chaos Mesh's own admission asks whether the user may create the
// chaos kind in the namespace of the targets, which is the same namespace here.
// To get and patch podnetworkchaos helps where Chaos Mesh is stuck. To list the
// chaos kinds in all namespaces shows faults of others that are in the pods and
// were made elsewhere; without it they go unseen, and the report says so.
//
// Importing this package registers a flag -kubeconfig on flag.CommandLine,
// because Chaos Mesh's API imports controller-runtime, which does. A program
// with a flag of that name uses a flag set of its own.
package chaosmesh
