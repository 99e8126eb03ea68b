// Package kube makes the state of a Kubernetes cluster observable: as sources of
// a hypothesis, and as changes, each with bounds on when it happened.
//
// A watch reports changes soon, but not that nothing changed: a silent stream
// may be broken. A read shows the state, but only now and then. So a [Watch]
// does both: it reads once a second and watches in between. Each read is the
// proof of life. A change from the watch happened after the last read that still
// showed the state before it, and before it arrived. An API server that does not
// answer is detected within a second or two, and recorded as a gap.
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
// A Deployment, a StatefulSet and a DaemonSet are each a [Workload]. kind.go has
// their differences as objects. Another kind also needs its word in
// record.WorkloadKinds, so that its rollouts unsettle a service. One that is not
// Kubernetes' own needs its types in the client's scheme, [Workloads] that skips
// it where it is not installed, and a patch in experiments/rollout other than a
// strategic one.
//
// The client is controller-runtime's: make it with [NewClient], so that it
// neither ends a watch nor dates reads too late. For reading alone, any
// client.Reader works.
package kube
