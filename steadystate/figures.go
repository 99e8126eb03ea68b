package steadystate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Figures sum up a timeline over one window of time.
type Figures struct {
	Window  Span `json:"window"`
	Good    int  `json:"good"`
	Bad     int  `json:"bad"`
	Unknown int  `json:"unknown"`
	// Failed counts the bad observations without a value, such as requests
	// without a good answer.
	Failed int `json:"failed"`
	// Doubtful observations began before the window and timed out in it: when
	// they failed is unknown. No other count includes them.
	Doubtful int `json:"doubtful,omitempty"`
	// Missing estimates the number of observations lost in the gaps, at the rate
	// around them.
	Missing int `json:"missing,omitempty"`
	// Resolution is the longest total outage that could have passed unseen, or
	// within the allowed share.
	Resolution time.Duration `json:"resolution"`
	// PartialResolution is the resolution for an outage of the smallest backend;
	// zero if its share of the answers is unknown.
	PartialResolution PartialResolution `json:"partialResolution,omitzero"`
	// Gaps are the stretches of the window without knowledge: the source said
	// so, or was silent for longer than chance explains. A gap reaches from the
	// start of the last observation before it to the end of the first one after
	// it, and may hide an outage of that length. Pauses, of at most 250 ms, are not
	// among them.
	Gaps []Span `json:"gaps,omitempty"`
	// UnknownTime is the time in gaps and pauses; it widens the downtime.
	UnknownTime time.Duration `json:"unknownTime"`
	// Outages that reach into the window, clipped to it.
	Outages []Outage `json:"outages,omitempty"`
	// Downtime is the time in outages, from the best to the worst case.
	Downtime Bounds[time.Duration] `json:"downtime"`

	values    BoundedValues // of the known observations with a value
	distinct  samples       // of the values and failures
	timeouts  BoundedValues // of the timed-out ones: the time they took, as a lower bound
	paused    time.Duration // what pauses add to the downtime at most
	undecided int           // unknown ones with a value, which did not fail
	reason    string        // of the first unknown one
	partial   string        // of the first partial value
	rule      Rule
	early     int    // slow requests that were sent before the window
	pinned    bool   // to one of several backends
	certain   int    // outages that certainly reach into the window
	more      int    // outages that the gaps may hide
	starts    []Span // of the outages, unclipped
	// Length of the longest outage. Low is the longest stretch that was
	// certainly bad, High the longest outage that the observed ones and the gaps
	// can form.
	longest Bounds[time.Duration]
}

// A PartialResolution is the longest outage of a share of the observations that
// could have passed unseen. A longer one is missed once in 10,000 cases.
type PartialResolution struct {
	Share  float64       `json:"share"`
	Length time.Duration `json:"length"`
}

// count adds an observation of the window.
func (f *Figures) count(o Observation, good Tolerance) {
	switch {
	case o.Good(good):
		f.Good++
	case o.Bad(good):
		f.Bad++
	default:
		f.Unknown++
		if f.reason == "" {
			f.reason = o.Undecided(good)
		}
		if o.Unknown == "" {
			f.undecided++
			f.distinct.add(o.Span)
			f.values.Add(o.Bounds())
			f.partial = cmp.Or(f.partial, o.Partial, o.Missing)
		}
		return
	}
	f.distinct.add(o.Span)
	switch o.Failed {
	case "":
		f.values.Add(o.Bounds())
		f.partial = cmp.Or(f.partial, o.Partial, o.Missing)
	case TimedOut:
		f.timeouts.Add(Bounds[float64]{Low: cmp.Or(o.Value, o.Width().Seconds()), High: math.Inf(1)})
		f.Failed++
	default:
		f.Failed++
	}
}

// independent is how many of n observations are samples of their own.
func (f Figures) independent(n int) int {
	if all := f.Observed() + f.undecided; all > f.distinct.n {
		return n * f.distinct.n / all
	}
	return n
}

