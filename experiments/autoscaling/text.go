package autoscaling

import (
	"cmp"
	"fmt"
	"strings"
)

// Title says whose sizes they are, in one line.
func (d Decomposition) Title() string {
	return fmt.Sprintf("autoscaling of %s, %s replicas", strings.TrimPrefix(d.Autoscaler, "hpa/"), d.Sizes)
}

// String is the decomposition for people: its title, and its steps.
func (d Decomposition) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s (%s)\n%s", d.Title(), cmp.Or(d.Fault, "no fault"), d.Lines())
	if d.Note != "" {
		fmt.Fprintf(&out, "  note: %s\n", d.Note)
	}
	return out.String()
}
