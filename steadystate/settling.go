package steadystate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// A Settling decides whether a service is in its steady state by one check. It
// takes the observations in order of time and answers at any instant. The gate
// follows one live before a fault; the judge replays it from the record.
//
// It is Wald's sequential probability ratio test between two hypotheses: the
// share of bad observations is the allowed one, or ten times that. Odds of 200:1
// decide. So a few strays hardly delay it, and a lucky stretch does not pass a
// service that is always slightly broken: such a service passes in less than one
// of 200 starts, however often it is asked. Bad observations closer together
// than chance puts them are an outage, which restarts the count; other bad ones
// count against the odds. Each new count is another chance for luck, so the
// first count takes odds of 400:1, the second of 1,200:1, and the n-th 200
// n(n+1), which together are 200:1. With an allowed share of zero any bad
// observation restarts the count. Unknown observations and unobserved time do
// not count, and of the last settle time hardly any may be unobserved.
type Settling struct {
	good    Tolerance
	allowed float64
	least   time.Duration
	fewest  int // observations
	apart   int // of them, so many must be samples of their own, for a baseline
	samples samples

	since    time.Duration // start of the count
	seen     int           // observations since, good and bad
	bad      int
	lost     time.Duration // unobserved time since
	lead     time.Duration // from since to the first observation
	led      bool          // there was a first observation
	holes    []Span        // the unobserved time of late, in order
	enough   bool          // the odds passed once the settle time was over
	passed   time.Duration // the unobserved time up to the latest instant at which they did
	longest  time.Duration // duration of a good one in this count
	why      string        // reason of the last bad or unknown one
	restarts []Restart     // the latest
	begun    int           // number of restarts
	lag      time.Duration // length of the last one, if it began before this count
	counts   int           // earlier counts that could have passed by luck

	// These survive a restart.
	index   int           // of the last known observation
	last    time.Duration // when it began
	silent  string        // why the source has known nothing since
	spacing usual         // between successive observations
	took    usual         // duration of the good ones
	strays  []int         // indexes of the latest bad ones
	outage  Restart       // the last one
	near    int           // a bad one up to this index belongs to that outage
}

// A Restart says when and why a [Settling] restarted its count.
type Restart struct {
	Span
	Why string `json:"why"`
	// N counts the restarts, from one.
	N int `json:"n"`

	first, bad int // of an outage: index and number of its bad observations
}

// Outage reports whether an outage of the check caused the restart.
func (r Restart) Outage() bool { return r.bad > 0 }

// String is "at 8.120s: an outage, 12 of 40 bad, the last one: 503".
func (r Restart) String() string { return fmt.Sprintf("at %s: %s", seconds(r.To), r.Why) }

// MinObservations is the fewest observations that count: two points make no
// timeline.
const MinObservations = 4

const (
	worse    = 10  // the alternative hypothesis: this many times the allowed share
	decisive = 200 // the odds that decide
	// clustered and many are probabilities at the allowed share. Bad
	// observations are an outage if chance puts them so close together with a
	// probability below clustered, and too many if chance makes so many with one
	// below many.
	clustered = 1e-5
	many      = 1e-3
	// maxStrays bounds how many bad observations are kept: at an allowed share,
	// chance never explains more in a row.
	maxStrays = 32
	// maxRestarts bounds the restarts kept for the report.
	maxRestarts = 16
)

// NewSettling starts to settle at an instant. least is the shortest time for
// which the check must be steady; byChance is [Rule]'s. Its limits on a multiple of the
// baseline take as many samples as [Base] counts: polls that share a scrape are one.
func NewSettling(c Check, byChance bool, least, at time.Duration) *Settling {
	s := &Settling{good: c.Good, allowed: c.Allowed, least: least, fewest: fewest(c, byChance), samples: samples{each: byChance}, since: at, last: at, near: -1}
	if !byChance {
		s.apart = c.SamplesToCompare()
	}
	return s
}

// tested is the share of the alternative hypothesis: ten times the allowed
// share, or half way from there to one if that is less.
func tested(allowed float64) float64 { return min(worse*allowed, (1+allowed)/2) }

// odds is the logarithm of the likelihood ratio of the two hypotheses.
func odds(allowed float64, seen, bad int) float64 {
	more := tested(allowed)
	return float64(bad)*math.Log(more/allowed) + float64(seen-bad)*math.Log((1-more)/(1-allowed))
}

