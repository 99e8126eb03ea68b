package autoscaling

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An overdue is a second reading of the pods' CPU that contradicts an
// autoscaler whose own metric did not move.
type overdue struct {
	start steadystate.Span // the latest time by which it should have seen it
	text  string           // both readings, for people
}

// sustained is how long a second reading must be above the target before the
// autoscaler's own is late: twice the age of a metric, and of a look at it, by
// the defaults of Kubernetes.
const sustained = 30 * time.Second

// late compares an independent reading with the autoscaler's own metric, which
// cannot be trusted alone: where the pods used more than the target, beyond
// every tolerance, and its own metric stayed, it is late from when they did.
// The doubt is why that is undecided although they used more.
func (h *history) late(c judge.TimeSeries) (late *overdue, doubt string) {
	before := h.before(h.t0.From)
	i, target := before.utilisation()
	if i < 0 || len(c.Samples) == 0 || before.desired >= before.max {
		return nil, ""
	}
	is, start, until, ok := h.above(c, target)
	if !ok {
		return nil, ""
	}
	due := start.To + sustained
	said := before.loads()[i]
	if said.over() {
		return nil, ""
	}
	for _, s := range h.after() {
		if s.at.From > due {
			continue
		}
		if s.own && s.desired > s.from {
			return nil, ""
		}
		i, now := s.utilisation()
		switch {
		case doubt != "":
		case i < 0:
			doubt = fmt.Sprintf("its spec had no target of CPU any more at %s", s.at)
		case now != target:
			doubt = fmt.Sprintf("its target of CPU was changed from %.0f%% to %.0f%% at %s", target*100, now*100, s.at)
		case s.loads()[i].over():
			return nil, ""
		case s.at.To <= due:
			said = s.loads()[i]
		}
	}
	text := fmt.Sprintf("%s was at least %.0f%% (target %.0f%%) from %s to %s",
		c.Signal, is*100, target*100, steadystate.Instant(start.To), steadystate.Instant(until))
	if doubt != "" {
		return nil, text + ", but " + doubt
	}
	return &overdue{start: start, text: text + ", while the autoscaler's own metric said " + said.text}, ""
}

// maxGap is the longest unobserved gap in a stretch above the target. An
// autoscaler sees a mean over 15 s by the defaults of Kubernetes, and pods at
// 1.5 times the target that rest for a third of that are at the target.
const maxGap = 5 * time.Second

// above is the first stretch of the fault in which the reading is certainly
// above the target for [sustained]: its minimum, the span of its start, and its
// end.
func (h *history) above(c judge.TimeSeries, target float64) (least float64, start steadystate.Span, until time.Duration, ok bool) {
	under, known, began := h.t0.From, time.Duration(0), false
	long := func() bool { return began && until-start.To >= sustained }
	for _, x := range c.Samples {
		if x.To < h.t0.From || x.To > h.until() || x.Unknown {
			continue
		}
		low := x.Low <= target*aboveTolerance
		if low || x.From-known > maxGap {
			if long() {
				break
			}
			began = false
		}
		switch {
		case low:
			under = x.From
		case !began:
			began, least, until = true, x.Low, x.From
			start = steadystate.Span{From: max(h.t0.From, min(under, x.To)), To: x.To}
		default:
			least, until = min(least, x.Low), x.From
		}
		known = max(known, x.To)
	}
	return least, start, until, long()
}

// utilisation is the first metric that is a share of the pods' CPU requests, by
// index, and its target as a share; -1: there is none. A container's metric is
// a different quantity.
func (s state) utilisation() (i int, target float64) {
	for i, m := range s.spec.Metrics {
		if of := m.Resource; of != nil && of.Name == corev1.ResourceCPU && ptr.Deref(of.Target.AverageUtilization, 0) > 0 {
			return i, float64(*of.Target.AverageUtilization) / 100
		}
	}
	return -1, 0
}
