package steadystate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Figures are what a timeline says of one window of time.
type Figures struct {
	Window  Span `json:"window"`
	Good    int  `json:"good"`
	Bad     int  `json:"bad"`
	Unknown int  `json:"unknown"`
	// Failed of the bad ones had no value at all: a request not answered well.
	Failed int `json:"failed"`
	// Resolution is the longest outage that could have passed unseen.
	Resolution time.Duration `json:"resolution"`
	// UnknownTime is the time between known observations in which the source
	// said that it knew nothing; it widens the downtime.
	UnknownTime time.Duration `json:"unknownTime"`
	// Outages that reach into the window, clipped to it.
	Outages []Outage `json:"outages,omitempty"`
	// Downtime is the time in outages, by the kindest and the harshest reading.
	Downtime Bounds[time.Duration] `json:"downtime"`

	values    []float64 // of the known observations that have one, ascending
	reason    string    // of the first unknown
	allowed   float64   // share of bad that is no outage
	stretches int       // of unknown time
}

// Figures computes the figures of a window of the timeline; record is the
// whole time observed, which bounds outages that are open at its ends.
func (t *Timeline) Figures(good Tolerance, rule Rule, window, record Span) Figures {
	f := Figures{Window: window, Resolution: t.Resolution(window), allowed: rule.Allowed}
	for _, o := range t.Observations() {
		if o.From > window.To || o.From < window.From {
			continue
		}
		switch {
		case o.Unknown != "":
			f.Unknown++
			if f.reason == "" {
				f.reason = o.Unknown
			}
			continue
		case o.Good(good):
			f.Good++
		default:
			f.Bad++
		}
		if o.Failed != "" {
			f.Failed++
		} else {
			f.values = append(f.values, o.Value)
		}
	}
	slices.Sort(f.values)
	covered := time.Duration(0)
	for _, o := range t.Outages(good, rule, record) {
		whole := Span{From: o.Start.From, To: o.End.To}
		if !whole.Overlaps(window) {
			continue
		}
		o.Start, o.End = clip(o.Start, window), clip(o.End, window)
		f.Outages = append(f.Outages, o)
		f.Downtime = f.Downtime.Plus(o.Length())
		within, _ := t.unknownTime(Span{From: o.Start.From, To: o.End.To})
		covered += within
	}
	f.UnknownTime, f.stretches = t.unknownTime(window)
	f.Downtime.High = min(f.Downtime.High+max(0, f.UnknownTime-covered), window.Width())
	f.Downtime.Low = min(f.Downtime.Low, f.Downtime.High)
	return f
}

func clip(s, window Span) Span {
	return Span{
		From: min(max(s.From, window.From), window.To),
		To:   min(max(s.To, window.From), window.To),
	}
}

// unknownTime is the time in the window between two successive known
// observations that have an unknown one between them, and how many such
// stretches there are.
func (t *Timeline) unknownTime(window Span) (total time.Duration, stretches int) {
	last := window.From
	unknown := false
	close := func(at time.Duration) {
		if unknown {
			stretches++
			total += max(0, min(at, window.To)-max(last, window.From))
		}
		unknown = false
	}
	for _, o := range t.Observations() {
		if o.To < window.From {
			continue
		}
		if o.From > window.To {
			break
		}
		if o.Unknown != "" {
			unknown = true
			continue
		}
		close(o.From)
		last = o.To
	}
	close(window.To)
	return total, stretches
}

// Observed is the number of observations that said something.
func (f Figures) Observed() int { return f.Good + f.Bad }

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

// Errors is the share of observations that failed; unknown ones may have.
func (f Figures) Errors() Bounds[float64] {
	all := float64(f.Observed() + f.Unknown)
	return Bounds[float64]{Low: float64(f.Bad) / all, High: float64(f.Bad+f.Unknown) / all}
}

