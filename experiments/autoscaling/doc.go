// Package autoscaling judges what a HorizontalPodAutoscaler did about a fault
// or a load, from the events that were recorded of it: where it lost its time,
// and whether it kept what its own spec implies.
//
//	fault → lag → decision → actuation → ready → relieved        undone → back
//
//	experiment.Expectations = []record.Expectation{
//		autoscaling.Expect("checkout scales", "shop", "checkout",
//			"decision <= 45s", "ready <= 90s since fault", "replicas >= 4", "back <= 5m"),
//	}
//	experiment.Judgers = []judge.Judger{autoscaling.Judger{}}
//	...
//	for _, d := range autoscaling.Decompose(result) {
//		fmt.Print(d)
//	}
//
// Every state of the autoscaler began at some instant in the span of its event,
// so that each stage is known between bounds. A limit on it is broken only if
// the best case breaks it, and held only if the worst case holds. A stage
// that was not reached took at least until then; of one that could not be seen
// there is no figure but a reason.
//
// # What its own spec implies
//
// These are judged without any limit: that it scales out while the fault is on,
// unless a limit on replicas says that it shall not; that sizes are within min
// and max; that each step is within the policies of its behavior; that no step
// down is inside its stabilization window; that no step is against what its
// metrics ask; that it is not held back by its max, with all its pods ready,
// while they ask for more: neither when the fault ends, nor for more than half
// of it, nor for longer than a limit lets a decision take; that it can scale;
// that it changes its direction at most once, unless a limit on turns says
// otherwise; and that it is back at the old size when the record ends, unless a
// limit on back says when it must be. A step that may have been decided before
// the fault or after it, or was made by hand, does not answer it.
//
// # Pods that are not ready, metrics that are missing
//
// The ratio that an autoscaler tells is of the pods that it measured. For its
// decision the controller counts those not ready and those without the metric
// as 0 % when it would scale up, and those without it as what they request when
// it would scale down; if that reverses the direction, the size stays. An object's
// or an external value is multiplied with the pods that are ready. Without one
// of its metrics it may scale up and never down. See
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
// Which pods were counted how, the API does not show. A step, or none, is
// broken if it contradicts the metrics however they were, held if it does not,
// and else unknown.
//
// # A second reading
//
// The autoscaler's own metric cannot be trusted alone. An expectation may name a
// signal, what the pods use of the CPU that they request as a share (1 is all
// of it), by another instrument. It is compared with the first metric of the
// spec that is a share of CPU: if it is above 1.5 times the target for half a
// minute of the fault, no more than 5 s of which at a time are unknown, and the autoscaler's own metric is not seen above its
// target by then, the autoscaler is late, and its decision counts from when it
// should have seen it. Where its spec came to have another target of CPU, or none,
// in that time, what it should have done is unknown.
//
// How often the controller looks, its tolerance, and its window for steps down
// are flags of the controller. The API does not show them, and nothing here
// pretends to know them: what depends on one that the spec does not say is
// unknown, or not judged. Metrics are those that the autoscaler says it saw:
// resource, container resource, pods, object and external ones alike, each by
// its ratio to its target.
package autoscaling
