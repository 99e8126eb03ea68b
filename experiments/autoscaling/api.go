package autoscaling

import (
	"fmt"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

// The reasons of ScalingLimited while it would scale out further. The
// controller defines them; the API's package does not name them.
const (
	tooMany = "TooManyReplicas" // the max limits it
	tooFast = "ScaleUpLimit"    // a policy limits it
)

// rules are the scaling rules for steps up or down; empty where the spec has
// none.
func (s state) rules(up bool) autoscalingv2.HPAScalingRules {
	behavior := ptr.Deref(s.spec.Behavior, autoscalingv2.HorizontalPodAutoscalerBehavior{})
	if up {
		return ptr.Deref(behavior.ScaleUp, autoscalingv2.HPAScalingRules{})
	}
	return ptr.Deref(behavior.ScaleDown, autoscalingv2.HPAScalingRules{})
}

// tolerance is that of steps up or down; ok: the spec sets it.
func (s state) tolerance(up bool) (tolerance float64, ok bool) {
	if q := s.rules(up).Tolerance; q != nil {
		return q.AsApproximateFloat64(), true
	}
	return 0, false
}

func (s state) condition(of autoscalingv2.HorizontalPodAutoscalerConditionType) autoscalingv2.HorizontalPodAutoscalerCondition {
	for _, c := range s.status.Conditions {
		if c.Type == of {
			return c
		}
	}
	return autoscalingv2.HorizontalPodAutoscalerCondition{}
}

// quote is a condition in the autoscaler's own words.
func quote(c autoscalingv2.HorizontalPodAutoscalerCondition) string {
	text := fmt.Sprintf("%s %s", c.Type, c.Status)
	if c.Reason != "" {
		text += ", " + c.Reason
	}
	if c.Message != "" {
		text += ": " + c.Message
	}
	return text
}

// nameOf identifies a metric within a spec. A pod resource has no owner.
func nameOf(kind autoscalingv2.MetricSourceType, metric, owner string) string {
	name := strings.ToLower(string(kind)) + " " + metric
	if owner != "" {
		name += " of " + owner
	}
	return name
}

// targetOf is the name and the target of a metric of the spec.
func targetOf(m autoscalingv2.MetricSpec) (name string, target autoscalingv2.MetricTarget) {
	metric, owner := "", ""
	switch {
	case m.Resource != nil:
		metric, target = string(m.Resource.Name), m.Resource.Target
	case m.ContainerResource != nil:
		metric, owner, target = string(m.ContainerResource.Name), m.ContainerResource.Container, m.ContainerResource.Target
	case m.Pods != nil:
		metric, target = m.Pods.Metric.Name, m.Pods.Target
	case m.Object != nil:
		of := m.Object.DescribedObject
		metric, owner, target = m.Object.Metric.Name, of.Kind+"/"+of.Name, m.Object.Target
	case m.External != nil:
		metric, target = m.External.Metric.Name, m.External.Target
	}
	return nameOf(m.Type, metric, owner), target
}

// currentOf is the name and the current value of a metric of the status.
func currentOf(m autoscalingv2.MetricStatus) (name string, current autoscalingv2.MetricValueStatus) {
	metric, owner := "", ""
	switch {
	case m.Resource != nil:
		metric, current = string(m.Resource.Name), m.Resource.Current
	case m.ContainerResource != nil:
		metric, owner, current = string(m.ContainerResource.Name), m.ContainerResource.Container, m.ContainerResource.Current
	case m.Pods != nil:
		metric, current = m.Pods.Metric.Name, m.Pods.Current
	case m.Object != nil:
		of := m.Object.DescribedObject
		metric, owner, current = m.Object.Metric.Name, of.Kind+"/"+of.Name, m.Object.Current
	case m.External != nil:
		metric, current = m.External.Metric.Name, m.External.Current
	}
	return nameOf(m.Type, metric, owner), current
}

// A figure is a metric's amount in one of its forms; no text: missing.
type figure struct {
	value float64
	text  string
}

// figures are all forms of an amount. A target has one; its status has that one
// and perhaps others.
func figures(utilization *int32, amounts ...*resource.Quantity) []figure {
	list := make([]figure, 1+len(amounts))
	if utilization != nil {
		list[0] = figure{float64(*utilization), fmt.Sprintf("%d%%", *utilization)}
	}
	for i, q := range amounts {
		if q != nil {
			list[1+i] = figure{q.AsApproximateFloat64(), q.String()}
		}
	}
	return list
}
