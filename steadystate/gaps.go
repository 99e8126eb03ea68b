package steadystate

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"time"
)

// A gap is a stretch without knowledge: the source said so, was silent for longer
// than chance explains, or ticks and skipped at least two ticks. It reaches from the
// last From, since that observation may be true only at its very beginning, to the
// earliest To after it, since the next one may be true only at its very end.
type gap struct {
	Span
	silence Span     // between the observations around it
	unknown int      // unknown observations in it
	waited  bool     // the source was waiting for an answer and sent nothing
	around  spacings // before and after it
	ticks   ticks    // of around, once it is complete
	after   int      // spacings after it
}

// gaps finds the gaps between known observations, in order.
type gaps struct {
	record  Span
	last    time.Duration // From of the last known observation
	reach   time.Duration // the latest To of one
	near    []Span        // known ones: the last completed one, and those since
	waits   time.Duration // end of the last observation if it was alone and bad
	unknown int           // unknown observations since the last known one

	recent [2]spacings // the last of them, in two blocks
	n      int
	// sizes is the time spent in spacings below each power of two nanoseconds.
	sizes [64]time.Duration

	open []gap // later observations may still narrow or explain them
	list []gap
}

const (
	// neighbours is the number of spacings on each side of a gap that determine
	// the usual spacing there.
	neighbours = 64
	// seldom is the probability that a record of randomly timed observations has
	// a silence that counts as a gap, by each of two rules.
	seldom = 1e-4
	// jitter is too short to be told from chance: every machine's scheduler causes it
	// now and then, and the resolution includes it.
	jitter = 100 * time.Millisecond
	// A pause is a gap that hides at most its own length, as shared machines make
	// them: were it to join outages that are a settle time apart, it would hide far
	// more than it is long.
	pause = 250 * time.Millisecond
	// maxGaps bounds the memory. Beyond it neighbouring gaps merge, which only
	// widens the unknown time.
	maxGaps = 1 << 14
	// skip is how many ticks long a silence is that lacks at least two of them. A
	// single one is lost now and then, as by a scrape that fails.
	skip = 2.5
	// leastTick is the shortest tick. Of what comes more often there are so many
	// observations that chance explains no silence of five, and a busy machine
	// delays two.
	leastTick = 2 * jitter
	// odd is the share of the spacings that need not be ticks, at either end: other
	// silences, and what came soon after something late.
	odd = 0.2
)

// spacings are the lengths of time between successive observations, except
// those at the same instant.
type spacings struct {
	n       int
	sum     time.Duration
	longest [3]time.Duration
	all     []time.Duration
}

func (s *spacings) add(d time.Duration) {
	if d <= 0 {
		return
	}
	s.n++
	s.sum += d
	s.all = append(s.all, d)
	s.insert(d)
}

func (s *spacings) insert(d time.Duration) {
	for i, l := range s.longest {
		if d > l {
			s.longest[i], d = d, l
		}
	}
}

func (s spacings) with(o spacings) spacings {
	s.n += o.n
	s.sum += o.sum
	s.all = slices.Concat(s.all, o.all)
	for _, d := range o.longest {
		s.insert(d)
	}
	return s
}

// usual is the third longest, so two other gaps nearby do not make a gap usual.
func (s spacings) usual() time.Duration { return s.longest[2] }

// every is the mean spacing without the two longest.
func (s spacings) every() time.Duration {
	if s.n <= 2 {
		return 0
	}
	return (s.sum - s.longest[0] - s.longest[1]) / time.Duration(s.n-2)
}

// chance is the probability that a spacing is c times as long as the third
// longest of n others, if observations come at random. The spacings are then
// exponential, exp(-third longest) is the third smallest of n uniform variables
// and so has the distribution Beta(3, n-2), and the probability is the moment
//
//	E[U^c] = Gamma(3+c) Gamma(n+1) / (Gamma(3) Gamma(n+1+c))
//
// (David and Nagaraja, Order Statistics, 2003, sections 2.1 and 2.5).
// Observations that come more evenly have long spacings less often.
func chance(n int, c float64) float64 {
	return math.Exp(logGamma(3+c) + logGamma(float64(n)+1) - logGamma(3) - logGamma(float64(n)+1+c))
}

// ticks are the even ones of some spacings.
type ticks struct {
	longest time.Duration
	// odds is the probability that observations that come at random have spacings as
	// even, and then one of [skip] times the longest.
	odds float64
}

