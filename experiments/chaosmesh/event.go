package chaosmesh

// The kinds of event that this package records about its objects and about pods, besides
// those of packages record and faults. Subjects are PodChaos/namespace/name and
// pod/namespace/name.
const (
	// EventCreated: the API server has the object.
	EventCreated = "created"
	// EventInjected: Chaos Mesh's records say that every target is injected.
	EventInjected = "injected"
	// EventRecovered: Chaos Mesh's records say that every target is recovered.
	EventRecovered = "recovered"
	// EventRemoved: the object is gone from the API server.
	EventRemoved = "removed"
)
