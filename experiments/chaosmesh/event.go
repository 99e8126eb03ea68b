package chaosmesh

// The kinds of event that this package records of its objects, and of pods
// beside those of package experiments. Subjects are PodChaos/namespace/name and
// pod/namespace/name.
const (
	// EventCreating is written before the object is created, so that a record
	// names everything that its run may have left behind.
	EventCreating = "creating"
	// EventCreated: the API server has the object.
	EventCreated = "created"
	// EventInjected: Chaos Mesh's records say that every target is injected.
	EventInjected = "injected"
	// EventRecovered: Chaos Mesh's records say that every target is recovered.
	EventRecovered = "recovered"
	// EventRemoved: the object is gone from the API server.
	EventRemoved = "removed"
)
