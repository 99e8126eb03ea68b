package autoscaling

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A load is one metric of the spec with its value in the status.
type load struct {
	ratio float64 // of the value to its target
	text  string  // both, for people
	basis basis
	known bool
	lost  bool // the autoscaler could not read it
}

// over reports whether the metric is above its target.
func (l load) over() bool { return l.known && l.ratio > 1+rounding }

// loads are the metrics of the spec. A metric without a value in the status is
// lost: the autoscaler could not read it.
func (s state) loads() []load {
	var list []load
	for i, m := range s.spec.Metrics {
		name, target := targetOf(m)
		l := load{text: name + " is not known", lost: true}
		if now, ok := s.now(i, name); ok {
			l.lost = false
			if m.Object != nil || m.External != nil {
				l.basis = allPods
				if target.AverageValue == nil {
					l.basis = readyPods
				}
			}
			targets := figures(target.AverageUtilization, target.AverageValue, target.Value)
			for form, is := range figures(now.AverageUtilization, now.AverageValue, now.Value) {
				if of := targets[form]; is.text != "" && of.value > 0 {
					l.known, l.ratio = true, is.value/of.value
					l.text = fmt.Sprintf("%s %s (target %s)", name, is.text, of.text)
					break
				}
			}
		}
		list = append(list, l)
	}
	return list
}

// now is the status of a metric of the spec: the one at its index, else the one
// with its name.
func (s state) now(i int, name string) (now autoscalingv2.MetricValueStatus, ok bool) {
	list := s.status.CurrentMetrics
	if i < len(list) {
		list = append(slices.Clone(list[i:i+1]), list...)
	}
	for _, m := range list {
		if is, now := currentOf(m); is == name {
			return now, true
		}
	}
	return now, false
}

func texts(loads []load) string {
	var list []string
	for _, l := range loads {
		list = append(list, l.text)
	}
	return strings.Join(list, ", ")
}

// size is the desired number of pods at its last look.
func (s state) size() int {
	if s.own {
		return s.from
	}
	return s.current
}

// aboveTolerance is how far above its target a metric must be to exceed the
// controller's tolerance, whatever that is. It is a flag that the API does not
// show, and 0.1 by default.
const aboveTolerance = 1.5

// rounding is the possible error of the float arithmetic here.
const rounding = 1e-9

// high says whether the autoscaler would desire more pods given its metrics:
// Held if it certainly would, Broken if it certainly would not. Unknown comes
// with the reason.
func (s state) high() (v steadystate.Verdict, why string) {
	tolerance, stated := s.tolerance(true)
	// Its action shows how it interpreted the metrics.
	more := (s.own && s.desired > s.from) || s.capped()
	enough := aboveTolerance
	if stated {
		enough = 1 + tolerance
	}
	missing, within := "", ""
	for _, l := range s.loads() {
		switch {
		case !l.known:
			missing = s.missing(l)
		case l.worst(s.size(), s.pods) > enough+rounding, l.ratio > 1+rounding && more:
			return steadystate.Held, ""
		case l.ratio > enough+rounding:
			within = fmt.Sprintf("%s: %s, and with the others at 0 %% that is not certainly too much", l.text, s.pods)
		case l.ratio > 1+rounding && !stated:
			within = l.text + ": whether that is within the controller's tolerance, the API does not show"
		}
	}
	switch {
	case missing != "":
		return steadystate.Unknown, missing
	case len(s.spec.Metrics) == 0:
		return steadystate.Unknown, "its spec names no metric"
	case within == "", s.content():
		return steadystate.Broken, ""
	}
	return steadystate.Unknown, within
}

// beyond is [state.high] of an autoscaler at its max: the absence of a
// limitation describes the size it would desire.
func (s state) beyond() (v steadystate.Verdict, why string) {
	v, why = s.high()
	if v == steadystate.Unknown && s.condition(autoscalingv2.ScalingLimited).Status == corev1.ConditionFalse {
		return steadystate.Broken, ""
	}
	return v, why
}

// capped reports whether its status says that it would scale out beyond its max
// or its policies. While a step down is stabilized, that refers to an earlier
// recommendation and does not count.
func (s state) capped() bool {
	limited := s.condition(autoscalingv2.ScalingLimited)
	return limited.Status == corev1.ConditionTrue && (limited.Reason == tooMany || limited.Reason == tooFast) &&
		s.condition(autoscalingv2.AbleToScale).Reason != "ScaleDownStabilized"
}

// content reports whether it had all its pods, could have grown, and did not.
func (s state) content() bool {
	return s.full && !s.held() && s.condition(autoscalingv2.ScalingLimited).Status == corev1.ConditionFalse
}

// held reports whether something other than its metrics may have kept it from
// growing.
func (s state) held() bool {
	return s.condition(autoscalingv2.AbleToScale).Reason == "ScaleUpStabilized" || s.desired >= s.max
}

// missing is why a metric is unknown, in the autoscaler's words if there are
// some.
func (s state) missing(l load) string {
	if c := s.condition(autoscalingv2.ScalingActive); c.Status == corev1.ConditionFalse {
		return quote(c)
	}
	return l.text
}