// conclude adds the outages and the gaps of the whole record.
func (f *Figures) conclude(outages []Outage, gaps []gap) {
	var pauses []Span
	for _, g := range gaps {
		if g.accounted(outages) {
			continue
		}
		if g.pause() {
			pauses = append(pauses, clip(g.Span, f.Window))
			continue
		}
		f.Missing += g.missing(f.Window)
		if g.Overlaps(f.Window) {
			f.Gaps = append(f.Gaps, clip(g.Span, f.Window))
		}
	}
	unknown := union(f.Gaps)
	f.UnknownTime = width(joined(unknown, pauses))
	var seen []Span
	for _, o := range outages {
		if o.Start.From > f.Window.To || o.End.To < f.Window.From {
			continue
		}
		// An outage that touches the window's edge may have ended before the
		// window or begun after it.
		if !o.Stray && o.Start.To <= f.Window.To && o.End.From >= f.Window.From {
			f.certain++
		}
		f.starts = append(f.starts, o.Start)
		o.Start, o.End = clip(o.Start, f.Window), clip(o.End, f.Window)
		length := o.Length()
		o.Down = Bounds[time.Duration]{Low: min(o.Down.Low, length.High), High: min(o.Down.High, length.High)}
		f.Outages = append(f.Outages, o)
		seen = append(seen, Span{From: o.Start.From, To: o.End.To})
		for _, s := range f.certainly(o, unknown) {
			f.Downtime.Low += s.Width()
			f.longest.Low = max(f.longest.Low, s.Width())
		}
	}
	episodes := f.episodes(seen, unknown)
	for _, s := range episodes {
		f.longest.High = max(f.longest.High, s.Width())
	}
	f.Downtime.High = width(joined(episodes, pauses))
	f.paused = f.Downtime.High - width(episodes)
	for _, g := range unknown {
		f.more += f.mayHide(g, seen)
	}
}

// certainly returns the stretches of an outage that were certainly bad. It cuts
// out each gap at least as long as the settle time: the signal may have been
// good in it for that long. A stray has no certain stretch.
func (f Figures) certainly(o Outage, gaps []Span) []Span {
	if o.Stray || o.Start.To >= o.End.From {
		return nil
	}
	rest := Span{From: o.Start.To, To: o.End.From}
	var list []Span
	for _, g := range gaps {
		if g.Width() < f.rule.Settle || !g.Overlaps(rest) {
			continue
		}
		if g.From > rest.From {
			list = append(list, Span{From: rest.From, To: g.From})
		}
		if rest.From = g.To; g.To >= rest.To {
			return list
		}
	}
	return append(list, rest)
}

// episodes returns the longest outages that the observed ones and the gaps can
// form, in order. An outage within the settle time of a gap may continue into an
// outage that the gap hides.
func (f Figures) episodes(seen, gaps []Span) []Span {
	type part struct {
		Span
		gap bool
	}
	var parts []part
	for _, s := range seen {
		parts = append(parts, part{s, false})
	}
	for _, g := range gaps {
		parts = append(parts, part{g, true})
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.From, b.From) })
	var episodes []Span
	hidden := false // the last episode ends with a gap
	for _, p := range parts {
		near := time.Duration(0)
		if hidden || p.gap {
			near = f.rule.Settle
		}
		n := len(episodes)
		if n == 0 || p.From > episodes[n-1].To+near {
			episodes, hidden = append(episodes, p.Span), p.gap
			continue
		}
		if last := &episodes[n-1]; p.To >= last.To {
			last.To, hidden = p.To, p.gap || (hidden && p.To == last.To)
		}
	}
	return episodes
}

// mayHide is the number of further outages that a gap may hide: one at each end,
// if the gap leaves room for the settle time between them, and more between
// those. An outage within the settle time of an observed one is part of it.
func (f Figures) mayHide(g Span, seen []Span) int {
	if g.Width() <= 0 {
		return 0
	}
	settle := max(f.rule.Settle, time.Millisecond)
	least := settle
	for _, s := range seen {
		least = min(least, max(0, s.From-g.To, g.From-s.To))
	}
	// The observations at the ends of the gap were not bad.
	return int((g.Width()+least+settle-1)/settle) - 1
}

