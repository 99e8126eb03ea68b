package terminal

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/experiments/recovery"
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
// [Screen.Summary]'s.
func (s Screen) Report(w io.Writer, r reports.Report, p Place) error {
	head, foot := s.head(r, p), s.foot(p)
	room := Lines - 2 - len(head) - len(foot) - 2 // blank lines
	if len(foot) > 0 {
		room--
	}
	told := s.story(r)
	// What and why, and the fault, come before limits that held, but not before others.
	lines := len(slices.Concat(told...))
	findings := s.findings(r, room-min(lines, 5), room-min(lines, 3))
	var story []string
	for _, item := range told {
		if len(findings)+len(story)+len(item) <= room {
			story = append(story, item...)
		}
	}
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

// head is the verdict and why, then what is true of the run besides.
func (s Screen) head(r reports.Report, p Place) []string {
	verdict := pad(strings.ToUpper(r.Verdict.String()), verdictWidth)
	painted := s.paint(r.Verdict, strings.TrimRight(verdict, " ")) + strings.Repeat(" ", len(verdict)-len(strings.TrimRight(verdict, " ")))
	indent := strings.Repeat(" ", verdictWidth)
	name, why := clean(r.Experiment), headline(r)
	var lines []string
	if first := s.ends(verdict+name, why); first != "" {
		lines = append(lines, first)
	} else {
		lines = append(s.wrapped(verdict, why, 2), s.wrapped(indent, name, 1)...)
	}
	lines[0] = painted + lines[0][len(verdict):]
	about := r.Started.UTC().Format("2006-01-02 15:04:05 UTC") + ", " + seconds(r.Length)
	if where := r.Environment["where"]; where != "" {
		about += " on " + address.ReplaceAllString(where, "")
	}
	lines = append(lines, s.wrapped(indent, about, 1)...)

	caveats := slices.Clone(r.Caveats)
	if why := inPlace(r); why != "" {
		lines = append(lines, s.wrapped("  !      ", why, 3)...)
		if p.Sweep != "" {
			lines = append(lines, indent+"remove it with: "+p.Sweep)
		}
		caveats = slices.DeleteFunc(caveats, func(c string) bool { return strings.HasSuffix(c, why) })
	}
	most, long := 3, 2
	if len(r.Injections) == 0 {
		most, long = 1, 4 // the others follow from the first: no fault was injected
	}
	for i, caveat := range caveats {
		if i == most {
			lines = append(lines, fmt.Sprintf("  !      and %d more", len(caveats)-most))
			break
		}
		lines = append(lines, s.wrapped("  !      ", caveat, long)...)
	}
	return lines
}

// inPlace says what may still be in place; empty: nothing.
func inPlace(r reports.Report) string {
	for _, p := range r.Proofs {
		if p.Name == "undone" && p.Verdict != steadystate.Held {
			return p.Text
		}
	}
	return ""
}

// address is that of a cluster's API.
var address = regexp.MustCompile(` \(https?://[^)]*\)`)

// facts are what is true of the whole run, whatever its limits are.
func facts(r reports.Report) (list []string) {
	if inPlace(r) != "" {
		list = append(list, "A FAULT MAY STILL BE IN PLACE")
	}
	switch r.End.Reason {
	case record.Completed, "":
	case "cut":
		list = append(list, "CUT OFF")
	default:
		list = append(list, strings.ToUpper(r.End.Reason))
	}
	return list
}

// headline is why the verdict is as it is: what is true of the whole run first.
func headline(r reports.Report) string {
	parts := facts(r)
	counts := map[steadystate.Verdict]int{}
	for _, f := range r.Findings {
		counts[f.Verdict]++
	}
	of, proofs := len(r.Findings), 0
	for _, proof := range r.Proofs {
		if proof.Verdict == steadystate.Held {
			proofs++
		}
	}
	switch {
	case of == 0:
		parts = append(parts, "no limit was judged")
	case counts[steadystate.Held] == of && r.Verdict != steadystate.Held:
		parts = append(parts, fmt.Sprintf("NOT PROVEN, %d of %d within limits", of, of))
	case counts[steadystate.Broken] > 0:
		parts = append(parts, fmt.Sprintf("%d of %d limits broken", counts[steadystate.Broken], of))
	case counts[steadystate.Unknown] > 0:
		parts = append(parts, fmt.Sprintf("%d of %d limits undecided", counts[steadystate.Unknown], of))
	default:
		parts = append(parts, fmt.Sprintf("%d of %d limits held", counts[steadystate.Held], of))
	}
	if len(facts(r)) == 0 {
		parts = append(parts, fmt.Sprintf("proof %d of %d", proofs, len(r.Proofs)))
	}
	return strings.Join(parts, ", ")
}

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
		if lines = s.folded(r, fold); len(lines) <= room {
			return lines
		}
	}
	if most = max(most, 2); len(lines) <= most {
		return lines
	}
	left := len(lines) - most + 1
	return append(lines[:most-1], fmt.Sprintf("    and %d lines more", left))
}

