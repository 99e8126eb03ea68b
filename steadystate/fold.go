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
}

// view is what a fold knows of one window.
type view struct {
	Figures
	blind blind
}

// NewFold begins a fold; record is the whole time observed, which bounds
// outages that are open at its ends.
func NewFold(good Tolerance, rule Rule, record Span, windows ...Span) *Fold {
	f := &Fold{
		good:    good,
		gaps:    newGaps(record),
		outages: outages{good: good, rule: rule, record: record},
	}
	for _, w := range windows {
		f.windows = append(f.windows, &view{Figures: Figures{Window: w, rule: rule}, blind: newBlind(w)})
	}
	return f
}

// Add takes in an observation. None may come before one that was added: see
// [Observation.Compare].
func (f *Fold) Add(o Observation) {
	good, bad := o.Good(f.good), o.Bad(f.good)
	f.gaps.add(o, good || bad)
	if good || bad {
		f.outages.add(o)
	}
	for _, w := range f.windows {
		if good || bad {
			w.blind.add(o.Span)
		}
		if within(o, w.Window) {
			w.count(o, f.good)
		}
	}
}

// within reports whether an observation is one of the window: it began there, as
// a request that was sent, or it failed there, as one that was under way when a
// fault came and may have been cut off by it. A value of its whole span must lie
// there: a rate that reaches from one window into another is of neither.
func within(o Observation, w Span) bool {
	if o.Failed != "" && !o.Whole {
		return o.Overlaps(w)
	}
	return w.From <= o.From && o.From <= w.To && (!o.Whole || o.To <= w.To)
}

// Outages ends the fold: those of the whole record, in order.
func (f *Fold) Outages() []Outage { return f.outages.end() }

// Figures ends the fold: one for each window.
func (f *Fold) Figures() []Figures {
	gaps, outages := f.gaps.end(), f.Outages()
	var list []Figures
	for _, w := range f.windows {
		w.Resolution = w.blind.resolution()
		w.conclude(outages, gaps)
		list = append(list, w.Figures)
	}
	return list
}
