package steadystate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Settling tells whether a service is in its steady state by one check: it
// takes the observations in order of time and may be asked at any instant. The
// gate before a fault follows one live, and the judge replays it from the
// record.
//
// It tests two hypotheses by Wald's sequential probability ratio test: the
// share of bad observations is the allowed one, or it is ten times that. Odds
// of 200:1 decide. A few strays then hardly delay it, and a service that is
// always a little broken is not taken for steady because a lucky stretch came
// by: it passes in less than one of 200 starts, however often one asks. Bad
// observations closer together than chance puts them are an outage, which
// restarts the count; other bad ones count against the odds. Each new count is
// another chance for luck, so the first one takes odds of 400:1, the second of
// 1,200:1, and the n-th 200 n(n+1), which together are 200:1. Where nothing is
// allowed any bad one restarts it. What is unknown, and time in which nothing was
// observed, count for nothing.
type Settling struct {
	good    Tolerance
	allowed float64
	least   time.Duration
	fewest  int // observations

	since    time.Duration // the count began
	seen     int           // observations since, good and bad
	bad      int
	lost     time.Duration // time since, in which nothing was observed
	lead     time.Duration // from since to the first observation
	led      bool          // there was one
	enough   bool          // the odds were for it when the time was over
	longest  time.Duration // a good one of this count took
	why      string        // the last bad or unknown one was
	restarts []Restart     // the last of them
	begun    int           // how often it restarted
	counts   int           // how many of the counts before could have passed by luck

	// These go on when the count restarts.
	index   int           // of the last known observation
	last    time.Duration // when it began
	blind   string        // why nothing was known since, if a source said so
	spacing usual         // from one to the next
	took    usual         // from its beginning to its end, of the good ones
	strays  []int         // the last bad ones, by index
	outage  Restart       // the last one
	near    int           // a bad one up to this index belongs to it
}

// A Restart says when and why a [Settling] restarted.
type Restart struct {
	Span
	Why string `json:"why"`
	// N counts the restarts, from one.
	N int `json:"n"`

	first, bad int // of an outage: index of its first bad one, and how many there were
}

// Outage reports whether it was an outage of the check itself.
func (r Restart) Outage() bool { return r.bad > 0 }

// String is "at 8.120s: an outage, 12 of 40 bad, the last one: 503".
func (r Restart) String() string { return fmt.Sprintf("at %s: %s", seconds(r.To), r.Why) }

// MinObservations is how many observations say anything: two points make no
// timeline.
const MinObservations = 4

const (
	worse    = 10  // how many times the allowed share is tested against it
	decisive = 200 // the odds that decide
	// clustered is how probable bad observations so close together may be at the
	// allowed share before they are an outage, and many how probable so many in
	// all may be.
	clustered = 1e-5
	many      = 1e-3
	// maxStrays is how many bad observations are looked back on: of those that
	// are allowed, more in a row are never explained by chance.
	maxStrays = 32
	// maxRestarts bounds what is kept to be told.
	maxRestarts = 16
)

// NewSettling begins to settle at an instant; least is how long the check must
// be steady at least.
func NewSettling(c Check, least, at time.Duration) *Settling {
	return &Settling{good: c.Good, allowed: c.Allowed, least: least, fewest: fewest(c), since: at, last: at, near: -1}
}

// tested is the share that the allowed one is tested against: ten times it, or
// half way to all where that is less.
func tested(allowed float64) float64 { return min(worse*allowed, (1+allowed)/2) }

// odds are the logarithm of those against the allowed share, by the likelihood
// of so many bad ones.
func odds(allowed float64, seen, bad int) float64 {
	more := tested(allowed)
	return float64(bad)*math.Log(more/allowed) + float64(seen-bad)*math.Log((1-more)/(1-allowed))
}

// ObservationsToSettle is how many observations it takes at least until a check
// is steady: all of them good, and as many as its limits on a multiple of the
// baseline need of that.
func ObservationsToSettle(c Check) int {
	return (&Settling{allowed: c.Allowed, fewest: fewest(c)}).more()
}

