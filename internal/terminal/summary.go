package terminal

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/reports"
)

// Summary writes how many experiments held, and the exit code. Of several it writes
// a line each before that, the worst first; those that held have one line together
// if there is no room.
func (s Screen) Summary(w io.Writer, exit int, list ...reports.Report) error {
	var lines []string
	if len(list) > 1 {
		lines = s.rows(list)
	}
	last, code := reports.Counts(list...), fmt.Sprintf("exit %d", exit)
	lines = append(lines, cmp.Or(s.ends(last, code), last+", "+code))
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// rows are a line for each report.
func (s Screen) rows(list []reports.Report) (lines []string) {
	worst := reports.WorstFirst(list...)
	names := 0
	for _, r := range worst {
		names = max(names, ansi.StringWidth(clean(r.Experiment)))
	}
	names = min(names, max(narrow/2, s.text()-verdictWidth-36)) // which a limit and its figure need
	const room = Lines - 4                                      // the counts, and where everything is
	for i, r := range worst {
		if i == room-1 && len(worst) > room {
			return append(lines, "and "+reports.Counts(worst[i:]...))
		}
		first := strings.TrimLeft(s.verdict(r, r.Verdict), " ") + pad(cut(clean(r.Experiment), names), names) + "  "
		lines = append(lines, s.wrapped(first, r.Short(), 1)...)
	}
	return lines
}