// ticks are all spacings but those that are odd. Spacings that come at random are
// exponential. The k between the shortest m and r*m, and then one above c*m, have
// the probability
//
//	integral over m of k exp(-m) (exp(-m) - exp(-r*m))^(k-1) exp(-c*m)
//	= k/(r-1) B((k+c)/(r-1), k)
//
// with exp(-m) = u^(1/(r-1)) and the beta function B. The integrand without its
// last factor is the joint distribution of the extremes (David and Nagaraja, Order
// Statistics, 2003, section 2.2). Since any k of the n spacings may be the even
// ones, the sum over all choices is a bound.
func (s spacings) ticks() ticks {
	sorted := slices.Sorted(slices.Values(s.all))
	n := len(sorted)
	cut := int(odd * float64(n))
	k := n - 2*cut
	if k < 3 || sorted[cut] < leastTick {
		return ticks{odds: 1}
	}
	shortest, longest := sorted[cut], sorted[n-1-cut]
	spread := max(0.001, float64(longest-shortest)/float64(shortest)) // r-1
	a, b := (float64(k)+skip)/spread, float64(k)
	choices := LogChoose(n, cut) + LogChoose(n-cut, cut)
	return ticks{longest, math.Exp(choices + math.Log(b/spread) + logGamma(a) + logGamma(b) - logGamma(a+b))}
}

// skipped reports whether a silence lacks ticks.
func (t ticks) skipped(silence Span) bool {
	return t.longest > 0 && float64(silence.Width()) > skip*float64(t.longest)
}

func newGaps(record Span) gaps { return gaps{record: record, last: record.From, reach: record.From} }

// add adds the next observation, in order.
func (g *gaps) add(o Observation, good, bad bool) {
	if !good && !bad {
		g.lose(o.Span)
		return
	}
	spacing := o.From - g.last
	for i := range g.open {
		p := &g.open[i]
		if o.From <= p.To {
			p.To = min(p.To, o.To)
		}
		if spacing > 0 {
			p.after++
			p.around.add(spacing)
		}
	}
	for len(g.open) > 0 && g.open[0].after >= neighbours && o.From > g.open[0].To {
		g.settle(g.open[0])
		g.open = g.open[1:]
	}
	if silence := (Span{From: g.last, To: o.From}); g.consider(silence, o.To, g.unknown) {
		p, idle := &g.open[len(g.open)-1], Span{From: max(g.last, min(g.waits, o.From)), To: o.From}
		p.waited = g.unknown == 0 && !g.long(idle) && !p.around.ticks().skipped(idle)
	}
	g.waits = 0
	if bad && g.reach <= o.From {
		g.waits = o.To
	}
	g.unknown = 0
	g.last, g.reach = o.From, max(g.reach, o.To)
	for len(g.near) > 1 && g.near[1].To <= o.From {
		g.near = g.near[1:]
	}
	g.near = append(g.near, o.Span)
	if spacing <= 0 {
		return
	}
	if g.recent[1].n >= neighbours/2 {
		g.recent = [2]spacings{g.recent[1]}
	}
	g.recent[1].add(spacing)
	g.n++
	g.sizes[bits.Len64(uint64(spacing))] += spacing
}

// lose adds an unknown observation. It is placed after the observations that
// ended before its end: a poll of an older value has a span that begins long
// before the poll, and so do known ones after it.
func (g *gaps) lose(o Span) {
	next := len(g.near)
	for next > 0 && g.near[next-1].To > o.To {
		next--
	}
	if next == len(g.near) {
		g.unknown++
		return
	}
	silence, to := Span{From: g.record.From, To: g.near[next].From}, g.near[next].To
	if next > 0 {
		silence.From = g.near[next-1].From
	}
	for i := range g.open {
		if g.open[i].silence.From == silence.From {
			g.open[i].unknown++
			return
		}
	}
	for _, n := range g.near[next:] {
		to = min(to, n.To)
	}
	g.consider(silence, to, 1)
}

// consider opens a gap if the silence may be one, and reports whether it did.
// unknown is the number of unknown observations in it.
func (g *gaps) consider(silence Span, to time.Duration, unknown int) bool {
	if unknown == 0 && !g.long(silence) && !g.uneven(silence) {
		return false
	}
	g.open = append(g.open, gap{
		Span:    Span{From: silence.From, To: max(silence.From, to)},
		silence: silence, unknown: unknown, around: g.recent[0].with(g.recent[1]),
	})
	return true
}

