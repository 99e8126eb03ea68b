// Package autoscaling judges a HorizontalPodAutoscaler's response to a fault or
// a load, from its recorded events: where it lost time, and whether it obeyed
// its own spec.
//
//	fault → lag → decision → actuation → ready → relieved        undone → back
//
//	experiment.Expectations = []record.Expectation{
//		autoscaling.Expect("checkout scales", "shop", "checkout",
//			"decision <= 45s", "ready <= 90s since fault", "replicas >= 4", "back <= 5m"),
//	}
//	experiment.Evaluators = []judge.Evaluator{autoscaling.Evaluator{}}
//	...
//	for _, d := range autoscaling.Decompose(result) {
//		fmt.Print(d)
//	}
//
// Each state of the autoscaler began at some instant in the span of its event,
// so each stage is known between bounds. A limit on a stage is broken only if
// the best case breaks it, and held only if the worst case holds. A stage that
// was not reached has a lower bound only; one that could not be observed has a
// reason instead of a figure.
//
// # What its own spec implies
//
// These are judged without any limit:
//
//   - It scales out while the fault is on, unless a limit on replicas forbids it.
//   - Its sizes are within min and max.
//   - Each step is within the policies of its behavior.
//   - No step down is inside its stabilization window.
//   - No step contradicts its metrics.
//   - Its max does not hold it back, with all its pods ready, while its metrics
//     ask for more: neither when the fault ends, nor for more than half of it,
//     nor for longer than a limit lets a decision take.
//   - It can scale.
//   - It changes direction at most once, unless a limit on turns says otherwise.
//   - It is back at the old size when the record ends, unless a limit on back
//     says when it must be.
//
// A manual step, or one that may have been decided before or after the fault,
// does not count as a response to the fault.
//
// # Pods that are not ready, metrics that are missing
//
// The ratio in an autoscaler's status covers the pods that it measured. For its
// decision the controller counts pods that are not ready or have no metric as
// 0 % when it would scale up, and pods without the metric as their full request
// when it would scale down; if that reverses the direction, the size stays. An
// object's or an external value is multiplied by the number of ready pods.
// Without one of its metrics it may scale up but never down. See
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details
// The API does not show how each pod was counted. A step, or its absence, is
// broken if it contradicts the metrics however the pods were counted, held if
// it never does, and otherwise unknown.
//
// # A second reading
//
// The autoscaler's own metric cannot be trusted alone. An expectation may name a
// signal from another instrument: the CPU that the pods use as a share of their
// request (1 is all of it). It is compared with the first metric of the spec
// that is a share of CPU. The autoscaler is late if the signal is above 1.5 times
// the target for half a minute of the fault, with gaps of at most 5 s, and its own
// metric is not above its target by then; its decision then counts from when it
// should have seen it. If its spec came to have another target of CPU, or none,
// in that time, what it should have done is unknown.
//
// The controller's sync period, its tolerance, and its window for steps down
// are flags of the controller, which the API does not show. A finding that
// depends on one that the spec does not state is unknown, or not judged. All
// kinds of metrics are judged alike by the ratio to their target that the
// status reports: resource, container resource, pods, object and external.
package autoscaling
