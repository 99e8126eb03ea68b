package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Gate follows the checks while they are recorded and tells whether the
// service is in its steady state now. It only decides when to inject: the judge
// decides from the record whether the service was steady, by the same
// [steadystate.Settling], which both begin with the settle phase: what is observed
// before, while the load and the sources start, counts for neither.
type Gate struct {
	plan   *record.Plan
	settle time.Duration
	checks []steadystate.Check

	mu      sync.Mutex
	begun   bool          // the settle phase has begun
	over    bool          // the inject phase has begun
	calm    time.Duration // since when nothing was on the move
	signals map[string]*follower
	late    stalls // of any load
	unrest  unrest
	told    map[string]bool // restarts already reported
}

// NewGate makes the gate of an experiment with that plan.
func NewGate(plan *record.Plan) *Gate {
	return &Gate{plan: plan, settle: plan.Settle, checks: Settling(plan.Checks, plan.Baseline), signals: map[string]*follower{}, told: map[string]bool{}}
}

// begin starts to settle.
func (g *Gate) begin(at time.Duration) {
	g.begun, g.calm = true, max(g.calm, at)
	for _, c := range g.checks {
		f := g.signal(c.Signal)
		f.checks = append(f.checks, settling{c, steadystate.NewSettling(c, ByChance(g.plan, c.Signal), g.settle, at)})
	}
}

func (g *Gate) signal(name string) *follower {
	f := g.signals[name]
	if f == nil {
		f = &follower{timeout: max(g.settle, longestAnswer)}
		g.signals[name] = f
	}
	return f
}

// longestAnswer is how long the gate waits for a request in flight.
const longestAnswer = 30 * time.Second

// settling is a check and its state.
type settling struct {
	steadystate.Check
	*steadystate.Settling
}

// follower follows a signal, and puts the requests of a load in the order of
// sending: a missing number is a request in flight.
type follower struct {
	checks   []settling
	requests bool // the signal is of a load
	timeout  time.Duration
	latest   time.Duration // end of the latest observation
	lag      time.Duration // recent maximum of its delay
	next     uint64        // number of the first request in flight
	begun    bool
	ahead    []numbered // answered requests that were sent after it, in order
	skipped  map[uint64]bool
	answered []answer // of late, well and with a name

	// Of a target's own traffic: how it comes, and what came of late.
	buffer  reorderBuffer
	traffic []steadystate.Observation
}

type numbered struct {
	seq uint64
	steadystate.Observation
}

// answer is the backend that answered a request sent at an instant.
type answer struct {
	at time.Duration
	by string
}

// See takes a recorded entry. From the inject phase on it does nothing.
func (g *Gate) See(e record.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = g.over || e.Phase == record.PhaseInject
	switch {
	case g.over:
		return
	case e.Phase == record.PhaseSettle && !g.begun:
		g.begin(e.At)
	case e.Observations != nil:
		f := g.signal(e.Observations.Signal)
		for _, o := range e.Observations.List {
			f.add(o)
			if ofTraffic(g.plan, e.Observations.Signal) {
				f.buffer.see(o)
				f.traffic = append(f.traffic, o)
			}
		}
		f.lag = max(e.At-f.latest, f.lag-f.lag/8)
		stretch := f.buffer.settled(g.calm, e.At, g.settle)
		f.traffic = slices.DeleteFunc(f.traffic, func(o steadystate.Observation) bool { return o.From < stretch.From-stretch.Width() })
	case e.Requests != nil:
		f := g.signal(e.Requests.Signal)
		f.requests = true
		for _, q := range e.Requests.List {
			f.request(q)
			if q.Late() > record.LateAfter {
				g.late.add(q)
			}
		}
		f.arrange()
		f.lag = max(e.At-f.latest, f.lag-f.lag/8)
		f.answered = slices.DeleteFunc(f.answered, func(a answer) bool { return a.at < e.At-2*f.needed(g.settle) })
	case e.Event != nil:
		if why := g.unrest.see(*e.Event); why != "" {
			g.calm = max(g.calm, e.Event.To)
			for _, f := range g.signals {
				for _, c := range f.checks {
					c.Begin(e.Event.To, why)
				}
			}
		}
	}
	for len(g.late) > 0 && g.late[0].To < e.At-2*g.settle {
		g.late = g.late[1:]
	}
}

func (f *follower) add(o steadystate.Observation) {
	f.latest = max(f.latest, o.To)
	for _, c := range f.checks {
		c.Add(o)
	}
}

// maxMissing bounds the run of missing numbers: beyond it they are not
// consecutive.
const maxMissing = 1 << 12

