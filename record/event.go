package record

import "github.com/aftershockhq/aftershock/steadystate"

// An Event is something that happened at some instant in its span, to a
// subject: a pod deleted, a process started, an alert fired.
type Event struct {
	steadystate.Span
	// Kind says what happened, one of the Event constants for what this module
	// records.
	Kind string `json:"kind"`
	// Subject is what it happened to: kind/namespace/name, or what is closest
	// to it. Subjects are pod/namespace/name, replicaset/namespace/name,
	// deployment/namespace/name, statefulset/namespace/name,
	// daemonset/namespace/name, endpoint/namespace/pod, hpa/namespace/name,
	// vpa/namespace/name, node/name, watch/namespace/resource, process/name.
	Subject string `json:"subject"`
	// UID tells subjects of one name apart. An endpoint's is its pod's.
	UID   string            `json:"uid,omitempty"`
	Attrs map[string]string `json:"attrs,omitempty"` // by the Attr constants
}

// The kinds of event in the life of a pod, in the order in which it passes
// them. EventReady and EventGone are recorded of processes too, EventReady and
// EventNotReady of nodes, EventExists, EventCreated, EventTerminating and
// EventGone of other objects.
const (
	EventExists      = "exists"      // it was there when the watch began; owner, node
	EventCreated     = "created"     // it is new; owner
	EventScheduled   = "scheduled"   // the pod has a node; node
	EventStopped     = "stopped"     // a container that ran does not; container, reason, code
	EventWaiting     = "waiting"     // a container cannot be started; container, reason, ErrImagePull for instance
	EventNotReady    = "not ready"   // the pod is no longer ready to serve
	EventFailed      = "failed"      // the pod's containers have ended for good; reason, Evicted for instance
	EventRestarted   = "restarted"   // a container was started again; container, restarts, reason, code
	EventStarted     = "started"     // all of the pod's containers run, at first or again; ip
	EventReady       = "ready"       // the subject is ready to serve, at first or again; node, ip
	EventTerminating = "terminating" // it is marked for deletion; reason, if it is a disruption
	EventGone        = "gone"        // the subject with this UID is no more
)

// The kinds of event of a pod as an endpoint of a service, of a replica set,
// and of a watch.
const (
	EventAdded   = "added"   // the endpoint takes traffic; service, slice, address
	EventRemoved = "removed" // the endpoint takes no traffic any more; service, slice, address
	EventScaled  = "scaled"  // the replica set wants another number of pods; from, to
	EventGap     = "blind"   // the span is unknown; reason
)

// The kind of event of a workload (a deployment, a stateful set, a daemon set) and
// of an autoscaler.
const (
	EventChanged = "changed" // it is to be another, or is in another state; replicas, existing, ready, updated, or spec, status
)

// The kinds of event of a pod that appears while a fault is held that follows.
const (
	EventFollowed    = "followed"     // the fault was renewed on it; by
	EventNotFollowed = "not followed" // it could not be; by, reason
)

// The kinds of event of a fault itself.
const (
	EventEvicted    = "evicted"     // the eviction of the pod was granted, which is when the fault befell it
	EventEndedEarly = "ended early" // the fault was over before it was undone; reason
)

// The kinds of event of the pods of a fault, as the fault sees them. EventGap
// of such a pod: whether another fault was in it, or whether further pods came,
// could not be seen in the span.
const (
	EventNotHit     = "not hit"    // the pod came while the fault was held, and it was not in it
	EventAlsoHit    = "also hit"   // another fault is in the pod; by
	EventUnsurveyed = "unsurveyed" // the account has no right to look for some faults of others; once for all pods of the fault; reason
)

// The attributes of events.
const (
	AttrBy        = "by"        // the object that renewed the fault, or the one of the other fault
	AttrOwner     = "owner"     // what made the pod, as kind/name: ReplicaSet/checkout-7bb9879ff8
	AttrNode      = "node"      // the node's name
	AttrIP        = "ip"        // the pod's address
	AttrContainer = "container" // the container's name
	AttrRestarts  = "restarts"  // how often the container was started again by now
	AttrReason    = "reason"    // why, in Kubernetes' word: Error, OOMKilled, Evicted, EvictionByEvictionAPI
	AttrCode      = "code"      // the exit code, 137 for a kill
	AttrService   = "service"   // the service's name
	AttrSlice     = "slice"     // the endpoint slice's name
	AttrAddress   = "address"   // the endpoint's address
	AttrDesired   = "replicas"  // how many pods the workload desires
	AttrExisting  = "existing"  // how many it has, of any kind
	AttrReady     = "ready"     // how many of those are ready
	AttrUpdated   = "updated"   // how many of those are of the revision that they are to be of
	AttrSpec      = "spec"      // what an autoscaler is asked for, as the JSON of its API; where it is another than before
	AttrStatus    = "status"    // what it says of itself, as the JSON of its API
)
