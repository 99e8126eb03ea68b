package steadystate

import "time"

// longestGap finds the longest outage that could lie unobserved in a window,
// from known observations in order.
//
// An outage between two instants a < b goes unseen if no known observation has
// its whole span within (a, b). The longest such stretch begins just after the
// start of a span, or at the window's start, and reaches to the earliest end of
// a span that begins later.
type longestGap struct {
	window  Span
	longest time.Duration
	// Stretches that a later span may still shorten, in the order of their
	// beginnings and so of their ends: of those with the same end only the first
	// is kept.
	open []Span
}

func newLongestGap(window Span) longestGap { return longestGap{window: window, open: []Span{window}} }

func (b *longestGap) add(o Span) {
	if o.From < b.window.From {
		return
	}
	// No later span ends before this one begins.
	for len(b.open) > 0 && b.open[0].To <= o.From {
		b.longest = max(b.longest, b.open[0].Width())
		b.open = b.open[1:]
	}
	keep := len(b.open)
	for keep > 0 && b.open[keep-1].To >= o.To {
		keep--
	}
	if keep < len(b.open) {
		b.open = append(b.open[:keep], Span{From: b.open[keep].From, To: o.To})
	}
	if o.From < b.window.To {
		b.open = append(b.open, Span{From: o.From, To: b.window.To})
	}
}

// resolution is the length of the longest stretch.
func (b *longestGap) resolution() time.Duration {
	longest := b.longest
	for _, s := range b.open {
		longest = max(longest, s.Width())
	}
	return longest
}

// cut ends the window at an instant that no span so far begins after.
func (b *longestGap) cut(at time.Duration) {
	b.window.To = at
	for i := range b.open {
		b.open[i].To = min(b.open[i].To, at)
	}
}
