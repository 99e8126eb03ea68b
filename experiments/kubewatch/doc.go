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
// It also records the Kubernetes Events on these objects, as events of kind
// [record.EventKubernetes]: every Warning, and of the Normal ones those that say
// what was done to a pod, such as Killing. So the record has the words of the
// scheduler, the kubelet and the controllers. The span of such an event reaches from
// the Event's stamp, which has a resolution of 1 s and is by the clock of the
// component that published it, to when it was seen, and is at least 1 s long.
// Events that are counted up are recorded again, the same words about the same
// object at most every 10 s, and at most 300 in a run; the record says how many
// more there were. Kubernetes drops Events under load, so that none was seen proves
// nothing, and a run that cannot see them goes on: the record notes it.
//
// The account needs the rights to list and watch the followed objects: in the
// namespace pods, replicasets.apps, endpointslices.discovery.k8s.io,
// horizontalpodautoscalers.autoscaling,
// verticalpodautoscalers.autoscaling.k8s.io, the kinds of the workloads followed (see
// kube.Kinds) and events.events.k8s.io; and nodes in the cluster. Without the right to
// see Events or nodes, or without the API of vertical autoscalers, the record notes it
// and the rest is followed.
//
// A kind of object is one entry in [Observer] and one pure function in its own
// file, from two states of an object to the events between them.
package kubewatch
