package calibration

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// Text writes the report for people.
func (r GridReport) Text(w io.Writer) error {
	fmt.Fprintf(w, "%s, %s, %d cores; %d simulated trials of each cell, seed %d, %s\n\n",
		r.Machine.System, r.Machine.Go, r.Machine.Cores, r.Trials, r.Seed, r.Took.Round(time.Second))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\t\tbounds that miss the truth\t\t\t\t\t\t\tfalse held\t\tfalse broken\t\tunknown\t\t\t")
	fmt.Fprintln(table, "cell\tseen\tstart\tend\tlength\tdowntime\tttr\tmissed\tinvented\t3%\t20%\t3%\t20%\t3%\t20%\tverdict\t")
	for _, c := range r.Cells {
		fmt.Fprintf(table, "%s\t%d/%d\t", c.Name, c.Reported, c.Trials)
		for _, k := range comparisons() {
			fmt.Fprintf(table, "%s\t", c.wrong(k.name))
		}
		fmt.Fprintf(table, "%d\t%d\t%s\t\n", c.Unknown[0], c.Unknown[1], c.Verdict())
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	fmt.Fprintln(w, "\nCounts are of the trials that are wrong. -: not compared.")
	for _, c := range r.Cells {
		for _, o := range c.Outcomes {
			if text := o.String(); text != "" {
				fmt.Fprintf(w, "%s: %s\n", c.Name, text)
			}
		}
	}
	for _, s := range r.Starts {
		fmt.Fprintf(w, "%s: %d of %d inject: %s\n", s.Start, s.Injected, s.N, s.Verdict)
	}
	if r.Interrupted {
		fmt.Fprintf(w, "stopped after %d cells\n", len(r.Cells))
	}
	if _, err := fmt.Fprintf(w, "grid %s: %s\n", r.Verdict, r.conclusion()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// wrong is how often a comparison was wrong, with that of the new trials.
func (r CellResult) wrong(name string) string {
	for _, o := range r.Outcomes {
		switch {
		case o.Comparison != name:
		case o.AgainN > 0:
			return fmt.Sprintf("%d+%d", o.Wrong, o.Again)
		default:
			return strconv.Itoa(o.Wrong)
		}
	}
	return "-"
}

// String says what is wrong, empty if nothing is.
func (o Outcome) String() string {
	if o.Verdict == steadystate.Held && !o.Few {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s wrong in %d of %d", o.Comparison, o.Wrong, o.N)
	if o.AgainN > 0 {
		fmt.Fprintf(&text, ", and in %d of %d new ones", o.Again, o.AgainN)
	}
	if o.Few {
		text.WriteString(", as many as were reported: too few to show more")
	}
	if o.Wrong > 0 {
		fmt.Fprintf(&text, "; first in trial %d: %s", o.First, o.Example)
	}
	return text.String()
}

func (r GridReport) conclusion() string {
	var all, wrong int
	for _, c := range r.Cells {
		for _, o := range c.Outcomes {
			all++
			wrong += count(o.Verdict != steadystate.Held)
		}
	}
	return fmt.Sprintf("%d of %d comparisons in %d cells fail", wrong, all, len(r.Cells))
}
