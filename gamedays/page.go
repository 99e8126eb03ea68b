package gamedays

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/stop"
	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Page reports a day: what was expected, what happened, and what to do next.
type Page struct {
	*Plan
	Began    time.Time
	Verdict  steadystate.Verdict // of the whole plan: an experiment that was not run is unknown
	Ended    string              // how the day ended
	Left     []string            // what may still be in place, and of which experiment
	Expected []Expectation       // one for each pause and experiment of the plan
	Timeline []Moment            // sorted by their beginnings
	Actions  []string            // what people have to do
	Damage   []string            // of the log; see [Log.Read]
}

// An Expectation is a pause or an experiment of the plan, and what became of it.
type Expectation struct {
	Step                   int
	What, Expect, Happened string
}

// A Moment says what happened between two times, and who did it.
type Moment struct {
	From, To  time.Time
	What, Who string
}

// The names of a page's files, beside the log.
const (
	MarkdownFile = "gameday.md"
	HTMLFile     = "gameday.html"
)

// actionPrefix begins a note that is an action.
const actionPrefix = "action:"

// NewPage returns the page of a log that [Log.Read] has read.
func NewPage(entries []Entry, damage []string) Page {
	p := Page{Plan: entries[0].Plan, Began: entries[0].Time, Damage: damage, Ended: "no end was written down: the run was killed, or goes on"}
	var verdicts []steadystate.Verdict
	for i, s := range p.Steps {
		if s.Pause != "" {
			p.Expected = append(p.Expected, Expectation{Step: i + 1, What: "pause: " + s.Pause, Happened: pauseOf(entries, i+1)})
		}
		for _, id := range s.Experiments {
			happened, verdict, left := outcomeOf(entries, i+1, id)
			if left != "" {
				p.Left = append(p.Left, id+" "+left)
			}
			verdicts = append(verdicts, verdict)
			p.Expected = append(p.Expected, Expectation{Step: i + 1, What: id, Expect: s.Expect, Happened: happened})
			switch {
			case verdict == steadystate.Broken:
				p.Actions = append(p.Actions, fmt.Sprintf("mend what broke %s: %s", id, strings.TrimPrefix(happened, "broken: ")))
			case verdict != steadystate.Held:
				p.Actions = append(p.Actions, fmt.Sprintf("run %s again: it was %s", id, happened))
			}
		}
	}
	p.Verdict = steadystate.Worst(verdicts...)
	var deaf []string
	for _, e := range entries {
		m := Moment{e.Time, e.Time, e.what(entries), e.Who}
		if e.From != nil && e.To != nil {
			m.From, m.To = *e.From, *e.To
		}
		p.Timeline = append(p.Timeline, m)
		switch action, found := strings.CutPrefix(strings.ToLower(e.Text), actionPrefix); {
		case e.Event == Noted && found:
			p.Actions = append(p.Actions, strings.TrimSpace(e.Text[len(e.Text)-len(action):]))
		case e.Event == Ended:
			p.Ended = e.Text
		case e.Event == Told && e.Error != "" && !slices.Contains(deaf, e.Channel):
			deaf = append(deaf, e.Channel)
			p.Actions = append(p.Actions, fmt.Sprintf("find out why %s was not told: %s", e.Channel, e.Error))
		}
	}
	if len(p.Left) > 0 {
		p.Actions = slices.Insert(p.Actions, 0, p.remove())
	}
	slices.SortStableFunc(p.Timeline, func(a, b Moment) int { return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To)) })
	if len(damage) > 0 {
		p.Actions = append(p.Actions, "find out who changed the log of the day, and what of it can be believed")
		p.Verdict = steadystate.Worst(p.Verdict, steadystate.Unknown)
	}
	return p
}

// what is an entry in words.
func (e Entry) what(entries []Entry) string {
	switch e.Event {
	case Begun:
		return "the day began"
	case Running:
		return e.Experiment + " began"
	case Outcome:
		return join(e.Experiment+" was "+e.Verdict, e.Text)
	case Asked:
		return "asked: " + e.Text
	case Answered:
		for _, asked := range entries {
			if asked.Event == Asked && asked.N == e.Question {
				return fmt.Sprintf("answered %q: %s", asked.Text, e.Text)
			}
		}
		return "answered, it is not known what: " + e.Text
	case Noted:
		return "note: " + e.Text
	case Told:
		if e.Error != "" {
			return fmt.Sprintf("could not notify %s of %q: %s", e.Channel, e.Text, e.Error)
		}
		return fmt.Sprintf("told %s: %s", e.Channel, e.Text)
	case Ended:
		return join("the day ended", e.Text)
	}
	return join(e.Event, e.Text)
}

func join(text, more string) string { return strings.TrimSuffix(text+": "+more, ": ") }

// remove says what may still be in place, and how it is removed.
func (p Page) remove() string {
	text := strings.Join(p.Left, "; ")
	if p.Sweep != "" {
		text += "; remove it with " + p.Sweep
	}
	return text
}

// outcomeOf is what became of an experiment of a step, and what it may have left in
// place.
func outcomeOf(entries []Entry, step int, id string) (happened string, v steadystate.Verdict, left string) {
	happened = "not run"
	for _, e := range entries {
		switch {
		case e.Step != step || e.Experiment != id:
		case e.Event == Running:
			happened, left = "cut off: no outcome was written down", "was cut off, or goes on: a fault of it may be in place"
		case e.Event == Outcome:
			happened, left = join(e.Verdict, e.Text), ""
			if e.LeftBehind {
				left = "left a fault that may still be in place"
			}
			v = verdictOf(e.Verdict)
		}
	}
	return happened, v, left
}

