// Package recovery shows which stage of a pod's recovery cost the time: a
// waterfall from the fault to the hypothesis good again.
//
//	fault → victim leaves → endpoint removed → replacement created → scheduled →
//	containers started → ready → endpoint added → first good answer → hypothesis good
//
// Every stage was reached at some instant in a span, so its duration is known
// between bounds, and the costliest stage is named only if its bounds lie above
// all others'. An unobserved stage has a reason instead of a figure; a stage
// that was not reached when the record ended took at least until then.
//
//	var history recovery.History
//	for entry, err := range record.Read(file) {
//		if err != nil {
//			return err
//		}
//		history.Take(entry)
//	}
//	for _, w := range history.Waterfalls(result.Checks) {
//		fmt.Print(w)
//	}
//
// A [History] keeps the events and the injections, and of the requests only the
// times of good answers by pod, so that its size does not grow with the load.
// It depends on the record's content, not on the order of arrival.
//
// # Victims and replacements
//
// A victim is a target that a fault took away or brought down: marked for
// deletion, gone or failed, its containers stopped, or no longer ready. One
// that goes is replaced by another pod; one that stays recovers in place and
// passes the stages that it had lost.
//
// Kubernetes does not say which pod replaces which. A pod with the same name
// does, as in a stateful set; otherwise the k-th pod that the victim's owner
// created replaces the k-th of its pods that left. With more than one of either
// this is a convention, and the waterfall's note says so. It affects which
// victim a duration belongs to, not the service's figures.
package recovery
