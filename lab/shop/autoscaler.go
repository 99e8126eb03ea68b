package shop

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The autoscaler is made for a base of 40 requests a second and a surge to four times as many, not for 100 and 400: a request
// takes [checkoutWork] of processor time, payments take a third as much again, and there are two cores for all of it, the load
// itself included.
//
//	40/s   42m in each of two pods: half of the target
//	160/s  336m in all: four pods near the target, and too much for three
//
// Two pods become four if they take more than 270m and up to 362m, a fifth less to a thirteenth more, and five above. More than
// 297m is too much for three, by more than the tolerance.
//
// A pod that is left alone, since the other died while they scaled out, serves the surge with two thirds of its limit. At 200 a
// second it would be five sixths, which leaves little to catch up with.
//
// Stress of every pod fills its limit, which asks for all five too.
const (
	minReplicas = 2
	maxReplicas = 5

	// The target is 75 % of the request: 90m.
	cpuRequest = "120m"
	cpuTarget  = 75
	cpuLimit   = "500m"
)

// Scales says whether an autoscaler decides how many pods of checkout there are.
func (d Defect) Scales() bool {
	switch d {
	case Autoscaled, NoRequests, MaxTooLow, ScaleDownTooEager:
		return true
	}
	return false
}

// ScalesOut says whether a surge gets the pods that it needs.
func (d Defect) ScalesOut() bool { return d == Autoscaled || d == ScaleDownTooEager }

// ScalesBack says whether pods that a surge brought go when its window has passed: not if none came, or they go at once.
func (d Defect) ScalesBack() bool { return d == Autoscaled || d == MaxTooLow }

// available is how many pods of checkout an eviction must leave.
func (d Defect) available() int32 {
	if d.Scales() {
		return minReplicas - 1
	}
	return 2
}

// autoscaler is that of checkout. Its behavior is said aloud: by the defaults of most clusters a pod goes after five minutes.
func autoscaler(defect Defect) *autoscalingv2.HorizontalPodAutoscaler {
	hpa := &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: meta(Service),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: Service},
			MinReplicas:    new(int32(minReplicas)),
			MaxReplicas:    maxReplicas,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name:   corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(cpuTarget))},
				},
			}},
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				// All that is needed at once.
				ScaleUp: rules(0, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PodsScalingPolicy, Value: 4, PeriodSeconds: 15}),
				// As low as it may go, once nothing has asked for more for 35 s: a rest of twelve seconds between two surges is in
				// two looks of metrics-server, twenty seconds, and from what the autoscaler saw before them to what it sees at
				// their end it is no more than twenty-eight. A run is back at its start within 65 s: 42 s to 54 s were seen.
				ScaleDown: rules(35, autoscalingv2.HPAScalingPolicy{Type: autoscalingv2.PercentScalingPolicy, Value: 100, PeriodSeconds: 15}),
			},
		},
	}
	switch defect {
	case MaxTooLow:
		hpa.Spec.MaxReplicas = 3
	case ScaleDownTooEager:
		// Seen by two surges of half a minute or more, with ten to fifteen seconds of the base between them: one look of
		// metrics-server, which is every ten seconds, is then mostly of the rest, and all pods but two go, to be missed at once.
		hpa.Spec.Behavior.ScaleDown.StabilizationWindowSeconds = new(int32(0))
	}
	return hpa
}

// rules are one policy for a direction. The window is in seconds: what was recommended last for that long counts too. The
// tolerance is the controller's own, said aloud: its flag cannot be read, and a metric right above the target would be undecided.
func rules(window int32, policy autoscalingv2.HPAScalingPolicy) *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: &window,
		SelectPolicy:               new(autoscalingv2.MaxChangePolicySelect),
		Policies:                   []autoscalingv2.HPAScalingPolicy{policy},
		Tolerance:                  new(resource.MustParse("0.1")),
	}
}
