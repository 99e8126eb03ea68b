// Package eviction takes pods away the way a node that is drained does: it asks
// the API server to evict them. Unlike a kill, an eviction is graceful, and a
// PodDisruptionBudget may refuse it. What a budget refuses is data: the
// injection's shortfall, in the server's words.
//
//	cluster, err := chaosmesh.New(c, guard, chaosmesh.Patience{}) // for its guard; Chaos Mesh itself is not needed
//	drain := &eviction.Fault{
//		Client:  c,
//		Cluster: cluster,
//		Pods:    chaosmesh.Pods{Namespace: "shop", Selector: map[string]string{"app": "checkout"}},
//		Count:   chaosmesh.One,
//	}
//	err = experiments.Experiment{Faults: []experiments.Fault{drain}, ...}.Run(ctx, recorder)
//
// It needs the right to create pods/eviction, and to get and list pods.
package eviction
