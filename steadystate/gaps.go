package steadystate

import "time"

// gaps are the stretches between two successive known observations in which
// the source said that it knew nothing, in order.
type gaps struct {
	list    []Span
	last    time.Duration // the end of the last known observation
	unknown bool          // something was unknown since
}

// maxGaps bounds the memory: beyond it, neighbours become one gap, which only
// widens what is not known.
const maxGaps = 1 << 14

func newGaps(record Span) gaps { return gaps{last: record.From} }

// add takes in observations in order.
func (g *gaps) add(o Observation, known bool) {
	if !known {
		g.unknown = true
		return
	}
	g.close(o.From)
	g.last = o.To
}

func (g *gaps) close(at time.Duration) {
	if !g.unknown {
		return
	}
	g.unknown = false
	g.list = append(g.list, Span{From: g.last, To: max(g.last, at)})
	if len(g.list) < maxGaps {
		return
	}
	for i := range len(g.list) / 2 {
		g.list[i] = g.list[2*i].Hull(g.list[2*i+1])
	}
	g.list = g.list[:len(g.list)/2]
}

// within are the gaps in the window, clipped to it.
func (g *gaps) within(window Span) []Span {
	var list []Span
	for _, s := range g.list {
		if s.Overlaps(window) {
			list = append(list, clip(s, window))
		}
	}
	return list
}

func width(list []Span) time.Duration {
	total := time.Duration(0)
	for _, s := range list {
		total += s.Width()
	}
	return total
}

func clip(s, window Span) Span {
	return Span{
		From: min(max(s.From, window.From), window.To),
		To:   min(max(s.To, window.From), window.To),
	}
}
