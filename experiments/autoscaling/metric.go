package autoscaling

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aftershockhq/aftershock/steadystate"
)

// source is what the metric is of, whatever its type.
func (m metric) source() source {
	return *cmp.Or(m.Resource, m.ContainerResource, m.Pods, m.Object, m.External, &source{})
}

// name tells the metrics of one spec apart.
func (m metric) name() string {
	s := m.source()
	text := cmp.Or(s.Name, s.Metric.Name)
	switch {
	case s.Container != "":
		text += " of " + s.Container
	case s.Object.Name != "":
		text += " of " + s.Object.Kind + "/" + s.Object.Name
	}
	return strings.ToLower(m.Type) + " " + text
}

// A load is one metric of the spec with what the status says of it.
type load struct {
	name  string
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
	for i, wanted := range s.spec.Metrics {
		l := load{name: wanted.name(), text: wanted.name() + " is not known", lost: true}
		if is := s.current(i, wanted); is != nil {
			target, now := wanted.source().Target, is.source().Current
			l.lost = false
			if wanted.Object != nil || wanted.External != nil {
				l.basis = allPods
				if target.AverageValue == nil {
					l.basis = readyPods
				}
			}
			for _, pair := range []struct {
				of, is *quantity
				unit   string
			}{
				{target.AverageUtilization, now.AverageUtilization, "%"},
				{target.AverageValue, now.AverageValue, ""},
				{target.Value, now.Value, ""},
			} {
				if pair.of != nil && pair.is != nil && pair.of.value > 0 {
					l.known, l.ratio = true, pair.is.value/pair.of.value
					l.text = fmt.Sprintf("%s %s%s (target %s%s)", l.name, pair.is.text, pair.unit, pair.of.text, pair.unit)
					break
				}
			}
		}
		list = append(list, l)
	}
	return list
}

// current is what the status says of a metric of the spec: the one in its
// place, else the one of its name.
func (s state) current(i int, wanted metric) *metric {
	same := func(m metric) bool { return m.Type == wanted.Type && m.name() == wanted.name() }
	list := s.status.CurrentMetrics
	if i < len(list) && same(list[i]) {
		return &list[i]
	}
	if i := slices.IndexFunc(list, same); i >= 0 {
		return &list[i]
	}
	return nil
}

func texts(loads []load) string {
	var list []string
	for _, l := range loads {
		list = append(list, l.text)
	}
	return strings.Join(list, ", ")
}

// size is how many pods it wanted to have when it looked.
func (s state) size() int {
	if s.own {
		return s.from
	}
	return s.status.CurrentReplicas
}

// gross is how far above its target a metric must be to be beyond the
// controller's tolerance whatever that is. It is a flag that the API does not
// show, and 0.1 by default.
const gross = 1.5

// rounding is what the float arithmetic here may be off by.
const rounding = 1e-9

// high says whether the autoscaler would want more pods by what it saw: Held if
// it certainly would, Broken if it certainly would not. For what is not known
// the reason is there.
func (s state) high() (v steadystate.Verdict, why string) {
	tolerance := -1.0
	if up := s.spec.up(); up != nil && up.Tolerance != nil {
		tolerance = up.Tolerance.value
	}
	// What it did with what it saw says what it took that for.
	more := (s.own && s.to > s.from) || s.greedy()
	enough := gross
	if tolerance >= 0 {
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
		case l.ratio > 1+rounding && tolerance < 0:
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
	if v == steadystate.Unknown && s.status.condition(scalingLimited).Status == "False" {
		return steadystate.Broken, ""
	}
	return v, why
}

// greedy reports whether it says that it would want more than it may. One that
// holds on to what it wanted before says so of that.
func (s state) greedy() bool {
	limited := s.status.condition(scalingLimited)
	return limited.Status == "True" && (limited.Reason == tooMany || limited.Reason == tooFast) &&
		s.status.condition(ableToScale).Reason != "ScaleDownStabilized"
}

// content reports whether it had all its pods, could have grown, and did not.
func (s state) content() bool {
	return s.full && !s.held() && s.status.condition(scalingLimited).Status == "False"
}

// held reports whether something other than its metrics may have kept it from
// growing.
func (s state) held() bool {
	return s.status.condition(ableToScale).Reason == "ScaleUpStabilized" || s.status.DesiredReplicas >= s.spec.MaxReplicas
}

// missing is why a metric is not known, in the autoscaler's words if it has
// some.
func (s state) missing(l load) string {
	if c := s.status.condition(scalingActive); c.Status == "False" {
		return c.quote()
	}
	return l.text
}