// Quantile is the q-quantile of the values (nearest rank), where failed
// observations rank as infinitely large and unknown ones could rank anywhere.
// An infinite bound is math.Inf(1).
func (f Figures) Quantile(q float64) Bounds[float64] {
	n := len(f.values) + f.Failed + f.Unknown
	rank := max(1, int(math.Ceil(q*float64(n)))) // 1-based
	at := func(rank int) float64 {
		switch {
		case len(f.values) == 0, rank > len(f.values):
			return math.Inf(1)
		case rank < 1:
			return f.values[0]
		}
		return f.values[rank-1]
	}
	return Bounds[float64]{Low: at(rank - f.Unknown), High: at(rank)}
}

// mean of the values there are; failed observations have none.
func (f Figures) mean() Bounds[float64] {
	sum := 0.0
	for _, v := range f.values {
		sum += v
	}
	return Exactly(sum / float64(len(f.values)))
}

// longest is the length of the longest outage.
func (f Figures) longest() Bounds[time.Duration] {
	var longest Bounds[time.Duration]
	for _, o := range f.Outages {
		length := o.Length()
		longest.Low, longest.High = max(longest.Low, length.Low), max(longest.High, length.High)
	}
	// Unknown time may hide an outage or join two.
	if f.UnknownTime > 0 {
		longest.High = f.Downtime.High
	}
	return longest
}

// open reports whether an outage was on when the record ended.
func (f Figures) open() bool {
	return len(f.Outages) > 0 && f.Outages[len(f.Outages)-1].Open
}

// A Reading is a limit compared with what was seen.
type Reading struct {
	Verdict Verdict `json:"verdict"`
	// Seen are the bounds of the quantity in base units (seconds, shares);
	// nil: there is no finite figure.
	Seen *Bounds[float64] `json:"seen,omitempty"`
	// Text is Seen for people, with its unit and the resolution where it
	// matters.
	Text string `json:"text"`
	// Undecided says why the verdict is unknown and what would decide it.
	Undecided string `json:"undecided,omitempty"`
}

// Judge compares the limit with the figures. Held means that the harshest
// reading of them still holds, Broken that even the kindest does not. TTR and
// MTTR are not of a window and are judged by the caller with [Limit.Compare].
func (l Limit) Judge(f Figures) Reading {
	r := l.judge(f)
	if r.Verdict == Unknown && f.Unknown > 0 && f.Observed() > 0 {
		r.Undecided = fmt.Sprintf("%d of %d observations and %s of the time say nothing (%s)", f.Unknown, f.Unknown+f.Observed(), timespan.format(f.UnknownTime.Seconds()), f.reason)
	}
	return r
}

func (l Limit) judge(f Figures) Reading {
	if f.Observed() == 0 {
		why := "nothing was observed in the window"
		if f.Unknown > 0 {
			why = fmt.Sprintf("none of %d observations said anything: %s", f.Unknown, f.reason)
		}
		return Reading{Text: "no observation", Undecided: why}
	}
	switch l.Quantity {
	case Downtime:
		return l.Compare(Seconds(f.Downtime), timespan.format, f.open(), f.Resolution, f.Window.Width())
	case Longest:
		return l.Compare(Seconds(f.longest()), timespan.format, f.open(), f.Resolution, f.Window.Width())
	case Uptime:
		return l.Compare(f.Uptime(), share.format, f.open(), f.Resolution, f.Window.Width())
	case Count:
		n := float64(len(f.Outages))
		return l.Compare(Bounds[float64]{Low: n, High: n + float64(f.stretches)}, number.format, false, f.Resolution, f.Window.Width())
	case Errors:
		return l.compare(f.Errors(), share.format)
	case Rate:
		// What failed was no service rendered.
		window := f.Window.Width().Seconds()
		done := float64(f.Observed() - f.Failed)
		return l.compare(Bounds[float64]{Low: done / window, High: (done + float64(f.Unknown)) / window}, frequency.format)
	}
	format := l.valueFormat()
	if q, ok := l.Percentile(); ok {
		if least := int(math.Ceil(1/(1-q) - 1e-9)); f.Observed() < least {
			return Reading{
				Text:      fmt.Sprintf("%d observations", f.Observed()),
				Undecided: fmt.Sprintf("%s needs at least %d observations: a longer phase or a higher rate", l.Quantity, least),
			}
		}
		return l.quantile(f, f.Quantile(q), format)
	}
	return l.overValues(f, format)
}

