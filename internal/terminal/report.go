package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Place says where the rest of a report is, and what to do about what it says.
// What is empty is left out.
type Place struct {
	Page  string // the page's path
	Again string // the command that judges the record again
	More  string // what shows more
	Sweep string // the command that removes what was left behind
}

// Report writes a report in at most [Lines] lines less two, which are the
// [Screen.Summary]'s. Nothing that decides is cut: it wraps. What has no room is named.
func (s Screen) Report(w io.Writer, r reports.Report, p Place) error {
	s.pageless = p.Page == ""
	told, foot := s.story(r), s.foot(p)
	// What and why, and what to mend, come before the details of limits; the fault, before
	// limits that held.
	lines, first, least := 0, 0, 1 // and the names of what is left out
	for _, item := range told {
		lines += len(item.lines)
		if slices.Contains(firsts, item.name) {
			first += len(item.lines)
			least += min(leastLines, len(item.lines))
		}
	}
	first = min(first, firstLines) + 1 // and the names of what is left out
	var head, findings []string
	room := 0
	for _, most := range []int{8, 2} {
		head = s.head(r, p, most)
		room = s.lines() - 2 - len(head) - len(foot) - 2 // blank lines
		if len(foot) > 0 {
			room--
		}
		findings = s.findings(r, room-max(first, min(lines, 6)), room-max(first, min(lines, 3)))
		// Why it broke, and what to mend, say more than what is true besides.
		if r.Verdict != steadystate.Broken || room-len(findings) >= least {
			break
		}
	}
	story := s.fit(told, room-len(findings), r)
	all := head
	for _, part := range [][]string{findings, story, foot} {
		if len(part) > 0 {
			all = append(append(all, ""), part...)
		}
	}
	_, err := io.WriteString(w, strings.Join(all, "\n")+"\n")
	return err
}

const verdictWidth = 9

// head is the verdict and why, then what is true of the run besides, in so many lines.
func (s Screen) head(r reports.Report, p Place, left int) []string {
	verdict := pad(strings.ToUpper(r.Verdict.String()), verdictWidth)
	painted := s.paint(r.Verdict, strings.TrimRight(verdict, " ")) + strings.Repeat(" ", len(verdict)-len(strings.TrimRight(verdict, " ")))
	indent := strings.Repeat(" ", verdictWidth)
	name, why := clean(r.Experiment), r.Headline()
	var lines []string
	if first := s.ends(verdict+name, why); first != "" {
		lines = append(lines, first)
	} else {
		lines = append(s.wrapped(verdict, why), s.short(indent, name, 2)...)
	}
	lines[0] = painted + lines[0][len(verdict):]
	lines = append(lines, s.short(indent, r.About(), 3)...)

	caveats := slices.Clone(r.Caveats)
	if why := r.InPlace(); why != "" {
		lines = append(lines, s.short("  !      ", why, 5)...)
		if p.Sweep != "" {
			lines = append(lines, indent+"remove it with: "+p.Sweep)
		}
		caveats = slices.DeleteFunc(caveats, func(c string) bool { return strings.HasSuffix(c, why) })
	}
	most := 3
	switch {
	case len(r.Injections) == 0:
		most = 1 // the others follow from the first: no fault was injected
	case r.Verdict == steadystate.Broken:
		left = min(left, 4)
	}
	if r.End.Reason == record.Interrupted {
		caveats = interrupted(r, caveats)
	}
	for i, caveat := range caveats {
		if i == most {
			lines = append(lines, fmt.Sprintf("  !      and %d more", len(caveats)-most))
			break
		}
		others := min(most, len(caveats)) - i - 1 // have two lines each, at least
		said := s.short("  !      ", caveat, max(2, left-2*others))
		left -= len(said)
		lines = append(lines, said...)
	}
	return lines
}

