package reports

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Markdown writes reports for merge requests, comments and summaries: the number of held,
// broken and unknown runs, a line for each run, worst first, and the limits of each run,
// folded if it is held.
func Markdown(w io.Writer, list ...Report) error { return MarkdownWithin(w, math.MaxInt, list...) }

// MarkdownWithin writes reports as [Markdown] does, in at most this many bytes. It leaves
// out whole runs from the end, and the last line says how many. GitHub rejects a summary
// above its limit entirely.
func MarkdownWithin(w io.Writer, most int, list ...Report) error {
	list = WorstFirst(list...)
	var out bytes.Buffer
	fmt.Fprintf(&out, "## %s %s: %s\n\n", mark(Worst(list...)), strings.ToUpper(Worst(list...).String()), counts(list))
	const cut = 100 // bytes that the line on what is left out takes at most
	add := func(text string) bool {
		if out.Len()+len(text)+cut > most {
			return false
		}
		out.WriteString(text)
		return true
	}
	rows, sections := 0, 0
	if len(list) > 0 {
		add("| | experiment | started | why |\n|---|---|---|---|\n")
	}
	for _, r := range list {
		if !add(fmt.Sprintf("| %s %s | %s | %s | %s |\n", mark(r.Verdict), status(r), markdown(r.Experiment), r.Started.UTC().Format("2006-01-02 15:04:05 MST"), markdown(short(r.Reason, 300)))) {
			break
		}
		rows++
	}
	for _, r := range list[:rows] {
		if !add(details(r)) {
			break
		}
		sections++
	}
	if left := len(list) - sections; left > 0 {
		fmt.Fprintf(&out, "\nTo fit, %d of %d runs are left out above, and the limits of %d.\n", len(list)-rows, len(list), left)
	}
	if out.Len() > most {
		return nil // there is no room at all
	}
	_, err := w.Write(out.Bytes())
	return err
}

// mark tells a verdict where there are no colours, and beside its word.
func mark(v steadystate.Verdict) string {
	return map[steadystate.Verdict]string{steadystate.Held: "✅", steadystate.Broken: "❌", steadystate.Unknown: "❔"}[v]
}

// status is the verdict, and what outranks it.
func status(r Report) string {
	text := "**" + r.Verdict.String() + "**"
	if r.InPlace() != "" {
		text += ", **A FAULT MAY STILL BE IN PLACE**"
	}
	if r.End.Reason != record.Completed {
		text += ", " + r.End.Reason
	}
	return text
}

// counts is how many reports have each verdict.
func counts(list []Report) string {
	n := map[steadystate.Verdict]int{}
	for _, r := range list {
		n[r.Verdict]++
	}
	return fmt.Sprintf("%d held, %d broken, %d unknown", n[steadystate.Held], n[steadystate.Broken], n[steadystate.Unknown])
}

