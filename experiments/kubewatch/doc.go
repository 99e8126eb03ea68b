// Package kubewatch records what Kubernetes does around an experiment: pods
// that come, become ready, stop, start again and go, the endpoints that a service sends traffic
// to, the sizes of replica sets and workloads, what autoscalers say of
// themselves, and nodes that come and go. A recovery is told from it stage by
// stage, that a victim, by its UID, is really gone, and what an autoscaler did
// about a load.
//
//	err = experiments.Experiment{
//		Observers: []experiments.Observer{kubewatch.Observer{
//			Client:    client,
//			Namespace: "shop",
//			Selector:  &metav1.LabelSelector{MatchLabels: map[string]string{"app": "checkout"}},
//			Services:  []string{"checkout"},
//			// What package autoscaling judges.
//			Autoscalers: []string{"checkout"},
//			Workloads:   []kube.Workload{checkout},
//		}},
//		...
//	}.Run(ctx, recorder)
//
// It is named after what it watches and what it does with it, to set it apart
// from package steadystate/kube: that one yields values, which a hypothesis is
// about and which are good or bad; this one records events, which are neither.
// Both see through the same [kube.Watch].
//
// Each event's span reaches from the last instant at which the state before is
// known to have been there to the arrival of the news. While the API server
// cannot be read, there is an event of kind [record.EventGap] over the whole gap, so
// that silence is not taken for rest.
//
// The account needs the rights to list and watch what is followed: in the
// namespace pods, replicasets.apps, endpointslices.discovery.k8s.io,
// horizontalpodautoscalers.autoscaling, verticalpodautoscalers.autoscaling.k8s.io
// and, of the workloads' kinds, deployments.apps, statefulsets.apps and
// daemonsets.apps; and nodes in the cluster. Without
// the right to see nodes, or without the API of vertical autoscalers, the
// record has a note of it and the rest is followed.
//
// A kind of object is one entry in [Observer] and one pure function in a file
// of its own, from two states of an object to what happened between them.
package kubewatch
