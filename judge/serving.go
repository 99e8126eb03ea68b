package judge

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A serving is what a target's own traffic signal shows in a stretch before a
// fault. Without a load it shows whether the target serves.
type serving struct {
	steadystate.Span
	signal      string
	when        string // for people, if it is not right before the fault
	seen, above int    // known values, and those above zero
	sum         float64
	unknown     int
	why         string // the reason of the first unknown one
}

// add adds an observation that lies entirely in the stretch: a rate that reaches
// back before it may describe the time before.
func (s *serving) add(o steadystate.Observation) {
	switch {
	case o.From < s.From || o.To >= s.To:
	case o.Unknown != "":
		s.unknown++
		s.why = cmp.Or(s.why, o.Unknown)
	default:
		s.seen++
		if o.Failed == "" && o.Bounds().Low > 0 {
			s.above++
			s.sum += o.Bounds().Low
		}
	}
}

// mean is the mean of the known values; zero without any.
func (s *serving) mean() float64 { return s.sum / float64(max(1, s.seen)) }

// enough says how often the signal was above zero, and whether that is enough, given
// what others served in the same stretch.
func (s *serving) enough(others iter.Seq[*serving]) (text string, enough bool) {
	text = fmt.Sprintf("%s was above zero in %d of %d observations %s", s.signal, s.above, s.seen, before(s.when, s.Span))
	if s.above >= steadystate.MinObservations {
		sum, n := 0.0, 0
		for o := range others {
			if o.signal != s.signal && o.seen > 0 {
				sum, n = sum+o.mean(), n+1
			}
		}
		if n > 0 && s.mean() < fair*sum/float64(n) {
			text += fmt.Sprintf(", but with a mean of %.4g served less than a quarter of the %.4g of the others", s.mean(), sum/float64(n))
			return text, false
		}
		return text, true
	}
	text += fmt.Sprintf(", wanted at least %d", steadystate.MinObservations)
	if s.unknown > 0 {
		text += fmt.Sprintf("; %d say nothing (%s)", s.unknown, s.why)
	}
	return text, false
}

// settled is the stretch up to an instant in which a target's signal must show
// that it serves: the settle time, or the time it takes to observe the signal,
// plus the span of a value that ends when the stretch begins. It starts no
// earlier than calm.
func (b *reorderBuffer) settled(calm, at, settle time.Duration) steadystate.Span {
	width := steadystate.SettleTime(steadystate.Check{}, false, settle, b.spacing(at), 0) + b.whole
	return steadystate.Span{From: min(at, max(calm, at-width)), To: at}
}

// hasLoad reports whether a load's requests show which targets serve.
func hasLoad(p *record.Plan) bool { return p.Load != "" || len(p.Stages) > 0 }

// ofTraffic reports whether the signal is a target's own traffic.
func ofTraffic(p *record.Plan, signal string) bool {
	return p != nil && p.Traffic != "" && strings.HasPrefix(signal, record.TargetSignal(p.Traffic, ""))
}

// idle names a target whose own traffic did not show it to serve.
func (g *Gate) idle(targets []record.Target, now time.Duration) string {
	of := map[string]*serving{}
	serves := func(signal string) *serving {
		f := g.signal(signal)
		s := &serving{signal: signal, Span: f.buffer.settled(g.calm, now, g.plan.Settle)}
		for _, o := range f.traffic {
			s.add(o)
		}
		return s
	}
	for signal := range g.signals {
		if ofTraffic(g.plan, signal) {
			of[signal] = serves(signal)
		}
	}
	for _, t := range targets {
		if text, enough := serves(record.TargetSignal(g.plan.Traffic, t.Name)).enough(maps.Values(of)); !enough {
			return text
		}
	}
	return ""
}

// newServing prepares to judge whether the targets serve. A target that came
// after the first fault is judged by its traffic since then, before its own
// injection or while the fault was held. It may have the name of a pod that is
// gone.
func (j *judge) newServing() {
	for _, i := range j.Injections {
		of := map[string]*serving{}
		for _, t := range i.Targets {
			s := &serving{signal: record.TargetSignal(j.plan.Traffic, t.Name)}
			s.Span = j.buffer(s.signal).settled(j.calm(), j.Window.From, j.plan.Settle)
			if p := i.pods[t.UID]; p != nil && p.joined(j.Window.From) {
				s.Span = steadystate.Span{From: max(p.from.To, i.From-s.Width()), To: i.From}
				if !i.OneShot {
					s.To = j.until(i).From
				}
				s.when = fmt.Sprintf("from %s to %s", steadystate.Instant(s.From), steadystate.Instant(s.To))
			}
			of[s.signal] = s
		}
		j.servings = append(j.servings, of)
	}
	j.ownTraffic = map[string]*serving{}
	for signal, b := range j.buffers {
		if ofTraffic(j.plan, signal) {
			j.ownTraffic[signal] = &serving{signal: signal, Span: b.settled(j.calm(), j.Window.From, j.plan.Settle)}
		}
	}
}

// serves says whether a target of an injection serves. What one that came after the
// first fault has of the traffic is not compared: it may have just begun.
func (j *judge) serves(injection int, t record.Target) (text string, enough bool) {
	others := maps.Values(j.ownTraffic)
	if p := j.Injections[injection].pods[t.UID]; p != nil && p.joined(j.Window.From) {
		others = maps.Values(map[string]*serving{})
	}
	return j.servings[injection][record.TargetSignal(j.plan.Traffic, t.Name)].enough(others)
}

// A mean is the mean of a signal's values.
type mean struct {
	sum float64
	n   int
}

// served adds an observation of a target's own traffic, in the first pass.
func (j *judge) served(signal string, o steadystate.Observation) {
	if !ofTraffic(j.plan, signal) || o.Unknown != "" || o.Failed != "" || j.faulted(o.To) {
		return
	}
	m := j.means[signal]
	j.means[signal] = mean{m.sum + o.Bounds().Low, m.n + 1}
}

// smallestServing is the smallest share of the traffic that one target had
// before the fault; zero if none is known. A probe that meets targets by chance
// may also meet one that serves nothing, so the share is at most an equal split.
func (j *judge) smallestServing() float64 {
	least, sum := math.Inf(1), 0.0
	for _, m := range j.means {
		if rate := m.sum / float64(m.n); rate > 0 {
			least, sum = min(least, rate), sum+rate
		}
	}
	if sum == 0 {
		return 0
	}
	return min(least/sum, 1/float64(len(j.means)))
}