// interrupted are the caveats of a run that a person ended: the others follow from that,
// and are one; and whether the faults are undone, and since when.
func interrupted(r reports.Report, caveats []string) (list []string) {
	var unproven []string
	for _, c := range caveats {
		if of, found := strings.CutPrefix(c, noProof); found {
			of, _, _ = strings.Cut(of, ": ")
			unproven = append(unproven, of)
		} else {
			list = append(list, c)
		}
	}
	if len(unproven) > 0 {
		list = append(list, "so there is "+noProof+strings.Join(unproven, ", nor that "))
	}
	if undone := r.Undone(); undone != "" {
		list = append(list, undone)
	}
	return list
}

// noProof begins a caveat about a proof.
const noProof = "no proof that "

// foot is where the rest is. What one copies is never broken.
func (s Screen) foot(p Place) (lines []string) {
	for _, of := range []struct{ name, text string }{{"Page", p.Page}, {"Again", p.Again}, {"More", p.More}} {
		if of.text != "" {
			lines = append(lines, label(of.name)+of.text)
		}
	}
	return lines
}

func label(name string) string { return "  " + pad(name, 8) }

// findings are the limits, of which those that held are folded as far as they must
// be to fit; the others have at most so many lines.
func (s Screen) findings(r reports.Report, room, most int) (lines []string) {
	for _, fold := range []folding{
		{},
		{checks: true},
		{checks: true, into: true},
		{checks: true, into: true, limits: true},
		{checks: true, into: true, limits: true, reasons: true},
	} {
		if fold.limits {
			room = most // all that can be folded without a loss is
		}
		if lines = s.folded(r, fold); len(lines) <= room {
			return lines
		}
	}
	if most = max(most, 2); len(lines) <= most {
		return lines
	}
	// What broke comes first, and is never left out, even if it takes more than a screen.
	fold := folding{checks: true, into: true, limits: true, reasons: true}
	of := func(broken bool) []string {
		part := r
		part.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f judge.Finding) bool { return (f.Verdict == steadystate.Broken) != broken })
		return s.folded(part, fold)
	}
	lines, rest := of(true), of(false)
	if fold.broken = len(lines) > most; fold.broken {
		lines = of(true)
	}
	room = max(0, most-len(lines)-1)
	if len(rest) <= room+1 {
		return append(lines, rest...)
	}
	return append(append(lines, rest[:room]...), fmt.Sprintf("    and %d lines more (in all %s)", len(rest)-room, others(r)))
}

// others counts the limits that are not broken, by their verdicts.
func others(r reports.Report) string {
	var parts []string
	for _, v := range []steadystate.Verdict{steadystate.Unknown, steadystate.Held} {
		n := 0
		for _, f := range r.Findings {
			if f.Verdict == v {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, r.Word(v)))
		}
	}
	return strings.Join(parts, ", ")
}

// notEnded begins the reasons of limits that the first lines have told already.
const notEnded = "the run did not come to its end"

// A folding says what has no lines of its own.
type folding struct {
	checks  bool // a check of which all limits held has one line
	into    bool // and all of those have one together
	limits  bool // those limits that held of a check of which not all did
	reasons bool // why a limit is undecided has two lines, else up to five
	broken  bool // the broken limits of a check share lines
}

