// Package kubeevents tells those who look at a workload what a run does to it, by
// Kubernetes Events: "kubectl describe deployment checkout" shows them.
//
//	experiment.Safeguards = append(experiment.Safeguards, &kubeevents.Announcer{
//		Client: client, Workload: checkout, Experiment: experiment.Name,
//	})
//
// The reasons are [FaultInjected] (a Warning), [FaultRemoved] (Normal) and
// [FaultNotRemoved] (a Warning). A fault that is over at once, as a kill is, is only
// injected; one of which nothing came about is not told.
//
// The events are those of events.k8s.io/v1, the API that has an action and names
// the reporting controller; kubectl and exporters see them under core/v1 as well.
// All but the time is the same each time that the experiment runs: object, reason,
// action and message, so that those who aggregate events count them as one. The run
// is a label. There is no related object, since the pods that are hit differ.
//
// An event is for people, and nothing rests on it: one that cannot be created is a
// note in the record. The account needs the right to create events.events.k8s.io in
// the workload's namespace. The cluster removes events by itself, after an hour by
// default.
package kubeevents
