package load

import (
	"math"
	"sync"
	"time"
)

// A timetable says when each request of a stream is due: by the load's shape
// and by its surges. It begins with the attack.
type timetable struct {
	shape Shape
	share share

	mu      sync.Mutex
	start   time.Time    // of the attack; zero: not started
	changes []rateChange // by time; the first is the shape's own
	// switched is closed when the rate changes.
	switched chan struct{}
}

// A rateChange multiplies the shape's rate from a time on.
type rateChange struct {
	from   time.Duration
	factor float64
	// Due by then: by the shape alone, and by the previous changes.
	shape, hits float64
}

// A share is the part of a load that one worker of several drives: the requests
// whose number modulo of is worker.
type share struct{ worker, of int }

// number maps the n-th request of this worker to its number among those of all
// workers.
func (s share) number(n uint64) uint64 {
	if s.of == 0 {
		return n
	}
	return uint64(s.worker) + n*uint64(s.of) //nolint:gosec // validated: not negative
}

// part is the share's fraction of the whole.
func (s share) part() float64 { return 1 / float64(max(1, s.of)) }

func newTimetable(s Shape, part share) *timetable {
	return &timetable{shape: s, share: part, changes: []rateChange{{factor: 1}}, switched: make(chan struct{})}
}

// begin sets the start of the attack, once.
func (t *timetable) begin(at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.start.IsZero() {
		t.start = at
	}
}

// due is when the request with a number is due, by the clock of time.Now.
func (t *timetable) due(number uint64) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at(number)
}

// wait is the time until then. A rate change closes switched, and the wait
// restarts.
func (t *timetable) wait(number uint64) (wait time.Duration, switched <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// Now is read while the rate cannot change, so that requests due by then stay
	// due.
	return time.Until(t.at(number)), t.switched
}

func (t *timetable) at(number uint64) time.Time {
	hits := float64(number) + 1 // the first is due when Hits is one
	i := len(t.changes) - 1
	for i > 0 && t.changes[i].hits >= hits {
		i--
	}
	l := t.changes[i]
	at := max(l.from, t.shape.When(l.shape+(hits-l.hits)/l.factor))
	return t.start.Add(min(at, math.MaxInt64/2))
}

// begun reports whether the attack has begun.
func (t *timetable) begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.start.IsZero()
}

// multiply multiplies the rate from now on, replacing any earlier factor. The
// attack must have begun.
func (t *timetable) multiply(factor float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	last := t.changes[len(t.changes)-1]
	now := time.Since(t.start)
	shape := t.shape.Hits(now)
	t.changes = append(t.changes, rateChange{from: now, factor: factor, shape: shape, hits: last.hits + last.factor*(shape-last.shape)})
	close(t.switched)
	t.switched = make(chan struct{})
}

// A pacer makes an attack keep a timetable. It waits by itself, since vegeta
// would sleep through a switch, and through the end of a slow load. vegeta's
// own pacers support neither, and the times of its linear and sine pacers are
// approximations.
type pacer struct {
	*timetable
	window *Window
	done   <-chan struct{}
	timer  *time.Timer
}

// Pace is called before each request, by one goroutine of the attack.
func (p *pacer) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	p.begin(time.Now().Add(-elapsed))
	number := p.share.number(hits)
	for {
		ending := p.window.ending() // read before the check whether it is over
		if p.window.over(p.due(number)) {
			return 0, true
		}
		wait, switched := p.wait(number)
		if wait <= 0 {
			return 0, false
		}
		if p.timer == nil {
			p.timer = time.NewTimer(wait)
		} else {
			p.timer.Reset(wait)
		}
		select {
		case <-p.timer.C:
		case <-switched:
		case <-ending:
		case <-p.done:
			return 0, true
		}
	}
}

// Rate is the shape's, as vegeta expects.
func (p *pacer) Rate(elapsed time.Duration) float64 { return p.shape.Rate(elapsed) * p.share.part() }
