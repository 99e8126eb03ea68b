package steadystate

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"sort"
	"time"
)

// A Rule says what an outage is, and when it is over.
type Rule struct {
	// Settle is how long the signal must stay good.
	Settle time.Duration
	// Allowed is the share of bad observations that counts as background, as in
	// [Check]. An outage is more bad observations within the settle time than
	// chance explains at that share, or several in a row.
	Allowed float64
	// ByChance: an observation may miss an outage, as a request does that a
	// healthy backend answers. A good one then proves less, and the spans of
	// [Outage] are wider. A poll of the state itself misses no outage; a poll over
	// fresh connections may.
	ByChance bool
	// Smallest is the share of the observations that the smallest backend
	// answers, if observations meet an outage by chance; 0: unknown. During a
	// partial outage at least that share of them is good and at least that share
	// is bad.
	Smallest float64
}

// SmallestShare is the smallest share of all answers that one backend gave in a
// settled stretch, from the count of each backend; 0 if unknown. A backend with
// fewer than [MinObservations] hardly serves and does not count.
func SmallestShare(answers iter.Seq[int]) float64 {
	least, all := math.MaxInt, 0
	for n := range answers {
		if all += n; n >= MinObservations {
			least = min(least, n)
		}
	}
	if least > all {
		return 0
	}
	return float64(least) / float64(all)
}

// An Outage is an episode: from the first bad observation until the signal stays
// good for the settle time. A signal that flaps within the settle time makes one
// outage.
type Outage struct {
	// Start contains the instant at which the outage began: no later than the
	// first bad observation, and no earlier than the last good one before it
	// allows.
	Start Span `json:"start"`
	// End contains the instant at which it ended, likewise.
	End Span `json:"end"`
	// Open: the record ends before the signal stayed good for the settle time.
	// The length is then a lower bound: it is censored, never dropped.
	Open bool `json:"open,omitempty"`
	// Stray: there may have been no outage. The bad observations are within the
	// allowed share, but so close to an end of the record that they may be the
	// visible part of an outage beyond it.
	Stray bool `json:"stray,omitempty"`
	// Bad of Total observations within the outage were bad: a third, with one of
	// three backends down.
	Bad   int `json:"bad"`
	Total int `json:"total"`
	// Stretches is the number of times the signal was bad, separated by good
	// observations; Down is the sum of their lengths. A single stretch is down
	// for its whole length.
	Stretches int                   `json:"stretches"`
	Down      Bounds[time.Duration] `json:"down"`
	// Reason is that of the first bad observation.
	Reason string `json:"reason,omitempty"`

	// hidden: it may have lasted longer than the settle time without a bad
	// observation.
	hidden bool
}

// Length is how long the outage lasted. High covers only what the record shows:
// an open outage may exceed it. A stray may have lasted for no time at all.
func (o Outage) Length() Bounds[time.Duration] {
	length := o.End.Since(o.Start)
	if o.Stray {
		length.Low = 0
	}
	return length
}

// Chance explains bad observations at the allowed share a, independent of each
// other; more of them than that, or closer together, are an outage. The test is
// Page's (1954): for an outage in which the share p is bad, the logarithm of its
// likelihood against chance grows by log(p/a) with each bad observation, shrinks
// by log((1-a)/(1-p)) with each good one, and restarts where it falls below
// zero. By chance it reaches h once in e^h observations at most (Lorden 1971).
// It runs for about a dozen values of p at once, from little more than a to
// nearly all, so chance reaches h in one of them that much more often. The small
// values of p detect what a binomial tail over a long window detects, the large
// ones detect clusters. The stretch found is the one with the greatest sum,
// which is the same in either direction of time.
//
// An edge is a change point. The change points with a likelihood within e^-c of
// the best one's contain the true one, except with a probability of e^-c on
// either side: the likelihood ratio of any other change point to the true one is
// a martingale (Ville's inequality). This holds on the outage's outer side for
// any share p, and on its inner side for any p up to the true share there. So p
// is estimated next to each edge, from below; see [outages.unlikely].

