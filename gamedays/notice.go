package gamedays

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/gamedays/notify"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Notices decides what people are told about a day, entry by entry of its log.
type Notices struct {
	Plan *Plan

	worst steadystate.Verdict // of what was run
	told  steadystate.Verdict // the last that was told; the day begins held
	begun bool
}

// A Notice is the message about an entry.
type Notice struct {
	notify.Message
	On     []string // the events it stands for: it goes to channels that ask for any of them
	Always bool     // it goes to every channel: a fault may still be in place
}

// Of returns the notice about the next entry; ok is false if there is nothing to tell.
// Call it with each entry, in order.
func (n *Notices) Of(e Entry) (notice Notice, ok bool) {
	if !n.begun {
		n.begun, n.worst, n.told = true, steadystate.Held, steadystate.Held
	}
	m := notify.Message{GameDay: n.Plan.Name, Experiment: e.Experiment, Time: e.Time}
	of := fmt.Sprintf("game day %s (%s)", n.Plan.Name, n.Plan.Owner)
	now := n.worst
	switch e.Event {
	case Asked:
		m.Text = fmt.Sprintf("%s waits: %s", of, e.Text)
		notice.On = []string{config.OnPause}
	case Outcome:
		n.worst = steadystate.Worst(n.worst, verdictOf(e.Verdict))
		now, notice.On = n.worst, []string{config.OnOutcome}
		m.Text = fmt.Sprintf("%s: %s", of, e.what(nil))
		if e.LeftBehind {
			notice.Always = true
			m.Text += "; a fault of it may still be in place"
			if n.Plan.Sweep != "" {
				m.Text += ": remove it with " + n.Plan.Sweep
			}
		}
	case Ended:
		if len(e.NotRun) > 0 {
			now = steadystate.Worst(now, steadystate.Unknown)
		}
		notice.On = []string{config.OnEnd}
		m.Text = fmt.Sprintf("%s has ended, %s: %s", of, now, e.Text)
	default:
		return notice, false
	}
	if now != n.told {
		if e.Event == Outcome {
			m.Text += fmt.Sprintf("; so far the day is %s", now)
		}
		n.told = now
		notice.On = append(notice.On, config.OnVerdict)
	}
	m.Event, m.Verdict = notice.On[len(notice.On)-1], now.String()
	notice.Message = m
	return notice, true
}

// Is reports whether the notice goes to a channel that asks for these events.
func (n Notice) Is(asked []string) bool {
	return n.Always || slices.ContainsFunc(n.On, func(event string) bool { return slices.Contains(asked, event) })
}

// verdictOf is a verdict by its word; another word is unknown.
func verdictOf(word string) steadystate.Verdict {
	return map[string]steadystate.Verdict{steadystate.Held.String(): steadystate.Held, steadystate.Broken.String(): steadystate.Broken}[word]
}

// Notified returns the entry for a delivery.
func Notified(d notify.Delivery) Entry {
	e := Entry{Event: Told, Channel: d.Channel, Text: d.Message.Text}
	if d.Err != nil {
		e.Error = cmp.Or(oneLine(d.Err.Error()), "it was not delivered")
	}
	return e
}