// notEnded begins the reasons of limits that the first lines have told already.
const notEnded = "the run did not come to its end"

// A folding says what has no lines of its own.
type folding struct {
	checks  bool // a check of which all limits held has one line
	into    bool // and all of those have one together
	limits  bool // those limits that held of a check of which not all did
	reasons bool // why a limit is undecided is left out
}

func (s Screen) folded(r reports.Report, fold folding) (lines []string) {
	if none := func(f judge.Finding) bool { return f.Verdict != steadystate.Unknown || f.Text != "not judged" }; len(r.Findings) > 0 && !slices.ContainsFunc(r.Findings, none) {
		return s.wrapped(s.verdict(r, steadystate.Unknown), fmt.Sprintf("all %d limits: not judged", len(r.Findings)), 1)
	}
	widths := columns(r.Findings)
	told := map[string]bool{}
	var others []string
	for n, of := range byCheck(r.Findings) {
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
			lines = append(lines, s.wrapped(s.verdict(r, steadystate.Held)+name+": ", strings.Join(texts, ", "), 1)...)
			continue
		}
		lines = append(lines, cut("  "+name+good(r, of[0]), s.text()))
		held := 0
		for _, f := range of {
			if f.Verdict == steadystate.Held && fold.limits {
				held++
				continue
			}
			quantity, wanted := parts(f)
			start := s.verdict(r, f.Verdict) + pad(quantity, widths[0]) + "  " + pad(wanted, widths[1]) + "  "
			if ansi.StringWidth(start) > s.text()-16 {
				start = s.verdict(r, f.Verdict) + strings.TrimSpace(quantity+" "+wanted) + ": "
			}
			text := seen(f)
			if slices.ContainsFunc(r.Caveats, func(c string) bool { return strings.Contains(c, f.Text) }) && f.Verdict == steadystate.Broken {
				text = "as above"
			}
			lines = append(lines, s.wrapped(start, text, 2)...)
			if why := clean(f.Undecided); why != "" && !told[why] && !fold.reasons && !strings.HasPrefix(why, notEnded) {
				told[why] = true
				lines = append(lines, s.wrapped("             why: ", why, 2)...)
			}
		}
		if held > 0 {
			lines = append(lines, fmt.Sprintf("%s%d other", s.verdict(r, steadystate.Held), held))
		}
	}
	if n := len(others); n > 0 {
		noun := "checks"
		if n == 1 {
			noun = "check"
		}
		lines = append(lines, s.wrapped(s.verdict(r, steadystate.Held), fmt.Sprintf("%d other %s: %s", n, noun, strings.Join(others, ", ")), 2)...)
	}
	return lines
}

// brief is a limit that held, and what was seen, in a few words.
func brief(f judge.Finding) string {
	quantity, wanted := parts(f)
	if wanted == "" {
		return quantity
	}
	return fmt.Sprintf("%s %s (%s)", quantity, strings.TrimSuffix(seen(f), noOutage), wanted)
}