func fewest(c Check) int {
	n := MinObservations
	for _, l := range c.Limits {
		if l.Baseline {
			n = max(n, l.leastToCompare())
		}
	}
	return n
}

// SettleTime is how long it takes at least until a check is steady, with
// observations so far apart.
func SettleTime(c Check, least, spacing time.Duration) time.Duration {
	return max(least, time.Duration(ObservationsToSettle(c))*spacing)
}

// Needed is the [SettleTime] with observations as they come.
func (s *Settling) Needed() time.Duration {
	return max(s.least, time.Duration((&Settling{allowed: s.allowed, fewest: s.fewest}).more())*s.spacing.mean)
}

// more is how many more observations are needed, if they are good.
func (s *Settling) more() int {
	least := s.fewest - s.seen
	if s.allowed > 0 {
		n := float64(s.counts + 1)
		needed := math.Log(decisive*n*(n+1)) + odds(s.allowed, s.seen, s.bad)
		least = max(least, int(math.Ceil(needed/-odds(s.allowed, 1, 0))))
	}
	return max(0, least)
}

// Begin restarts at an instant, because of something that happened then.
func (s *Settling) Begin(at time.Duration, why string) {
	s.begin(Restart{Span: Instant(at), Why: why})
}

func (s *Settling) begin(r Restart) {
	if n := len(s.restarts); n > 0 && r.bad > 1 && s.restarts[n-1].first == r.first {
		r.N = s.begun
		s.restarts[n-1] = r // the same outage goes on
	} else {
		// A count that something else cut short before it could pass was no
		// chance.
		if r.Outage() || s.more() == 0 {
			s.counts++
		}
		s.begun++
		r.N = s.begun
		s.restarts = append(s.restarts, r)
		s.restarts = s.restarts[max(0, len(s.restarts)-maxRestarts):]
	}
	s.since = max(s.since, r.To)
	s.seen, s.bad, s.lost, s.lead, s.led, s.enough, s.longest = 0, 0, 0, 0, false, false, 0
}

// Add takes in an observation, in order of their beginnings.
func (s *Settling) Add(o Observation) {
	good, bad := o.Good(s.good), o.Bad(s.good)
	if !good && !bad {
		s.blind = o.Undecided(s.good)
		return
	}
	s.pass(o.From)
	if good {
		s.took.add(o.Width())
		if o.From >= s.since {
			s.longest = max(s.longest, o.Width())
		}
	}
	s.take(o, bad)
}

// overdue reports whether an answer that is not in after so long is a bad sign:
// none of this count that was good took as long, nor do they usually. Where one
// in a hundred takes a second, some are always under way for most of one.
func (s *Settling) overdue(took time.Duration) bool {
	return took > max(s.took.limit(), s.longest)
}

// Since is when the count began.
func (s *Settling) Since() time.Duration { return s.since }

// Restarts are the last times when the count restarted, in order of time.
func (s *Settling) Restarts() []Restart {
	return slices.SortedFunc(slices.Values(s.restarts), func(a, b Restart) int { return cmp.Compare(a.To, b.To) })
}

// AddBefore takes in an observation of a record, to learn whether the service
// was steady at an instant, at which a fault came. Of what was under way then a
// good one tells of the service before, a bad one only if it was overdue.
func (s *Settling) AddBefore(at time.Duration, o Observation) {
	switch bad := o.Bad(s.good); {
	case o.From >= at, o.To > at && o.Whole, o.To > at && bad && !s.overdue(at-o.From):
		return
	}
	s.Add(o)
}

// pass goes on to an observation that began at from.
func (s *Settling) pass(from time.Duration) {
	if s.index == 0 {
		s.last = from
	}
	gap := max(0, from-s.last)
	switch {
	case from < s.since:
	case !s.led:
		s.lead, s.led = from-s.since, true
	case s.blind != "" || gap > s.spacing.limit():
		s.lost += gap
	}
	if gap > 0 { // a value may be told twice
		s.spacing.add(gap)
	}
	s.index++
	s.last = max(s.last, from)
	s.blind = ""
}

