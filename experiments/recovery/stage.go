package recovery

import (
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Stage is a step of a recovery that is reached at some instant.
type Stage string

// The stages of a recovery. A replaced pod passes Left, Removed, Created and
// what follows it; one that recovers in place Stopped, NotReady, Removed,
// Undone, and those of Started, Ready and Added that it had lost.
const (
	Fault     Stage = "fault"               // it took effect: T0
	Left      Stage = "victim leaves"       // it is marked for deletion, gone or failed
	Stopped   Stage = "containers stopped"  // the first of them
	NotReady  Stage = "not ready"           // the victim, by its own word
	Removed   Stage = "endpoint removed"    // from the last of its slices: nothing is sent to the victim any more
	Undone    Stage = "fault undone"        // where the victim was ready only after that
	Created   Stage = "replacement created" // by the victim's owner
	Scheduled Stage = "scheduled"           // the replacement has a node
	Started   Stage = "containers started"  // all of them
	Ready     Stage = "ready"               // whoever is to serve again
	Added     Stage = "endpoint added"      // to the first of its slices
	Answered  Stage = "first good answer"   // from whoever is back, at the first attempt
	Restored  Stage = "hypothesis good"     // the end of the last outage that belongs to the fault
)

// A Step is a stage of one recovery.
type Step struct {
	Stage Stage `json:"stage"`
	// Reached holds the instant; nil: it was not seen, and Note says why.
	Reached *steadystate.Span `json:"reached,omitempty"`
	// Since is the stage that this one waited for, the last of those that were
	// seen.
	Since Stage `json:"since,omitempty"`
	// Cost is how long after Since the stage was reached; nil: not known.
	Cost *steadystate.Bounds[time.Duration] `json:"cost,omitempty"`
	// Open: it was not reached when the record ended, so that Cost is what was
	// seen until then and the truth may lie beyond.
	Open bool   `json:"open,omitempty"`
	Note string `json:"note,omitempty"`
}
