package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/aftershockhq/aftershock/judge"
)

// Text writes a report for people, about a screen long.
func Text(w io.Writer, r Report) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s: %s\n", strings.Join(append([]string{strings.ToUpper(r.Verdict.String())}, r.Facts()...), ", "), r.Experiment)
	if r.Title != "" {
		fmt.Fprintf(&out, "  %s\n", r.Title)
	}
	if s := place(r.Source); s != nil && r.InPlace() != "" {
		fmt.Fprintf(&out, "  remove what may still be in place with: aftershock sweep -f %s\n", s.File)
	}
	fmt.Fprintf(&out, "  %s\n", r.Reason)
	if where := r.Environment["where"]; where != "" {
		fmt.Fprintf(&out, "  on %s\n", where)
	}
	if r.Baseline != nil {
		fmt.Fprintf(&out, "  compared with %s\n", r.Baseline)
	}
	fmt.Fprintf(&out, "  run %s, %s, window %s (%s) of %s\n", r.Run, r.Started.Format("2006-01-02 15:04:05 MST"), r.Window, duration(r.Window.Width()), duration(r.Length))
	if of := plan(r); of != "" {
		fmt.Fprintf(&out, "  plan %s\n", of)
	}

	table(&out, "limits", func(row func(...string)) {
		row("verdict", "check", "wanted", "seen")
		for i, f := range r.Findings {
			row(f.Verdict.String(), f.Check, f.Limit, f.Text)
			if f.Undecided != "" {
				row("", "", "", "why: "+f.Undecided)
			}
			if c := r.ofLimit(f); c != nil {
				for _, line := range sentences(*c) {
					row("", "", "", line)
				}
			}
			if next := i + 1; f.Where != "" && (next == len(r.Findings) || f.Where != r.Findings[next].Where) {
				row("", "", "", "look: "+f.Where)
			}
		}
	})
	table(&out, "figures", func(row func(...string)) {
		for _, c := range r.Checks {
			row(c.Check, uptime(c), outages(c), mttr(c))
		}
	})
	distributions(&out, r)
	for _, c := range r.Checks {
		table(&out, "outages of "+c.Check, func(row func(...string)) {
			const most = 10
			for i, o := range c.Outages {
				if i == most {
					row(fmt.Sprintf("and %d more", len(c.Outages)-most))
					break
				}
				to := "to " + r.When(o.End)
				if o.Open {
					to = "not over when the record ended"
				}
				row("from "+r.When(o.Start), to, "lasted "+lasted(o.Length(), o.Open), depth(o), o.Reason)
				for _, line := range sentences(r.cause(c.Check, i)) {
					row("  " + line)
				}
			}
		})
	}
	table(&out, "traffic", func(row func(...string)) {
		for _, signal := range keys(r.Traffic) {
			t := r.Traffic[signal]
			row(signal, traffic(t))
			for _, why := range keys(t.Failures) {
				row("", fmt.Sprintf("%d x %s", t.Failures[why], why))
			}
			if len(t.ByBackend) > 0 {
				var by []string
				for _, name := range keys(t.ByBackend) {
					by = append(by, fmt.Sprintf("%s %d", name, t.ByBackend[name]))
				}
				row("", "answered by "+strings.Join(by, ", "))
			}
		}
	})
	for _, by := range []struct {
		name  string
		parts func(judge.Traffic) []judge.TrafficSegment
	}{
		{"phase", func(t judge.Traffic) []judge.TrafficSegment { return t.Phases }},
		{"stage", func(t judge.Traffic) []judge.TrafficSegment { return t.Stages }},
	} {
		table(&out, "traffic by "+by.name, func(row func(...string)) {
			for _, signal := range keys(r.Traffic) {
				name := signal
				for _, p := range by.parts(r.Traffic[signal]) {
					cells := []string{name, p.Name}
					for i, cell := range partCells(p) {
						cells = append(cells, partHeadings()[i]+" "+cell)
					}
					row(cells...)
					name = ""
				}
			}
		})
	}
	table(&out, "faults", func(row func(...string)) {
		for _, i := range r.Injections {
			gone := "not undone"
			if i.Removed != nil {
				gone = "T1 " + r.When(*i.Removed)
			}
			var targets []string
			for _, t := range i.Targets {
				targets = append(targets, strings.TrimSpace(t.Name+" "+t.UID))
			}
			row(i.Fault, strings.Join(targets, ", "), "T0 "+r.When(i.Span), gone, i.FailureReason)
			if hit := i.HitText(); hit != "" {
				row("hit " + hit)
			}
		}
	})
	for _, w := range r.Waterfalls {
		indented(&out, w.String())
	}
	for _, d := range r.Scalings {
		indented(&out, d.String())
	}
	table(&out, "workload when the run began", func(row func(...string)) {
		for _, l := range r.workload() {
			row(l.Name, l.Text)
		}
	})
	table(&out, "advice", func(row func(...string)) {
		whys := map[string]bool{}
		for _, c := range r.Causes {
			whys[c.Why] = true
		}
		delete(whys, "")
		told := ""
		for _, a := range r.Advice {
			row(strings.ToLower(a.Name()), a.String())
			if len(whys) > 1 && a.Fits != told { // which of them it follows from
				row("", a.Fits)
				told = a.Fits
			}
		}
	})
	if also := r.also(); also != "" {
		table(&out, "besides", func(row func(...string)) { row(also) })
	}
	table(&out, "proof", func(row func(...string)) {
		for _, p := range r.Proofs {
			row(p.Verdict.String(), p.Name, p.Text)
		}
	})
	table(&out, "notes", func(row func(...string)) {
		for _, n := range r.Notes {
			row(n)
		}
	})
	_, err := w.Write(out.Bytes())
	return err
}

