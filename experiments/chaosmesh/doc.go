// Package chaosmesh injects faults into pods through Chaos Mesh. Each fault is one Chaos
// Mesh object: the package creates it, sees it act, deletes it, and sees that it is gone.
//
// "Applied" proves nothing. An injection counts only once Chaos Mesh's own records confirm
// it for every requested pod; pods are identified by the UIDs they had before. If the
// cluster itself shows the effect, as with a killed pod, its first sight dates the
// injection. Missing proof becomes the injection's failure reason, in Chaos Mesh's words.
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
//	removed, err := chaosmesh.Sweep(ctx, c, faults.Scope{Namespaces: []string{"shop"}}, chaosmesh.Timeouts{}, nil)
//
// # Faults
//
// A fault is described by a [Spec], a struct whose fields define it completely, and made
// by [Cluster.Fault]. The specs are [PodKill], [PodFailure] and [ContainerKill];
// [NetworkDelay], [NetworkLoss], [NetworkDuplicate], [NetworkCorrupt], [NetworkBandwidth]
// and [NetworkPartition]; [StressCPU] and [StressMemory]; and [Object] for any other fault
// of Chaos Mesh, as YAML or a value of its API:
//
//	chaosmesh.NetworkDelay{Pods: checkout, Latency: 200 * time.Millisecond, Jitter: 50 * time.Millisecond, To: payments}
//	chaosmesh.NetworkPartition{Pods: checkout, To: payments, Signal: "calls"}
//	chaosmesh.StressCPU{Pods: checkout, Count: "50%", Workers: 2, Load: 80 * chaosmesh.Percent, Follow: true}
//	chaosmesh.Object{YAML: slowDisk, Effects: []record.Effect{{Signal: "write seconds", Rise: 0.08}}}
//
// Validate names each invalid field and its valid values before anything is touched. It
// refuses specs that Chaos Mesh would accept and then not carry out.
//
// A fault declares its observable effect (see [record.Effect]) if the package knows it.
// Otherwise set Signal or Effects: without an effect the verdict cannot be held.
//
// # Nothing is left behind
//
// Every object carries the labels of its run and is written down before it is created (see
// package faults); [Find] and [Sweep] search by the labels. It also carries a duration,
// after which Chaos Mesh's controller ends the fault if the run has died (see
// [faults.Guard]). One-shot faults such as a pod kill ignore it.
//
// # What it needs
//
// In the namespaces of the guard, the account needs the rights to create, get, list,
// watch, patch and delete the chaos kinds, to list and watch pods, and to list events and
// workflownodes. Chaos Mesh's admission webhook also checks that the account may create
// the chaos kind in the namespace of the targets, which is the same. The rights to get and
// patch podnetworkchaos help if Chaos Mesh is stuck. The right to list the chaos kinds in
// all namespaces reveals faults of other clients that hit the pods from another namespace;
// without it they go unseen, and the report says so.
//
// Importing this package registers a flag -kubeconfig on flag.CommandLine, because Chaos
// Mesh's API imports controller-runtime, which does. A program with its own flag of that
// name needs its own flag set.
package chaosmesh
