package recovery

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// barWidth is how many characters wide the bars of a waterfall are.
const barWidth = 40

// Title says whose recovery it is, in one line.
func (w Waterfall) Title() string {
	how := "nobody was seen to replace it"
	switch {
	case w.InPlace:
		how = "in place"
	case w.Replacement != nil && w.Replacement.Name == w.Victim.Name:
		how = "replaced under the same name"
	case w.Replacement != nil:
		how = "replaced by " + w.Replacement.Name
	}
	return fmt.Sprintf("recovery of %s, %s", w.Victim.Name, how)
}

// String is the waterfall for people: its title, a line for each stage with
// when it was reached after the fault, what it took and a bar, and which stage
// was the costliest. In a bar "=" is time that the stage certainly took, "-"
// time that it may have taken, ">" time that was not over when the record
// ended.
func (w Waterfall) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s)\n", w.Title(), w.Fault)
	scale := w.scale()
	rows := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, s := range w.Steps {
		note := s.Note
		if s.Since != "" && s.Reached != nil && s.Since != w.usual(s.Stage) {
			note = cmp.Or(note, "since "+string(s.Since))
		}
		line := fmt.Sprintf("  %s\t%s\t%s\t|%s|\t%s", s.Stage, w.when(s), took(s), w.bar(s, scale), note)
		fmt.Fprintln(rows, strings.TrimRight(line, "\t"))
	}
	_ = rows.Flush() // to memory
	fmt.Fprintf(&out, "  costliest: %s\n", w.costliest())
	if w.Note != "" {
		fmt.Fprintf(&out, "  note: %s\n", w.Note)
	}
	return out.String()
}

func (w Waterfall) costliest() string {
	step, undecided := w.Costliest()
	if undecided != "" {
		return undecided
	}
	return fmt.Sprintf("%s, %s", step.Stage, took(step))
}

// usual is the stage in the line above, which a step's cost needs no word to
// be measured from.
func (w Waterfall) usual(s Stage) Stage {
	for i, step := range w.Steps[1:] {
		if step.Stage == s {
			return w.Steps[i].Stage
		}
	}
	return ""
}

// when is when a stage was reached, after the beginning of the fault.
func (w Waterfall) when(s Step) string {
	if s.Reached == nil {
		return "-"
	}
	from := w.Steps[0].Reached.From
	return "+" + steadystate.FormatLengths(steadystate.Bounds[time.Duration]{Low: max(0, s.Reached.From-from), High: max(0, s.Reached.To-from)})
}

func took(s Step) string {
	switch {
	case s.Cost == nil && s.Open:
		return "not over"
	case s.Cost == nil:
		return "-"
	case s.Open:
		return "at least " + steadystate.FormatSeconds(s.Cost.Low.Seconds())
	}
	return steadystate.FormatLengths(*s.Cost)
}

// scale is the time that the bars show: from the fault to the last stage that
// was reached, or to the record's end if one was not.
func (w Waterfall) scale() steadystate.Span {
	scale := *w.Steps[0].Reached
	for _, s := range w.Steps {
		if s.Reached != nil {
			scale.To = max(scale.To, s.Reached.To)
		}
		if s.Open {
			scale.To = max(scale.To, w.End)
		}
	}
	return scale
}

// bar draws a step: from when what it waited for was reached to when it was.
func (w Waterfall) bar(s Step, scale steadystate.Span) string {
	cells := []byte(strings.Repeat(" ", barWidth))
	cell := func(at time.Duration) int {
		if scale.Width() <= 0 {
			return 0
		}
		return min(barWidth-1, max(0, int(barWidth*(at-scale.From)/scale.Width())))
	}
	fill := func(from, to time.Duration, mark byte) {
		for i := cell(from); i <= cell(to); i++ {
			cells[i] = mark
		}
	}
	since := w.Step(s.Since).Reached
	switch {
	case since == nil && s.Reached != nil: // the fault
		fill(s.Reached.From, s.Reached.To, '-')
	case since == nil:
	case s.Open:
		fill(since.From, since.To, '-')
		fill(since.To, scale.To, '>')
	case s.Reached != nil:
		fill(min(since.From, s.Reached.From), s.Reached.To, '-')
		if since.To < s.Reached.From {
			fill(since.To, s.Reached.From, '=')
		}
	}
	return string(cells)
}
