package reports

import (
	"fmt"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

// lengths writes the bounds of a length of time.
func lengths(b steadystate.Bounds[time.Duration]) string {
	low, high := steadystate.FormatSeconds(b.Low.Seconds()), steadystate.FormatSeconds(b.High.Seconds())
	if low == high {
		return low
	}
	return low + " to " + high
}

func percents(b steadystate.Bounds[float64]) string {
	low, high := percent(b.Low), percent(b.High)
	if low == high {
		return low
	}
	return low + " to " + high
}

func percent(v float64) string { return fmt.Sprintf("%.4g%%", 100*v) }

func duration(d time.Duration) string { return steadystate.FormatSeconds(d.Seconds()) }

// outages says what outages a check had, and what could have gone unseen if
// it had none.
func outages(c experiments.CheckResult) string {
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
	return fmt.Sprintf("%d %s, downtime %s (resolution %s)", len(c.Outages), noun, lengths(c.Downtime), duration(c.Resolution))
}

// mttr says how the check recovered: never a mean without its n, the
// longest, and those not recovered.
func mttr(c experiments.CheckResult) string {
	if len(c.Recoveries) == 0 {
		return ""
	}
	longest := c.Recoveries[0].TTR
	for _, r := range c.Recoveries[1:] {
		if r.TTR.High > longest.High {
			longest = r.TTR
		}
	}
	text := "MTTR unknown"
	if c.MTTR != nil {
		text = "MTTR " + lengths(*c.MTTR)
	}
	text += fmt.Sprintf(", n=%d, longest %s", len(c.Recoveries), lengths(longest))
	if c.Unrecovered > 0 {
		text += fmt.Sprintf(", not recovered %d", c.Unrecovered)
	}
	return text
}

// traffic sums up a load's requests.
func traffic(t experiments.Traffic) string {
	return fmt.Sprintf("%d requests at %.4g/s: %d failed at the first attempt, %d after the client's own repetition; %d repeated",
		t.Sent, t.Rate, t.FailedFirst, t.FailedFinally, t.Repeated)
}

// numbers is the result's figures in one line, for viewers that show nothing
// else.
func numbers(r experiments.Result) string {
	parts := []string{"verdict=" + r.Verdict.String()}
	for _, c := range r.Checks {
		part := fmt.Sprintf("%s: uptime %s of %s, %s", c.Check, percents(c.Uptime), duration(c.Window.Width()), outages(c))
		if rec := mttr(c); rec != "" {
			part += ", " + rec
		}
		parts = append(parts, part)
	}
	for _, signal := range keys(r.Traffic) {
		parts = append(parts, signal+": "+traffic(r.Traffic[signal]))
	}
	return strings.Join(parts, "; ")
}
