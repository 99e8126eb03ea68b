package steadystate

import "time"

// samples counts the observations that share nothing with those counted before. Two
// polls of one scrape return the same value, and two rates whose ranges overlap much the
// same one: they are one sample. Observations come in order of From. Each request is a
// sample of its own, whatever else is in flight.
type samples struct {
	each  bool // every observation is one
	n     int
	last  Span
	apart usual // between the starts of two
}

func (s *samples) add(o Span) {
	if !s.each && s.n > 0 && o.From < max(s.last.To, s.last.From+1) {
		return
	}
	if s.n > 0 {
		s.apart.add(o.From - s.last.From)
	}
	s.n++
	s.last = o
}

// spacing is the time from one to the next: no less than the last one covers.
func (s *samples) spacing() time.Duration { return max(s.apart.mean, s.last.Width()) }

// SamplesToCompare is how many samples its limits on a multiple of the baseline take;
// zero without such limits.
func (c Check) SamplesToCompare() (n int) {
	for _, l := range c.Limits {
		n = max(n, l.SamplesToCompare())
	}
	return n
}

// SamplesToCompare is the smallest sample that gives the figure of a limit on a multiple of
// the baseline bounds, on either side: observations of which no two are of the same scrape,
// or of ranges that overlap. Zero for another limit.
func (l Limit) SamplesToCompare() int {
	if !l.Baseline {
		return 0
	}
	return l.leastToCompare()
}
