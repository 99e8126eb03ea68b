package autoscaling

import (
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An overdue is what a second reading of the pods' CPU says of an autoscaler
// whose own metric did not move.
type overdue struct {
	start steadystate.Span // when it should have seen it at the latest
	text  string           // both readings, for people
}

// sustained is for how long a second reading must be above the target before
// the autoscaler's own is late: twice as long as by the defaults of Kubernetes
// a metric, and a look at it, are old.
const sustained = 30 * time.Second

// late compares an independent reading with what the autoscaler said of its
// metric. The metric that an autoscaler looks at is no alibi: where the pods
// used more than the target, beyond every tolerance, and its own metric stayed,
// it is late from when they did.
func (h *history) late(c judge.Course) *overdue {
	before := h.before(h.t0.From)
	i, target := before.spec.utilisation()
	if i < 0 || len(c.Samples) == 0 || before.status.DesiredReplicas >= before.spec.MaxReplicas {
		return nil
	}
	is, start, until, ok := h.above(c, target)
	if !ok {
		return nil
	}
	due := start.To + sustained
	for _, s := range h.after() {
		if s.at.From <= due && ((s.own && s.to > s.from) || s.moved(i)) {
			return nil
		}
	}
	if before.moved(i) {
		return nil
	}
	said := h.before(due).loads()[i]
	return &overdue{start: start, text: fmt.Sprintf("%s was at least %.0f%% (target %.0f%%) from %s to %s, while the autoscaler's own metric said %s",
		c.Signal, is*100, target*100, steadystate.Instant(start.To), steadystate.Instant(until), said.text)}
}

// above is the first stretch of the fault in which the reading is certainly
// above the target for [sustained]: the least it was, between which instants
// it began, and until when it was.
func (h *history) above(c judge.Course, target float64) (least float64, start steadystate.Span, until time.Duration, ok bool) {
	under, began := h.t0.From, false
	for _, x := range c.Samples {
		switch {
		case x.To < h.t0.From || x.To > h.until() || x.Unknown:
		case x.Low <= target*gross:
			if began && until-start.To >= sustained {
				return least, start, until, true
			}
			under, began = x.From, false
		case !began:
			began, least, until = true, x.Low, x.From
			start = steadystate.Span{From: max(h.t0.From, min(under, x.To)), To: x.To}
		default:
			least, until = min(least, x.Low), x.From
		}
	}
	return least, start, until, began && until-start.To >= sustained
}

// utilisation is the first metric that is a share of what the pods request of
// CPU, by its place, and its target as a share; -1: there is none. One of a
// container is of another quantity.
func (s spec) utilisation() (i int, target float64) {
	i = slices.IndexFunc(s.Metrics, func(m metric) bool {
		of := m.Resource
		return of != nil && of.Name == "cpu" && of.Target.AverageUtilization != nil && of.Target.AverageUtilization.value > 0
	})
	if i >= 0 {
		target = s.Metrics[i].source().Target.AverageUtilization.value / 100
	}
	return i, target
}

// moved reports whether the autoscaler said of a metric that it is above its
// target.
func (s state) moved(i int) bool {
	loads := s.loads()
	return i < len(loads) && loads[i].known && loads[i].ratio > 1+rounding
}
