package kubewatch

// The kinds of event that are recorded, beside [experiments.EventReady] and
// [experiments.EventGone]. Subjects are pod/namespace/name,
// replicaset/namespace/name and endpoint/namespace/pod; an endpoint's UID is
// its pod's.
const (
	EventExists      = "exists"      // it was there when the watch began
	EventCreated     = "created"     // it is new
	EventScheduled   = "scheduled"   // the pod has a node
	EventStarted     = "started"     // all of the pod's containers run
	EventRestarted   = "restarted"   // a container of the pod was started again
	EventNotReady    = "not ready"   // the pod is no longer ready
	EventTerminating = "terminating" // the object is marked for deletion
	EventAdded       = "added"       // the endpoint takes traffic
	EventRemoved     = "removed"     // the endpoint takes no traffic any more
	EventScaled      = "scaled"      // the replica set wants another number of pods
	EventBlind       = "blind"       // of the span nothing is known; the subject is watch/namespace/kind
)
