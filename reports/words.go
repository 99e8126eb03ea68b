package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/steadystate"
)

func percents(b steadystate.Bounds[float64]) string {
	low, high := percent(b.Low), percent(b.High)
	if low == high {
		return low
	}
	return low + " to " + high
}

func percent(v float64) string { return fmt.Sprintf("%.4g%%", 100*v) }

func duration(d time.Duration) string { return steadystate.FormatSeconds(d.Seconds()) }

// plan says where the experiment is defined and what its hash is, if known.
func plan(r Report) string {
	hash := r.Hash
	if short := 12; len(hash) > short {
		hash = hash[:short] + "…"
	}
	if hash != "" {
		hash = "hash " + hash
	}
	return strings.Join(slices.DeleteFunc([]string{r.Source, hash}, func(s string) bool { return s == "" }), ", ")
}

// outages lists the outages of a check or, without any, the longest one that
// could have passed unseen.
func outages(c judge.CheckResult) string {
	if c.Observed() == 0 {
		return "nothing observed"
	}
	if len(c.Outages) == 0 {
		return fmt.Sprintf("no outage seen (resolution %s)", duration(c.Resolution))
	}
	noun := "outages"
	if len(c.Outages) == 1 {
		noun = "outage"
	}
	return fmt.Sprintf("%d %s, downtime %s (resolution %s)", len(c.Outages), noun, steadystate.FormatLengths(c.Downtime), duration(c.Resolution))
}

// mttr sums up the recoveries of a check, if there was anything to recover from: never a
// mean without its n, the longest, and the number not recovered.
func mttr(c judge.CheckResult) string {
	if !slices.ContainsFunc(c.Recoveries, func(r judge.Recovery) bool { return r.Outages > 0 }) {
		return ""
	}
	longest := c.Recoveries[0]
	for _, r := range c.Recoveries[1:] {
		if r.Open != longest.Open && r.Open || r.Open == longest.Open && r.TTR.High > longest.TTR.High {
			longest = r
		}
	}
	if c.Unrecovered == len(c.Recoveries) {
		return fmt.Sprintf("not recovered %d of %d, after %s", c.Unrecovered, c.Unrecovered, lasted(longest.TTR, longest.Open))
	}
	text := "MTTR unknown"
	if c.MTTR != nil {
		text = "MTTR " + steadystate.FormatLengths(*c.MTTR)
	}
	text += fmt.Sprintf(", n=%d, longest %s", len(c.Recoveries), lasted(longest.TTR, longest.Open))
	if ttd := detected(c); ttd != nil {
		text += ", detected after " + steadystate.FormatLengths(*ttd)
	}
	if left := afterRemoval(c); left != nil {
		when := steadystate.FormatLengths(*left) + " after removal"
		if left.High == 0 {
			when = "while faulted"
		}
		text += ", recovered " + when
	}
	if c.Unrecovered > 0 {
		text += fmt.Sprintf(", not recovered %d", c.Unrecovered)
	}
	return text
}

// lasted writes how long something took, or has taken at least.
func lasted(b steadystate.Bounds[time.Duration], open bool) string {
	if open {
		return "at least " + duration(b.Low)
	}
	return steadystate.FormatLengths(b)
}

// uptime is a check's uptime, if it has one.
func uptime(c judge.CheckResult) string {
	if c.Observed() == 0 {
		return "uptime unknown"
	}
	return "uptime " + percents(c.Uptime) + " of " + duration(c.Window.Width())
}

// sentences are what is known of an outage's cause, each with what it tells.
func sentences(c cause.Cause) (list []string) {
	for _, of := range []struct{ name, text string }{{"why", c.Why}, {"who", c.Who}, {"when", c.When}} {
		if of.text != "" {
			list = append(list, of.name+": "+of.text)
		}
	}
	return list
}

// afterRemoval is the longest time to recovery from the removal, over the held
// faults with an outage that is over; nil without one.
func afterRemoval(c judge.CheckResult) *steadystate.Bounds[time.Duration] {
	var longest *steadystate.Bounds[time.Duration]
	for _, r := range c.Recoveries {
		if r.AfterRemoval != nil && r.Outages > 0 && !r.Open {
			longest = longer(longest, *r.AfterRemoval)
		}
	}
	return longest
}

