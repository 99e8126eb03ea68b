// Package kube makes the state of a Kubernetes cluster observable: as sources
// of a hypothesis, and as changes, each dated by what is known of when it
// happened.
//
// A watch tells what changed, soon, but not that nothing changed: a stream
// that is silent may be broken. A read tells what is, but only now and then.
// So a [Watch] does both: it reads once a second and watches in between. Each
// read is the proof of life. A change that the watch brings happened after the
// last read that still showed the state before, and before it arrived; and
// when the API server is away that is known within a second or two, and said.
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
// A Deployment, a StatefulSet and a DaemonSet are each a [Workload]. All that
// differs between them is in one file, kind.go: a further kind is an entry there.
//
// The client is controller-runtime's: make it with [NewClient], so that it
// neither ends a watch nor dates what is read too late. For reading only, any
// client.Reader will do.
package kube
