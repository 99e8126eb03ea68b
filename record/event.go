package record

import "github.com/aftershockhq/aftershock/steadystate"

// An Event happened to its subject at some instant within its span: a pod was deleted,
// a process started, an alert fired.
type Event struct {
	steadystate.Span
	// Kind says what happened: one of the Event constants, for events that this
	// module records.
	Kind string `json:"kind"`
	// Subject is the affected object, as kind/namespace/name or the closest
	// form. Subjects are pod/namespace/name, replicaset/namespace/name,
	// deployment/namespace/name, statefulset/namespace/name,
	// daemonset/namespace/name, rollout/namespace/name (of Argo Rollouts),
	// endpoint/namespace/pod, hpa/namespace/name, vpa/namespace/name, node/name, watch/namespace/resource, process/name, and
	// event/pod/namespace/name of a Kubernetes Event about a pod.
	Subject string `json:"subject"`
	// UID distinguishes subjects with the same name. An endpoint's is its pod's.
	UID   string            `json:"uid,omitempty"`
	Attrs map[string]string `json:"attrs,omitempty"` // by the Attr constants
}

// The kinds of event in the life of a pod, in their usual order. Processes have
// EventReady and EventGone, nodes EventReady and EventNotReady, and other objects
// EventExists, EventCreated, EventTerminating and EventGone. Each comment ends with the
// attributes of the event.
const (
	EventExists        = "exists"        // the object existed when the watch began; owner, node, revision
	EventCreated       = "created"       // the object was created; owner, revision
	EventUnschedulable = "unschedulable" // the scheduler finds no node for the pod; reason, message
	EventScheduled     = "scheduled"     // the pod has a node; node
	EventStopped       = "stopped"       // a running container has stopped; container, reason, code
	EventWaiting       = "waiting"       // a container cannot start; container, reason such as ErrImagePull, message
	EventNotReady      = "not ready"     // the pod is no longer ready to serve
	EventFailed        = "failed"        // the pod's phase is Failed; reason such as Evicted
	EventRestarted     = "restarted"     // a container was restarted; container, restarts, reason, code
	EventStarted       = "started"       // all of the pod's containers run, for the first time or again; ip
	EventReady         = "ready"         // the subject became ready to serve, for the first time or again; node, ip
	EventTerminating   = "terminating"   // the object is marked for deletion; reason, if it is a disruption
	EventGone          = "gone"          // the subject with this UID no longer exists
)

// The kinds of event of a pod as an endpoint of a service, of a replica set, and
// of a watch.
const (
	EventAdded   = "added"   // the endpoint takes traffic; service, slice, address
	EventRemoved = "removed" // the endpoint no longer takes traffic; service, slice, address
	EventScaled  = "scaled"  // the replica set's desired replicas changed; from, to
	EventGap     = "blind"   // nothing is known about the span; reason
)

// The kind of event of a workload (Deployment, StatefulSet, DaemonSet, Rollout) and of
// an autoscaler.
const (
	EventChanged = "changed" // the spec or status changed; replicas, existing, ready, updated, or spec, status
)

// EventKubernetes is a Kubernetes Event: what the scheduler, the kubelet or a
// controller says about an object. The subject is event/ and that of the object, the
// UID is the object's. The span reaches from the Event's stamp to when it was seen;
// reason, message, count, container, by.
const EventKubernetes = "Kubernetes Event"

// The kinds of event of a pod that appears while a fault with follow is held.
const (
	EventFollowed    = "followed"     // the fault was renewed on the pod; by
	EventNotFollowed = "not followed" // the fault could not be renewed on the pod; by, reason
)

// The kinds of event of a fault itself.
const (
	EventEvicted    = "evicted"     // the eviction of the pod was granted, which is when the fault took effect
	EventEndedEarly = "ended early" // the fault ended before it was undone; reason
	EventUnproven   = "unproven"    // the fault's object is gone, and nothing shows that its effect is gone from the pod; by
)

// EventAborting means that the abort condition abort/NAME, its subject, was met within
// the span while a fault was in place; reason.
const EventAborting = "abort condition met"

// The kinds of event of a fault's pods, as the fault observes them. EventGap on such a
// pod means that within the span it is unknown whether another fault hit it, or whether
// more pods joined.
const (
	EventNotHit     = "not hit"    // the pod joined while the fault was held, and was not hit
	EventAlsoHit    = "also hit"   // another fault hit the pod, too; by
	EventUnsurveyed = "unsurveyed" // the account may not list some kinds of faults; once for all pods of the fault; reason
)

// The attributes of events.
const (
	AttrBy        = "by"        // the object of the renewed fault, or of the other fault; the component that published a Kubernetes Event
	AttrOwner     = "owner"     // the owner of a pod or a replica set, as kind/name: ReplicaSet/checkout-7bb9879ff8
	AttrRevision  = "revision"  // the label of the pod's template: pod-template-hash=7bb9879ff8
	AttrNode      = "node"      // the node's name
	AttrIP        = "ip"        // the pod's address
	AttrContainer = "container" // the container's name
	AttrRestarts  = "restarts"  // the container's number of restarts so far
	AttrReason    = "reason"    // Kubernetes' reason: Error, OOMKilled, Evicted, EvictionByEvictionAPI
	AttrMessage   = "message"   // the message with that reason, from the scheduler, the kubelet or a controller
	AttrCount     = "count"     // how often a Kubernetes Event has happened, if more than once
	AttrCode      = "code"      // the exit code, 137 for a kill
	AttrService   = "service"   // the service's name
	AttrSlice     = "slice"     // the endpoint slice's name
	AttrAddress   = "address"   // the endpoint's address
	AttrDesired   = "replicas"  // the workload's desired replicas
	AttrExisting  = "existing"  // its existing pods, of any revision
	AttrReady     = "ready"     // how many of those are ready
	AttrUpdated   = "updated"   // how many of those have the desired revision
	AttrSpec      = "spec"      // an autoscaler's spec in the API's JSON; only if it changed
	AttrStatus    = "status"    // its status in the API's JSON
)

// WorkloadKinds returns the kinds of workload, as the first part of an event's subject.
// Changes of other kinds do not unsettle a service.
func WorkloadKinds() []string { return []string{"deployment", "statefulset", "daemonset", "rollout"} }
