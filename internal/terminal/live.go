package terminal

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// past is the number of seconds of traffic that are shown.
const past = 30

// A Live is what a run under way shows: its phase and the time left, the traffic
// of the last seconds, and the state of each check. It takes the entries of the
// record as they come. Its zero value shows nothing yet.
type Live struct {
	mu     sync.Mutex
	plan   *record.Plan
	began  time.Time // the record's zero, on this machine's clock
	phase  string
	since  time.Duration // the begin of the phase
	sent   int
	failed int
	ago    map[int64]second // by the second of the record
	checks []state
}

// A second counts the requests that were answered, or not, within it.
type second struct{ good, bad int }

// A state is when a check was last seen good, bad and unknown.
type state struct {
	steadystate.Check
	good, bad, unknown time.Duration // zero: never
}

// See takes an entry. It does not wait.
func (l *Live) See(e record.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began = time.Now().Add(-e.At)
	switch {
	case e.Plan != nil:
		l.plan, l.ago, l.checks = e.Plan, map[int64]second{}, nil
		for _, c := range e.Plan.Checks {
			l.checks = append(l.checks, state{Check: c})
		}
	case e.Phase != "":
		l.phase, l.since = e.Phase, e.At
	case e.Observations != nil:
		for _, o := range e.Observations.List {
			l.observe(e.Observations.Signal, o)
		}
	case e.Requests != nil:
		for _, q := range e.Requests.List {
			o := q.Observation()
			l.observe(e.Requests.Signal, o)
			at := l.ago[int64(o.To/time.Second)]
			l.sent++
			if o.Failed != "" {
				l.failed++
				at.bad++
			} else {
				at.good++
			}
			l.ago[int64(o.To/time.Second)] = at
			delete(l.ago, int64(o.To/time.Second)-2*past)
		}
	case e.End != nil:
		l.phase, l.since = "", e.At
	}
}

func (l *Live) observe(signal string, o steadystate.Observation) {
	for i := range l.checks {
		c := &l.checks[i]
		switch {
		case c.Signal != signal:
		case o.Good(c.Good):
			c.good = max(c.good, o.To)
		case o.Bad(c.Good):
			c.bad = max(c.bad, o.To)
		default:
			c.unknown = max(c.unknown, o.To)
		}
	}
}

// Lines are what it shows at an instant: none before the run and after it.
func (l *Live) Lines(s Screen, at time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.plan == nil || l.phase == "" {
		return nil
	}
	now := at.Sub(l.began)
	lines := []string{label(l.phase) + l.left(now)}
	if l.sent > 0 {
		lines = append(lines, label("traffic")+l.traffic(s, now))
	}
	if len(l.checks) > 0 {
		lines = append(lines, label("checks")+l.states(s))
	}
	for i, line := range lines {
		lines[i] = cut(line, s.Width-1) // the last column makes some terminals wrap
	}
	return lines
}

// left is how long the phase lasts and what comes after it.
func (l *Live) left(now time.Duration) string {
	left := func(of time.Duration) string {
		return steadystate.FormatDuration(max(0, l.since+of-now).Round(time.Second)) + " left"
	}
	hold, watch := steadystate.FormatDuration(l.plan.Hold), steadystate.FormatDuration(l.plan.Watch)
	then := fmt.Sprintf("then hold %s, watch %s", hold, watch)
	switch l.phase {
	case record.PhaseSettle:
		if now > l.since+l.plan.Settle {
			return fmt.Sprintf("%s so far, until all checks are good; %s", steadystate.FormatDuration((now - l.since).Round(time.Second)), then)
		}
		return "at least " + left(l.plan.Settle) + "; " + then
	case record.PhaseInject:
		return "the fault is being injected; " + then
	case record.PhaseHold:
		if now > l.since+l.plan.Hold {
			return "until the last fault is over; then watch " + watch
		}
		return left(l.plan.Hold) + "; then watch " + watch
	case record.PhaseRecover:
		return "the faults are being undone; then watch " + watch
	case record.PhaseWatch:
		if now > l.since+l.plan.Watch {
			return "waits for the last answers"
		}
		return left(l.plan.Watch) + "; then the verdict"
	}
	return ""
}

// traffic is a character for each of the last seconds, and counts: + all good, x
// some failed, X most failed, . none.
func (l *Live) traffic(s Screen, now time.Duration) string {
	last := int64(now/time.Second) - 2 // this second is not over, and answers of the one before may be on their way
	var marks strings.Builder
	n := int64(min(past, s.Width/3))
	for at := last - n + 1; at <= last; at++ {
		of := l.ago[at]
		switch {
		case at < 0:
			marks.WriteString(" ")
		case of.good+of.bad == 0:
			marks.WriteString(".")
		case of.bad == 0:
			marks.WriteString(s.paint(steadystate.Held, "+"))
		case of.bad <= of.good:
			marks.WriteString(s.paint(steadystate.Broken, "x"))
		default:
			marks.WriteString(s.paint(steadystate.Broken, "X"))
		}
	}
	of := l.ago[last]
	return fmt.Sprintf("%s  %d/s, %d of %d failed", marks.String(), of.good+of.bad, l.failed, l.sent)
}

// states are those of the checks: bad ones first.
func (l *Live) states(s Screen) string {
	var bad, unknown, good []string
	for _, c := range l.checks {
		switch last := max(c.good, c.bad, c.unknown); {
		case last == 0 || c.unknown == last:
			unknown = append(unknown, clean(c.Name))
		case c.bad > 0 && last-c.bad < time.Second:
			bad = append(bad, clean(c.Name))
		default:
			good = append(good, clean(c.Name))
		}
	}
	var parts []string
	for _, of := range []struct {
		verdict steadystate.Verdict
		word    string
		names   []string
	}{{steadystate.Broken, "BAD", bad}, {steadystate.Unknown, "not known", unknown}, {steadystate.Held, "good", good}} {
		if len(of.names) > 0 {
			parts = append(parts, s.paint(of.verdict, of.word)+" "+strings.Join(slices.Compact(of.names), ", "))
		}
	}
	return strings.Join(parts, "; ")
}
