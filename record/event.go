package record

import "github.com/aftershockhq/aftershock/steadystate"

// An Event is something that happened at some instant in its span, to a
// subject: a pod deleted, a process started, an alert fired.
type Event struct {
	steadystate.Span
	// Kind says what happened: one of the Event constants, for events that this
	// module records.
	Kind string `json:"kind"`
	// Subject is the affected object, as kind/namespace/name or the closest
	// form. Subjects are pod/namespace/name, replicaset/namespace/name,
	// deployment/namespace/name, statefulset/namespace/name,
	// daemonset/namespace/name, endpoint/namespace/pod, hpa/namespace/name,
	// vpa/namespace/name, node/name, watch/namespace/resource, process/name.
	Subject string `json:"subject"`
	// UID distinguishes subjects with the same name. An endpoint's is its pod's.
	UID   string            `json:"uid,omitempty"`
	Attrs map[string]string `json:"attrs,omitempty"` // by the Attr constants
}

// The kinds of event in the life of a pod, in their usual order. Processes also
// have EventReady and EventGone, nodes EventReady and EventNotReady, and other
// objects EventExists, EventCreated, EventTerminating and EventGone.
const (
	EventExists        = "exists"        // it was there when the watch began; owner, node
	EventCreated       = "created"       // it is new; owner
	EventUnschedulable = "unschedulable" // the scheduler finds no node for the pod; reason, message
	EventScheduled     = "scheduled"     // the pod has a node; node
	EventStopped       = "stopped"       // a running container has stopped; container, reason, code
	EventWaiting       = "waiting"       // a container cannot be started; container, reason such as ErrImagePull, message
	EventNotReady      = "not ready"     // the pod is no longer ready to serve
	EventFailed        = "failed"        // the pod's containers have ended for good; reason such as Evicted
	EventRestarted     = "restarted"     // a container was started again; container, restarts, reason, code
	EventStarted       = "started"       // all of the pod's containers run, at first or again; ip
	EventReady         = "ready"         // the subject is ready to serve, at first or again; node, ip
	EventTerminating   = "terminating"   // it is marked for deletion; reason, if it is a disruption
	EventGone          = "gone"          // the subject with this UID no longer exists
)

// The kinds of event of a pod as an endpoint of a service, of a replica set, and
// of a watch.
const (
	EventAdded   = "added"   // the endpoint takes traffic; service, slice, address
	EventRemoved = "removed" // the endpoint no longer takes traffic; service, slice, address
	EventScaled  = "scaled"  // the replica set's number of desired pods changed; from, to
	EventGap     = "blind"   // the span is unknown; reason
)

// The kind of event of a workload (a deployment, a stateful set, a daemon set) and
// of an autoscaler.
const (
	EventChanged = "changed" // its spec or status changed; replicas, existing, ready, updated, or spec, status
)

// The kinds of event of a pod that appears while a following fault is held.
const (
	EventFollowed    = "followed"     // the fault was renewed on it; by
	EventNotFollowed = "not followed" // the fault could not be renewed on it; by, reason
)

// The kinds of event of a fault itself.
const (
	EventEvicted    = "evicted"     // the eviction of the pod was granted, which is when the fault took effect
	EventEndedEarly = "ended early" // the fault was over before it was undone; reason
)

// EventAborting is the event of a condition under which the run is aborted, of the
// subject abort/NAME: it was met by what was seen in the span, while a fault was in
// place; reason.
const EventAborting = "abort condition met"

// The kinds of event of a fault's pods, as the fault observes them. EventGap of
// such a pod: in the span it is unknown whether another fault was in it, or
// whether further pods came.
const (
	EventNotHit     = "not hit"    // the pod came while the fault was held, and was not hit
	EventAlsoHit    = "also hit"   // another fault is in the pod; by
	EventUnsurveyed = "unsurveyed" // the account has no right to look for some faults of others; once for all pods of the fault; reason
)

// The attributes of events.
const (
	AttrBy        = "by"        // the object that renewed the fault, or that of the other fault
	AttrOwner     = "owner"     // the pod's owner, as kind/name: ReplicaSet/checkout-7bb9879ff8
	AttrNode      = "node"      // the node's name
	AttrIP        = "ip"        // the pod's address
	AttrContainer = "container" // the container's name
	AttrRestarts  = "restarts"  // the container's number of restarts so far
	AttrReason    = "reason"    // why, in Kubernetes' word: Error, OOMKilled, Evicted, EvictionByEvictionAPI
	AttrMessage   = "message"   // the same in a sentence, by whoever decided it
	AttrCode      = "code"      // the exit code, 137 for a kill
	AttrService   = "service"   // the service's name
	AttrSlice     = "slice"     // the endpoint slice's name
	AttrAddress   = "address"   // the endpoint's address
	AttrDesired   = "replicas"  // how many pods the workload desires
	AttrExisting  = "existing"  // how many it has, of any kind
	AttrReady     = "ready"     // how many of those are ready
	AttrUpdated   = "updated"   // how many of those have the desired revision
	AttrSpec      = "spec"      // an autoscaler's spec, as the JSON of its API; only if it changed
	AttrStatus    = "status"    // its status, as the JSON of its API
)

// WorkloadKinds are the kinds of a service's workload, as the subjects of events
// begin with them. A change of another kind does not unsettle a service.
func WorkloadKinds() []string { return []string{"deployment", "statefulset", "daemonset"} }
