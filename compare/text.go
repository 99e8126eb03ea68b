package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/steadystate"
)

// JSON writes the document.
func (d Diff) JSON(w io.Writer) error { return writeJSON(w, d) }

func writeJSON(w io.Writer, document any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(document)
}

// Text writes the diff for people: changes first.
func (d Diff) Text(w io.Writer) error {
	var out bytes.Buffer
	outcomes := map[string]int{}
	for _, p := range d.Pairs {
		fmt.Fprintf(&out, "%s%s\n", p.Experiment, planOf(p.PlanHash))
		p.Before.text(&out, "before")
		p.After.text(&out, "after")
		if p.NotCompared != "" {
			fmt.Fprintf(&out, "  not compared: %s\n", p.NotCompared)
		}
		for _, m := range p.Missing {
			fmt.Fprintf(&out, "  not compared: %s has no figure after\n", m)
		}
		for _, n := range p.Notes {
			fmt.Fprintf(&out, "  note: %s\n", n)
		}
		tw := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		for _, r := range p.sorted() {
			outcomes[r.Outcome]++
			name := r.Outcome
			if r.Outcome == Worse || r.Outcome == Better {
				name = strings.ToUpper(name)
			}
			fmt.Fprintf(tw, "  %s\t%s\t%s -> %s\t%s\n", name, strings.TrimSpace(r.Check+" "+r.Subject), r.figure(r.Before), r.figure(r.After), r.text())
		}
		_ = tw.Flush() // to a buffer
		out.WriteString("\n")
	}
	var counts []string
	for _, o := range byWeight {
		if n := outcomes[o]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, o))
		}
	}
	fmt.Fprintf(&out, "%s: %s\n", strings.ToUpper(d.Outcome), cmp.Or(strings.Join(counts, ", "), "nothing was compared"))
	if d.Tests > 0 {
		fmt.Fprintf(&out, "sets of the same service show a change in at most %g%% of such diffs: Mann-Whitney, Holm over %d rows\n", 100*d.Level, d.Tests)
	}
	if outcomes[Differs]+outcomes[Overlaps] > 0 {
		fmt.Fprintln(&out, "one run a side shows no change of the service: compare sets of runs")
	}
	_, err := w.Write(out.Bytes())
	return err
}

var byWeight = []string{Worse, Better, Differs, CannotTell, NoChange, Overlaps}

func (p Pair) sorted() []Row {
	rows := slices.Clone(p.Rows)
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Compare(slices.Index(byWeight, a.Outcome), slices.Index(byWeight, b.Outcome))
	})
	return rows
}

func planOf(hash string) string {
	if hash == "" {
		return ""
	}
	return "  plan " + short(hash)
}

var digest = regexp.MustCompile(`[0-9a-f]{13,}`)

// short cuts digests, for people.
func short(text string) string {
	return digest.ReplaceAllStringFunc(text, func(d string) string { return d[:12] + "…" })
}

func (s Set) text(w io.Writer, side string) {
	fmt.Fprintf(w, "  %-6s  %s", side, plural(len(s.Runs), "run"))
	if len(s.Runs) > 0 {
		fmt.Fprintf(w, ", %s: %s", period(s.First, s.Last), verdicts(s.Held, s.Broken, s.Unknown))
	}
	if len(s.LeftOut) > 0 {
		fmt.Fprintf(w, "; left out %d that a person or the harness ended", len(s.LeftOut))
	}
	for _, v := range s.Versions {
		fmt.Fprintf(w, "; %s", short(v))
	}
	fmt.Fprintln(w)
}

func verdicts(held, broken, unknown int) string {
	var parts []string
	for _, v := range []struct {
		n    int
		name string
	}{{held, "held"}, {broken, "broken"}, {unknown, "unknown"}} {
		if v.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v.n, v.name))
		}
	}
	return strings.Join(parts, ", ")
}

const minute = "2006-01-02 15:04"

func period(first, last time.Time) string {
	a, b := first.UTC().Format(minute), last.UTC().Format(minute)
	if a == b {
		return a
	}
	return a + " to " + b
}

func plural(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// figure is a figure of a side, and how many runs do not bound it.
func (r Row) figure(s Summary) string {
	text := ranged(r.Unit, s.Median)
	if r.Subject == verdictSubject {
		text += " broken"
	}
	if s.Open > 0 {
		text += fmt.Sprintf(" (%d open)", s.Open)
	}
	if s.Unseen > 0 {
		text += fmt.Sprintf(" (%d unseen)", s.Unseen)
	}
	return text
}

// text says what the outcome rests on, or what would have had to be.
func (r Row) text() string {
	runs := fmt.Sprintf("%d and %d runs", r.Before.N, r.After.N)
	switch {
	case r.Outcome == Worse || r.Outcome == Better:
		text := fmt.Sprintf("p %.2g", *r.AdjustedP)
		if r.Shift != nil && (r.Shift.Low != nil || r.Shift.High != nil) {
			text = "by " + ranged(r.Unit, *r.Shift) + ", " + text
		}
		return text
	case r.Outcome == NoChange && r.DetectableBroken > 0:
		return fmt.Sprintf("no change that %s could show; %d broken of %d would", runs, r.DetectableBroken, r.After.N)
	case r.Outcome == NoChange && *r.Detectable == 0:
		return fmt.Sprintf("the same in %s", runs)
	case r.Outcome == NoChange:
		return fmt.Sprintf("no change that %s could show; %s would", runs, format(r.Unit, *r.Detectable))
	case r.RunsNeeded > 0:
		return fmt.Sprintf("%s can show none; %d a side could", runs, r.RunsNeeded)
	case r.Outcome == CannotTell:
		return fmt.Sprintf("%s do not bound it well enough to show any", runs)
	case r.Outcome == Differs:
		return "the bounds do not overlap"
	}
	return "the bounds overlap"
}

// ranged writes bounds in their unit.
func ranged(unit string, r results.Range) string {
	switch {
	case r.Low == nil && r.High == nil:
		return "?"
	case r.Low == nil:
		return "at most " + format(unit, *r.High)
	case r.High == nil:
		return "at least " + format(unit, *r.Low)
	}
	low, high := format(unit, *r.Low), format(unit, *r.High)
	if low == high {
		return low
	}
	return low + " to " + high
}

func format(unit string, v float64) string {
	switch unit {
	case "seconds":
		return steadystate.FormatSeconds(v)
	case "share":
		return fmt.Sprintf("%.4g%%", 100*v)
	case "perSecond":
		return fmt.Sprintf("%.4g/s", v)
	case "multiple":
		return fmt.Sprintf("%.4gx", v)
	}
	return fmt.Sprintf("%.4g", v)
}
