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

// rows are two lines for each report that has that much to say, and one where there
// is no room.
func (s Screen) rows(list []reports.Report) []string {
	lines := s.table(list, 2)
	if len(lines) >= rowLines {
		lines = s.table(list, 1)
	}
	return lines
}

// rowLines is the most that the rows have: the counts, and where everything is,
// follow.
const rowLines = Lines - 4

// table is the rows in at most so many lines each.
func (s Screen) table(list []reports.Report, most int) (lines []string) {
	worst := reports.WorstFirst(list...)
	names, room := 0, max(narrow/2, s.text()-verdictWidth-36) // which a limit and its figure need
	for _, r := range worst {
		if width := ansi.StringWidth(clean(r.Experiment)); most == 1 || width <= room {
			names = max(names, min(width, room))
		}
	}
	for i, r := range worst {
		if most == 1 && i == rowLines-1 && len(worst) > rowLines {
			return append(lines, "and "+reports.Counts(worst[i:]...))
		}
		name, first := clean(r.Experiment), strings.TrimLeft(s.verdict(r, r.Verdict), " ")
		if most > 1 && ansi.StringWidth(name) > names { // has a line of its own
			lines = append(lines, s.short(first, name, 1)...)
			lines = append(lines, s.short(strings.Repeat(" ", verdictWidth), r.Short(), most-1)...)
			continue
		}
		lines = append(lines, s.short(first+pad(cut(name, names), names)+"  ", r.Short(), most)...)
	}
	return lines
}
