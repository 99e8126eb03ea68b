package readiness

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

func TestScaling(t *testing.T) {
	says := func(status corev1.ConditionStatus, reason string) []autoscalingv2.HorizontalPodAutoscalerCondition {
		return []autoscalingv2.HorizontalPodAutoscalerCondition{
			{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue},
			{Type: autoscalingv2.ScalingActive, Status: status, Reason: reason, Message: "why"},
		}
	}
	for _, c := range []struct {
		says       string
		conditions []autoscalingv2.HorizontalPodAutoscalerCondition
		active     bool
		want       string
	}{
		{"it has its metric", says(corev1.ConditionTrue, "ValidMetricFound"), true, ""},
		{"it has none yet", says(corev1.ConditionFalse, "FailedGetResourceMetric"), true, "ScalingActive is False, not True: FailedGetResourceMetric: why"},
		{"it can have none, and knows", says(corev1.ConditionFalse, "FailedGetResourceMetric"), false, ""},
		{"it had one before and has not looked again", says(corev1.ConditionTrue, "ValidMetricFound"), false, "ScalingActive is True, not False"},
		{"it has not looked", nil, true, "has not looked yet"},
		{"it has not looked, and could not know", nil, false, "has not looked yet"},
	} {
		t.Run(c.says, func(t *testing.T) {
			err := scaling(c.conditions, c.active)
			if c.want == "" && err != nil {
				t.Errorf("%v", err)
			}
			if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
