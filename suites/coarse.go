package suites

import (
	"fmt"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// tooFine are the limits for which a query is too coarse.
func tooFine(e Experiment, limits []steadystate.Limit, found prom.Preflight) (wrong []string) {
	for _, l := range limits {
		if err := l.Decidable(found.Resolution, e.Hold+e.Watch); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	return wrong
}

// unseen are the limits on a load's requests for which an outage of one of so many
// pods can pass unseen: without a longer one in sight their verdict is unknown.
func unseen(e Experiment, pods int) (notes []string) {
	traffic := e.Planned.Load
	if traffic == nil || pods == 0 || traffic.Shape.Trough() <= 0 {
		return nil
	}
	for _, c := range e.Hypothesis.Checks {
		if c.Signal != record.TrafficSignal {
			continue
		}
		rule := c.Rule(e.Settle, true)
		rule.Smallest = 1 / float64(pods)
		for _, l := range c.Limits {
			if err := l.Decidable(rule.Finds(traffic.Shape.Trough()), e.Hold+e.Watch); err != nil {
				notes = append(notes, fmt.Sprintf("check %q, one of %d pods out: %s", c.Name, pods, err))
			}
		}
	}
	return notes
}

// tooShort are the phases named by limits in which a query yields fewer values
// than make a phase.
func tooShort(e Experiment, limits []steadystate.Limit, interval time.Duration, found prom.Preflight) (wrong []string) {
	need := (found.Resolution + (steadystate.MinObservations-1)*interval).Round(100 * time.Millisecond)
	lengths := map[string]time.Duration{record.PhaseSettle: e.Settle, record.PhaseHold: e.Hold, record.PhaseWatch: e.Watch}
	for _, l := range limits {
		phase := l.Phase
		if l.Baseline && !e.AgainstControl {
			phase = record.PhaseSettle
		}
		if length, known := lengths[phase]; known && length < need {
			wrong = append(wrong, fmt.Sprintf("limit %q: the phase %s lasts %s, and %d values of this query take %s: make it longer, or the query's range shorter", l, phase, length, steadystate.MinObservations, need))
		}
	}
	return wrong
}

// tooAlike are the limits on a multiple of the baseline for which a query yields too few
// samples on either side: polls of one scrape, or of ranges that overlap, are one. The
// verdict would be unknown, whatever the service does.
func tooAlike(e Experiment, limits []steadystate.Limit, interval time.Duration, found prom.Preflight) (wrong []string) {
	each := max(interval, found.Spacing, found.Window.Width()).Round(100 * time.Millisecond)
	for _, l := range limits {
		need := up(time.Duration(l.SamplesToCompare()) * each)
		var set []string
		if !e.AgainstControl && e.Settle < need {
			set = append(set, fmt.Sprintf("settle: %s", need))
		}
		switch l.Phase {
		case "":
			if e.Hold+e.Watch < need {
				set = append(set, fmt.Sprintf("watch: %s", up(need-e.Hold)))
			}
		case record.PhaseHold:
			if e.Hold < need {
				set = append(set, fmt.Sprintf("hold: %s", need))
			}
		case record.PhaseWatch:
			if e.Watch < need {
				set = append(set, fmt.Sprintf("watch: %s", need))
			}
		}
		if need > 0 && len(set) > 0 {
			text := fmt.Sprintf("limit %q compares at least %d independent values with as many, and this query yields one in %s: ", l, l.SamplesToCompare(), each)
			text += fmt.Sprintf("write times: {%s}, or scrape more often and shorten the query's range", strings.Join(set, ", "))
			wrong = append(wrong, text)
		}
	}
	return wrong
}

// uncovered says where nothing that a query shows could be held: more of the time
// after the fault than the proof "covered" allows can pass it unseen.
func uncovered(e Experiment, found prom.Preflight) (wrong []string) {
	after, need := e.Hold+e.Watch, time.Duration(float64(found.Resolution)/judge.MostUnseen)
	if after >= need {
		return nil
	}
	what := fmt.Sprintf("the query can miss outages up to %s, more than %.0f%% of hold+watch (%s): set watch to at least %s",
		found.Resolution.Round(time.Millisecond), 100*judge.MostUnseen, after, up(need-e.Hold))
	if width := found.Window.Width() - (found.Resolution - time.Duration(float64(after)*judge.MostUnseen)); width >= 2*found.Spacing {
		what += fmt.Sprintf(", or shorten its ranges to %s in total", width.Truncate(time.Second/2))
	}
	return []string{what}
}

// up is a duration in whole seconds, and no less than it.
func up(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }
