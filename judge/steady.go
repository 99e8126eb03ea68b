package judge

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// settled is the stretch before the fault that shows the service without it: as
// long as the gate needs to call the check steady, and cut at the last restart
// of the settling. Baselines and effects compare with this stretch.
func (j *judge) settled(c steadystate.Check) steadystate.Span {
	at := j.Window.From
	b := j.buffer(c.Signal)
	from := max(j.calm(), at-steadystate.SettleTime(c, j.byChance(c.Signal), j.plan.Settle, b.spacing(at), b.widest))
	return steadystate.Span{From: min(from, at), To: at}
}

// settledFor is the longest settled stretch of a signal's checks. For a signal
// without a check it is the settle time, or the time it takes to observe the
// signal.
func (j *judge) settledFor(signal string) steadystate.Span {
	span := j.settled(steadystate.Check{Signal: signal})
	for _, c := range j.plan.Checks {
		if c.Signal == signal {
			span = span.Hull(j.settled(c))
		}
	}
	return span
}

// calm is the instant since when nothing moved around the service before the
// fault: the start of the settle phase, or the last rollout, restart or
// scaling.
func (j *judge) calm() time.Duration {
	if n := len(j.moves); n > 0 {
		return j.moves[n-1].To
	}
	settle, _ := j.phase(record.PhaseSettle)
	return settle.From
}

// restless finds the rollouts, restarts and scalings of the settle phase in the
// events.
func (j *judge) restless() {
	events := slices.Clone(j.Events)
	slices.SortStableFunc(events, func(a, b record.Event) int { return int(a.To - b.To) })
	settle, _ := j.phase(record.PhaseSettle)
	for _, e := range events {
		if e.To >= j.Window.From {
			break
		}
		if why := j.unrest.see(e); why != "" && e.To >= settle.From {
			j.moves = append(j.moves, steadystate.Restart{Span: steadystate.Instant(e.To), Why: why})
		}
	}
}

// prior replays the settling of a check and keeps the figures of the settled
// stretch.
type prior struct {
	*steadystate.Settling
	check   steadystate.Check
	sampled bool             // as requests do, which may be overdue when the fault comes
	window  steadystate.Span // up to the fault
	cut     bool             // the fold takes no more
	newFold func(window steadystate.Span) *steadystate.Fold
	fold    *steadystate.Fold
}

// Settling are the checks as the gate uses them: with a control run as the
// baseline, the stretch before the fault need not be long enough to be one.
func Settling(checks []steadystate.Check, baseline *record.Baseline) []steadystate.Check {
	checks = slices.Clone(checks)
	for i := range checks {
		if baseline != nil {
			checks[i].Limits = nil
		}
	}
	return checks
}

// newPrior follows a check up to the fault, with the limits that the gate had.
func (j *judge) newPrior(c steadystate.Check, rule steadystate.Rule) *prior {
	known := Settling(j.plan.Checks, j.plan.Baseline)[slices.IndexFunc(j.plan.Checks, func(p steadystate.Check) bool { return p.Name == c.Name })]
	settle, _ := j.phase(record.PhaseSettle)
	p := &prior{
		Settling: steadystate.NewSettling(known, rule.ByChance, j.plan.Settle, settle.From),
		check:    c,
		sampled:  rule.ByChance,
		window:   j.settled(c),
		newFold: func(window steadystate.Span) *steadystate.Fold {
			return steadystate.NewFold(c.Good, rule, steadystate.Span{To: j.watched}, window)
		},
	}
	for _, m := range j.moves {
		p.Begin(m.To, m.Why)
	}
	p.fold = p.newFold(p.window)
	return p
}

// add takes in an observation, in order.
func (p *prior) add(o steadystate.Observation) {
	// A poll during which the fault came saw the fault.
	if !p.sampled && o.To >= p.window.To && !o.Good(p.check.Good) {
		return
	}
	p.AddBefore(p.window.To, o)
	if since := p.Since(); since > p.window.From {
		// Observations before the restart do not count.
		p.window.From = min(since, p.window.To)
		p.fold, p.cut = p.newFold(p.window), false
	}
	// A request in flight when the fault came shows what the fault did. Without it
	// the fast ones of its time would be left, so the baseline ends before it. One
	// that was sent before the baseline is none of it.
	if p.sampled && !p.cut && !o.Whole && o.From >= p.window.From && o.To >= p.window.To {
		p.cut = true
		p.fold.Cut(o.From)
	}
	if !p.cut && o.From < p.window.To {
		p.fold.Add(o)
	}
}

// eve is the settle time before the fault.
func (j *judge) eve() steadystate.Span {
	return steadystate.Span{From: max(0, j.Window.From-j.plan.Settle), To: j.Window.From}
}

// steady: the service was in its steady state up to the fault, so the fault
// caused what followed. The test is the gate's own.
func (j *judge) steady() (seen string, missing lack) {
	if _, ok := j.phase(record.PhaseSettle); !ok {
		return "", lacks("the record has no settle phase")
	}
	if moving := j.unrest.open(); moving != "" {
		return "", lacks("when the fault came: %s", moving)
	}
	var texts []string
	for _, c := range j.checks {
		t := c.prior.At(j.Window.From)
		if t.Verdict != steadystate.Held {
			return "", lacks("%s: %s", c.Name, t.Why)
		}
		for _, o := range c.over(j.eve()).Outages {
			// An outage that may have ended before the settle time had ended for the
			// gate.
			if !o.Stray && o.Start.To < j.Window.From && o.End.From > j.eve().From {
				return "", lacks("%s: an outage from %s to %s, %d of %d bad: %s", c.Name, o.Start, o.End, o.Bad, o.Total, o.Reason)
			}
		}
		texts = append(texts, c.Name+": "+t.String())
	}
	return cmp.Or(strings.Join(texts, "; "), noCheck), lack{}
}
