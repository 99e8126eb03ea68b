package autoscaling

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Title says whose sizes they are, in one line.
func (d Decomposition) Title() string {
	return fmt.Sprintf("autoscaling of %s, %s replicas", strings.TrimPrefix(d.Autoscaler, "hpa/"), d.Sizes)
}

// String is the decomposition for people: its title, and a line for each stage
// with when it was reached after the fault and what it took.
func (d Decomposition) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s)\n", d.Title(), cmp.Or(d.Fault, "no fault"))
	rows := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, p := range d.Parts {
		note := p.Note
		if p.Since != "" && p.Since != d.usual(p.Stage) {
			note = strings.TrimPrefix(note+"; since "+string(p.Since), "; ")
		}
		fmt.Fprintln(rows, strings.TrimRight(fmt.Sprintf("  %s\t%s\t%s\t%s", p.Stage, d.When(p), p.Text(), note), "\t"))
	}
	_ = rows.Flush() // to memory
	if d.Note != "" {
		fmt.Fprintf(&out, "  also: %s\n", d.Note)
	}
	return out.String()
}

// usual is the stage in the line above, which a part needs no word to be
// counted from.
func (d Decomposition) usual(s Stage) Stage {
	for i, p := range d.Parts[1:] {
		if p.Stage == s {
			return d.Parts[i].Stage
		}
	}
	return ""
}

// When is when a part of the decomposition was reached, after the beginning of
// the fault; "-" if it was not.
func (d Decomposition) When(p Part) string {
	if p.Reached == nil {
		return "-"
	}
	from := d.Parts[0].Reached.From
	return "+" + steadystate.FormatLengths(steadystate.Bounds[time.Duration]{Low: max(0, p.Reached.From-from), High: max(0, p.Reached.To-from)})
}

// Text is what the part took, "12s to 13s", "at least 40s" or "-".
func (p Part) Text() string {
	switch {
	case p.Took == nil:
		return "-"
	case p.Open:
		return "at least " + steadystate.FormatSeconds(p.Took.Low.Seconds())
	}
	return steadystate.FormatLengths(*p.Took)
}
