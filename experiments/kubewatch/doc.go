// Package kubewatch records the Kubernetes events of an experiment: pods that
// appear, become ready, stop, restart and go, the endpoints of a service, the
// sizes of replica sets and workloads, the status of autoscalers, and nodes
// that come and go. They show the stages of a recovery, that a victim, by its
// UID, is really gone, and how an autoscaler responded to a load.
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
// The name sets it apart from package steadystate/kube: that one yields values,
// which a hypothesis judges good or bad; this one records events, which are
// neither. Both read through the same [kube.Watch].
//
// Each event's span reaches from the last instant of the previous state to the
// arrival of the new one. While the API server cannot be read, an event of kind
// [record.EventGap] covers the whole gap, so that silence is not mistaken for
// calm.
//
// The account needs the rights to list and watch the followed objects: in the
// namespace pods, replicasets.apps, endpointslices.discovery.k8s.io,
// horizontalpodautoscalers.autoscaling,
// verticalpodautoscalers.autoscaling.k8s.io and, of the workloads' kinds,
// deployments.apps, statefulsets.apps and daemonsets.apps; and nodes in the
// cluster. Without the right to see nodes, or without the API of vertical
// autoscalers, the record notes it and the rest is followed.
//
// A kind of object is one entry in [Observer] and one pure function in its own
// file, from two states of an object to the events between them.
package kubewatch