// verdict is the cell with a limit's verdict. What is not held is in capitals, and a
// limit of a run that is not proven is within it, and not held.
func (s Screen) verdict(r reports.Report, v steadystate.Verdict) string {
	text := v.String()
	switch {
	case v != steadystate.Held:
		text = strings.ToUpper(text)
	case !r.Proven():
		text, v = "within", steadystate.Unknown
	}
	return "    " + s.paint(v, text) + strings.Repeat(" ", verdictWidth-len(text))
}

// good says what counted as good for a check.
func good(r reports.Report, f judge.Finding) string {
	check, err := r.Check(f.Check)
	switch {
	case err != nil || !check.Tolerance.IsSet():
		return ""
	case r.Traffic[check.Signal].Sent > 0:
		return ", good: answered, " + check.Tolerance.String()
	}
	return ", good: " + check.Tolerance.String()
}

// byCheck groups findings by their check, in their order.
func byCheck(list []judge.Finding) (groups [][]judge.Finding) {
	for _, f := range list {
		if i := slices.IndexFunc(groups, func(g []judge.Finding) bool { return g[0].Check == f.Check }); i >= 0 {
			groups[i] = append(groups[i], f)
			continue
		}
		groups = append(groups, []judge.Finding{f})
	}
	return groups
}

// columns are the widths of the quantities and of what is wanted.
func columns(list []judge.Finding) (widths [2]int) {
	for _, f := range list {
		quantity, wanted := parts(f)
		widths[0] = max(widths[0], ansi.StringWidth(quantity))
		widths[1] = max(widths[1], ansi.StringWidth(wanted))
	}
	return widths
}

var comparison = regexp.MustCompile(` (<=|>=|==|<|>) `)

// parts are the quantity of a limit and what is wanted of it.
func parts(f judge.Finding) (quantity, wanted string) {
	limit := clean(f.Limit)
	if at := comparison.FindStringIndex(limit); at != nil {
		return limit[:at[0]], limit[at[0]+1:]
	}
	return limit, ""
}

// story is what was done, what followed, and how it went on.
func (s Screen) story(r reports.Report) (items [][]string) {
	add := func(name, text string, most int) { items = append(items, s.wrapped(label(name), text, most)) }
	if text := outages(r); text != "" {
		add("What", text, 3)
	}
	for i, injection := range r.Injections {
		if i == 2 {
			add("", fmt.Sprintf("and %d more faults", len(r.Injections)-2), 1)
			break
		}
		add("Fault", fault(r, injection), 2)
	}
	for i, w := range r.Waterfalls {
		if text := recovered(w); i == 0 && text != "" {
			add("Repair", text, 2)
		}
	}
	for _, c := range r.Checks {
		if text := latency(r, c); text != "" {
			add("p95", text, 1)
		}
	}
	for _, signal := range sortedKeys(r.Traffic) {
		add("Load", load(signal, r.Traffic[signal]), 2)
	}
	if text := unseen(r); text != "" {
		add("Unseen", text, 1)
	}
	return items
}

// clock is an instant of a run on the wall, and since the run's begin.
func clock(r reports.Report, at time.Duration) string {
	return r.Started.Add(at).UTC().Format("15:04:05.0")
}