const (
	// rare is the probability that an edge is wrong, on either side.
	rare = 1e-4
	// reach is the c above.
	reach = 9.21034037197618 // -log(rare)
	// local is the number of bad observations next to an edge that tell how
	// partial the outage is there: backends may fail and heal one by one.
	local = 12
	// kept is the number of bad observations kept from each end of a stretch.
	kept = 512
	// surest is the largest e^h: a false alarm once in so many observations.
	surest = 1e10
	// nearly is the share of bad observations in a total outage: a good answer
	// may have been in flight.
	nearly = 0.95
	// few is the largest p assumed for an outage that an end of the record cuts
	// off: its visible part may hold good observations too.
	few = 0.75
)

// alarm is h for that many observations in a settle time: 1e-5 in each.
func alarm(n float64) float64 { return math.Log(min(surest, 1e5*max(100, n))) }

// evidence is how much the log likelihood grows with a bad observation and
// shrinks with a good one.
type evidence struct{ bad, good float64 }

func newEvidence(p, allowed float64) evidence {
	if p >= 1 {
		return evidence{bad: -math.Log(allowed), good: math.Inf(1)}
	}
	return evidence{bad: math.Log(p / allowed), good: math.Log((1 - allowed) / (1 - p))}
}

// smallest is the smallest share of bad observations while a backend is down; 0
// if unknown.
func (r Rule) smallest() float64 {
	if !r.ByChance || r.Smallest <= 0 {
		return 0
	}
	return min(1, r.Smallest+(1-r.Smallest)*r.Allowed)
}

// shares are the shares p of Page's test, in order; none if no bad one is
// allowed.
func (r Rule) shares() []float64 {
	a := r.Allowed
	if a <= 0 {
		return nil
	}
	list := []float64{max(few, (1+a)/2)}
	if a < nearly {
		list = append(list, nearly)
	}
	for p := 2 * a; p < list[0]; p *= 2 {
		list = append(list, p)
	}
	if least := r.smallest(); least > a {
		list = append(list, least)
	}
	slices.Sort(list)
	return list
}

// page is Page's sum for one share.
type page struct {
	evidence
	value float64
	first int // its first bad observation, of those pending
}

// after is the sum after that many more good observations.
func (t page) after(good int) float64 {
	if good == 0 {
		return t.value // t.good may be infinite, and 0 * Inf is NaN
	}
	return t.value - float64(good)*t.good
}

// outages finds the outages in known observations, which come in order. It keeps
// the good observations of two settle times before a possible outage, and some
// hundred bad ones from each end of a bad stretch, but not the whole stretch.
type outages struct {
	good   Tolerance
	rule   Rule
	record Span // bounds what was on from the beginning or never ended
	found  []Outage

	n       int           // known observations so far
	bads    int           // of them
	from    time.Duration // start of the first one
	seen    time.Duration // latest end of one
	goods   []sighting    // the latest good ones
	forgot  bool          // earlier good ones were dropped
	pending []failure     // bad ones that chance may still explain
	sums    []page
	brief   int           // index of the sum that detects an outage cut off by the record
	over    time.Duration // earliest end of a good one since the last bad one
	last    int           // index of the last bad one
	early   bool          // the first bad ones may be the rest of an outage before the record
	ended   bool          // end was called
	now     *episode
	on      *stretch
	likely  map[[2]int]int // see unlikely
}

// A sighting is a known observation; index is the number of those before it.
type sighting struct {
	Span
	index int
}

// A failure is a bad observation; bads is the number of bad ones before it.
type failure struct {
	sighting
	bads   int
	failed string
	value  float64
}

