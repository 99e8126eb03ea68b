// Package eviction takes pods away the way a node drain does: it asks the API
// server to evict them. Unlike a kill, an eviction is graceful, and a
// PodDisruptionBudget may refuse it. A refusal is data: it becomes the
// injection's failure reason, in the server's words and with the budget quoted.
// A budget that forbids the eviction throughout, or can never allow it, is a
// finding about the service: its nodes cannot be drained.
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
// [Drain] evicts every pod of the service, as a drain of all their nodes would.
// The pods are those that run when it begins, by their UIDs: replacements are
// not evicted again. A budget that allows one disruption at a time makes each
// pod wait for the replacement of the previous one; a refused eviction is
// retried until the timeout, and the record says how often the budget refused.
// To verify that never more pods were away than the budget allows, count them
// with a check on the signal of steadystate/kube.Replicas, for example: "min >=
// 0.66" of three replicas of which two must be available.
//
// Nodes are not cordoned: that would keep every workload of the cluster away
// from them, and so would a mistake in undoing it. A cordon only adds that no
// replacement lands on the same node, which makes no difference to the
// service's pods.
//
// The account needs the rights to create pods/eviction, to get and list pods, and to list
// poddisruptionbudgets. Without the last, only the timeout shows that a budget refuses for
// good.
package eviction