// hidden is the number of unknown and missing observations.
func (f Figures) hidden() int { return f.Unknown + f.Missing }

// valueless is the number of observations without a known value. Any of them may
// have failed.
func (f Figures) valueless() int { return f.hidden() - f.undecided }

// Ignorance says what is unknown and why; empty if everything is known.
func (f Figures) Ignorance() string {
	var parts []string
	if f.Unknown > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s observations are unknown (%s)", thousands(f.Unknown), thousands(f.Unknown+f.Observed()), f.reason))
	}
	if len(f.Gaps) > 0 {
		longest := slices.MaxFunc(f.Gaps, func(a, b Span) int { return cmp.Compare(a.Width(), b.Width()) })
		text := fmt.Sprintf("%s of the time is unknown", timespan.format(f.UnknownTime.Seconds()))
		if f.Missing > 0 {
			text += fmt.Sprintf(", in which about %s observations are missing", thousands(f.Missing))
		}
		parts = append(parts, text+fmt.Sprintf("; the longest gap is %s", longest))
	}
	return strings.Join(parts, "; ")
}

// OfSmallest is the longest outage of the smallest backend that could have
// passed unseen, or of all backends if the smallest one's share is unknown.
func (f Figures) OfSmallest() time.Duration { return max(f.Resolution, f.PartialResolution.Length) }

// Pinned are the figures of observations that all met one of several backends, over one
// connection: another may have been out unseen for the whole window, however much was
// seen of this one. Those of a service that is known to have one backend are as they
// were.
func (f Figures) Pinned() Figures {
	if f.rule.smallest() < 1 {
		f.PartialResolution, f.pinned = PartialResolution{Share: f.rule.Smallest, Length: f.Window.Width()}, true
	}
	return f
}

// finest is the shortest limit that the figures can decide. The smallest backend
// may have been down unseen, so its resolution decides; if an observed outage
// may have continued unseen, the resolution adds to its length. Once the
// observed downtime uses up half of the limit, the resolution for a total outage
// decides.
func (f Figures) finest(limit time.Duration, seen Bounds[time.Duration]) time.Duration {
	resolution := f.OfSmallest()
	switch {
	case slices.ContainsFunc(f.Outages, func(o Outage) bool { return o.hidden }):
		return seen.High + resolution
	case 2*seen.Low >= limit && !f.pinned:
		return f.Resolution
	}
	return resolution
}

// Observed is the number of known observations.
func (f Figures) Observed() int { return f.Good + f.Bad }

// WhyUnknown is the reason of the first unknown observation; empty without one.
func (f Figures) WhyUnknown() string { return f.reason }

// Uptime is 1 - downtime / window.
func (f Figures) Uptime() Bounds[float64] {
	window := float64(f.Window.Width())
	if window <= 0 {
		return Bounds[float64]{Low: 0, High: 1}
	}
	return Bounds[float64]{
		Low:  1 - float64(f.Downtime.High)/window,
		High: 1 - float64(f.Downtime.Low)/window,
	}
}

// Errors is the share of observations that failed. Unknown, missing and doubtful
// observations widen it: any of them may have failed.
func (f Figures) Errors() Bounds[float64] {
	all := float64(f.Observed() + f.hidden())
	most := float64(f.Failed + f.valueless() + f.Doubtful)
	return Bounds[float64]{Low: float64(f.Failed) / all, High: most / (all + float64(f.Doubtful))}
}

// Slow is the share of observations that did not fail but missed the tolerance.
// Unknown and missing observations widen it: any of them may have been slow.
func (f Figures) Slow() Bounds[float64] {
	all, slow := float64(f.Observed()+f.hidden()), float64(f.Bad-f.Failed)
	return Bounds[float64]{Low: slow / (all + float64(f.Doubtful)), High: (slow + float64(f.hidden())) / all}
}