// A stretch is a time without evidence that the signal was good.
type stretch struct {
	first failure   // the first bad observation
	head  []failure // the first of them
	tail  []failure // the last of them
	loose []failure // bad ones after it that may belong to it
	start Span
	dated bool // start is final
	until time.Duration
	over  time.Duration // the earliest end of a good one since the last of tail
	worst float64       // how far the likelihood fell since
	to    time.Duration // the last end of its bad ones
	// hidden is as in [Outage].
	hidden bool
}

// An episode is an outage: stretches less than a settle time apart.
type episode struct {
	Outage
	first, last failure
	over        time.Duration // the earliest end of a good one after it
}

func newOutages(good Tolerance, rule Rule, record Span) outages {
	s := outages{good: good, rule: rule, record: record, last: -1, over: math.MaxInt64, seen: record.From, early: true, likely: map[[2]int]int{}}
	for _, p := range rule.shares() {
		if p <= max(few, (1+rule.Allowed)/2) {
			s.brief = len(s.sums)
		}
		s.sums = append(s.sums, page{evidence: newEvidence(p, rule.Allowed)})
	}
	return s
}

// add adds a known observation. Observations come in order.
func (s *outages) add(o Observation) {
	next := sighting{Span: o.Span, index: s.n}
	if s.n == 0 {
		s.from = o.From
	}
	s.n++
	s.seen = max(s.seen, o.To)
	if o.Bad(s.good) {
		s.bads++
		s.bad(failure{sighting: next, bads: s.bads - 1, failed: o.Failed, value: o.Value})
		return
	}
	if s.on != nil {
		// Later bad observations belong to another stretch, and all good ones
		// that end this stretch have arrived.
		if o.From > s.on.until && o.From > s.on.over {
			s.leave()
		} else {
			s.on.over = min(s.on.over, o.To)
		}
	}
	s.over = min(s.over, o.To)
	s.goods = append(s.goods, next)
	if len(s.goods) < 2*kept || len(s.goods)%64 > 0 {
		return
	}
	// Dating an edge needs the last good observation that was over before it and
	// began a settle time before it.
	since := o.From
	if s.on == nil {
		since = s.since(s.n, o.From)
	} else if !s.on.dated {
		since = s.on.first.From
	}
	if len(s.goods) >= most && since+s.rule.Settle < o.From {
		// So many observations are enough to date the start.
		if s.on != nil {
			s.date()
		}
		since = o.From
	}
	s.forget(since - 2*s.rule.Settle)
}

// forget drops the good observations that were over by old, except the last one.
func (s *outages) forget(old time.Duration) {
	n := 0
	for n < len(s.goods)-kept && s.goods[n+1].From <= old && s.goods[n+1].To <= old {
		n++
	}
	s.goods, s.forgot = s.goods[n:], s.forgot || n > 0
}

// since is the start of the first pending bad observation that still counts in a
// sum before the observation with that index; now if none does.
func (s *outages) since(index int, now time.Duration) time.Duration {
	first := len(s.pending)
	for _, t := range s.sums {
		if t.after(index-s.last-1) > 0 {
			first = min(first, t.first)
		}
	}
	if first < len(s.pending) {
		return s.pending[first].From
	}
	return now
}

// bad adds a bad observation.
func (s *outages) bad(o failure) {
	if s.on != nil && s.joins(o) {
		return
	}
	if s.on != nil {
		s.leave()
		s.bad(o)
		return
	}
	s.wonder(o)
}

func (s *outages) reason(o failure) string { return cmp.Or(o.failed, s.good.complaint(o.value)) }

