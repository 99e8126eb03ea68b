package steadystate

import (
	"math"
	"sort"
	"time"
)

// A bundle makes one observation of each n successive ones: an outage in which
// its whole span lies has all of theirs. So what [blind] says of bundles is how
// long an outage can last that fewer than n observations speak of.
type bundle struct {
	n     int
	froms []time.Duration // of the last n, in a ring
	next  int             // place in the ring
	seen  int
	// Those of the last n after which none ended later, in order: the first one
	// ended last of all.
	latest []lasting
	gone   int // of latest
}

type lasting struct {
	index int
	to    time.Duration
}

func newBundle(n int) *bundle { return &bundle{n: n, froms: make([]time.Duration, n)} }

// add takes in the next observation, and makes of it and of those before it one
// if there are enough.
func (b *bundle) add(o Span) (whole Span, ok bool) {
	if b.n == 1 {
		return o, true
	}
	b.froms[b.next] = o.From
	b.seen++
	if b.next++; b.next == b.n {
		b.next = 0
	}
	for len(b.latest) > b.gone && b.latest[len(b.latest)-1].to <= o.To {
		b.latest = b.latest[:len(b.latest)-1]
	}
	b.latest = append(b.latest, lasting{b.seen, o.To})
	if b.latest[b.gone].index <= b.seen-b.n {
		b.gone++
	}
	if b.gone > b.n {
		b.latest = b.latest[:copy(b.latest, b.latest[b.gone:])]
		b.gone = 0
	}
	if b.seen < b.n {
		return Span{}, false
	}
	return Span{From: b.froms[b.next], To: b.latest[b.gone].to}, true
}

// most observations are looked at for a resolution. An outage that takes more
// to tell it from chance is one that no window shows.
const most = 1 << 16

// total is how many bad observations in a row are found to be an outage,
// whatever was around them.
func (r Rule) total() int {
	shares := r.shares()
	if len(shares) == 0 {
		return 1
	}
	return min(most, int(math.Ceil(alarm(surest)/newEvidence(shares[len(shares)-1], r.Allowed).bad)))
}

// partial is how many observations an outage of the smallest backend must meet to
// be found but for one time in ten thousand; 0 if its share is not known.
func (r Rule) partial() int {
	p := r.smallest()
	switch {
	case p <= 0:
		return 0
	case p >= 1:
		return r.total()
	case p <= r.Allowed:
		return most
	case r.Allowed <= 0:
		return min(most, int(math.Ceil(reach/-math.Log1p(-p))))
	}
	e := newEvidence(p, r.Allowed)
	return sort.Search(most, func(n int) bool {
		// So many bad ones of n make the sum that is an outage.
		least := int(math.Ceil((alarm(surest) + float64(n)*e.good) / (e.bad + e.good)))
		return least <= n && tail(n, n-least+1, 1-p) <= rare
	})
}
