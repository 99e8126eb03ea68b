package autoscaling

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A load is one metric of the spec with what the status says of it.
type load struct {
	ratio float64 // of what it is to its target
	text  string  // both, for people
	basis basis
	known bool
	lost  bool // the autoscaler could not read it
}

// over reports whether the metric is above its target.
func (l load) over() bool { return l.known && l.ratio > 1+rounding }

// loads are the metrics of the spec. One that the status says nothing of is
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

// now is what the status says of a metric of the spec: the one in its place,
// else the one of its name.
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

// size is how many pods it desired when it looked.
func (s state) size() int {
	if s.own {
		return s.from
	}
	return s.current
}

// aboveTolerance is how far above its target a metric must be to be beyond the
// controller's tolerance whatever that is. It is a flag that the API does not
// show, and 0.1 by default.
const aboveTolerance = 1.5

// rounding is what the float arithmetic here may be off by.
const rounding = 1e-9

// high says whether the autoscaler would desire more pods by what it saw: Held
// if it certainly would, Broken if it certainly would not. Unknown comes with the
// reason.
func (s state) high() (v steadystate.Verdict, why string) {
	tolerance, stated := s.tolerance(true)
	// What it did with what it saw says what it took that for.
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

// beyond is [state.high] of one at its max: that it is not limited, it says of
// what it would want.
func (s state) beyond() (v steadystate.Verdict, why string) {
	v, why = s.high()
	if v == steadystate.Unknown && s.condition(autoscalingv2.ScalingLimited).Status == corev1.ConditionFalse {
		return steadystate.Broken, ""
	}
	return v, why
}

// capped reports whether its status says that it would scale out beyond its max
// or its policies. While a step down is stabilized, that is said of an earlier
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

// missing is why a metric is not known, in the autoscaler's words if it has
// some.
func (s state) missing(l load) string {
	if c := s.condition(autoscalingv2.ScalingActive); c.Status == corev1.ConditionFalse {
		return quote(c)
	}
	return l.text
}