// wonder tests whether chance explains a bad observation and those before it.
func (s *outages) wonder(o failure) {
	since := s.since(o.index, o.From)
	for len(s.pending) > 2*local && (len(s.pending) >= 8*kept || s.pending[0].From < since-s.rule.Settle) {
		if s.pending[0].From >= since {
			s.goods, s.forgot = nil, true // an outage that begins here is not dated
		}
		s.pending = s.pending[1:]
		for i := range s.sums {
			s.sums[i].first = max(0, s.sums[i].first-1)
		}
	}
	usual := float64(o.index)
	if span := o.From - s.from; span > s.rule.Settle {
		usual *= float64(s.rule.Settle) / float64(span)
	}
	h := alarm(usual)
	found, first := s.rule.Allowed <= 0, len(s.pending)
	for i := range s.sums {
		t := &s.sums[i]
		if t.value = t.after(o.index - s.last - 1); t.value <= 0 {
			if i == s.brief {
				s.rest()
				s.early = s.early && t.bad > float64(o.index)*t.good
			}
			t.value, t.first = 0, len(s.pending)
		}
		if t.value += t.bad; t.value < h {
			continue
		}
		// Of the sums that reach h, the one for the largest share reaches back
		// least.
		found, first = true, t.first
	}
	s.pending = append(s.pending, o)
	s.last, s.over = o.index, math.MaxInt64
	if found {
		s.enter(first)
	}
}

// rest reports the first bad observations of the record as a stray if they may
// be the rest of an outage before it.
func (s *outages) rest() {
	if !s.early || s.now != nil || len(s.pending) == 0 {
		return
	}
	s.early = false
	s.found = append(s.found, s.stray(s.pending, Span{From: s.record.From, To: s.pending[0].To}, s.over))
}

// stray makes an outage that may not have been one.
func (s *outages) stray(bad []failure, start Span, over time.Duration) Outage {
	first, last := bad[0], bad[len(bad)-1]
	o := Outage{Start: start, End: last.Span, Stray: true, Reason: s.reason(first), Bad: len(bad), Total: last.index - first.index + 1, Stretches: 1}
	o.End.To = max(o.End.To, min(over, s.record.To))
	o.Down = o.Length()
	return o
}

// enter begins a stretch with the pending bad observations from first on, and
// those before it that may belong to the stretch.
func (s *outages) enter(first int) {
	t := &stretch{to: math.MinInt64, over: math.MaxInt64}
	value, p := 0.0, s.fringe(s.pending[first:], false)
	for i := first - 1; i >= 0 && value >= -reach; i-- {
		if value += p.bad - p.good*float64(s.pending[i+1].index-s.pending[i].index-1); value > 0 {
			value, first = 0, i
		}
	}
	t.head, t.tail = slices.Clone(s.pending[first:]), slices.Clone(s.pending[first:])
	for _, o := range t.head {
		t.to = max(t.to, o.To)
	}
	t.first, t.until = t.head[0], t.tail[len(t.tail)-1].From+s.rule.Settle
	s.pending = s.pending[:first]
	for i := range s.sums {
		s.sums[i].value = 0
	}
	s.on, s.early = t, false
}

// joins reports whether a bad observation may belong to the current stretch.
func (s *outages) joins(o failure) bool {
	t := s.on
	good := o.index - s.last - 1
	switch {
	case len(t.loose) == 0 && (good == 0 || (s.rule.ByChance && good <= 2)):
		s.take(o)
		return true
	case o.From > t.until:
		return false
	case s.rule.Allowed <= 0:
		if good > s.unlikely(t.tail, true).n {
			return false
		}
		s.take(o)
		return true
	}
	p := s.fringe(t.tail, true)
	switch t.worst += p.bad - p.good*float64(good); {
	case t.worst < -reach:
		return false
	case t.worst <= 0:
		t.loose = append(t.loose, o)
		s.last = o.index
		return true
	}
	for _, l := range t.loose {
		s.take(l)
	}
	t.loose = nil
	s.take(o)
	return true
}