// outages tells of the outages of the check that is worst.
func outages(r reports.Report) string {
	var worst judge.CheckResult
	for _, v := range worstFirst {
		for _, f := range r.Findings {
			if c, err := r.Check(f.Check); err == nil && f.Verdict == v && len(c.Outages) > 0 && worst.Check == "" {
				worst = c
			}
		}
	}
	if worst.Check == "" || worst.Window.Width() == 0 {
		return ""
	}
	o := slices.MaxFunc(worst.Outages, func(a, b steadystate.Outage) int { return int(a.Length().High - b.Length().High) })
	text := "one outage of " + worst.Check
	if n := len(worst.Outages); n > 1 {
		text = fmt.Sprintf("%d outages of %s, the longest", n, worst.Check)
	}
	text += fmt.Sprintf(" from %s to %s (+%s to +%s)", clock(r, middle(o.Start)), clock(r, middle(o.End)), seconds(middle(o.Start)), seconds(middle(o.End)))
	if o.Open {
		text += ", not over when the record ended"
	}
	text += fmt.Sprintf("; %d of %d bad (%.0f%%)", o.Bad, o.Total, 100*float64(o.Bad)/float64(max(1, o.Total)))
	if o.Reason != "" {
		text += ", first: " + o.Reason
	}
	return text
}

func middle(s steadystate.Span) time.Duration { return s.From + s.Width()/2 }

// fault is what was injected, when, and into what.
func fault(r reports.Report, i judge.InjectionResult) string {
	text := i.Fault
	if hit := i.HitText(); hit != "" {
		text += ": " + hit
	}
	text += fmt.Sprintf(", at %s (+%s)", clock(r, i.From), seconds(i.From))
	switch {
	case i.FailureReason != "":
		text += "; " + i.FailureReason
	case i.Removed == nil:
		text += ", not seen to be undone"
	case !i.OneShot:
		text += fmt.Sprintf(", undone at %s", clock(r, middle(*i.Removed)))
	}
	return text
}

// stages are those of a recovery that are told, in their order.
var stages = []string{recovery.Scheduled, recovery.Ready, recovery.Undone, recovery.Answered}

// recovered is how a pod recovered, by its stages.
func recovered(w recovery.Waterfall) string {
	who := w.Victim.Name
	if w.Replacement != nil {
		who = w.Replacement.Name
	}
	var reached []string
	for _, step := range w.Steps[min(1, len(w.Steps)):] {
		if step.Reached == nil || !slices.Contains(stages, step.Stage) {
			continue
		}
		at := step.Reached.Since(*w.Steps[0].Reached)
		reached = append(reached, step.Stage+" "+between("time", steadystate.Seconds(at), nil))
	}
	if len(reached) == 0 {
		return ""
	}
	return who + ": " + strings.Join(reached, ", ") + " after the fault"
}

// latency compares the latency before, during and after the fault.
func latency(r reports.Report, c judge.CheckResult) string {
	if r.Traffic[c.Signal].Sent == 0 {
		return ""
	}
	var texts []string
	for _, of := range []struct{ phase, name string }{{record.PhaseSettle, "before"}, {record.PhaseHold, "while faulted"}, {record.PhaseWatch, "after"}} {
		for _, p := range c.Phases {
			if p.Phase == of.phase && p.N > 0 {
				texts = append(texts, between("time", p.P95, nil)+" "+of.name)
			}
		}
	}
	return strings.Join(texts, ", ")
}

// load is how many requests there were and how they failed.
func load(signal string, t judge.Traffic) string {
	text := fmt.Sprintf("%d %s at %.4g/s, ", t.Sent, signal, t.Rate)
	if t.FailedFirst+t.Local == 0 {
		return text + "none failed"
	}
	var why []string
	for _, reason := range sortedKeys(t.Failures) {
		why = append(why, fmt.Sprintf("%d %s", t.Failures[reason], reason))
	}
	return text + fmt.Sprintf("%d failed: %s", t.FailedFirst+t.Local, strings.Join(why, ", "))
}

// unseen says what could have passed unseen.
func unseen(r reports.Report) string {
	var texts []string
	for _, c := range r.Checks {
		if c.Observed() > 0 && c.Resolution > 0 {
			texts = append(texts, fmt.Sprintf("%s (%s)", seconds(c.Resolution), clean(c.Check)))
		}
	}
	if len(texts) == 0 {
		return ""
	}
	return "outages shorter than " + strings.Join(texts, ", ")
}