// ObservationsToSettle is the smallest number of observations that settles a
// check, if all are good and there are enough for its limits on a multiple of
// the baseline; byChance is [Rule]'s. Of polls, [Check.SamplesToCompare] must share
// nothing with each other, which may take more.
func ObservationsToSettle(c Check, byChance bool) int {
	return (&Settling{allowed: c.Allowed, fewest: fewest(c, byChance)}).more()
}

func fewest(c Check, byChance bool) int {
	n := c.SamplesToCompare()
	if byChance {
		// What is in flight when the fault comes is no part of the baseline, nor is
		// what was sent after it.
		n += (n + 9) / 10
	}
	return max(MinObservations, n)
}

// SettleTime is the time that settles a check at that spacing of observations, the
// longest span of which is so wide; byChance is [Rule]'s. Polls that share nothing are no
// further apart than both together, and a stretch that begins between two such has one
// less.
func SettleTime(c Check, byChance bool, least, spacing, widest time.Duration) time.Duration {
	least = max(least, time.Duration(ObservationsToSettle(c, byChance))*spacing)
	if n := c.SamplesToCompare(); n > 0 && !byChance {
		least = max(least, time.Duration(n+1)*(spacing+widest))
	}
	return least
}

// Needed is the settle time at the spacing observed so far.
func (s *Settling) Needed() time.Duration {
	all := time.Duration((&Settling{allowed: s.allowed, fewest: s.fewest}).more())
	return max(s.least, all*s.spacing.mean, time.Duration(s.apart)*s.samples.spacing())
}

// more is the number of further observations needed if all are good.
func (s *Settling) more() int {
	least := max(s.fewest-s.seen, s.moreSamples())
	if s.allowed > 0 {
		n := float64(s.counts + 1)
		needed := math.Log(decisive*n*(n+1)) + odds(s.allowed, s.seen, s.bad)
		least = max(least, int(math.Ceil(needed/-odds(s.allowed, 1, 0))))
	}
	return max(0, least)
}

// moreSamples is how many of them must be samples of their own.
func (s *Settling) moreSamples() int { return max(0, s.apart-s.samples.n) }

// Begin restarts the count at an instant, because of an event.
func (s *Settling) Begin(at time.Duration, why string) {
	s.begin(Restart{Span: Instant(at), Why: why})
}