// take counts a known observation.
func (s *Settling) take(o Observation, bad bool) {
	if bad {
		s.why = cmp.Or(o.Failed, s.good.complaint(o.Value))
		if first, n := s.cluster(); n > 0 {
			s.over(o, first, n)
			return
		}
	}
	if o.From < s.since || s.index <= s.near {
		return // as good as before the outage was over
	}
	s.seen++
	if bad {
		s.bad++
	}
	s.enough = s.enough || s.passes(o.From)
}

// cluster finds the outage that the bad observation at hand is of: its first
// bad one, and how many there were. None: n is zero. It notes the observation.
func (s *Settling) cluster() (first, n int) {
	before := s.strays
	s.strays = append(slices.Clip(before[max(0, len(before)-maxStrays+1):]), s.index)
	switch {
	case s.index <= s.near:
		return s.outage.first, s.outage.bad + 1
	case s.allowed <= 0 && s.outage.bad > 0 && s.last < s.outage.To+s.least:
		return s.outage.first, s.outage.bad + 1
	case s.allowed <= 0:
		return s.index, 1
	}
	for n := 2; n <= len(s.strays); n++ {
		if first := s.strays[len(s.strays)-n]; tail(s.index-first+1, n, s.allowed) < clustered {
			return first, n
		}
	}
	return 0, 0
}

// over restarts with the end of a bad observation of an outage, of which
// there were n since the one that is first.
func (s *Settling) over(o Observation, first, n int) {
	all := s.index - first + 1
	s.near = s.index
	if s.allowed > 0 {
		s.near += unlikelyGood(n, all-n)
	}
	s.strays = nil
	s.outage = Restart{Span: o.Span, first: first, bad: n, Why: fmt.Sprintf("an outage, %d of %d bad, the last one: %s", n, all, s.why)}
	s.begin(s.outage)
}

// unlikelyGood is how many good observations in a row are as good as impossible
// in an outage of which so many were bad and good: before them it may be on. It
// is the least number whose predictive probability is 0.1 % when nothing was
// known of the share of bad ones before, by Laplace's rule of succession.
func unlikelyGood(bad, good int) int {
	n := 0
	for p := 1.0; p > many; n++ {
		p *= float64(good+1+n) / float64(bad+good+2+n)
	}
	return n
}

// passes reports whether all is there that makes a service steady, at the
// instant of the last observation.
func (s *Settling) passes(now time.Duration) bool {
	return s.settled(now) >= s.least && s.more() == 0 && s.few()
}

// few reports whether chance explains so many bad ones in all. Between the
// allowed share and ten times it the odds may be for the lesser one.
func (s *Settling) few() bool {
	return s.bad == 0 || tail(s.seen, s.bad, s.allowed) >= many
}

// settled is for how long the check was observed since the count began.
func (s *Settling) settled(now time.Duration) time.Duration {
	lost := s.lost
	if s.lead > s.spacing.limit() {
		lost += s.lead
	}
	return max(0, now-s.since-lost)
}

// Steadiness is what a [Settling] says at an instant.
type Steadiness struct {
	// Verdict is Held for steady, Unknown for not yet, Broken for not steady:
	// then waiting helps no more.
	Verdict Verdict
	// Since is when the count of what follows began.
	Since time.Duration
	Seen  int // observations
	Bad   int // of them
	// More is how many observations are needed, all of them good, and Wait how
	// long that takes as they come, with what is left of the settle time.
	More int
	Wait time.Duration
	// Why says what is missing; empty if the service is steady.
	Why string
	// Restarts are the last times when the count restarted.
	Restarts []Restart
}

// String is "1200 observations since 3.140s, 1 bad", with what was before.
func (t Steadiness) String() string {
	text := fmt.Sprintf("%d observations since %s, %d bad", t.Seen, seconds(t.Since), t.Bad)
	if len(t.Restarts) == 0 {
		return text
	}
	var restarts []string
	for _, r := range t.Restarts {
		restarts = append(restarts, r.String())
	}
	return text + "; it restarted " + strings.Join(restarts, ", ")
}