// Quantile is the q-quantile of the values (nearest rank). Failed observations
// rank as infinitely large; unknown and missing ones could have any rank. A
// bound may be infinite.
func (f Figures) Quantile(q float64) Bounds[float64] { return f.quantile(q, f.Failed, f.Doubtful, 0) }

// quantile is the q-quantile with the given numbers of failed observations and
// of those that may have failed. A doubt above zero adds the sampling error.
func (f Figures) quantile(q float64, failed, doubtful int, doubt float64) Bounds[float64] {
	n := f.values.N() + failed + f.valueless()
	low, high := nearestRank(q, n), nearestRank(q, n+doubtful)
	if doubt > 0 {
		low, _ = f.ranks(n, q, doubt)
		_, high = f.ranks(n+doubtful, q, doubt)
	}
	at := func(rank int) Bounds[float64] {
		switch {
		case rank < 1:
			return Exactly(math.Inf(-1))
		case rank > f.values.N():
			return Exactly(math.Inf(1))
		}
		return f.values.at(rank)
	}
	return Bounds[float64]{Low: at(low - f.valueless()).Low, High: at(high).High}
}

// ranks are those that bound the q-quantile: of the samples, each of which is as many
// observations, the first or the last of which has the rank.
func (f Figures) ranks(n int, q, doubt float64) (low, high int) {
	samples := f.independent(n)
	low, high = ranks(samples, q, doubt)
	if low > 0 {
		low = (low-1)*n/samples + 1
	}
	if high > samples {
		return low, n + 1
	}
	return low, (high*n + samples - 1) / samples
}

// Distribution of the values. ok is false without values, or if they are known
// only to an open bucket.
func (f Figures) Distribution() (d Distribution, ok bool) { return f.values.Distribution() }

// Recovery is the time from the instant in from until the signal was good and
// stayed good, after an injection that took effect at the instant in injected;
// zero if the signal never was bad. n counts the outages that may have begun
// since the injection; open: the last of them was not over when the record
// ended. Three things count only in the worst case: an outage that began after
// the next injection, at next; an outage that certainly began before the
// injection, since it may have ended without it; and a gap, which may hide an
// outage up to its end.
func (f Figures) Recovery(injected, from Span, next time.Duration) (took Bounds[time.Duration], n int, open bool) {
	for i, o := range f.Outages {
		if o.End.To < from.From {
			continue
		}
		low, before, other := took.Low, f.starts[i].To < injected.From, f.starts[i].To > next
		took = o.End.Since(from)
		if o.Stray || before || other {
			took.Low = low
		}
		if !before && !o.Stray {
			n++
		}
		open = o.Open && !other
	}
	for _, g := range f.Gaps {
		if g.To > from.From {
			took.High = max(took.High, g.To-from.From)
		}
	}
	return took, n, open
}

// Detected is when the first bad observation of an outage completed: of the
// first outage that may have begun since the injection, and no later than until.
// ok is false without one. During an outage that began earlier there is nothing
// to detect. A stray detects nothing.
func (f Figures) Detected(injected Span, until time.Duration) (at time.Duration, ok bool) {
	for i, start := range f.starts {
		if start.To >= injected.From && !f.Outages[i].Stray {
			return start.To, start.To <= until
		}
	}
	return 0, false
}

// open reports whether an outage was on when the record ended.
func (f Figures) open() bool {
	return len(f.Outages) > 0 && f.Outages[len(f.Outages)-1].Open
}

