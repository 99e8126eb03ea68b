// Package kubeevents publishes what a run does to a workload as Kubernetes Events,
// which "kubectl describe deployment checkout" shows.
//
//	experiment.Safeguards = append(experiment.Safeguards, &kubeevents.Announcer{
//		Client: client, Workload: checkout, Experiment: experiment.Name,
//	})
//
// The reasons are [FaultInjected] (a Warning), [FaultRemoved] (Normal) and
// [FaultNotRemoved] (a Warning). A fault that is over at once, such as a kill, has
// only the first. A fault that hit nothing has no event.
//
// The events are of events.k8s.io/v1, the API whose events have an action and a
// reporting controller; kubectl and exporters also see them under core/v1. Object,
// reason, action and message are the same every time an experiment runs, so that
// tools which aggregate events group them. The run's ID is in a label. There is no
// related object, because each run hits other pods.
//
// Events are for people; nothing depends on them. An event that cannot be created is
// a note in the record. The account needs the right to create events.events.k8s.io in
// the workload's namespace. The API server deletes events after an hour by default.
package kubeevents