// long reports whether a silence may be longer than chance explains: it must
// exceed four times the usual spacing even with the fewest neighbours.
func (g *gaps) long(silence Span) bool {
	before := g.recent[0].n + g.recent[1].n
	return silence.Width() > jitter && (before < 3 || silence.Width() > 4*max(g.recent[0].usual(), g.recent[1].usual()))
}

// uneven reports whether a silence may lack ticks, which are at least half the mean
// spacing then.
func (g *gaps) uneven(silence Span) bool {
	n, sum := g.recent[0].n+g.recent[1].n, g.recent[0].sum+g.recent[1].sum
	return float64(silence.Width()) > skip*float64(leastTick) && 2*silence.Width()*time.Duration(n) > sum
}

// settle keeps a gap, once its neighbours are complete, if it still counts as
// one: the more observations there are, the longer a gap must be.
func (g *gaps) settle(p gap) {
	p.ticks, p.around.all = p.around.ticks(), nil
	if !g.is(p, 0) {
		return
	}
	if g.list = append(g.list, p); len(g.list) < maxGaps {
		return
	}
	for i := range len(g.list) / 2 {
		a, b := g.list[2*i], g.list[2*i+1]
		a.Span, a.silence, a.unknown, a.waited = a.Hull(b.Span), a.silence.Hull(b.silence), a.unknown+b.unknown, a.waited && b.waited
		g.list[i] = a
	}
	g.list = g.list[:len(g.list)/2]
}

// is reports whether the source declared the gap, skipped ticks, or chance does not
// explain the silence. least is the smallest usual spacing to assume.
func (g *gaps) is(p gap, least time.Duration) bool {
	if p.unknown > 0 {
		return true
	}
	if p.ticks.longest >= least && p.ticks.skipped(p.silence) && float64(g.n)*p.ticks.odds <= seldom {
		return true
	}
	usual := max(p.around.usual(), least)
	return p.around.n >= 3 && float64(g.n)*chance(p.around.n, float64(p.silence.Width())/float64(usual)) <= seldom
}

// end closes the record and returns the gaps, in order.
func (g *gaps) end() []gap {
	// An observation in flight may be true only at its end.
	g.consider(Span{From: max(g.last, min(g.reach, g.record.To)), To: g.record.To}, g.record.To, g.unknown)
	if n := len(g.open); n > 0 {
		g.open[n-1].From = min(g.open[n-1].From, g.last)
	}
	for _, p := range g.open {
		g.settle(p)
	}
	g.open = nil
	slices.SortStableFunc(g.list, func(a, b gap) int { return cmp.Compare(a.From, b.From) })
	least := g.least()
	kept := g.list[:0]
	for _, p := range g.list {
		if g.is(p, least) {
			kept = append(kept, p)
		}
	}
	g.list = kept
	return g.list
}

// least is a spacing below which at most a tenth of the time passes:
// observations in bursts are dense only during a burst.
func (g *gaps) least() time.Duration {
	all := time.Duration(0)
	for _, d := range g.sizes {
		all += d
	}
	below := time.Duration(0)
	for i, d := range g.sizes {
		if below += d; below > all/10 {
			return 1 << max(0, i-1)
		}
	}
	return 0
}

// pause reports whether the gap is a pause. What the source said it does not know is
// none.
func (p gap) pause() bool { return p.unknown == 0 && p.silence.Width() <= pause }

// accounted reports whether an outage explains the silence: a probe sends
// nothing while it waits for an answer.
func (p gap) accounted(outages []Outage) bool {
	return p.waited && p.unknown == 0 && slices.ContainsFunc(outages, func(o Outage) bool {
		return o.Start.From <= p.From && p.To <= o.End.To
	})
}

// missing estimates how many observations the part of the silence within the
// window would have held, at the rate around it.
func (p gap) missing(window Span) int {
	every := p.around.every()
	if every <= 0 || !p.silence.Overlaps(window) {
		return 0
	}
	part := clip(p.silence, window).Width()
	said := float64(p.unknown) * float64(part) / float64(max(1, p.silence.Width()))
	return max(0, int(math.Ceil(float64(part)/float64(every)-said))-1)
}

// union merges spans that are in order of From.
func union(list []Span) []Span {
	var merged []Span
	for _, s := range list {
		if n := len(merged); n > 0 && s.From <= merged[n-1].To {
			merged[n-1] = merged[n-1].Hull(s)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// joined is the union of two lists of spans, in any order.
func joined(a, b []Span) []Span {
	all := slices.Concat(a, b)
	slices.SortFunc(all, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	return union(all)
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
