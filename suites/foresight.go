package suites

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A toll is how many pods of its service a fault makes not ready at one time at
// most, and from when until when, counted from the first fault.
type toll struct {
	pods     int
	by       string // what else decides that; empty: nothing
	from, to time.Duration
	anytime  bool // it waits for a condition
}

// taken is the toll of a fault on the pods of its experiment's service.
func taken(e Experiment, f experiments.Scheduled, preview experiments.Preview, own []string) toll {
	t := toll{pods: min(preview.Away, len(preview.Candidates)-len(strangers(preview, own))), by: preview.AwayBy, from: f.At, to: f.At, anytime: f.When != nil}
	if once, ok := f.Fault.(experiments.OneShot); !ok || !once.OneShot() {
		if t.to = f.At + f.For; f.For == 0 {
			t.to = max(f.At, e.Hold)
		}
	}
	return t
}

// with reports whether o is in place when t begins. What is over at once meets
// only what is held, or begins with it: how soon a pod is back is for the run to
// find.
func (t toll) with(o toll) bool {
	return o.from == t.from || o.from <= t.from && t.from < o.to || (t.anytime || o.anytime) && (t.to > t.from || o.to > o.from)
}

// A moment is how many pods are left ready at one time, for how long at least, and
// what else decides that; empty: nothing.
type moment struct {
	left int
	held time.Duration
	by   string
}

// moments are those at which faults begin, and each fault by itself, the worst
// first.
func moments(tolls []toll, desired int) (list []moment) {
	for _, t := range tolls {
		for _, together := range [][]toll{{t}, slices.DeleteFunc(slices.Clone(tolls), func(o toll) bool { return !t.with(o) || o.pods == 0 })} {
			m, by := moment{left: desired, held: t.to - t.from}, []string(nil)
			for _, o := range together {
				m.left, m.held = max(0, m.left-o.pods), min(m.held, o.to-o.from)
				if o.by != "" && !slices.Contains(by, o.by) {
					by = append(by, o.by)
				}
			}
			m.by = strings.Join(by, ", and ")
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b moment) int { return a.left - b.left })
	return list
}

// unreadyWithin is how long after its injection a fault may need until a pod that
// it is held in is not ready: kubelets report within that time.
const unreadyWithin = 15 * time.Second

// atWorst says what the faults of each experiment leave of its service's pods at
// the worst. Less than its checks want is refused if the file alone says so: its
// faults and its limits contradict each other, and no service could hold. Where
// the cluster has a say in it, that is for the run to find, and a note.
func (p *preflight) atWorst(tolls map[string][]toll) {
	for _, of := range p.services() {
		if p.missing[of] {
			continue
		}
		desired, fine := p.desired[of], true
		if desired == 0 {
			continue // the look at the workload has told why
		}
		worst, in := desired, ""
		for _, e := range p.list {
			if e.service != of {
				continue
			}
			all := moments(tolls[e.Name], desired)
			if len(all) > 0 && all[0].left < worst {
				worst, in = all[0].left, e.Name
			}
			m, wrong := tooFew(e, all, desired)
			if len(wrong) == 0 {
				continue
			}
			fine = false
			p.look("at the worst, "+e.Name, e.Planned.Place, func() (string, error) {
				text := fmt.Sprintf("leaves %d of %d pods ready, and %s", m.left, desired, strings.Join(wrong, "; "))
				if m.by != "" {
					return "", note(text + ": " + m.by + ", and the run would find that: broken")
				}
				return "", fmt.Errorf("refused: %s: no service could hold; hit fewer pods at a time, or say under the experiment's limits what is expected", text)
			})
		}
		if fine && in != "" {
			p.say(OK, "at the worst, "+of.Name, fmt.Sprintf("%d of %d pods are left ready, by %s", worst, desired, in))
		}
	}
}

// tooFew is the worst moment that breaks a limit: of those that the file alone
// decides, or else of the others.
func tooFew(e Experiment, all []moment, desired int) (moment, []string) {
	for _, alone := range []bool{true, false} {
		for _, m := range all {
			if wrong := against(e, m, desired); len(wrong) > 0 && (m.by == "") == alone {
				return m, wrong
			}
		}
	}
	return moment{}, nil
}

// against are the limits on the replicas that such a moment breaks.
func against(e Experiment, m moment, desired int) (wrong []string) {
	if m.left >= desired {
		return nil
	}
	share := func(pods int) float64 { return float64(pods) / float64(desired) }
	// An outage is no shorter than an instant.
	long := max(m.held-unreadyWithin, time.Nanosecond)
	for _, c := range e.Hypothesis.Checks {
		if c.Signal != config.SignalReplicas {
			continue
		}
		wanted := func(t steadystate.Tolerance, text string) {
			least := m.left
			for least < desired && !t.Holds(share(least)) {
				least++
			}
			wrong = append(wrong, fmt.Sprintf("at least %d wanted (check %q: %s)", least, c.Name, text))
		}
		bad := !c.Good.Holds(share(m.left)) && c.Allowed == 0
		if bad && len(c.Limits) == 0 {
			wanted(c.Good, "value "+c.Good.String()+" throughout")
		}
		for _, l := range c.Limits {
			switch {
			case l.Phase != "" && (l.Phase != record.PhaseHold || m.held == 0), l.Baseline, l.AfterRemoval:
			case l.Quantity == steadystate.Min && !l.Tolerance.Holds(share(m.left)):
				wanted(l.Tolerance, l.String())
			case bad && l.BrokenBy(long, e.Hold+e.Watch):
				wrong = append(wrong, fmt.Sprintf("for longer than check %q allows (value %s, %s)", c.Name, c.Good, l))
			}
		}
	}
	return wrong
}