// take adds a bad observation to the current stretch.
func (s *outages) take(o failure) {
	t := s.on
	t.worst, t.to = 0, max(t.to, o.To)
	t.until, t.over = o.From+s.rule.Settle, math.MaxInt64
	s.last = o.index
	if len(t.tail) >= 2*kept {
		t.tail = append(t.tail[:0], t.tail[kept:]...)
	}
	t.tail = append(t.tail, o)
	if t.dated {
		return
	}
	// So many observations date the start.
	if t.head = append(t.head, o); len(t.head)%64 == 0 && (len(t.head) == kept || o.index-t.head[0].index >= len(t.head)) {
		s.date()
	}
}

// An edge is what the observations next to it show.
type edge struct {
	// n good observations in a row are practically impossible during the outage.
	n int
	evidence
	run int // bad ones next to the edge with no good one between them
}

// unlikely is the number of good observations in a row that is practically
// impossible during the outage, judged by the bad ones next to an edge: at the
// end of the list or at its beginning.
//
// Of all orders in which the b bad observations, the g good ones between them
// and n good ones at the edge could have come, the share
//
//	C(g+b-1, b-1) / C(n+g+b-1, b-1)
//
// has the n at the edge, whatever the share of bad ones is. n is the least
// number for which that share is rare. A backend that is down makes at least its
// share of observations bad, and one that is up makes at least its share good.
// So enough bad ones in a row show that all backends were down, and then a
// single good one shows that the outage is over.
func (s *outages) unlikely(list []failure, end bool) edge {
	if !s.rule.ByChance {
		return edge{run: s.run(list, end, len(list)), evidence: newEvidence(1, s.rule.Allowed)}
	}
	total := math.MaxInt
	if s.rule.Smallest > 0 {
		total = int(math.Ceil(reach / -math.Log1p(-min(s.rule.Smallest, 1-1e-9))))
	}
	e := edge{run: s.run(list, end, min(total, kept))}
	if e.run >= total {
		e.evidence = newEvidence(1, s.rule.Allowed)
		return e
	}
	// Bad observations are denser next to the edge than elsewhere: that is what
	// makes it the likeliest edge.
	e.n = 2 * s.order(list, end)
	if e.run > local {
		e.n = min(e.n, s.permuted(e.run, 0))
	}
	if least := s.least(list); least > 0 {
		e.n = min(e.n, int(math.Ceil(reach/newEvidence(least, s.rule.Allowed).good)))
	}
	e.evidence = s.partial(reach / float64(e.n))
	return e
}

// least is the smallest share of bad observations while a backend is down; 0 if
// it is unknown, or if a smaller share was bad.
func (s *outages) least(list []failure) float64 {
	p := s.rule.smallest()
	bad, all := float64(len(list)), float64(list[len(list)-1].index-list[0].index+1)
	if p <= s.rule.Allowed || bad < p*all-4*math.Sqrt(p*(1-p)*all) {
		return 0
	}
	return min(p, 1-1e-9)
}

// partial is the evidence of a partial outage with good observations of that
// weight.
func (s *outages) partial(good float64) evidence {
	return newEvidence(1-(1-s.rule.Allowed)*math.Exp(-good), s.rule.Allowed)
}

// fringe is the evidence that bad observations beyond an edge belong to the
// outage, as those of the last backend to heal or of the first to fail do.
func (s *outages) fringe(list []failure, end bool) evidence {
	switch least := s.least(list); {
	case !s.rule.ByChance:
		return newEvidence(max(nearly, (1+s.rule.Allowed)/2), s.rule.Allowed)
	case least > 0:
		return newEvidence(least, s.rule.Allowed)
	}
	return s.partial(reach / float64(s.order(list, end)))
}

// order is the n of unlikely, from the bad observations next to an edge and the
// good ones between them.
func (s *outages) order(list []failure, end bool) int {
	b, g := min(local, len(list)), 0
	for i := range b - 1 {
		g += s.between(list, end, i)
	}
	return s.permuted(b, g)
}

func (s *outages) permuted(b, g int) int {
	key := [2]int{b, g}
	if n, ok := s.likely[key]; ok {
		return n
	}
	n := sort.Search(math.MaxInt32, func(n int) bool {
		return LogChoose(g+b-1, g)-LogChoose(n+g+b-1, n+g) <= -reach
	})
	s.likely[key] = n
	return n
}