// pauseOf is what became of the pause of a step.
func pauseOf(entries []Entry, step int) string {
	for i, asked := range entries {
		if asked.Event != Asked || asked.Step != step {
			continue
		}
		for _, e := range entries[i:] {
			if e.Event == Answered && e.Question == asked.N {
				return fmt.Sprintf("answered: %s, by %s", e.Text, e.Who)
			}
		}
		return "no answer"
	}
	return "not reached"
}

// facts are the lines below the page's heading.
func (p Page) facts() [][2]string {
	var first [][2]string
	if len(p.Left) > 0 {
		first = [][2]string{{"May still be in place", p.remove()}}
	}
	return append(first, [][2]string{
		{"Why", p.Why},
		{"Owner", p.Owner},
		{"Verdict", p.Verdict.String()},
		{"Began", stop.Clock(p.Began.In(p.zone()))},
		{"Ended", p.Ended},
		{"Plan", fmt.Sprintf("%s, SHA-256 %s", p.File, p.SHA256)},
	}...)
}

func (p Page) zone() *time.Location {
	zone, err := stop.Zone(p.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// when is a moment by the clock of the day's zone, with its bounds.
func (p Page) when(m Moment) string { return span(p.zone(), m.From, m.To) }

// Markdown writes the page as Markdown, with the actions as a checklist to copy.
func (p Page) Markdown(w io.Writer) error {
	var out strings.Builder
	cell := func(text string) string {
		return strings.NewReplacer("|", "\\|", "<", "&lt;", "\n", " ").Replace(cmp.Or(text, "-"))
	}
	table := func(title string, heads []string, rows [][]string) {
		fmt.Fprintf(&out, "\n## %s\n\n| %s |\n|%s\n", title, strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
		for _, row := range rows {
			for _, text := range row {
				out.WriteString("| " + cell(text) + " ")
			}
			out.WriteString("|\n")
		}
	}
	fmt.Fprintf(&out, "# Game day %s\n\n", cell(p.Name))
	for _, f := range p.facts() {
		fmt.Fprintf(&out, "- **%s**: %s\n", f[0], cell(f[1]))
	}
	for _, d := range p.Damage {
		fmt.Fprintf(&out, "- **The log was changed**: %s\n", cell(d))
	}
	table("Expected and happened", expectedHeads, p.expectedRows())
	table("Timeline", p.timelineHeads(), p.timelineRows())
	out.WriteString("\n## Actions\n\n")
	for _, a := range p.Actions {
		fmt.Fprintf(&out, "- [ ] %s\n", cell(a))
	}
	if len(p.Actions) == 0 {
		out.WriteString("None.\n")
	}
	_, err := io.WriteString(w, out.String())
	return err
}

var expectedHeads = []string{"Step", "What", "Expected", "Happened"}

func (p Page) expectedRows() (rows [][]string) {
	for _, e := range p.Expected {
		rows = append(rows, []string{fmt.Sprint(e.Step), e.What, e.Expect, e.Happened})
	}
	return rows
}

func (p Page) timelineHeads() []string { return []string{"When, " + p.zone().String(), "What", "Who"} }

func (p Page) timelineRows() (rows [][]string) {
	for _, m := range p.Timeline {
		rows = append(rows, []string{p.when(m), m.What, m.Who})
	}
	return rows
}

// HTML writes the page as one file without scripts.
func (p Page) HTML(out io.Writer) error {
	w := markup.To(out)
	w.Put(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Game day %s: %s</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:auto;padding:1rem;color-scheme:light dark}table{border-collapse:collapse;width:100%%}th,td{border-bottom:1px solid #8888;padding:.3rem .6rem;text-align:left;vertical-align:top}dt{font-weight:bold}dd{margin:0 0 .4rem 0;overflow-wrap:anywhere}ul{list-style:"\2610  "}</style>
</head><body><main>
<h1>Game day %s</h1>
<dl>
`, p.Name, p.Verdict, p.Name)
	for _, f := range p.facts() {
		w.Put("<dt>%s</dt><dd>%s</dd>\n", f[0], f[1])
	}
	for _, d := range p.Damage {
		w.Put("<dt>The log was changed</dt><dd>%s</dd>\n", d)
	}
	w.Put("</dl>\n")
	table := func(title string, heads []string, rows [][]string) {
		w.Put("<h2>%s</h2>\n<table><thead><tr>", title)
		for _, h := range heads {
			w.Put(`<th scope="col">%s</th>`, h)
		}
		w.Put("</tr></thead><tbody>\n")
		for _, row := range rows {
			w.Put("<tr>")
			for _, text := range row {
				w.Put("<td>%s</td>", text)
			}
			w.Put("</tr>\n")
		}
		w.Put("</tbody></table>\n")
	}
	table("Expected and happened", expectedHeads, p.expectedRows())
	table("Timeline", p.timelineHeads(), p.timelineRows())
	w.Put("<h2>Actions</h2>\n")
	if len(p.Actions) == 0 {
		w.Put("<p>None.</p>\n")
	} else {
		w.Put("<ul>\n")
		for _, a := range p.Actions {
			w.Put("<li>%s</li>\n", a)
		}
		w.Put("</ul>\n")
	}
	w.Put("</main></body></html>\n")
	return w.Flush()
}
