package judge

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Gate follows the checks while they are recorded, to tell whether the
// hypothesis is good now. It decides when to inject and nothing else: what was
// good is judged from the record.
type Gate struct {
	keep   time.Duration
	mu     sync.Mutex
	checks []steadystate.Check
	recent map[string][]steadystate.Observation // by signal, those of the settle time
	late   stalls                               // of any load
}

// NewGate makes the gate of an experiment with these checks and settle time.
func NewGate(checks []steadystate.Check, settle time.Duration) *Gate {
	return &Gate{keep: 2 * settle, checks: checks, recent: map[string][]steadystate.Observation{}}
}

// See takes a recorded entry.
func (g *Gate) See(e record.Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if e.Observations != nil {
		g.recent[e.Observations.Signal] = append(g.recent[e.Observations.Signal], e.Observations.List...)
	}
	if e.Requests != nil {
		for _, q := range e.Requests.List {
			g.recent[e.Requests.Signal] = append(g.recent[e.Requests.Signal], q.Observation())
			if q.Late() > record.LateAfter {
				g.late.add(q)
			}
		}
	}
	for len(g.late) > 0 && g.late[0].To < e.At-g.keep {
		g.late = g.late[1:]
	}
	for signal, list := range g.recent {
		first := 0
		for first < len(list) && list[first].To < e.At-g.keep {
			first++
		}
		g.recent[signal] = list[first:]
	}
}

// Unsteady says why the hypothesis has not been good for the settle time that
// ends now; it is empty if it has.
func (g *Gate) Unsteady(now, settle time.Duration) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var why []string
	if late := g.late.within(steadystate.Span{From: now - settle, To: now}); behind(late, settle) {
		why = append(why, fmt.Sprintf("the load was behind its schedule for %s of %s: this machine is too busy, or too small for the rate", late.Round(time.Millisecond), settle))
	}
	for _, c := range g.checks {
		good, bad, unknown := 0, 0, 0
		var last steadystate.Observation
		for _, o := range g.recent[c.Signal] {
			if o.To < now-settle {
				continue
			}
			switch {
			case o.Undecided(c.Good) != "":
				unknown, last = unknown+1, o
			case o.Bad(c.Good):
				bad, last = bad+1, o
			default:
				good++
			}
		}
		reason := last.Undecided(c.Good) + last.Failed
		if reason == "" {
			reason = fmt.Sprintf("last %g, wanted %s", last.Value, c.Good)
		}
		switch {
		case good == 0 && bad == 0 && unknown == 0:
			why = append(why, fmt.Sprintf("%s: nothing observed for %s", c.Name, settle))
		case unknown > 0:
			why = append(why, fmt.Sprintf("%s: unknown: %s", c.Name, reason))
		case float64(bad) > c.Allowed*float64(good+bad):
			why = append(why, fmt.Sprintf("%s: %d of %d bad: %s", c.Name, bad, good+bad, reason))
		}
	}
	return strings.Join(why, "; ")
}
