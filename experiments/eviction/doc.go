// Package eviction takes pods away the way a node that is drained does: it asks
// the API server to evict them. Unlike a kill, an eviction is graceful, and a
// PodDisruptionBudget may refuse it. What a budget refuses is data: the
// injection's failure reason, in the server's words and with the budget quoted. One
// that forbids it throughout, or can never allow it, is a finding about the
// service: nodes under it cannot be drained.
//
//	cluster := faults.Cluster{Client: c, Guard: guard}
//	drain := &eviction.Fault{
//		Cluster: cluster,
//		Pods:    faults.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
//		Count:   faults.One,
//	}
//	err = experiments.Experiment{Faults: []experiments.Scheduled{{Fault: drain}}, ...}.Run(ctx, recorder)
//
// # A drain
//
// [Drain] evicts every pod of the service, as the drain of all the nodes they
// are on would. The pods are those that run when it begins, by their UIDs: a
// pod that replaces one of them is not evicted again. A budget that allows one
// disruption at a time makes each pod wait for the replacement of the one
// before; a refused pod is asked for again until the timeout, and the record
// says how often the budget refused. That at no time more pods were away than
// the budget allows is seen by who counts them, a check on the signal of
// steadystate/kube.Replicas for instance: "min >= 0.66" of three replicas of
// which two must be available.
//
// No node is cordoned: that would keep every workload of the cluster from it,
// and so would undoing it wrongly. What a cordon adds, that no replacement
// lands on the same node, makes no difference to the service's pods.
//
// It needs the right to create pods/eviction, to get and list pods, and to list
// poddisruptionbudgets: without the last it only learns from the timeout that a
// budget refuses for good.
package eviction