// A Reading compares a limit with what was observed.
type Reading struct {
	Verdict Verdict `json:"verdict"`
	// Seen bounds the quantity in base units (seconds, shares); nil: the bounds
	// are not finite.
	Seen *Bounds[float64] `json:"seen,omitempty"`
	// Text is Seen for people, with its unit, and with the resolution where that
	// matters.
	Text string `json:"text"`
	// Open: an outage was not over when the record ended, so that Seen.High covers
	// only what the record shows.
	Open bool `json:"open,omitempty"`
	// Undecided says why the verdict is unknown and what would decide it.
	Undecided string `json:"undecided,omitempty"`

	low float64 // of Seen, also if that is infinite
}

// Judge compares the limit with the figures: Held if the worst case is within
// it, Broken if the best case is not. TTR and MTTR do not belong to a window;
// the caller judges them with [Figures.Compare].
func (l Limit) Judge(f Figures) Reading {
	r := l.judge(f)
	if why := f.Ignorance(); r.Verdict == Unknown && why != "" && f.Observed() > 0 {
		r.Undecided = why
	} else if r.Verdict == Unknown && l.OfValues() && f.partial != "" {
		r.Undecided = fmt.Sprintf("the observed value (%s) is incomplete: %s", r.Text, f.partial)
	}
	return r
}

func (l Limit) judge(f Figures) Reading {
	if f.Observed() == 0 {
		why := "nothing was observed in the window"
		if f.Unknown > 0 {
			why = fmt.Sprintf("all %d observations are unknown: %s", f.Unknown, f.reason)
		}
		return Reading{Text: "no observation", Undecided: why}
	}
	switch l.Quantity {
	case Downtime:
		return f.Compare(l, Seconds(f.Downtime), timespan.format, f.open())
	case Longest:
		return f.Compare(l, Seconds(f.longest), timespan.format, f.open())
	case Uptime:
		return f.Compare(l, f.Uptime(), share.format, f.open())
	case Count:
		return f.Compare(l, Bounds[float64]{Low: float64(f.certain), High: float64(len(f.Outages) + f.more)}, number.format, false)
	case Errors:
		return l.compare(f.Errors(), share.format).of(f.Observed())
	case Slow:
		return l.compare(f.Slow(), share.format).of(f.Observed())
	case Rate:
		// A failed request rendered no service. A window over evenly spaced
		// observations holds one more or one less, depending on where it starts.
		window := f.Window.Width().Seconds()
		done := float64(f.Observed() - f.Failed - f.early)
		return l.compare(Bounds[float64]{Low: max(0, done-1) / window, High: (done + 1 + float64(f.hidden())) / window}, frequency.format)
	}
	seen, none := l.ofValues(f, 0)
	if none != nil {
		return *none
	}
	return l.compare(seen, l.valueFormat()).of(l.n(f)).failing(f)
}

// n is the number of observations of a quantity of the values.
func (l Limit) n(f Figures) int {
	if l.OfGood {
		return f.values.N()
	}
	return f.Observed()
}

// samples is the sample size of a quantity of the values.
func (l Limit) samples(f Figures) int { return f.independent(l.n(f)) }

