// Package kube observes the state of a Kubernetes cluster: as sources for a
// hypothesis, and as changes with bounds on when each happened.
//
// A watch reports changes quickly, but cannot prove that nothing changed: a silent
// stream may be broken. A read proves the state, but only at intervals. So a [Watch]
// does both: it reads once a second and watches in between, and each read proves that
// the watch is alive. A change from the watch happened after the last read that still
// showed the old state, and before it arrived. An API server that does not answer is
// detected within a second or two, and recorded as a gap.
//
//	checkout := kube.Workload{Kind: kube.Deployment, Namespace: "shop", Name: "checkout"}
//	check := steadystate.Check{
//		Name: "all replicas ready", Signal: "replicas", Good: steadystate.AtLeast(1),
//	}
//	signal := steadystate.Signal{
//		Name:     "replicas",
//		Source:   kube.Replicas(client, checkout),
//		Describe: "ready / desired pods of " + checkout.String(),
//	}
//
//	rolledOut := kube.Rollout(client, checkout) // 1 when the newest revision is complete
//
//	state, err := checkout.Read(ctx, client)
//	reason := state.Unsettled()             // "" when at rest
//	uid, err := kube.Identity(ctx, client)                       // which cluster is this?
//	versions, err := kube.Versions(ctx, config)
//
// A [Workload] is a Deployment, a StatefulSet, a DaemonSet, or a Rollout of Argo
// Rollouts (package argo). kind.go has the differences between them. To add a kind, add
// its name to record.WorkloadKinds as well, so that its rollouts unsettle a service. A
// custom resource also needs its types in the client's scheme (scheme.go of
// experiments/chaosmesh), and a patch by paths in experiments/rollout: the API server
// merges none of its lists.
//
// Create the client with [NewClient]: a controller-runtime client that neither ends a
// watch nor delays reads. For reads alone, any client.Reader works.
package kube
