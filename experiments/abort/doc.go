// Package abort ends a run when it goes too far: once an abort condition is no
// longer met, or can no longer be observed, the faults are undone at once.
//
//	experiment.Safeguards = append(experiment.Safeguards, &abort.Conditions{
//		Unless: []abort.Condition{
//			{Name: "half of it is up", Signal: "replicas", Good: steadystate.AtLeast(0.5), For: 5 * time.Second},
//		},
//	})
//
// The conditions are on signals of the run's own record, and so every observation
// counts as soon as it is recorded. They are in force from the first injection
// until the faults are undone: before, the service must be steady anyway, and
// after there is nothing to end.
//
// The record has an event [record.EventAborting] of each breach, in the span of the
// observation that showed it, written when it was seen. The undoing begins with
// the recover phase; each removal's span begins with the request for it.
package abort