// ofValues computes a quantity of the window's values, or returns the reading
// that says why there is none. A doubt above zero adds the sampling error. In a
// percentile, failed observations rank above any value. In mean, max and min,
// timed-out observations count with the time they took, as a lower bound; other
// failures do not count. More failures than allowed break the limit.
func (l Limit) ofValues(f Figures, doubt float64) (b Bounds[float64], none *Reading) {
	failed, doubtful := f.Failed, f.Doubtful
	if l.OfGood {
		failed, doubtful = 0, 0
	}
	if q, ok := l.Percentile(); ok {
		n, text, least := l.n(f), observations(l.n(f)), leastFor(q)
		if doubt > 0 {
			n, text = l.samples(f), l.sample(f)
		}
		if n < least {
			return b, &Reading{
				Text:      text,
				Undecided: fmt.Sprintf("%s needs at least %d observations: %s", l.Figure(), least, l.larger(f)),
			}
		}
		return f.quantile(q, failed, doubtful, doubt), nil
	}
	if l.OfGood && f.values.N() == 0 {
		return b, &Reading{Text: "no value", Undecided: fmt.Sprintf("%s, all failed", observations(f.Observed()))}
	}
	if f.values.N() == 0 || float64(failed) > f.rule.Allowed*float64(f.Observed()) {
		return b, &Reading{Verdict: Broken, Text: fmt.Sprintf("no value: %s of %s failed", thousands(f.Failed), thousands(f.Observed()))}
	}
	all := &f.values
	if failed > 0 && f.timeouts.N() > 0 {
		all = &BoundedValues{}
		all.Merge(&f.values)
		all.Merge(&f.timeouts)
	}
	// Observations without a known value could move the figure either way.
	hidden := f.valueless() + doubtful
	open := hidden > 0
	least, n := all.at(1), float64(all.N())
	switch l.Quantity {
	case Mean:
		if b = all.Mean(); doubt > 0 {
			b = all.drawn(f.independent(all.N()))
		}
		switch {
		case !open:
		case least.Low < 0:
			b = Bounds[float64]{Low: math.Inf(-1), High: math.Inf(1)}
		default: // a signal without an observed value below zero has none
			b = Bounds[float64]{Low: b.Low * n / (n + float64(hidden)), High: math.Inf(1)}
		}
	case Max:
		if b = all.at(all.N()); open {
			b.High = math.Inf(1)
		}
	case Min:
		if b = least; open {
			b.Low = math.Inf(-1)
		}
	default:
		return b, &Reading{Text: "not a quantity of a window", Undecided: "not a quantity of a window"}
	}
	return b, nil
}

// of adds the sample size to a figure that a larger sample could change.
func (r Reading) of(n int) Reading {
	if r.Text != anything && !math.IsInf(r.low, 1) {
		r.Text += " of " + observations(n)
	}
	return r
}

// anything is the text of a figure without bounds.
const anything = "anything"

func observations(n int) string { return plural(n, "observation") }

// plural is a count and its noun: "1 observation", "2 observations".
func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return thousands(n) + " " + what
}

// failing explains an infinite figure by the number of failures.
func (r Reading) failing(f Figures) Reading {
	if math.IsInf(r.low, 1) {
		r.Text += fmt.Sprintf(": %s of %s failed", thousands(f.Failed), thousands(f.Observed()))
	}
	return r
}

// thousands writes a count for people: 1,203.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// leastFor is the smallest sample with a q-quantile.
func leastFor(q float64) int { return int(math.Ceil(1/(1-q) - 1e-9)) }

// Compare judges the bounds of a quantity of outages. An open outage has no
// upper bound. A limit finer than the resolution cannot be Held.
func (f Figures) Compare(l Limit, b Bounds[float64], format func(float64) string, open bool) Reading {
	r := l.compare(b, format)
	window := f.Window.Width()
	seen := f.Downtime
	if l.Quantity == TTR || l.Quantity == MTTR {
		seen = Bounds[time.Duration]{Low: time.Duration(b.Low * float64(time.Second)), High: time.Duration(b.High * float64(time.Second))}
	}
	limit, _ := l.Finest(window)
	resolution := f.finest(limit, seen)
	none := b == (Bounds[float64]{}) || (l.Quantity == Uptime && b.Low == 1)
	if f.paused > 0 && (l.Quantity == Downtime || l.Quantity == Uptime) {
		none = f.Downtime == (Bounds[time.Duration]{High: f.paused})
		without := b
		if l.Quantity == Uptime {
			without.Low += float64(f.paused) / float64(window)
		} else {
			without.High -= f.paused.Seconds()
		}
		if r.Verdict == Unknown && l.Tolerance.Judge(without) != Unknown {
			r.Undecided = fmt.Sprintf("an outage could pass unseen in %s, in which the source paused: a machine that has time would decide it", timespan.format(f.paused.Seconds()))
		}
	}
	if l.Quantity != TTD && none {
		of := ""
		if resolution > f.Resolution {
			of = " of one backend"
		}
		if f.pinned {
			of = " of one backend: its connection met one only"
		}
		r.Text = fmt.Sprintf("%s (no outage seen; resolution %s%s)", r.Text, timespan.format(resolution.Seconds()), of)
	}
	if open {
		r.Open = true
		r.Text += " and not over when the record ended"
	}
	// Had the record continued, a figure within its limit could have left it,
	// and a figure below a lower limit could have reached it.
	if open && (r.Verdict == Held || (r.Verdict == Broken && l.Tolerance.Floor() && l.Quantity != Uptime)) {
		r.Verdict = Unknown
		r.Undecided = "an outage was not over when the record ended: watch for longer"
	}
	if err := l.Decidable(resolution, window); err != nil && r.Verdict == Held {
		r.Verdict, r.Undecided = Unknown, err.Error()
		if f.pinned {
			r.Undecided = fmt.Sprintf("limit %q: the probe keeps one connection (reuse: true), which met one of several backends, so that an outage of another would pass unseen: leave reuse out", l)
		}
	}
	return r
}