func (s Screen) folded(r reports.Report, fold folding) (lines []string) {
	if none := func(f judge.Finding) bool { return f.Verdict != steadystate.Unknown || f.Text != "not judged" }; len(r.Findings) > 0 && !slices.ContainsFunc(r.Findings, none) {
		return s.wrapped(s.verdict(r, steadystate.Unknown), fmt.Sprintf("all %d limits: not judged", len(r.Findings)))
	}
	widths := columns(r.Findings)
	told := map[string]bool{}
	var others []string
	var unjudged []string // limits, by check
	if r.End.Reason == record.Interrupted {
		ended := func(f judge.Finding) bool {
			return f.Verdict == steadystate.Unknown && !f.OfRun && strings.HasPrefix(f.Undecided, notEnded)
		}
		for _, of := range reports.ByCheck(r.Findings) {
			var limits []string
			for _, f := range of {
				if quantity, wanted := reports.Parts(f); ended(f) {
					limits = append(limits, strings.TrimSpace(quantity+" "+wanted))
				}
			}
			if len(limits) > 0 {
				unjudged = append(unjudged, clean(of[0].Check)+": "+strings.Join(limits, ", "))
			}
		}
		r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), ended)
	}
	for n, of := range reports.ByCheck(r.Findings) {
		whole := !slices.ContainsFunc(of, func(f judge.Finding) bool { return f.Verdict != steadystate.Held })
		first := n == 0 && r.Verdict == steadystate.Held
		name := clean(of[0].Check)
		switch {
		case whole && fold.into && !first:
			others = append(others, name)
			continue
		case whole && fold.checks && !first:
			var texts []string
			for _, f := range of {
				texts = append(texts, brief(f))
			}
			lines = append(lines, s.short(s.verdict(r, steadystate.Held), name+": "+strings.Join(texts, ", "), 2)...)
			continue
		}
		held := 0
		if fold.limits && !whole {
			shown := slices.DeleteFunc(slices.Clone(of), func(f judge.Finding) bool { return f.Verdict == steadystate.Held })
			held, of = len(of)-len(shown), shown
		}
		heading := strings.TrimSuffix(name+", "+clean(r.Good(of[0])), ", ")
		if held > 0 {
			heading += fmt.Sprintf("; %d other %s", held, r.Word(steadystate.Held))
		}
		lines = append(lines, s.short("  ", heading, 2)...)
		if fold.broken && of[0].Verdict == steadystate.Broken {
			var texts []string
			for _, f := range of {
				quantity, wanted := reports.Parts(f)
				texts = append(texts, fmt.Sprintf("%s: %s", strings.TrimSpace(quantity+" "+wanted), clean(reports.Seen(f))))
			}
			lines = append(lines, s.wrapped(s.verdict(r, steadystate.Broken), strings.Join(texts, "; "))...)
			continue
		}
		for _, f := range of {
			quantity, wanted := reports.Parts(f)
			start := s.verdict(r, f.Verdict) + pad(quantity, widths[0]) + "  " + pad(wanted, widths[1]) + "  "
			if ansi.StringWidth(start) > s.text()-16 {
				start = s.verdict(r, f.Verdict) + strings.TrimSpace(quantity+" "+wanted) + ": "
			}
			text := clean(reports.Seen(f))
			// That a run was aborted is its end, too.
			if f.OfRun && f.Text != "" && slices.ContainsFunc(r.Caveats, func(c string) bool { return strings.HasSuffix(c, ": "+f.Text) }) {
				text = "as above"
			}
			lines = append(lines, s.short(start, text, 3)...)
			if why := clean(f.Undecided); why != "" && !told[why] && !strings.HasPrefix(why, notEnded) {
				told[why] = true
				long := 5
				if fold.reasons {
					long = 2
				}
				lines = append(lines, s.short("      why: ", why, long)...)
			}
		}
	}
	if len(unjudged) > 0 {
		lines = append(lines, s.short(s.verdict(r, steadystate.Unknown), "not decided, since the run was interrupted: "+strings.Join(unjudged, "; "), 5)...)
	}
	if n := len(others); n > 0 {
		noun := "checks"
		if n == 1 {
			noun = "check"
		}
		lines = append(lines, s.short(s.verdict(r, steadystate.Held), fmt.Sprintf("%d other %s: %s", n, noun, strings.Join(others, ", ")), 2)...)
	}
	return lines
}

// brief is a limit that held, and what was seen, in a few words.
func brief(f judge.Finding) string {
	quantity, wanted := reports.Parts(f)
	if wanted == "" {
		return quantity
	}
	return fmt.Sprintf("%s %s (%s)", quantity, strings.TrimSuffix(clean(reports.Seen(f)), reports.NoOutage), wanted)
}