// indented writes a text of several lines as a separate block.
func indented(out *bytes.Buffer, text string) {
	out.WriteString("\n")
	for line := range strings.Lines(text) {
		out.WriteString("  " + line)
	}
}

// distributions writes the distribution of the values, phase by phase.
func distributions(out *bytes.Buffer, r Report) {
	table(out, "values", func(row func(...string)) {
		for _, c := range r.Checks {
			name := c.Check
			for _, p := range c.Phases {
				cells := []string{name, p.Phase, fmt.Sprintf("n=%d", p.N)}
				for _, f := range figures(p.Distribution) {
					cells = append(cells, f.name+" "+r.values(c, f.Bounds))
				}
				row(cells...)
				name = ""
			}
		}
	})
}

// Texts writes the Text of each report and the Summary of all.
func Texts(w io.Writer, list ...Report) error {
	for _, r := range list {
		if err := Text(w, r); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return Summary(w, list...)
}

// table writes a heading and aligned rows; nothing without rows. The last cell
// of a row may be long and is not aligned.
func table(out *bytes.Buffer, heading string, fill func(row func(...string))) {
	var rows bytes.Buffer
	tw := tabwriter.NewWriter(&rows, 0, 0, 2, ' ', 0)
	fill(func(cells ...string) {
		for len(cells) > 1 && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1]
		}
		fmt.Fprintf(tw, "    %s\n", strings.Join(cells, "\t"))
	})
	_ = tw.Flush() // to a buffer
	if rows.Len() > 0 {
		fmt.Fprintf(out, "\n  %s\n%s", heading, rows.Bytes())
	}
}

// Summary writes one line for each report and one for all.
func Summary(w io.Writer, list ...Report) error {
	var out bytes.Buffer
	tw := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	for _, r := range list {
		fmt.Fprintf(tw, "%s\t%s\t%s\n", cmp.Or(r.Verdict.String(), "?"), r.Experiment, r.Reason)
	}
	_ = tw.Flush() // to a buffer
	fmt.Fprintf(&out, "%s: %s\n", strings.ToUpper(Worst(list...).String()), counts(list))
	_, err := w.Write(out.Bytes())
	return err
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
