package steadystate

import "time"

// A Fold computes the figures of a signal over windows of time, from one
// observation after the other, in order. Its memory depends on their rate and on
// the settle time, not on their number.
type Fold struct {
	good    Tolerance
	sampled bool // the observations are of requests
	windows []*view
	gaps    gaps
	outages outages
	total   *bundle // of as many observations as a total outage must meet
	partial *bundle // of as many as an outage of the smallest backend must meet; nil: its share is unknown
}

// view is the state of one window.
type view struct {
	Figures
	total   longestGap
	partial longestGap
	sent    bool // a slow request counts only if it was sent in the window
}

// NewFold starts a fold. record is the whole observed time, which bounds outages
// still open at its ends.
func NewFold(good Tolerance, rule Rule, record Span, windows ...Span) *Fold {
	f := &Fold{
		good:    good,
		sampled: rule.ByChance,
		gaps:    newGaps(record),
		outages: newOutages(good, rule, record),
		total:   newBundle(rule.total()),
	}
	if n := rule.partial(); n > 0 {
		f.partial = newBundle(n)
	}
	for _, w := range windows {
		f.windows = append(f.windows, &view{Figures: Figures{Window: w, rule: rule, distinct: samples{each: rule.ByChance}}, total: newLongestGap(w), partial: newLongestGap(w)})
	}
	return f
}

// Add adds the next observation. Observations must come in the order of
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
			w.total.add(total)
		}
		if partials {
			w.partial.add(partial)
		}
		switch of(o, f.sampled && bad && !w.sent, w.Window) {
		case Held:
			w.count(o, f.good)
			if o.From < w.Window.From && o.Failed == "" {
				w.early++
			}
		case Unknown:
			w.Doubtful++
		}
	}
}

// SlowIfSent has a slow request count in the i-th window only if it was sent there, also
// if it was answered there. What was sent before is then another window's, as what a
// fault delayed is after its end.
func (f *Fold) SlowIfSent(i int) { f.windows[i].sent = true }

// Cut ends each window at an instant that no observation so far began after: what
// begins later is of none.
func (f *Fold) Cut(at time.Duration) {
	for _, w := range f.windows {
		if w.Window.To <= at {
			continue
		}
		w.Window.To = max(w.Window.From, at)
		w.total.cut(w.Window.To)
		w.partial.cut(w.Window.To)
	}
}

// of says whether an observation belongs to the window: if it began there, as a
// request sent in the window did, or was bad there, as a request in flight that a
// fault cut off or delayed was. If it began earlier and timed out there, when it
// failed is unknown. A bad value that is not of a request was bad at some instant of
// its span, which may lie before the window. A value that covers its whole span
// must lie within the window: a rate that reaches from one window into another
// belongs to neither.
func of(o Observation, late bool, w Span) Verdict {
	switch {
	case w.From <= o.From && o.From <= w.To && (!o.Whole || o.To <= w.To):
		return Held
	case o.Failed == "" && !late || o.Whole || o.From > w.From || o.To < w.From:
		return Broken
	case o.Failed == TimedOut:
		return Unknown
	case o.To <= w.To:
		return Held
	}
	return Broken
}

// Outages ends the fold and returns all outages of the record, in order.
func (f *Fold) Outages() []Outage { return f.outages.end() }

// Figures ends the fold and returns the figures of each window.
func (f *Fold) Figures() []Figures {
	gaps, outages := f.gaps.end(), f.Outages()
	var list []Figures
	for _, w := range f.windows {
		w.Resolution = w.total.resolution()
		if f.partial != nil {
			w.PartialResolution = PartialResolution{Share: w.rule.Smallest, Length: w.partial.resolution()}
		}
		w.conclude(outages, gaps)
		list = append(list, w.Figures)
	}
	return list
}