// run is the number of bad observations at an edge without a good one between
// them, at most most.
func (s *outages) run(list []failure, end bool, most int) int {
	n := min(1, len(list))
	for n < min(most, len(list)) && s.between(list, end, n-1) == 0 {
		n++
	}
	return n
}

// at is the i-th bad observation from an edge.
func at(list []failure, end bool, i int) failure {
	if end {
		return list[len(list)-1-i]
	}
	return list[i]
}

// between is the number of good observations that show the service good between
// the i-th bad one from an edge and the next. Slow answers that may be from
// beyond the edge do not count.
func (s *outages) between(list []failure, end bool, i int) int {
	a, b := at(list, end, i).index, at(list, end, i+1).index
	a, b = min(a, b), max(a, b)
	n := b - a - 1
	if n == 0 {
		return 0
	}
	edge := list[len(list)-1].From
	if !end {
		edge = list[0].To
		for _, o := range list[:min(len(list), 64)] {
			edge = min(edge, o.To)
		}
	}
	k := sort.Search(len(s.goods), func(k int) bool { return s.goods[k].index > a })
	for ; k < len(s.goods) && s.goods[k].index < b; k++ {
		if g := s.goods[k]; (end && g.To >= edge) || (!end && g.From <= edge) {
			n--
		}
	}
	return n
}

// inner is the number of bad observations at an edge that may be strays outside
// the outage.
func (s *outages) inner(list []failure, end bool, e edge) int {
	if s.rule.Allowed <= 0 || !s.rule.ByChance {
		return 0
	}
	deepest, value := 0, 0.0
	for i := range len(list) - 1 {
		value -= e.bad
		if g := s.between(list, end, i); g > 0 {
			value += e.good * float64(g)
		}
		if value < -3*reach {
			break
		}
		if value > -reach+1e-9 {
			deepest = i + 1
		}
	}
	return deepest
}

// date decides when the current stretch began. The outage began no later than
// the end of any bad span, and after the start of the last good one before it,
// or of an earlier good one if the outage may have let the later ones through.
// It began no more than the settle time before its first bad observation:
// earlier, it would be another outage.
func (s *outages) date() {
	t := s.on
	t.dated = true
	e := s.unlikely(t.head, false)
	first := t.head[0]
	t.start.From = s.record.From
	if s.forgot {
		t.start.From, t.hidden = max(s.record.From, first.From-s.rule.Settle), true
	}
	// The strays may be any of those that end first.
	ends := make([]time.Duration, len(t.head))
	for i, o := range t.head {
		ends[i] = o.To
	}
	slices.Sort(ends)
	t.start.To = ends[s.inner(t.head, false, e)]
	// If no observation is good during the outage, a good answer in flight when
	// the first bad one began was good before it.
	over := first.From
	if e.n == 0 {
		over = t.head[e.run-1].From
	}
	value, strays := 0.0, s.pending
	for _, o := range slices.Backward(s.goods) {
		if o.To > over || o.From > t.start.To {
			continue
		}
		for len(strays) > 0 && strays[len(strays)-1].index > o.index {
			strays = strays[:len(strays)-1]
			value += e.bad
		}
		value -= e.good
		certain := e.n == 0 || value < -reach
		if certain || o.From <= first.From-s.rule.Settle {
			t.start.From = o.From
			t.hidden = !certain
			break
		}
	}
	t.start.From = min(t.start.From, t.start.To)
	t.head = nil
}