func (s *Settling) begin(r Restart) {
	if n := len(s.restarts); n > 0 && r.bad > 1 && s.restarts[n-1].first == r.first {
		r.N = s.begun
		s.restarts[n-1] = r // the same outage goes on
	} else {
		// A count that an event cut short before it could pass gave luck no
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
	s.samples.n = 0
}

// Add adds an observation, in order of From.
func (s *Settling) Add(o Observation) {
	good, bad := o.Good(s.good), o.Bad(s.good)
	if !good && !bad {
		s.silent = o.Undecided(s.good)
		return
	}
	// This observation may turn what passed into lost time. A question before it may
	// have found the service steady, so a reader of the record must find it too.
	if s.index > 0 {
		s.ask(min(o.To, s.last+s.fresh()))
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

// ask notes whether the service is steady at an instant.
func (s *Settling) ask(at time.Duration) {
	if (!s.enough || s.passed != s.lost) && s.passes(at) {
		s.enough, s.passed = true, s.lost
	}
}

// overdue reports whether a request has been outstanding for so long that it
// counts as bad: longer than is usual and than the longest good answer of this
// count. If one answer in a hundred takes a second, some are always pending for
// most of one.
func (s *Settling) overdue(took time.Duration) bool {
	return took > max(s.took.limit(), s.longest)
}

// Since is when the count began.
func (s *Settling) Since() time.Duration { return s.since }

// Restarts returns the latest restarts, in order of time.
func (s *Settling) Restarts() []Restart {
	return slices.SortedFunc(slices.Values(s.restarts), func(a, b Restart) int { return cmp.Compare(a.To, b.To) })
}

// AddBefore adds an observation of a record, to find out whether the service was
// steady when a fault came, at an instant. Of the requests in flight at that
// instant, a good one shows the service good before it; a bad one counts only if
// it was overdue.
func (s *Settling) AddBefore(at time.Duration, o Observation) {
	switch bad := o.Bad(s.good); {
	case o.From >= at, o.To > at && o.Whole, o.To > at && bad && !s.overdue(at-o.From):
		return
	}
	s.Add(o)
}

// pass advances to an observation that began at from.
func (s *Settling) pass(from time.Duration) {
	if s.index == 0 {
		s.last = from
	}
	gap := max(0, from-s.last)
	switch {
	case from < s.since:
	case !s.led:
		s.lead, s.led = from-s.since, true
	case s.silent != "" || gap > s.spacing.limit():
		s.lost += gap
		s.holes = append(slices.DeleteFunc(s.holes, func(h Span) bool { return h.To < s.last-s.least }), Span{From: s.last, To: from})
	}
	if gap > 0 { // a value may be reported twice
		s.spacing.add(gap)
	}
	s.index++
	s.last = max(s.last, from)
	s.silent = ""
}

// take adds a known observation.
func (s *Settling) take(o Observation, bad bool) {
	if bad {
		s.why = cmp.Or(o.Failed, s.good.complaint(o.Value))
		if first, n := s.cluster(); n > 0 {
			s.over(o, first, n)
			return
		}
	}
	if s.lag = 0; o.From < s.since {
		s.lag = o.Width()
		return
	}
	if s.index <= s.near {
		return // it may still belong to the outage
	}
	s.seen++
	s.samples.add(o.Span)
	if bad {
		s.bad++
	}
	s.ask(o.From)
}

// cluster finds the outage that contains the current bad observation: the index
// of its first bad one, and their number; n is zero without an outage. It also
// keeps the observation for later calls.
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
		if first := s.strays[len(s.strays)-n]; Tail(s.index-first+1, n, s.allowed) < clustered {
			return first, n
		}
	}
	return 0, 0
}

// over restarts the count at the end of a bad observation of an outage, which
// has had n bad ones since first.
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

// unlikelyGood is the number of good observations in a row that end an outage
// with so many bad and good ones: the smallest number with a predictive
// probability below 0.1 %, given a uniform prior on the share of bad ones
// (Laplace's rule of succession).
func unlikelyGood(bad, good int) int {
	n := 0
	for p := 1.0; p > many; n++ {
		p *= float64(good+1+n) / float64(bad+good+2+n)
	}
	return n
}

// passes reports whether the service is steady at the instant of the last
// observation.
func (s *Settling) passes(now time.Duration) bool {
	return s.settled(now) >= s.least && s.unseen(now) <= s.unseenAtMost() && s.more() == 0 && s.few()
}

// passedBefore reports whether it was steady at an earlier instant, after which
// little time went unobserved.
func (s *Settling) passedBefore() bool {
	return s.enough && s.lost-s.passed <= s.unseenAtMost() && s.few()
}

// unseen is the unobserved part of the settle time up to an instant.
func (s *Settling) unseen(now time.Duration) (sum time.Duration) {
	from := max(s.since, now-s.least)
	for _, h := range s.holes {
		sum += max(0, min(h.To, now)-max(h.From, from))
	}
	return sum
}

// unseenAtMost is how much of the settle time may be unobserved: a twentieth, and
// what the last observation stands for.
func (s *Settling) unseenAtMost() time.Duration { return s.least/20 + s.fresh() }

// few reports whether chance explains the number of bad observations. If the
// true share lies between the allowed one and ten times that, the odds may favor
// the smaller.
func (s *Settling) few() bool {
	return s.bad == 0 || Tail(s.seen, s.bad, s.allowed) >= many
}

// fresh is how long the last observation stands for what follows it.
func (s *Settling) fresh() time.Duration { return s.spacing.limit() + s.took.limit() + s.least/20 }

// settled is the observed time since the count began.
func (s *Settling) settled(now time.Duration) time.Duration {
	lost := s.lost
	if s.silent != "" {
		now = min(now, s.last) // the rest is lost time already
	}
	if s.lead > s.spacing.limit() {
		lost += s.lead
	}
	return max(0, now-s.since-lost)
}

// Steadiness is the answer of a [Settling] at an instant.
type Steadiness struct {
	// Verdict is Held for steady, Unknown for not yet, Broken for not steady,
	// with no use in waiting longer.
	Verdict Verdict
	// Since is when the count began.
	Since time.Duration
	Seen  int // observations
	Bad   int // of them
	// More is the number of further good observations needed, of polls that share nothing
	// with each other if a baseline takes so many; Wait is the time
	// they take at the current rate, or the rest of the settle time if that is
	// longer.
	More int
	Wait time.Duration
	// Why says what is missing; empty if the service is steady.
	Why string
	// Restarts are the latest restarts.
	Restarts []Restart
}

// String is "1200 observations since 3.140s, 1 bad", followed by the restarts.
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

// At says whether the service is steady at an instant. ahead are later
// observations, in order. Those that end after the instant are pending, and
// count as bad once they take longer than is usual and than any good one of this
// count: a black hole is an outage only after its timeouts, but nothing in it is
// good.
func (s *Settling) At(now time.Duration, ahead ...Observation) Steadiness {
	if len(ahead) > 0 {
		c := *s
		c.restarts, c.holes = slices.Clone(s.restarts), slices.Clone(s.holes)
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
	t.Wait = max(0, s.least-s.settled(now), time.Duration(t.More)*s.spacing.mean, time.Duration(s.moreSamples())*s.samples.spacing())
	var why []string
	add := func(format string, args ...any) { why = append(why, fmt.Sprintf(format, args...)) }
	since := now - s.last
	switch {
	case s.index == 0 && s.silent != "":
		add("unknown: %s", s.silent)
	case s.index == 0:
		add("nothing was observed")
	case since > s.fresh():
		if s.silent != "" {
			add("unknown since %s: %s", seconds(s.last), s.silent)
		} else {
			add("no observation since %s, for %s", seconds(s.last), FormatSeconds(since.Seconds()))
		}
	}
	if s.allowed > 0 && s.seen > 0 && s.settled(now) >= s.least && odds(s.allowed, s.seen, s.bad) >= math.Log(decisive) {
		t.Verdict = Broken
		add("%d of %d bad: the data favor %.4g%% over the allowed %.4g%% by %.3g:1; the last one: %s",
			s.bad, s.seen, 100*tested(s.allowed), 100*s.allowed, math.Exp(min(odds(s.allowed, s.seen, s.bad), 50)), s.why)
	}
	if steady := s.passes(now) || s.passedBefore(); !steady && t.Verdict != Broken {
		if left := s.least - s.settled(now); left > 0 {
			add("good for %s of %s", FormatSeconds(s.settled(now).Seconds()), FormatSeconds(s.least.Seconds()))
		} else if unseen := s.unseen(now); unseen > s.unseenAtMost() {
			add("%s of the last %s were not observed", FormatSeconds(unseen.Seconds()), FormatSeconds(s.least.Seconds()))
		}
		if s.bad > 0 {
			add("%d of %d bad, the last one: %s", s.bad, s.seen, s.why)
		}
		if t.More > 0 {
			rate := ""
			if s.spacing.mean > 0 {
				rate = fmt.Sprintf(", %s as they come", FormatSeconds(t.Wait.Seconds()))
			}
			what := "more observation"
			if n := s.moreSamples(); n == t.More && n > s.fewest-s.seen {
				what = "more independent observation"
			}
			add("needs %s%s", plural(t.More, what), rate)
		}
		if s.seen == 0 && s.lag > s.least {
			// As of a series of a pod that went while Prometheus was away: it is read
			// for minutes more.
			add("the last one may be of %s before, which is too old to count", FormatSeconds(s.lag.Seconds()))
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

// usual estimates the usual range of a length of time, as TCP does for round
// trips (RFC 6298): from the mean and the mean deviation of recent values.
type usual struct {
	n         int
	mean, dev time.Duration
}

// lately is the length of the averaging window, in observations.
const lately = 32

func (u *usual) add(d time.Duration) {
	if u.n > 1 {
		d = min(d, u.limit()) // an outlier moves the mean little
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

// limit is the upper end of the usual range. Random spacings exceed it once in
// several thousand; one missing value in a regular series just exceeds it. Zero
// before the first value.
func (u usual) limit() time.Duration {
	if u.n == 0 {
		return 0
	}
	return 2*u.mean + 8*u.dev
}
