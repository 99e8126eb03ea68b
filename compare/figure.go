package compare

import (
	"math"
	"slices"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

// The subjects of figures that do not come from a limit.
const (
	verdictSubject = "verdict"
	ttr            = "ttr"
	ttrAfter       = "ttr after removal"
	downtime       = "downtime"
)

// An interval contains a value. That of an outage that was not over has no upper end.
type interval struct{ low, high float64 }

// anything is the interval of a value that was not seen.
var anything = interval{math.Inf(-1), math.Inf(1)}

func (i interval) exact() bool { return i.low == i.high }

// mirrored is the interval of the negated value.
func (i interval) mirrored() interval { return interval{-i.high, -i.low} }

// A subject identifies a figure over several runs.
type subject struct {
	check, subject, unit string
	floor                bool // a smaller value is worse
}

// figures returns what a run showed: one figure for each limit on a quantity, and for each
// check its downtime and its time to recovery, the longest over its faults. The verdict is
// 0 for held and 1 for broken.
func figures(r results.Result) (order []subject, seen map[subject]interval) {
	seen = map[subject]interval{}
	add := func(s subject, i interval) {
		if _, again := seen[s]; !again {
			order = append(order, s)
		}
		if len(r.Caveats) > 0 && s.subject != verdictSubject {
			i = anything // what is not proven was not seen
		}
		seen[s] = i
	}
	add(subject{subject: verdictSubject, unit: "share"}, map[string]interval{"held": {0, 0}, "broken": {1, 1}, "unknown": {0, 1}}[r.Verdict])
	for _, f := range r.Findings {
		if f.Limit.Value != nil && !f.OfRun {
			floor := f.Limit.Operator == ">=" || f.Limit.Operator == ">"
			add(subject{f.Check, f.Subject, f.Unit, floor}, ofFinding(f, floor))
		}
	}
	for _, c := range r.Checks {
		if c.Observations.Good+c.Observations.Bad == 0 {
			continue
		}
		for _, s := range []struct {
			name string
			seen *interval
		}{{ttr, longest(c, ttr)}, {ttrAfter, longest(c, ttrAfter)}, {downtime, new(ofLength(c.Downtime))}} {
			of := subject{check: c.Check, subject: s.name, unit: "seconds"}
			if _, judged := seen[of]; !judged && s.seen != nil {
				add(of, *s.seen)
			}
		}
	}
	return order, seen
}

// ofFinding bounds the quantity of a limit. One without a value, such as a percentile of
// requests most of which failed, lies beyond its limit if that is broken.
func ofFinding(f results.Finding, floor bool) interval {
	if f.Seen != nil {
		i := anything
		if f.Seen.Low != nil {
			i.low = *f.Seen.Low
		}
		if f.Seen.High != nil && !f.Open {
			i.high = *f.Seen.High
		}
		return i
	}
	limit := *f.Limit.Value
	switch {
	case f.Limit.Operator == "==" || f.Verdict != "held" && f.Verdict != "broken":
		return anything
	case floor == (f.Verdict == "held"):
		return interval{limit, math.Inf(1)}
	}
	return interval{math.Inf(-1), limit}
}

func ofLength(l results.Length) interval {
	i := interval{l.LowSeconds, math.Inf(1)}
	if l.HighSeconds != nil {
		i.high = *l.HighSeconds
	}
	return i
}

// longest is the longest time to recovery over a check's faults; nil if there is none.
func longest(c results.Check, of string) *interval {
	var all *interval
	for _, r := range c.Recoveries {
		length := &r.TTR
		if of == ttrAfter {
			length = r.TTRAfterRemoval
		}
		if length == nil {
			continue
		}
		i := ofLength(*length)
		if r.Open {
			i.high = math.Inf(1)
		}
		if all == nil {
			all = &i
		}
		all.low, all.high = max(all.low, i.low), max(all.high, i.high)
	}
	return all
}

// leftOut reports whether a run says nothing about the service: a person or the
// harness ended it before anything was injected. One that was ended later may have been
// ended because it went badly, and one whose record is cut may have gone on.
func leftOut(r results.Result) bool {
	ended := []string{record.Interrupted, record.Refused, record.Stopped, record.Failed, record.NotBegun}
	injected := len(r.Injections) > 0 || slices.ContainsFunc(r.Phases, func(p results.Phase) bool { return p.Phase == record.PhaseInject })
	return slices.Contains(ended, r.Run.End) && r.Verdict != "broken" && !injected
}