// verdict is the cell with a limit's verdict.
func (s Screen) verdict(r reports.Report, v steadystate.Verdict) string {
	text := r.Word(v)
	if v == steadystate.Held && !r.Proven() {
		v = steadystate.Unknown
	}
	return "    " + s.paint(v, text) + strings.Repeat(" ", verdictWidth-len(text))
}

// columns are the widths of the quantities and of what is wanted.
func columns(list []judge.Finding) (widths [2]int) {
	for _, f := range list {
		quantity, wanted := reports.Parts(f)
		widths[0] = max(widths[0], ansi.StringWidth(quantity))
		widths[1] = max(widths[1], ansi.StringWidth(wanted))
	}
	return widths
}

// An item is one thing that is told of a run, in lines.
type item struct {
	name, text string
	lines      []string
}

// itemLines is the most that an item has: more is a list that goes on.
const itemLines = 5

// story is that of a report.
func (s Screen) story(r reports.Report) (items []item) {
	faults := 0
	for _, told := range r.Story() {
		if told.Name == "Fault" {
			if faults++; faults == 3 {
				told.Name, told.Text = "", fmt.Sprintf("and %d more faults", len(r.Injections)-2)
			} else if faults > 3 {
				continue
			}
		}
		items = append(items, item{told.Name, told.Text, s.short(label(told.Name), told.Text, itemLines)})
	}
	return items
}

// firsts are the names of the items that come first where there is little room: what
// broke, why, and what to do about it. nexts come after them, in this order.
var (
	firsts = []string{"What", "Why", "Mend", "Ask"}
	nexts  = []string{"Who", "Look", "Fault", "When", "Also"}
)

// firstLines is how many lines the limits leave to the first items, of which each has
// leastLines at least if it needs them.
const firstLines, leastLines = 11, 2

// fit are the lines of the items for which there is room, in their order, then the
// names of the others and where they are. The first ones are made shorter to have some,
// and what disturbed a run, which may be why it broke.
// What could have passed unseen is half of what held means, and is why much is undecided:
// its lines are kept there.
func (s Screen) fit(items []item, room int, r reports.Report) (lines []string) {
	disturbed := len(firsts) + slices.Index(nexts, "Also")
	rank := func(i int) int {
		first, next := slices.Index(firsts, items[i].name), slices.Index(nexts, items[i].name)
		switch {
		case r.Verdict != steadystate.Broken && items[i].name == unseen:
			return -1
		case first >= 0:
			return first
		case next >= 0 && (items[i].name != "Also" || len(r.Disturbances) > 0):
			return len(firsts) + next
		}
		return disturbed + 1
	}
	whole, order := 0, []int{}
	for i, item := range items {
		whole, order = whole+len(item.lines), append(order, i)
	}
	if whole > room {
		room-- // for the names of what is left out
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(a), rank(b)) })
	used, has := 0, map[int]bool{}
	for n, i := range order {
		left := room - used
		for _, later := range order[n+1:] {
			if rank(later) < len(firsts) { // and no long reason leaves no room for what to mend
				left -= min(leastLines, len(items[later].lines))
			}
		}
		if left = max(left, min(leastLines, room-used)); left > 0 && (rank(i) < len(firsts) || rank(i) == disturbed) && len(items[i].lines) > left {
			items[i].lines = s.short(label(items[i].name), items[i].text, left)
		}
		if n := len(items[i].lines); used+n <= room {
			used, has[i] = used+n, true
		}
	}
	var out []string
	for i, item := range items {
		if has[i] {
			lines = append(lines, item.lines...)
		} else if item.name != "" && !slices.Contains(out, item.name) {
			out = append(out, item.name)
		}
	}
	if len(out) > 0 && room >= 0 {
		lines = append(lines, s.short(label(""), s.elsewhere()+": "+strings.Join(out, ", "), 1)...)
	}
	return lines
}

// unseen is the item that says what could have passed unseen.
const unseen = "Unseen"
