package chaosmesh

// The kinds of event that this package records, beside [experiments.EventGone]
// of a victim. Subjects are PodChaos/namespace/name and pod/namespace/name.
const (
	// EventCreating is written before the object is created, so that a record
	// names everything that its run may have left behind.
	EventCreating = "creating"
	// EventCreated: the API server has the object.
	EventCreated = "created"
	// EventInjected: Chaos Mesh's records say that every target is injected.
	EventInjected = "injected"
	// EventTerminating: the victim is marked for deletion.
	EventTerminating = "terminating"
	// EventRemoved: the object is gone from the API server.
	EventRemoved = "removed"
)