// details are the limits of a run and what is missing; folded, if it is held.
func details(r Report) string {
	var out strings.Builder
	open := " open"
	if r.Verdict == steadystate.Held {
		open = ""
	}
	fmt.Fprintf(&out, "\n<details%s><summary>%s %s</summary>\n\n", open, mark(r.Verdict), markdown(cmp.Or(r.Title, r.Experiment)))
	if left := r.inPlace(); left != "" {
		fmt.Fprintf(&out, "- **A FAULT MAY STILL BE IN PLACE**: %s", markdown(left))
		if sweep := r.sweep(); sweep != "" {
			fmt.Fprintf(&out, "; `%s` undoes it", strings.ReplaceAll(sweep, "`", ""))
		}
		out.WriteByte('\n')
	}
	for _, c := range r.Caveats {
		fmt.Fprintf(&out, "- %s\n", markdown(short(c, 500)))
	}
	fmt.Fprint(&out, "\n| | check | wanted | seen |\n|---|---|---|---|\n")
	for _, f := range r.Findings {
		verdict := mark(f.Verdict) + " " + f.Verdict.String()
		if f.Verdict == steadystate.Held && !r.Proven() {
			verdict = "❔ within, not proven"
		}
		seen := f.Text
		if f.Undecided != "" {
			seen += ": " + f.Undecided
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", verdict, markdown(f.Check), markdown(f.Limit), markdown(short(seen, 500)))
	}
	if what, of := r.worst(); what != "" {
		fmt.Fprintln(&out)
		for _, line := range append([]string{what}, sentences(of)...) {
			fmt.Fprintf(&out, "- %s\n", markdown(short(line, 500)))
		}
	}
	for i, a := range r.Advice {
		if i == 0 {
			fmt.Fprintln(&out)
		}
		fmt.Fprintf(&out, "- %s: %s\n", strings.ToLower(a.Name()), markdown(a.String()))
	}
	if also := r.also(); also != "" {
		fmt.Fprintf(&out, "\n- also: %s\n", markdown(also))
	}
	var about []string
	for _, part := range []string{"run " + r.Run, r.Environment["where"], plan(r)} {
		if part != "" {
			about = append(about, markdown(part))
		}
	}
	fmt.Fprintf(&out, "\n%s", strings.Join(about, "; "))
	if r.Page != "" {
		fmt.Fprintf(&out, "; page: %s", markdown(r.Page))
	}
	out.WriteString("\n\n</details>\n")
	return out.String()
}

// markdown is a text as Markdown, in one line. Entities are literal in HTML, too.
func markdown(text string) string {
	var out strings.Builder
	for _, c := range strings.Join(strings.Fields(text), " ") {
		if strings.ContainsRune("\\`*_[]|<>~#&@", c) {
			fmt.Fprintf(&out, "&#%d;", c)
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

// annotationsShown is how many of each kind GitHub shows of a step.
const annotationsShown = 10

// Annotations writes what is not held as GitHub workflow commands; GitHub shows each at its
// line of the configuration. What may still be in place and what is broken are errors, what
// is unknown is a warning. GitHub shows ten of each kind: of more, the last says how many.
// The function maps the path of a file to that in the repository; nil: they are the same.
func Annotations(w io.Writer, path func(string) string, list ...Report) error {
	annotation := func(kind, source, title, text string) string {
		at := place(source)
		if at != nil && path != nil {
			at.File = path(at.File)
		}
		return annotation(kind, at, title, text)
	}
	var errors, warnings []string
	list = WorstFirst(list...)
	for _, r := range list {
		if left := r.inPlace(); left != "" {
			errors = append(errors, annotation("error", r.Source, "A FAULT MAY STILL BE IN PLACE after "+r.Experiment, left))
		}
		if p := r.completed(); p.failure {
			errors = append(errors, annotation("error", r.Source, strings.ToUpper(p.kind)+" "+r.Experiment, p.text))
		}
		for _, f := range r.Findings {
			if f.Verdict == steadystate.Broken && (!f.OfRun || f.Limit != judge.NotAborted) {
				errors = append(errors, annotation("error", cmp.Or(f.Source, r.Source), "BROKEN "+r.Experiment, f.Check+": "+reading(f)))
			}
		}
		if r.Verdict == steadystate.Unknown {
			warnings = append(warnings, annotation("warning", r.Source, "UNKNOWN "+r.Experiment, r.Reason))
		}
	}
	for _, of := range []struct {
		kind  string
		lines []string
	}{{"error", errors}, {"warning", warnings}} {
		lines := of.lines
		if more := len(lines) - annotationsShown + 1; more > 1 {
			lines = append(lines[:annotationsShown-1], annotation(of.kind, "", fmt.Sprintf("and %d more", more), "the summary of the step has all"))
		}
		if _, err := io.WriteString(w, strings.Join(lines, "")); err != nil {
			return err
		}
	}
	return nil
}

// annotation is a workflow command. Its properties escape more than its text.
func annotation(kind string, source *results.Source, title, text string) string {
	escaped := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	at := ""
	if source != nil {
		at = "file=" + property.Replace(source.File)
		if source.Line > 0 {
			at += fmt.Sprintf(",line=%d", source.Line)
		}
		at += ","
	}
	return fmt.Sprintf("::%s %stitle=%s::%s\n", kind, at, property.Replace(title), escaped.Replace(short(text, 1000)))
}
