package steadystate

import "time"

// blind finds the longest outage that could lie in a window without any
// observation speaking of it, from known observations in order.
//
// An outage between two instants a < b goes unseen if no known observation has
// its whole span within (a, b). The longest such stretch begins where a span
// begins (just after it) or at the window's start, and reaches to the earliest
// end of a span that begins later.
type blind struct {
	window  Span
	longest time.Duration
	// Stretches whose end may still come nearer, in the order of their
	// beginnings, and so of their ends: of those that end together only the
	// first is kept.
	open []Span
}

func newBlind(window Span) blind { return blind{window: window, open: []Span{window}} }

func (b *blind) add(o Span) {
	if o.From < b.window.From {
		return
	}
	// What comes from here on ends no earlier than it begins.
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

// resolution is the longest one.
func (b *blind) resolution() time.Duration {
	longest := b.longest
	for _, s := range b.open {
		longest = max(longest, s.Width())
	}
	return longest
}
