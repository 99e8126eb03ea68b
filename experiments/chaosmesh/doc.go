// Package chaosmesh injects faults into pods by way of Chaos Mesh: each fault
// is one Chaos Mesh object that is created, seen to act, deleted, and seen to
// be gone.
//
// "Applied" proves nothing. An injection counts only once Chaos Mesh's own
// records confirm it for every requested pod; pods are identified by the UIDs
// they had before; and where the cluster shows the effect itself, as for a
// killed pod, its first sight dates the injection. Missing proof becomes the
// injection's failure reason, in Chaos Mesh's own words.
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
// Each fault is a struct whose fields define it completely, a [Spec], and
// [Cluster.Fault] makes a fault of it: [PodKill], [PodFailure] and
// [ContainerKill]; [NetworkDelay], [NetworkLoss], [NetworkDuplicate],
// [NetworkCorrupt], [NetworkBandwidth] and [NetworkPartition]; [StressCPU] and
// [StressMemory]; and any other fault of Chaos Mesh, as an [Object] in its own
// words:
//
//	chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, Jitter: 50 * time.Millisecond, To: payments}
//	chaosmesh.NetworkPartition{Pods: checkout, To: payments, Signal: "calls"}
//	chaosmesh.StressCPU{Pods: checkout, Count: faults.Percent(50), Workers: 2, Load: 80 * chaosmesh.Percent, Follow: true}
//	chaosmesh.Object{YAML: slowDisk, Effects: []record.Effect{{Signal: "write seconds", Rise: 0.08}}}
//
// Validate names each invalid field and its valid values, before anything is
// touched. It refuses specs that Chaos Mesh would accept and then not carry
// out.
//
// A fault declares its observable effect (see [record.Effect]), as far as that
// is known; otherwise its Signal or its Effects declare it, and without them
// the verdict cannot be held.
//
// # Nothing is left behind
//
// Every object carries the labels of its run and is written down before it is
// created, see package faults; [Find] and [Sweep] search by the labels. It also
// carries a duration, which Chaos Mesh's controller enforces if no run is left
// to (see [faults.Guard]). One-shot faults such as a pod kill ignore it.
//
// # What it needs
//
// The right to create, get, list, watch, patch and delete the chaos kinds, to
// list and watch pods and to list events and workflownodes, in the namespaces
// of the guard; Chaos Mesh's own admission checks whether the user may create
// the chaos kind in the namespace of the targets, which is the same namespace
// here. Getting and patching podnetworkchaos helps where Chaos Mesh is stuck.
// Listing the chaos kinds in all namespaces reveals other clients' faults that
// hit the pods but were made elsewhere; without it they go unseen, and the
// report says so.
//
// Importing this package registers a flag -kubeconfig on flag.CommandLine,
// because Chaos Mesh's API imports controller-runtime, which does. A program
// with its own flag of that name needs its own flag set.
package chaosmesh