// compare judges bounds, which may be infinite.
func (l Limit) compare(b Bounds[float64], format func(float64) string) Reading {
	r := Reading{Verdict: l.Tolerance.Judge(b), low: b.Low}
	switch below, above := math.IsInf(b.Low, -1), math.IsInf(b.High, 1); {
	case below && above:
		r.Text = anything
	case below:
		r.Text = "at most " + format(b.High)
	case above && math.IsInf(b.Low, 1):
		r.Text = "beyond any value"
	case above:
		r.Text = "at least " + format(b.Low)
	default:
		r.Seen, r.Text = &b, format(b.Low)
		if high := format(b.High); high != r.Text {
			r.Text += " to " + high
		}
	}
	if r.Verdict == Unknown {
		r.Undecided = fmt.Sprintf("the limit lies within the error of what was seen (%s): a finer signal or more trials would decide it", r.Text)
	}
	return r
}

// valueFormat writes values in the limit's unit.
func (l Limit) valueFormat() func(float64) string { return l.Tolerance.written().dimension.format }

// FormatSeconds writes a length of time given in seconds, for people.
func FormatSeconds(v float64) string { return timespan.format(v) }

// FormatLengths writes the bounds of a length of time, for people: "1.2s to
// 1.25s", or one of them if both are the same.
func FormatLengths(b Bounds[time.Duration]) string {
	low, high := FormatSeconds(b.Low.Seconds()), FormatSeconds(b.High.Seconds())
	if low == high {
		return low
	}
	return low + " to " + high
}

// FormatDuration writes a duration without the zeros at its end that String
// writes: 1m for 1m0s.
func FormatDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if short, ok := strings.CutSuffix(text, zero); ok {
			text = short + zero[:1]
		}
	}
	return text
}

// format writes a value in base units for people, to four digits.
func (d dimension) format(v float64) string {
	switch d {
	case timespan:
		switch abs := math.Abs(v); {
		case abs == 0:
			return "0s"
		case abs < 1e-3:
			return digits(v*1e6, 3) + "us"
		case abs < 1:
			return digits(v*1e3, 4) + "ms"
		case abs < 120:
			return digits(v, 4) + "s"
		}
		return time.Duration(v * float64(time.Second)).Round(100 * time.Millisecond).String()
	case share:
		return digits(v*100, 5) + "%"
	case frequency:
		return digits(v, 4) + "/s"
	case ratio:
		return digits(v, 4) + "x"
	}
	return digits(v, 6)
}

func digits(v float64, n int) string { return plain(strconv.FormatFloat(v, 'g', n, 64)) }

// complaint says how a value misses the tolerance, in its unit.
func (t Tolerance) complaint(v float64) string {
	text := digits(v, 4)
	if d := t.written().dimension; d != number && !math.IsNaN(v) && !math.IsInf(v, 0) {
		text = d.format(v)
	}
	return fmt.Sprintf("%s is not %s", text, t)
}
