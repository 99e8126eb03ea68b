package steadystate

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// A Timeline is everything observed of one signal, in order of time. The order
// in which observations are added is irrelevant. The zero value is empty.
type Timeline struct {
	observations []Observation
	sorted       bool
}

// NewTimeline makes a timeline of observations.
func NewTimeline(observations ...Observation) *Timeline {
	t := &Timeline{}
	for _, o := range observations {
		t.Add(o)
	}
	return t
}

// Add adds one observation.
func (t *Timeline) Add(o Observation) {
	t.sorted = t.sorted && (len(t.observations) == 0 || t.observations[len(t.observations)-1].compare(o) <= 0)
	t.observations = append(t.observations, o)
}

// Observations are all of them, in order of time. The caller must not change
// them.
func (t *Timeline) Observations() []Observation {
	if !t.sorted {
		slices.SortFunc(t.observations, Observation.compare)
		t.sorted = true
	}
	return t.observations
}

// known are the observations that say something, in order of time.
func (t *Timeline) known() []Observation {
	all := t.Observations()
	if !slices.ContainsFunc(all, func(o Observation) bool { return o.Unknown != "" }) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(o Observation) bool { return o.Unknown != "" })
}

// Resolution is the length of the longest outage that could lie in the window
// without any observation speaking of it: the longest stretch that holds no
// observation's whole span. With no observation it is the window's length.
func (t *Timeline) Resolution(window Span) time.Duration {
	return resolution(t.known(), window)
}

// An outage between two instants a < b goes unseen if no known observation has
// its whole span within (a, b). The longest such stretch begins where a span
// begins (just after it) or at the window's start, and reaches to the earliest
// end of a span that begins later.
func resolution(known []Observation, window Span) time.Duration {
	longest := time.Duration(0)
	earliest := window.To // earliest end of the spans that begin after the one at hand
	for _, o := range slices.Backward(known) {
		if o.From >= window.From && o.From < window.To {
			longest = max(longest, earliest-o.From)
		}
		if o.From >= window.From {
			earliest = min(earliest, o.To)
		}
	}
	return max(longest, earliest-window.From, 0)
}

// A Rule says when an outage is over.
type Rule struct {
	// Settle is how long the signal must stay good.
	Settle time.Duration
	// Allowed is the share of bad observations in a settle time that does not
	// count as an outage.
	Allowed float64
}

// An Outage is an episode: from the first bad observation until the signal
// stays good for the settle time. What flaps within the settle time is one
// outage.
type Outage struct {
	// Start holds the instant the outage began: it is no earlier than what the
	// last good observation before can speak of, and no later than what the
	// first bad one can.
	Start Span `json:"start"`
	// End holds the instant it ended, in the same manner.
	End Span `json:"end"`
	// Open: the record ends before the signal stayed good for the settle time.
	// The length is then a lower bound; it is censored, never dropped.
	Open bool `json:"open,omitempty"`
	// Bad of Total observations within the outage were bad: a third with one
	// of three backends gone.
	Bad   int `json:"bad"`
	Total int `json:"total"`
	// Reason is what made the first bad observation bad.
	Reason string `json:"reason,omitempty"`
}

// Length is how long the outage lasted. For an open one, High is what the
// record shows and the truth may lie beyond it.
func (o Outage) Length() Bounds[time.Duration] { return o.End.Since(o.Start) }

// Outages finds the outages in the timeline, in order. The window bounds what
// an outage that was on from the beginning or that never ended can have lasted.
func (t *Timeline) Outages(good Tolerance, rule Rule, window Span) []Outage {
	known := t.known()
	// bads[i] counts the bad ones among the first i, so that the share of bad
	// in any stretch is one subtraction.
	bads := make([]int, len(known)+1)
	for i, o := range known {
		bads[i+1] = bads[i]
		if o.Bad(good) {
			bads[i+1]++
		}
	}
	// steady reports whether the settle time that begins at i has no more than
	// the allowed share of bad, and whether the record covers it.
	steady := func(i int) (good, covered bool) {
		// What it speaks of may only have been true at the end of its span.
		until := known[i].To + rule.Settle
		// The window has its first observation even if settle is zero.
		end := max(i+1, sort.Search(len(known), func(k int) bool { return known[k].From >= until }))
		share := float64(bads[end]-bads[i]) / float64(end-i)
		return share <= rule.Allowed, until <= window.To
	}

	var outages []Outage
	for i := 0; i < len(known); i++ {
		if !known[i].Bad(good) {
			continue
		}
		if ok, _ := steady(i); ok {
			continue // a stray one, within the allowed share
		}
		end := i + 1
		open := true
		for ; end < len(known); end++ {
			if known[end].Bad(good) {
				continue
			}
			if ok, covered := steady(end); ok {
				open = !covered
				break
			}
		}
		outage := edges(known, i, end, good, rule.Settle, window)
		outage.Open = open
		outage.Bad, outage.Total = bads[end]-bads[i], end-i
		outage.Reason = cmp.Or(known[i].Failed, good.complaint(known[i].Value))
		outages = append(outages, outage)
		i = end - 1
	}
	return outages
}

// edges dates the outage whose bad observations lie in known[first:end]; end
// is the first good one after it, or len(known).
//
// The first failing instant is no later than the end of any bad span, and
// later than the beginning of a good span that was over before any bad one
// began. The last failing instant is no earlier than the beginning of any bad
// span; the service was good again by the end of the first good span that
// began after that, unless a bad span that is still open then says otherwise.
//
// In an outage that is partial, one of three backends say, good observations
// prove less: so many of them may have been made while it was on. The edges
// are widened by as many as [unlikely] says, but not by more than the settle
// time, beyond which it would be another outage.
func edges(known []Observation, first, end int, good Tolerance, settle time.Duration, window Span) Outage {
	start := Span{From: window.From, To: math.MaxInt64}
	finish := Span{From: math.MinInt64, To: math.MinInt64}
	for _, o := range known[first:end] {
		if o.Bad(good) {
			start.To = min(start.To, o.To)
			finish.From = max(finish.From, o.From)
			finish.To = max(finish.To, o.To)
		}
	}
	lucky := unlikely(known[first:end], good)
	left := lucky
	for _, o := range slices.Backward(known[:first]) {
		if !o.Good(good) || o.To > known[first].From {
			continue
		}
		if left == 0 || o.From <= known[first].From-settle {
			start.From = o.From
			break
		}
		left--
	}
	left = lucky
	back := time.Duration(math.MaxInt64)
	for _, o := range known[end:] {
		if o.From > back {
			break
		}
		if !o.Good(good) {
			continue
		}
		if left == 0 || o.From >= known[end].From+settle {
			back = min(back, o.To)
			continue
		}
		left--
	}
	if back == math.MaxInt64 {
		back = window.To
	}
	finish.To = max(finish.To, back)
	start.From = min(start.From, start.To)
	return Outage{Start: start, End: finish}
}

// unlikely is how many good observations in a row are as good as impossible in
// an outage with the share p of bad ones: the least n with (1-p)^n <= 0.1 %,
// none if all were bad. It assumes that observations meet the outage by chance
// or in turn; p is that of the outage itself.
func unlikely(outage []Observation, good Tolerance) int {
	bad := 0
	for _, o := range outage {
		if o.Bad(good) {
			bad++
		}
	}
	if bad == len(outage) {
		return 0
	}
	p := float64(bad) / float64(len(outage))
	return int(math.Ceil(math.Log(0.001) / math.Log(1-p)))
}
