// Package autoscaling judges what a HorizontalPodAutoscaler did about a fault
// or a load, from the events that were recorded of it: where it lost its time,
// and whether it kept what its own spec implies.
//
//	fault → lag → decision → actuation → ready → relieved        undone → back
//
//	experiment.Expectations = []experiments.Expectation{
//		autoscaling.Expect("checkout scales", "shop", "checkout",
//			"decision <= 45s", "ready <= 90s since fault", "replicas >= 4", "back <= 5m"),
//	}
//	experiment.Judgers = []experiments.Judger{autoscaling.Judger{}}
//	...
//	for _, d := range autoscaling.Decompose(result) {
//		fmt.Print(d)
//	}
//
// Every state of the autoscaler began at some instant in the span of its event,
// so that each stage is known between bounds. A limit on it is broken only if
// the kindest reading breaks it, and held only if the harshest holds. A stage
// that was not reached took at least until then; of one that could not be seen
// there is no figure but a reason.
//
// # What its own spec implies
//
// These are judged without any limit: that it scales out, unless a limit on
// replicas says that it shall not; that sizes are within min and max; that each
// step is within the policies of its behavior; that no step down is inside its
// stabilization window; that no step is against what its metrics ask; that it
// is not held back by its max while they ask for more; that it can scale; that
// it changes its direction at most once, unless a limit on turns says
// otherwise; and that it is back at the old size when the record ends, unless a
// limit on back says when it must be.
//
// How often the controller looks, its tolerance, and its window for steps down
// are flags of the controller. The API does not show them, and nothing here
// pretends to know them: what depends on one that the spec does not say is
// unknown, or not judged. Metrics are those that the autoscaler says it saw:
// resource, container resource, pods, object and external ones alike, each by
// its ratio to its target.
package autoscaling
