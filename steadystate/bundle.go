package steadystate

import (
	"math"
	"sort"
	"time"
)

// A bundle merges each n successive observations into one: an outage that
// contains its whole span contains all n. So the [longestGap] between bundles is
// the longest outage met by fewer than n observations.
type bundle struct {
	n     int
	froms []time.Duration // of the last n, in a ring
	next  int             // place in the ring
	seen  int
	// The candidates for the latest To of the last n: those after which no
	// observation ended later, in order, so the first one ended last.
	latest []lasting
	gone   int // number of dropped ones at the start of latest
}

type lasting struct {
	index int
	to    time.Duration
}

func newBundle(n int) *bundle { return &bundle{n: n, froms: make([]time.Duration, n)} }

// add adds the next observation. Once there are n, it returns the last n merged.
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

// most bounds the number of observations that a resolution considers. An outage
// that needs more to stand out from chance never shows in any window.
const most = 1 << 16

// total is the number of bad observations in a row that make an outage,
// whatever surrounds them.
func (r Rule) total() int {
	shares := r.shares()
	if len(shares) == 0 {
		return 1
	}
	return min(most, int(math.Ceil(alarm(surest)/newEvidence(shares[len(shares)-1], r.Allowed).bad)))
}

// Finds is how long an outage of the smallest backend must last to be found in all
// but one of ten thousand cases, at that many observations a second; 0 if the
// backend's share is unknown.
func (r Rule) Finds(rate float64) time.Duration {
	return time.Duration(float64(r.partial()) / rate * float64(time.Second))
}

// partial is the number of observations that an outage of the smallest backend
// must meet to be found in all but one of ten thousand cases; 0 if the backend's
// share is unknown.
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
		// The number of bad ones of n that make Page's sum an outage.
		least := int(math.Ceil((alarm(surest) + float64(n)*e.good) / (e.bad + e.good)))
		return least <= n && Tail(n, n-least+1, 1-p) <= rare
	})
}
