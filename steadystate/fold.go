package steadystate

// A Fold computes the figures of a signal over windows of time from its
// observations in their order, one by one, in memory that depends on their
// rate and on the settle time but not on their number. [Timeline] is for those
// that fit into memory and come in any order.
type Fold struct {
	good    Tolerance
	windows []*view
	gaps    gaps
	outages outages
	total   *bundle // of so many as show a total outage
	partial *bundle // of so many as show that of the smallest backend; nil: it is not known
}

// view is what a fold knows of one window.
type view struct {
	Figures
	blind   blind
	partial blind
}

// NewFold begins a fold; record is the whole time observed, which bounds
// outages that are open at its ends.
func NewFold(good Tolerance, rule Rule, record Span, windows ...Span) *Fold {
	f := &Fold{
		good:    good,
		gaps:    newGaps(record),
		outages: newOutages(good, rule, record),
		total:   newBundle(rule.total()),
	}
	if n := rule.partial(); n > 0 {
		f.partial = newBundle(n)
	}
	for _, w := range windows {
		f.windows = append(f.windows, &view{Figures: Figures{Window: w, rule: rule}, blind: newBlind(w), partial: newBlind(w)})
	}
	return f
}

// Add takes in an observation. None may come before one that was added: see
// [Observation.Compare].
func (f *Fold) Add(o Observation) {
	good, bad := o.Good(f.good), o.Bad(f.good)
	f.gaps.add(o, good, bad)
	var total, partial Span
	var totals, partials bool
	if good || bad {
		f.outages.add(o)
		total, totals = f.total.add(o.Span)
		if f.partial != nil {
			partial, partials = f.partial.add(o.Span)
		}
	}
	for _, w := range f.windows {
		if totals {
			w.blind.add(total)
		}
		if partials {
			w.partial.add(partial)
		}
		switch of(o, w.Window) {
		case Held:
			w.count(o, f.good)
		case Unknown:
			w.Doubtful++
		}
	}
}

// of says whether an observation is one of the window: it began there, as a
// request that was sent, or it failed there, as one that was under way when a
// fault came and was cut off by it. When one that began before and timed out
// there failed is unknown. A value of its whole span must lie there: a rate that
// reaches from one window into another is of neither.
func of(o Observation, w Span) Verdict {
	switch {
	case w.From <= o.From && o.From <= w.To && (!o.Whole || o.To <= w.To):
		return Held
	case o.Failed == "" || o.Whole || o.From > w.From || o.To < w.From:
		return Broken
	case o.Failed == TimedOut:
		return Unknown
	case o.To <= w.To:
		return Held
	}
	return Broken
}

// Outages ends the fold: those of the whole record, in order.
func (f *Fold) Outages() []Outage { return f.outages.end() }

// Figures ends the fold: one for each window.
func (f *Fold) Figures() []Figures {
	gaps, outages := f.gaps.end(), f.Outages()
	var list []Figures
	for _, w := range f.windows {
		w.Resolution = w.blind.resolution()
		if f.partial != nil {
			w.PartialResolution = PartialResolution{Share: w.rule.Smallest, Length: w.partial.resolution()}
		}
		w.conclude(outages, gaps)
		list = append(list, w.Figures)
	}
	return list
}