// overValues judges mean, max and min, which failed observations have no part
// in. More of them than are allowed leave nothing to hold, and too much that is
// unknown nothing to be sure of.
func (l Limit) overValues(f Figures, format func(float64) string) Reading {
	if len(f.values) == 0 || float64(f.Failed) > f.allowed*float64(f.Observed()) {
		return Reading{Verdict: Broken, Text: fmt.Sprintf("no value: %d of %d failed", f.Failed, f.Observed())}
	}
	var seen Bounds[float64]
	switch l.Quantity {
	case Mean:
		seen = f.mean()
	case Max:
		seen = Exactly(f.values[len(f.values)-1])
	case Min:
		seen = Exactly(f.values[0])
	default:
		return Reading{Text: "not a quantity of a window", Undecided: "not a quantity of a window"}
	}
	r := l.compare(seen, format)
	if r.Verdict == Held && float64(f.Unknown) > f.allowed*float64(f.Observed()) {
		r.Verdict = Unknown
	}
	return r
}

func (l Limit) quantile(f Figures, b Bounds[float64], format func(float64) string) Reading {
	if !math.IsInf(b.High, 1) {
		return l.compare(b, format)
	}
	// More observations failed than lie above the quantile.
	r := Reading{Verdict: l.Tolerance.Judge(b), Text: fmt.Sprintf("beyond any value: %d of %d failed", f.Failed, f.Observed())}
	if r.Verdict == Unknown {
		r.Undecided = fmt.Sprintf("%d unknown observations: %s", f.Unknown, f.reason)
	}
	return r
}

// Compare judges the bounds of a quantity about outages: an open one has no
// upper bound, and a resolution coarser than the limit cannot say Held.
func (l Limit) Compare(b Bounds[float64], format func(float64) string, open bool, resolution, window time.Duration) Reading {
	r := l.compare(b, format)
	if b == (Bounds[float64]{}) || (l.Quantity == Uptime && b.Low == 1) {
		r.Text = fmt.Sprintf("%s (no outage seen; resolution %s)", r.Text, timespan.format(resolution.Seconds()))
	}
	if open {
		r.Text += " and not over when the record ended"
	}
	if r.Verdict != Held {
		return r
	}
	if open {
		r.Verdict = Unknown
		r.Undecided = "an outage was not over when the record ended: watch for longer"
	}
	if err := l.Decidable(resolution, window); err != nil {
		r.Verdict, r.Undecided = Unknown, err.Error()
	}
	return r
}

func (l Limit) compare(b Bounds[float64], format func(float64) string) Reading {
	r := Reading{Verdict: l.Tolerance.Judge(b), Seen: &b, Text: format(b.Low)}
	if b.Low != b.High {
		if high := format(b.High); high != r.Text {
			r.Text += " to " + high
		}
	}
	if r.Verdict == Unknown {
		r.Undecided = fmt.Sprintf("the limit lies within the error of what was seen (%s): a finer signal or more trials would decide it", r.Text)
	}
	return r
}

// valueFormat writes values in the manner the limit does.
func (l Limit) valueFormat() func(float64) string {
	for _, u := range units {
		if u.name == l.Tolerance.unit {
			return u.dimension.format
		}
	}
	return number.format
}

// FormatSeconds writes a length of time given in seconds, for people.
func FormatSeconds(v float64) string { return timespan.format(v) }

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
	}
	return digits(v, 6)
}

func digits(v float64, n int) string { return plain(strconv.FormatFloat(v, 'g', n, 64)) }

// complaint says how a value misses the tolerance.
func (t Tolerance) complaint(v float64) string {
	return fmt.Sprintf("%s is not %s", digits(v, 4), t)
}
