package recovery

// The stages of a recovery. A replaced pod passes Left, Removed, Created and
// the stages after it; one that recovers in place Stopped, NotReady, Removed,
// Undone, and those of Started, Ready and Added that it had lost.
const (
	Fault     = "fault"               // it took effect: T0
	Left      = "victim leaves"       // it is marked for deletion, gone or failed
	Stopped   = "containers stopped"  // the first of them
	NotReady  = "not ready"           // the victim, by its own readiness
	Removed   = "endpoint removed"    // from the last of its slices: the victim gets no more traffic
	Undone    = "fault undone"        // where the victim was ready only after that
	Created   = "replacement created" // by the victim's owner
	Scheduled = "scheduled"           // the replacement has a node
	Started   = "containers started"  // all of them
	Ready     = "ready"               // the replacement, or the victim in place
	Added     = "endpoint added"      // to the first of its slices
	Answered  = "first good answer"   // from the pod that is back, at the first attempt
	Restored  = "hypothesis good"     // the end of the last outage that belongs to the fault
)
