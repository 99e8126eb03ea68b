package steadystate

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"time"
)

// A Rule says when an outage is over.
type Rule struct {
	// Settle is how long the signal must stay good.
	Settle time.Duration
	// Allowed is the share of bad observations in a settle time that does not
	// count as an outage.
	Allowed float64
	// ByChance says that an observation may miss an outage that is on, as a
	// request does that another backend answers. Good observations then prove
	// less, and edges are wider; see the source of [Outage]. A poll of the state
	// itself does not; one over a fresh connection each does.
	ByChance bool
	// Smallest is the share of the observations that the least backend answers,
	// if observations meet an outage by chance; 0: unknown. A partial outage
	// leaves at least that share of them good and makes at least that share bad.
	Smallest float64
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
	// Stray: it may be no outage at all. The record ends so soon after its bad
	// observations that they would be within the allowed share if the rest of
	// the settle time had been as well observed, and good.
	Stray bool `json:"stray,omitempty"`
	// Bad of Total observations within the outage were bad: a third with one
	// of three backends gone.
	Bad   int `json:"bad"`
	Total int `json:"total"`
	// Stretches is how many times it was bad, with what good observations show
	// to have been good in between, and Down for how long together. One stretch
	// is down for the whole length.
	Stretches int                   `json:"stretches"`
	Down      Bounds[time.Duration] `json:"down"`
	// Reason is what made the first bad observation bad.
	Reason string `json:"reason,omitempty"`
}

// Length is how long the outage lasted. For an open one, High is what the
// record shows and the truth may lie beyond it. One that may be none may have
// lasted for no time.
func (o Outage) Length() Bounds[time.Duration] {
	length := o.End.Since(o.Start)
	if o.Stray {
		length.Low = 0
	}
	return length
}

// outages finds the outages in known observations that come in order. It keeps
// what a settle time before and after the instant at hand can hold, and not
// more.
type outages struct {
	good   Tolerance
	rule   Rule
	record Span // bounds what was on from the beginning or never ended
	found  []Outage

	bads   int        // all that were bad
	ahead  []sighting // not decided on yet
	before []Span     // the good ones that an outage which begins now looks back on
	now    *episode   // the outage that is on
	ended  bool       // nothing more comes
}

// A sighting is a known observation; bads counts the bad ones before it, so
// that the share of bad in any stretch is one subtraction.
type sighting struct {
	Span
	bad    bool
	bads   int
	failed string
	value  float64
}

// An episode is an outage that is on.
type episode struct {
	Outage
	first  time.Duration // when its first bad observation began
	before []Span        // the good ones before it
}

// add takes in a known observation, in order.
func (s *outages) add(o Observation) {
	next := sighting{Span: o.Span, bad: o.Bad(s.good), bads: s.bads, failed: o.Failed, value: o.Value}
	if next.bad {
		s.bads++
	}
	s.ahead = append(s.ahead, next)
	s.advance()
}

// end takes in that nothing more comes, and returns the outages.
func (s *outages) end() []Outage {
	s.ended = true
	s.advance()
	return s.found
}

// advance decides on what can be decided on.
func (s *outages) advance() {
	for {
		if len(s.ahead) == 0 {
			if s.ended && s.now != nil {
				s.close(s.record.To, true)
			}
			return
		}
		o := s.ahead[0]
		if o.bad && s.now != nil {
			s.now.meets(o)
			s.pass()
			continue
		}
		if !o.bad && s.now == nil {
			s.pass()
			continue
		}
		steady, covered, known := s.steady()
		if !known {
			return
		}
		switch {
		case o.bad && !steady:
			s.now = newEpisode(o, s.record, slices.Clone(s.before))
			s.now.Stray = s.stray()
			s.now.Reason = cmp.Or(o.failed, s.good.complaint(o.value))
		case o.bad: // a stray one, within the allowed share
		case !steady:
			s.now.Total++
		default:
			back, known := s.back()
			if !known {
				return
			}
			s.close(back, !covered)
		}
		s.pass()
	}
}

// pass leaves the first of those ahead behind.
func (s *outages) pass() {
	o := s.ahead[0]
	s.ahead = s.ahead[1:]
	if o.bad {
		return
	}
	s.before = append(s.before, o.Span)
	// An edge looks back to the last good one that was over before, and began
	// a settle time before.
	for len(s.before) > 1 && s.before[1].From <= o.From-s.rule.Settle && s.before[1].To <= o.From {
		s.before = s.before[1:]
	}
}

