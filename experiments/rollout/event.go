package rollout

// The kinds of event that this package records of a workload, besides those of
// package experiments. The subject is that of [kube.Workload].
const (
	// EventChanging is written before the workload is changed, so that a record
	// names everything that its run may have left behind; container, image and
	// previous, if the change is one of an image.
	EventChanging = "changing"
	// EventRolledOut: the rollout is complete and the pods before it are gone.
	EventRolledOut = "rolled out"
	// EventRolledBack: the rollout of the previous image is complete and the pods
	// of the bad one are gone.
	EventRolledBack = "rolled back"
)
