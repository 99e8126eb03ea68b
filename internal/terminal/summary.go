package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Summary writes how many experiments held, and the exit code. Of several it writes
// a line each before that, the worst first; those that held have one line together
// if there is no room.
func (s Screen) Summary(w io.Writer, exit int, list ...reports.Report) error {
	var lines []string
	if len(list) > 1 {
		lines = s.rows(list)
	}
	last, code := counts(list), fmt.Sprintf("exit %d", exit)
	lines = append(lines, cmp.Or(s.ends(last, code), last+", "+code))
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

var worstFirst = []steadystate.Verdict{steadystate.Broken, steadystate.Unknown, steadystate.Held}

func counts(list []reports.Report) string {
	noun := "experiments"
	if len(list) == 1 {
		noun = "experiment"
	}
	var parts []string
	for _, v := range worstFirst {
		n := 0
		for _, r := range list {
			if r.Verdict == v {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return fmt.Sprintf("%d %s: %s", len(list), noun, strings.Join(parts, ", "))
}

// rows are a line for each report.
func (s Screen) rows(list []reports.Report) (lines []string) {
	worst := slices.Clone(list)
	rank := func(r reports.Report) int {
		if inPlace(r) != "" {
			return -1
		}
		return slices.Index(worstFirst, r.Verdict)
	}
	slices.SortStableFunc(worst, func(a, b reports.Report) int { return cmp.Compare(rank(a), rank(b)) })
	names := 0
	for _, r := range worst {
		names = max(names, ansi.StringWidth(clean(r.Experiment)))
	}
	names = min(names, max(narrow/2, s.text()-verdictWidth-36)) // which a limit and its figure need
	const room = Lines - 4                                      // the counts, and where everything is
	for i, r := range worst {
		if i == room-1 && len(worst) > room {
			var rest []reports.Report
			return append(lines, "and "+counts(append(rest, worst[i:]...)))
		}
		first := strings.TrimLeft(s.verdict(r, r.Verdict), " ") + pad(cut(clean(r.Experiment), names), names) + "  "
		lines = append(lines, s.wrapped(first, short(r), 1)...)
	}
	return lines
}

// short is why a verdict is as it is, in a line: what is true of the whole run first,
// then the first limit that is broken, or what is not proven or not decided.
func short(r reports.Report) string {
	of := func(v steadystate.Verdict) (texts []string) {
		for _, f := range r.Findings {
			if f.Verdict == v {
				quantity, wanted := parts(f)
				texts = append(texts, strings.TrimSpace(quantity+" "+wanted)+": "+seen(f))
			}
		}
		return texts
	}
	texts := facts(r)
	switch broken, unknown := of(steadystate.Broken), of(steadystate.Unknown); {
	case len(broken) > 0:
		texts = append(texts, broken[0])
	case len(r.Caveats) > 0:
		texts = append(texts, r.Caveats[0])
	case len(unknown) > 0:
		texts = append(texts, unknown[0])
	default:
		return headline(r)
	}
	return strings.Join(texts, ": ")
}