// longer returns the longer of two bounds; nil stands for none.
func longer(a *steadystate.Bounds[time.Duration], b steadystate.Bounds[time.Duration]) *steadystate.Bounds[time.Duration] {
	if a != nil {
		b.Low, b.High = max(a.Low, b.Low), max(a.High, b.High)
	}
	return &b
}

// detected is the longest time to detection over the injections; nil if no bad
// observation followed any.
func detected(c judge.CheckResult) *steadystate.Bounds[time.Duration] {
	var longest *steadystate.Bounds[time.Duration]
	for _, r := range c.Recoveries {
		if r.TTD != nil {
			longest = longer(longest, *r.TTD)
		}
	}
	return longest
}

// costliest names the costliest stage of a recovery, or says why it is
// undecided.
func costliest(w recovery.Waterfall) string {
	step, undecided := w.Costliest()
	return cmp.Or(undecided, step.Stage)
}

// A figure is one figure of a distribution.
type figure struct {
	name string
	steadystate.Bounds[float64]
}

// figures are the figures of a distribution, named as in limits.
func figures(d steadystate.Distribution) []figure {
	return []figure{{"mean", d.Mean}, {"p50", d.P50}, {"p95", d.P95}, {"p99", d.P99}, {"max", d.Max}}
}

// value writes a check's value to four digits, in the unit of its tolerance, or
// in seconds for requests.
func (r Report) value(c judge.CheckResult, v float64) string {
	dimension := c.Tolerance.Dimension()
	for _, f := range r.Findings {
		if _, ok := r.Traffic[f.Signal]; ok && f.Check == c.Check {
			dimension = "time"
		}
	}
	switch {
	case math.IsInf(v, 0):
		return strconv.FormatFloat(v, 'g', 4, 64) // the end of an open bucket
	case dimension == "time":
		return steadystate.FormatSeconds(v)
	case dimension == "share":
		return percent(v)
	case dimension == "rate":
		return strconv.FormatFloat(v, 'g', 4, 64) + "/s"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// values writes the bounds of a check's value.
func (r Report) values(c judge.CheckResult, b steadystate.Bounds[float64]) string {
	low, high := r.value(c, b.Low), r.value(c, b.High)
	if low == high {
		return low
	}
	return low + " to " + high
}

// partCells are the figures of a part: the number of requests, their rates and
// failures, and the latency of the others.
func partCells(p judge.TrafficSegment) []string {
	cells := []string{strconv.Itoa(p.Sent), fmt.Sprintf("%.4g/s", p.Rate), fmt.Sprintf("%.4g/s", p.SentRate), strconv.Itoa(p.FailedFirst + p.Local)}
	if p.Latency != nil {
		for _, f := range figures(*p.Latency) {
			cells = append(cells, steadystate.FormatLengths(steadystate.Bounds[time.Duration]{Low: inSeconds(f.Low), High: inSeconds(f.High)}))
		}
	}
	return cells
}

// partHeadings are those of partCells.
func partHeadings() []string {
	return []string{"sent", "planned at", "sent at", "failed", "mean", "p50", "p95", "p99", "max"}
}

// traffic sums up a load's requests.
func traffic(t judge.Traffic) string {
	return fmt.Sprintf("%d requests at %.4g/s: %d failed at the first attempt, %d after the client's own retries; %d retried",
		t.Sent, t.Rate, t.FailedFirst, t.FailedFinally, t.Repeated)
}

// numbers is the result's figures in one line, for viewers that show nothing
// else.
func numbers(r Report) string {
	parts := []string{"verdict=" + r.Verdict.String()}
	for _, c := range r.Checks {
		part := fmt.Sprintf("%s: %s, %s", c.Check, uptime(c), outages(c))
		if rec := mttr(c); rec != "" {
			part += ", " + rec
		}
		parts = append(parts, part)
	}
	for _, i := range r.Injections {
		if hit := i.HitText(); hit != "" {
			parts = append(parts, r.faultName(i)+": hit "+hit)
		}
	}
	for _, signal := range keys(r.Traffic) {
		parts = append(parts, signal+": "+traffic(r.Traffic[signal]))
	}
	return strings.Join(parts, "; ")
}

// faultName is the fault's text, with its index in the plan if several have that
// text.
func (r Report) faultName(i judge.InjectionResult) string {
	for _, other := range r.Injections {
		if other.Fault == i.Fault && other.Index != i.Index {
			return fmt.Sprintf("%s #%d", i.Fault, i.Index)
		}
	}
	return i.Fault
}