func (f *follower) request(q record.Request) {
	o := q.Observation()
	if o.Failed == "" && o.Unknown == "" && q.Backend != "" {
		f.answered = append(f.answered, answer{o.From, q.Backend})
	}
	switch {
	case f.skipped[q.Seq]:
		delete(f.skipped, q.Seq) // it counted as bad
	case f.begun && q.Seq < f.next:
		f.add(o)
	default:
		f.latest = max(f.latest, o.To)
		f.ahead = append(f.ahead, numbered{q.Seq, o})
	}
}

// arrange passes on what is in order.
func (f *follower) arrange() {
	slices.SortFunc(f.ahead, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	if !f.begun && len(f.ahead) > 0 {
		f.next, f.begun = f.ahead[0].seq, true
	}
	n := 0
	for ; n < len(f.ahead); n++ {
		a := f.ahead[n]
		missing := a.seq - f.next
		if a.seq > f.next {
			switch {
			case missing > maxMissing:
			case f.latest-a.From < f.timeout:
				f.ahead = slices.Delete(f.ahead, 0, n)
				return
			default:
				f.skip(f.next, a)
			}
		}
		f.add(a.Observation)
		f.next = max(f.next, a.seq+1)
	}
	f.ahead = f.ahead[:0]
}

// skip gives up on the requests from a number up to a later one that was sent
// one timeout ago.
func (f *follower) skip(from uint64, before numbered) {
	if f.skipped == nil {
		f.skipped = map[uint64]bool{}
	}
	for seq := from; seq < before.seq; seq++ {
		f.skipped[seq] = true
		f.add(steadystate.Observation{Span: steadystate.Span{From: before.From, To: before.From + f.timeout}, Failed: "no answer for " + f.timeout.String()})
	}
}

// underWay are the observations that are ahead, and those missing between them,
// which end later than any.
func (f *follower) underWay() []steadystate.Observation {
	var list []steadystate.Observation
	next := f.next
	for _, a := range f.ahead {
		if a.seq > next && a.seq-next > maxMissing {
			next = a.seq
		}
		for ; next < a.seq; next++ {
			list = append(list, steadystate.Observation{Span: steadystate.Span{From: a.From, To: math.MaxInt64}})
		}
		list = append(list, a.Observation)
		next = a.seq + 1
	}
	return list
}

// needed is the length of time that settles the signal.
func (f *follower) needed(settle time.Duration) time.Duration {
	for _, c := range f.checks {
		settle = max(settle, c.Needed())
	}
	return settle
}

// A Steadiness is the gate's answer at an instant.
type Steadiness struct {
	// Verdict is Held for steady, Unknown for not yet, Broken for not steady:
	// waiting longer does not help.
	Verdict steadystate.Verdict
	// Why says what is missing.
	Why string
	// Restarts are the reasons for restarts since the last call.
	Restarts []string
}

// Steady says whether the service is steady now.
func (g *Gate) Steady(now time.Duration) Steadiness {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.begun {
		return Steadiness{Why: "the settle phase has not begun"}
	}
	t := Steadiness{Verdict: steadystate.Held}
	var why []string
	if late := g.late.within(steadystate.Span{From: now - g.settle, To: now}); behind(late, g.settle) {
		why = append(why, fmt.Sprintf("the load was behind its schedule for %s of %s: this machine is too busy, or too small for the rate", late.Round(time.Millisecond), g.settle))
	}
	if moving := g.unrest.open(); moving != "" {
		why = append(why, moving)
	}
	for _, c := range g.checks {
		f := g.signals[c.Signal]
		// A late signal does not cover the last moments.
		at, ahead := max(f.latest, now-f.lag), f.underWay()
		for _, s := range f.checks {
			if s.Name != c.Name {
				continue
			}
			steady := s.At(at, ahead...)
			t.Verdict = steadystate.Worst(t.Verdict, steady.Verdict)
			if steady.Why != "" {
				why = append(why, c.Name+": "+steady.Why)
			}
			for _, r := range s.Restarts() {
				key, text := r.String(), r.String()
				if r.Outage() { // which grows
					key, text = fmt.Sprint(c.Name, r.N), fmt.Sprintf("at %s: %s: %s", steadystate.Instant(r.To), c.Name, r.Why)
				}
				if !g.told[key] {
					g.told[key] = true
					t.Restarts = append(t.Restarts, text)
				}
			}
		}
	}
	t.Why = strings.Join(why, "; ")
	if t.Verdict == steadystate.Held && t.Why != "" {
		t.Verdict = steadystate.Unknown
	}
	return t
}