// steady reports whether the settle time that begins with the first of those
// ahead has no more than the allowed share of bad, and whether the record
// covers it. Known: it has all come.
func (s *outages) steady() (good, covered, known bool) {
	// What it speaks of may only have been true at the end of its span.
	until := s.ahead[0].To + s.rule.Settle
	if !s.ended && s.ahead[len(s.ahead)-1].From < until {
		return false, false, false
	}
	// The window has its first observation even if settle is zero.
	end := max(1, sort.Search(len(s.ahead), func(k int) bool { return s.ahead[k].From >= until }))
	bads := s.bads
	if end < len(s.ahead) {
		bads = s.ahead[end].bads
	}
	share := float64(bads-s.ahead[0].bads) / float64(end)
	return share <= s.rule.Allowed, until <= s.record.To, true
}

// stray reports whether the bad observations from the first of those ahead on,
// to which the record leaves less than the settle time, would be within the
// allowed share if more had come, all good, at the rate of late.
func (s *outages) stray() bool {
	first, last, from := s.ahead[0], s.ahead[len(s.ahead)-1], s.ahead[0].From
	if len(s.before) > 0 {
		from = min(from, s.before[0].From)
	}
	if first.To+s.rule.Settle <= s.record.To || last.From <= from {
		return false
	}
	// As many as begin in a settle time, by those of the settle time before and
	// those that are left.
	whole := 1 + float64(len(s.before)+len(s.ahead)-1)*float64(s.rule.Settle)/float64(last.From-from)
	return float64(s.bads-first.bads) <= s.rule.Allowed*whole
}

// The first failing instant is no later than the end of any bad span, and
// later than the beginning of the last good one before. The last failing instant is no earlier than the beginning of any bad
// span; the service was good again by the end of the first good span that
// began after that, unless a bad span that is still open then says otherwise.
//
// Where observations meet an outage by chance and it is partial, one of three
// backends say, good ones prove less: so many of them may have been made while
// it was on. The edges are widened by as many as unlikely says, but not by more
// than the settle time, beyond which it would be another outage.

func newEpisode(first sighting, record Span, before []Span) *episode {
	e := &episode{first: first.From, before: before}
	e.Start = Span{From: record.From, To: math.MaxInt64}
	e.End = Span{From: math.MinInt64, To: math.MinInt64}
	e.meets(first)
	return e
}

// meets takes in a bad observation.
func (e *episode) meets(o sighting) {
	e.Start.To = min(e.Start.To, o.To)
	e.End.From = max(e.End.From, o.From)
	e.End.To = max(e.End.To, o.To)
	e.Bad++
	e.Total++
}

// few bad observations do not show that an outage was not partial. More of
// them, and no good one, are taken to: of an outage of 50 ms that nine in ten
// of 100 requests a second meet, an edge is then wrong one time in eight.
const few = 3

// unlikely is how many good observations in a row are as good as impossible in
// an outage with the share p of bad ones: the least n with (1-p)^n <= 0.1 %,
// none if all of more than a few were bad. It assumes that observations meet
// the outage by chance or in turn; p is that of the outage itself and, for a
// few, of one good one more.
func (s *outages) unlikely() int {
	bad, total := s.now.Bad, s.now.Total
	switch {
	case !s.rule.ByChance, bad == total && total > few:
		return 0
	case bad == total:
		total++
	}
	p := float64(bad) / float64(total)
	return int(math.Ceil(math.Log(0.001) / math.Log(1-p)))
}

// back is by when the service was good again, by the observations from the
// first of those ahead on.
func (s *outages) back() (at time.Duration, known bool) {
	left := s.unlikely()
	at = math.MaxInt64
	for _, o := range s.ahead {
		if o.From > at {
			return at, true
		}
		switch {
		case o.bad:
		case left == 0 || o.From >= s.ahead[0].From+s.rule.Settle:
			at = min(at, o.To)
		default:
			left--
		}
	}
	if at == math.MaxInt64 {
		at = s.record.To
	}
	return at, s.ended
}

// close ends the outage that is on.
func (s *outages) close(back time.Duration, open bool) {
	e, left := s.now, s.unlikely()
	s.now = nil
	// A good answer that was still under way when a bad one began was good
	// before, if nothing was while the outage was on.
	over := e.first
	if e.Bad == e.Total {
		over = e.End.From
	}
	for _, o := range slices.Backward(e.before) {
		if o.To > over {
			continue
		}
		if left == 0 || o.From <= e.first-s.rule.Settle {
			e.Start.From = o.From
			break
		}
		left--
	}
	e.Start.From = min(e.Start.From, e.Start.To)
	e.End.To = max(e.End.To, back)
	e.Open = open
	s.found = append(s.found, e.Outage)
}