// At says whether the service is steady at an instant. What is ahead comes in
// order after all that was added; of those that end after the instant no answer
// is in, and they count as bad once they take longer than is usual and than any good one
// of this count did: a black
// hole is no outage until its time-outs are over, but nothing of it is good.
func (s *Settling) At(now time.Duration, ahead ...Observation) Steadiness {
	if len(ahead) > 0 {
		c := *s
		c.restarts = slices.Clone(s.restarts)
		for _, o := range ahead {
			switch {
			case o.To <= now:
				c.Add(o)
			case c.overdue(now - o.From):
				o.To, o.Failed = now, fmt.Sprintf("no answer for %s", FormatSeconds((now-o.From).Seconds()))
				c.pass(o.From)
				c.take(o, true)
			}
		}
		s = &c
	}
	t := Steadiness{Since: s.since, Seen: s.seen, Bad: s.bad, Restarts: s.Restarts()}
	t.More = s.more()
	t.Wait = max(0, s.least-s.settled(now), time.Duration(t.More)*s.spacing.mean)
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	since := now - s.last
	switch {
	case s.index == 0 && s.blind != "":
		add("unknown: %s", s.blind)
	case s.index == 0:
		add("nothing was observed")
	case since > s.spacing.limit()+s.took.limit()+s.least/20:
		if s.blind != "" {
			add("unknown since %s: %s", seconds(s.last), s.blind)
		} else {
			add("no observation since %s, for %s", seconds(s.last), FormatSeconds(since.Seconds()))
		}
	}
	if s.allowed > 0 && s.seen > 0 && s.settled(now) >= s.least && odds(s.allowed, s.seen, s.bad) >= math.Log(decisive) {
		t.Verdict = Broken
		add("%d of %d bad: the data favor %.4g%% over the allowed %.4g%% by %.3g:1; the last one: %s",
			s.bad, s.seen, 100*tested(s.allowed), 100*s.allowed, math.Exp(min(odds(s.allowed, s.seen, s.bad), 50)), s.why)
	}
	if steady := s.passes(now) || (s.enough && s.few()); !steady && t.Verdict != Broken {
		if left := s.least - s.settled(now); left > 0 {
			add("good for %s of %s", FormatSeconds(s.settled(now).Seconds()), FormatSeconds(s.least.Seconds()))
		}
		if s.bad > 0 {
			add("%d of %d bad, the last one: %s", s.bad, s.seen, s.why)
		}
		if t.More > 0 {
			rate := ""
			if s.spacing.mean > 0 {
				rate = fmt.Sprintf(", %s as they come", FormatSeconds(t.Wait.Seconds()))
			}
			add("needs %s%s", plural(t.More, "more observation"), rate)
		}
		if n := len(t.Restarts); n > 0 {
			add("it restarted %s", t.Restarts[n-1])
		}
	}
	if t.Why = strings.Join(why, "; "); t.Why == "" {
		t.Verdict = Held
	}
	return t
}

// usual is what is usual of a length of time, as TCP knows it of a round trip:
// its mean and its mean deviation, of the last ones.
type usual struct {
	n         int
	mean, dev time.Duration
}

// lately is over how many the mean is, about.
const lately = 32

func (u *usual) add(d time.Duration) {
	if u.n > 1 {
		d = min(d, u.limit()) // one that is unusual makes little usual
	}
	u.n++
	if u.n == 1 {
		u.mean, u.dev = d, d/2
		return
	}
	n := time.Duration(min(u.n, lately))
	off := d - u.mean
	u.mean += off / n
	u.dev += (max(off, -off) - u.dev) / n
}

// limit is beyond what is usual: of what comes at random, one in some thousands
// is, and of what comes regularly, one that is left out is just not. Of what was
// never seen nothing is usual.
func (u usual) limit() time.Duration {
	if u.n == 0 {
		return 0
	}
	return 2*u.mean + 8*u.dev
}
