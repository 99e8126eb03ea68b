package recovery

import (
	"fmt"
	"strings"
)

// Title says whose recovery it is, in one line.
func (w Waterfall) Title() string {
	how := "no replacement was seen"
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

// String is the recovery for people: its title, its steps, and which of them was
// the costliest.
func (w Waterfall) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s)\n%s  costliest: %s\n", w.Title(), w.Fault, w.Lines(), w.costliest())
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
	return fmt.Sprintf("%s, %s", step.Stage, step.Text())
}