// finish decides when the current stretch ended. The outage ended no earlier
// than the start of any bad span. The service was good by the end of the first
// good span that began after that, unless a bad span still open then contradicts
// it.
func (s *outages) finish() Span {
	t := s.on
	e := s.unlikely(t.tail, true)
	last := t.tail[len(t.tail)-1]
	back, value, strays, skipped := time.Duration(math.MaxInt64), 0.0, t.loose, time.Duration(math.MinInt64)
	k := sort.Search(len(s.goods), func(k int) bool { return s.goods[k].index > last.index })
	for _, o := range s.goods[k:] {
		if o.From > back {
			break
		}
		for len(strays) > 0 && strays[0].index < o.index {
			strays = strays[1:]
			value += e.bad
		}
		value -= e.good
		certain := e.n == 0 || value < -reach
		if certain || o.From >= last.From+s.rule.Settle {
			back = min(back, o.To)
			t.hidden = t.hidden || !certain
		} else {
			skipped = max(skipped, o.To)
		}
	}
	if back == math.MaxInt64 {
		if back = skipped; s.ended || skipped < last.To {
			back = s.record.To
		}
	}
	return Span{From: at(t.tail, true, s.inner(t.tail, true, e)).From, To: max(t.to, back)}
}

// leave ends the current stretch, and adds it to the current outage or starts
// the next outage with it.
func (s *outages) leave() {
	t := s.on
	first, last := t.first, t.tail[len(t.tail)-1]
	if !t.dated {
		s.date()
	}
	end := s.finish()
	end.From = max(end.From, t.start.From)
	end.To = max(end.To, end.From)
	s.on = nil
	s.last = last.index
	down := end.Since(t.start)
	if e := s.now; e != nil && e.over < math.MaxInt64 && first.From >= e.over+s.rule.Settle {
		s.close()
	}
	if s.now == nil {
		s.now = &episode{first: first}
		s.now.Start, s.now.End, s.now.Reason = t.start, end, s.reason(first)
		// A stray at the beginning of the record may be the first part of this
		// outage.
		if n := len(s.found); n == 1 && s.found[0].Stray && first.From < s.found[0].End.To+s.rule.Settle {
			s.now.Start.From, s.found = s.record.From, nil
		}
	}
	e := s.now
	e.End = Span{From: max(e.End.From, end.From), To: max(e.End.To, end.To)}
	e.Stretches++
	e.hidden = e.hidden || t.hidden
	e.Down = e.Down.Plus(down)
	e.last, e.over = last, t.over
	for _, o := range t.loose {
		s.bad(o)
	}
}

// close ends the current outage.
func (s *outages) close() {
	e := s.now
	s.now = nil
	e.Bad, e.Total = e.last.bads-e.first.bads+1, e.last.index-e.first.index+1
	length := e.Length()
	e.Down = Bounds[time.Duration]{Low: min(e.Down.Low, length.High), High: min(e.Down.High, length.High)}
	// How long the signal stayed good is known up to the last observation.
	e.Open = e.over == math.MaxInt64 || e.over+s.rule.Settle > s.seen
	s.found = append(s.found, e.Outage)
}

// end ends the record and returns the outages.
func (s *outages) end() []Outage {
	if s.ended {
		return s.found
	}
	s.ended = true
	for s.on != nil {
		s.leave()
	}
	if len(s.sums) > 0 && len(s.pending) > 0 {
		// Bad observations so close to the end may be the first of an outage.
		brief := s.sums[s.brief]
		if brief.value -= brief.good * float64(s.n-1-s.last); brief.value <= 0 {
			s.rest()
		} else if list := s.pending[brief.first:]; s.now == nil || (s.now.over < math.MaxInt64 && list[0].From >= s.now.over+s.rule.Settle) {
			if s.now != nil {
				s.close()
			}
			start := Span{From: s.record.From, To: list[0].To}
			for _, o := range slices.Backward(s.goods) {
				if o.To <= list[0].From {
					start.From = o.From
					break
				}
			}
			o := s.stray(list, start, s.over)
			o.Open = true
			s.found = append(s.found, o)
		}
	}
	if s.now != nil {
		s.close()
	}
	return s.found
}
