package judge

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// A Step is one stage of what followed a fault.
type Step struct {
	Stage string `json:"stage"`
	// Reached holds the instant; nil: not reached, or not seen.
	Reached *steadystate.Span `json:"reached,omitempty"`
	// Since is the stage that this one waited for, the last of those seen. Took
	// is the time from it to this one; nil: unknown, and Note says why.
	Since string                             `json:"since,omitempty"`
	Took  *steadystate.Bounds[time.Duration] `json:"took,omitempty"`
	// Open: it was not reached. Took is then a lower bound, up to the end of the
	// record.
	Open bool   `json:"open,omitempty"`
	Note string `json:"note,omitempty"`
}

// Text is the step's duration: "12s to 13s", "at least 40s", "not over" or "-".
func (s Step) Text() string {
	switch {
	case s.Took == nil && s.Open:
		return "not over"
	case s.Took == nil:
		return "-"
	case s.Open:
		return "at least " + steadystate.FormatSeconds(s.Took.Low.Seconds())
	}
	return steadystate.FormatLengths(*s.Took)
}

// A Breakdown splits the time lost after a fault by stage.
type Breakdown struct {
	Fault string `json:"fault,omitempty"`
	// Steps begin with the fault itself.
	Steps []Step `json:"steps"`
	// End is the last instant of the record.
	End time.Duration `json:"end"`
	// Note says what is uncertain about it, or what else influenced it.
	Note string `json:"note,omitempty"`
}

// Step is the step of a stage; the zero Step if there is none.
func (b Breakdown) Step(stage string) Step {
	if i := slices.IndexFunc(b.Steps, func(s Step) bool { return s.Stage == stage }); i >= 0 {
		return b.Steps[i]
	}
	return Step{}
}

// When is the time from the start of the fault until a step was reached; "-" if
// it was not.
func (b Breakdown) When(s Step) string {
	if s.Reached == nil {
		return "-"
	}
	from := b.Steps[0].Reached.From
	return "+" + steadystate.FormatLengths(steadystate.Bounds[time.Duration]{Low: max(0, s.Reached.From-from), High: max(0, s.Reached.To-from)})
}

// Remark is the step's note, and the stage it counts from if that is not the one
// in the line above.
func (b Breakdown) Remark(s Step) string {
	i := slices.IndexFunc(b.Steps, func(other Step) bool { return other.Stage == s.Stage })
	if i < 1 || s.Since == "" || s.Since == b.Steps[i-1].Stage {
		return s.Note
	}
	return strings.TrimPrefix(s.Note+"; since "+s.Since, "; ")
}

// Whole reaches from the fault to the last step reached, or to the record's end
// if one is open.
func (b Breakdown) Whole() steadystate.Span {
	var whole steadystate.Span
	if len(b.Steps) > 0 && b.Steps[0].Reached != nil {
		whole = *b.Steps[0].Reached
	}
	for _, s := range b.Steps {
		if s.Reached != nil {
			whole.To = max(whole.To, s.Reached.To)
		}
		if s.Open {
			whole.To = max(whole.To, b.End)
		}
	}
	return whole
}

// A Bar is when a step was in progress. Nil parts are absent.
type Bar struct {
	Maybe  *steadystate.Span // it may have been in progress; Surely lies within
	Surely *steadystate.Span
	Open   *steadystate.Span // it was certainly not over; lies within Maybe
}

// Bar returns a step's bar: from the stage it waited for until it was reached.
func (b Breakdown) Bar(s Step) Bar {
	since := b.Step(s.Since).Reached
	switch {
	case since == nil:
		return Bar{Maybe: s.Reached} // the fault
	case s.Open && s.Took != nil:
		b := Bar{Maybe: &steadystate.Span{From: since.From, To: max(since.To, since.From+s.Took.High)}}
		if s.Took.Low > 0 {
			b.Open = &steadystate.Span{From: since.To, To: since.To + s.Took.Low}
		}
		return b
	case s.Reached == nil:
		return Bar{}
	}
	bar := Bar{Maybe: &steadystate.Span{From: min(since.From, s.Reached.From), To: s.Reached.To}}
	if since.To < s.Reached.From {
		bar.Surely = &steadystate.Span{From: since.To, To: s.Reached.From}
	}
	return bar
}

// barWidth is how many characters wide the bars of the text are.
const barWidth = 40

// Lines is the breakdown as text. Each step has a line with the time from the
// fault until it was reached, its duration and a bar, in which "=" is time that
// the step certainly took, "-" time that it may have taken, ">" time in which it
// was not over.
func (b Breakdown) Lines() string {
	var out strings.Builder
	whole := b.Whole()
	rows := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, s := range b.Steps {
		line := fmt.Sprintf("  %s\t%s\t%s\t|%s|\t%s", s.Stage, b.When(s), s.Text(), b.Bar(s).text(whole), b.Remark(s))
		fmt.Fprintln(rows, strings.TrimRight(line, "\t"))
	}
	_ = rows.Flush() // to memory
	return out.String()
}

func (b Bar) text(whole steadystate.Span) string {
	cells := []byte(strings.Repeat(" ", barWidth))
	cell := func(at time.Duration) int {
		if whole.Width() <= 0 {
			return 0
		}
		return min(barWidth-1, max(0, int(barWidth*(at-whole.From)/whole.Width())))
	}
	fill := func(s *steadystate.Span, mark byte) {
		if s == nil {
			return
		}
		for i := cell(s.From); i <= cell(s.To); i++ {
			cells[i] = mark
		}
	}
	fill(b.Maybe, '-')
	fill(b.Surely, '=')
	fill(b.Open, '>')
	return string(cells)
}
