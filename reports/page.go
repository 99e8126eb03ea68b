package reports

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// run is one run: what a reader needs first, then the run over time, then details,
// which are folded. Of many runs those that held are folded whole.
func (p page) run(r Report, merge int, many bool) {
	heading := "h1"
	if many {
		heading = "h2"
	}
	p.Put("\n"+`<section class="run" id="%s" data-verdict="%s">`, p.id, r.Verdict)
	folded := many && r.Verdict == steadystate.Held
	if folded {
		p.Put("\n<details open><summary>")
	}
	p.Put("\n<" + heading + ">")
	p.verdict(r.Verdict, strings.ToUpper(r.Verdict.String()))
	p.Put(" %s</"+heading+">", r.Experiment)
	if folded {
		p.Put("\n</summary>")
	}
	p.first(r)
	moments, left := r.moments()
	drawing := r.lanes(moments, merge)
	if drawing != "" {
		p.Put("\n" + `<figure class="course"><figcaption><b>Course</b></figcaption>`)
		_, _ = io.WriteString(p, drawing)
		p.legend(r)
		p.Put("\n</figure>")
	}
	p.happened(r, moments, left)
	p.details(r)
	if folded {
		p.Put("\n</details>")
	}
	p.Put("\n</section>")
}

// first is what the terminal shows: what is true of the whole run, why it broke and what
// to mend, the limits, and the rest of the story. Of a run that held, the limits come
// before all of the story.
func (p page) first(r Report) {
	p.Put("\n"+`<p class="lead">%s</p>`, r.Headline())
	p.With("\n<p>%s</p>", r.Title)
	p.Put("\n"+`<p class="dim">%s`, r.About())
	p.With("<br>%s", r.Load)
	var images []string
	for _, name := range keys(r.Environment) {
		if container, ok := strings.CutPrefix(name, imagePrefix); ok {
			images = append(images, container+" "+r.Environment[name])
		}
	}
	p.With("<br>image %s", strings.Join(images, "; "))
	p.Put("</p>")
	undone := ""
	if r.End.Reason == record.Interrupted {
		undone = r.Undone()
	}
	if inPlace := r.InPlace(); inPlace != "" || len(r.Caveats) > 0 {
		p.Put("\n" + `<ul class="caveats">`)
		if inPlace != "" {
			p.Put("\n<li><b>%s</b>", inPlace)
			if s := place(r.Source); s != nil {
				p.Put("<br>remove it with: <code>aftershock sweep -f %s</code>", s.File)
			}
			p.Put("</li>")
		}
		for _, c := range r.Caveats {
			if inPlace == "" || !strings.HasSuffix(c, inPlace) {
				p.Put("\n<li>%s</li>", c)
			}
		}
		p.With("\n<li>%s</li>", undone)
		p.Put("\n</ul>")
	}
	story, why := r.Story(), 0
	if r.Verdict != steadystate.Held {
		why = len(story)
		if i := slices.IndexFunc(story, func(l Line) bool { return slices.Contains(besides, l.Name) }); i >= 0 {
			why = i
		}
	}
	p.story(story[:why])
	p.Put("\n" + `<div class="pair">` + "\n<div>")
	p.limits(r)
	p.Put("\n</div>")
	p.story(story[why:])
	p.Put("\n</div>")
}

// besides are the names of the lines that do not say why.
var besides = []string{"Fault", "Repair", "p95", "Load", "Also", "Unseen"}

func (p page) story(lines []Line) {
	if len(lines) == 0 {
		return
	}
	p.Put("\n" + `<dl class="story">`)
	for i, l := range lines {
		if i == 0 || l.Name != lines[i-1].Name {
			p.Put("\n<dt>%s</dt>", l.Name)
		}
		p.Put("<dd>%s</dd>", l.Text)
	}
	p.Put("\n</dl>")
}

// Word is a limit's verdict as it is written in this report. What is not held is in
// capitals, and a limit of a run that is not proven is within it, and not held.
func (r Report) Word(v steadystate.Verdict) string {
	switch {
	case v != steadystate.Held:
		return strings.ToUpper(v.String())
	case !r.Proven():
		return "within"
	}
	return v.String()
}

// limits are those of each check, with what was seen. Of a run that is broken, the checks
// of which all limits held are folded.
func (p page) limits(r Report) {
	var shown, folded [][]judge.Finding
	var names []string
	for _, of := range ByCheck(r.Findings) {
		if r.Verdict != steadystate.Broken || slices.ContainsFunc(of, func(f judge.Finding) bool { return f.Verdict != steadystate.Held }) {
			shown = append(shown, of)
			continue
		}
		folded, names = append(folded, of), append(names, of[0].Check)
	}
	p.tables(r, shown)
	if len(folded) > 0 {
		p.fold(fmt.Sprintf("%d %s: %s", len(folded), r.Word(steadystate.Held), strings.Join(names, ", ")))
		p.tables(r, folded)
		p.Put("\n</details>")
	}
}

// tables are the limits of checks, a table each.
func (p page) tables(r Report, checks [][]judge.Finding) {
	told := map[string]bool{}
	for _, of := range checks {
		name := of[0].Check
		if good := r.Good(of[0]); good != "" {
			name += ", " + good
		}
		p.Put("\n"+`<table class="limits" cellpadding="3"><caption>%s</caption>`+"\n"+`<tr><th scope="col">verdict</th><th scope="col">limit</th><th scope="col">wanted</th><th scope="col">seen</th><th scope="col" class="gauge">seen against the limit</th></tr>`, name)
		for _, f := range of {
			verdict := f.Verdict
			if verdict == steadystate.Held && !r.Proven() {
				verdict = steadystate.Unknown
			}
			quantity, wanted := Parts(f)
			at := p.anchor("limit", 1+slices.IndexFunc(r.Findings, func(o judge.Finding) bool { return o.Check == f.Check && o.Limit == f.Limit }))
			p.Put("\n"+`<tr id="%s"><td class="n">`, at)
			p.verdict(verdict, r.Word(f.Verdict))
			p.Put(`</td><td><a class="self" href="#%s">%s</a></td><td class="n">%s</td><td>%s`, at, quantity, wanted, Seen(f))
			p.Put(`</td><td class="gauge">`)
			p.gauge(f, verdict)
			p.Put("</td></tr>")
			reasons := p.because(r, f, told)
			if f.Undecided != "" && !told[f.Undecided] {
				told[f.Undecided] = true
				reasons = append(reasons, reason{text: "why: " + f.Undecided})
			}
			p.why(4, reasons...)
		}
		p.Put("\n</table>")
	}
}

// mostCauses is how many causes a limit has on the page. The outages' table has all.
const mostCauses = 3

// A reason is a line about what broke; name, if it is not empty, leads to the anchor. A
// brief one needs no line of its own.
type reason struct {
	anchor, name, text string
	brief              bool
}

// because says what broke a limit: by which outages, and why there was each, or why it broke
// itself. What was told of another limit is not told again.
func (p page) because(r Report, f judge.Finding, told map[string]bool) (reasons []reason) {
	if f.Verdict != steadystate.Broken {
		return nil
	}
	list := cause.Of(r.Result, f, r.Causes)
	for i, c := range list {
		if i == mostCauses {
			return append(reasons, reason{text: fmt.Sprintf("and %d more outages", len(list)-mostCauses)})
		}
		lines := slices.DeleteFunc(sentences(c), func(text string) bool { return told[f.Check+text] })
		for _, text := range lines {
			told[f.Check+text] = true
		}
		if c.Outage == cause.NoOutage {
			reasons = append(reasons, each(lines, func(text string) reason { return reason{text: text} })...)
			continue
		}
		check := slices.IndexFunc(r.Checks, func(o judge.CheckResult) bool { return o.Check == c.Check })
		if check < 0 || c.Outage >= len(r.Checks[check].Outages) {
			continue
		}
		text := " at " + r.clock(r.Checks[check].Outages[c.Outage].Start.Middle())
		if len(lines) > 0 {
			text += ": " + lines[0] // the others are where the link leads
		}
		reasons = append(reasons, reason{p.anchor("outage", check+1, c.Outage+1), fmt.Sprintf("outage %d", c.Outage+1), text, len(lines) == 0})
	}
	return reasons
}

// why is a row with reasons under that of which they tell; its cells but the first are one.
func (p page) why(others int, reasons ...reason) {
	for i, of := range reasons {
		switch {
		case i == 0:
			p.Put("\n"+`<tr class="why"><td></td><td colspan="%s" class="dim">`, others)
		case of.brief:
			p.Put(", ")
		default:
			p.Put("<br>")
		}
		if of.name != "" {
			p.Put(`<a href="#%s">%s</a>`, of.anchor, of.name)
		}
		p.Put("%s", of.text)
	}
	if len(reasons) > 0 {
		p.Put("</td></tr>")
	}
}

// gauge draws a limit with what was seen, on one scale.
func (p page) gauge(f judge.Finding, verdict steadystate.Verdict) {
	if f.Wanted == nil || f.Seen == nil {
		return
	}
	const width = 160
	bound := f.Wanted.Value
	from, to := 0.0, 1.25*max(bound, f.Seen.High)
	if f.Wanted.Quantity == string(steadystate.Uptime) {
		from, to = min(bound, f.Seen.Low), 1 // all of it lies close to the whole
		from -= (to - from) / 4
	}
	if f.Open {
		to = 1.25 * max(bound, 1.2*f.Seen.High)
	}
	if !(to > from) || f.Seen.Low < from || to-from > 1e300 {
		return
	}
	place := func(v float64) px { return px(1 + (width-2)*(v-from)/(to-from)) }
	low, high := place(f.Seen.Low), place(f.Seen.High)
	colour := map[steadystate.Verdict]string{steadystate.Held: goodColour, steadystate.Broken: badColour}[verdict]
	p.Put(`<svg width="%s" height="16" role="img" aria-label="limit %s, seen %s"><path d="M1 8H%s" stroke="currentColor" stroke-opacity="0.35"/>`, width, f.Limit, Seen(f), width-1)
	p.Put(`<rect x="1" width="%s" y="6" height="4" fill="%s"/><rect x="%s" width="%s" y="3.5" height="9" fill="%s" fill-opacity="0.45" stroke="%s"/>`, max(0, low-1), cmp.Or(colour, unknownColour), low, max(1.5, high-low), cmp.Or(colour, unknownColour), cmp.Or(colour, unknownColour))
	p.Put(`<path d="M%s 0v16" stroke="currentColor" stroke-width="2"/></svg>`, place(bound))
}

// legend says what the signs of the drawing mean, of those that occur.
func (p page) legend(r Report) {
	p.Put("\n" + `<p class="dim">`)
	key := func(svg, text string) {
		p.Put(`<span class="key"><svg width="20" height="12" aria-hidden="true">` + svg + `</svg>&nbsp;` + text + ".</span>\n")
	}
	key(`<rect y="0" width="8" height="6" fill="`+badColour+`"/><rect x="10" y="6" width="8" height="6" fill="`+goodColour+`"/><path d="M0 6h20" stroke="currentColor"/>`, "Above the line: bad; below: good; on it: unknown")
	if slices.ContainsFunc(r.Checks, func(c judge.CheckResult) bool { return len(c.Outages) > 0 }) {
		key(`<rect x="0.5" y="1.5" width="19" height="9" fill="`+badColour+`" fill-opacity="0.25" stroke="`+badColour+`" stroke-dasharray="2 2"/><rect x="6" y="1.5" width="8" height="9" fill="url(#hatch)" stroke="`+badColour+`"/>`, "Hatched: an outage; dashed: where its edges may lie")
	}
	if len(r.Injections) > 0 {
		key(`<path d="M4 0v12" stroke="currentColor"/><path d="M10 0v12" stroke="currentColor" stroke-dasharray="2 3"/><path d="M16 0v12" stroke="currentColor" stroke-dasharray="6 4"/>`, "Lines: T0 and T1 whole, detected dotted, recovered dashed")
	}
	if slices.ContainsFunc(keys(r.Traffic), func(s string) bool { return r.Traffic[s].Sent > 0 }) {
		key(`<rect x="0.5" y="1.5" width="19" height="10" fill="`+p50Colour+`" fill-opacity="0.3" stroke="`+p50Colour+`"/><rect x="6" y="5.5" width="8" height="6" fill="url(#hatch)" stroke="`+badColour+`"/>`, "Requests per second; hatched: the bad ones of them")
		key(`<path d="M0 2h20" stroke="`+p50Colour+`"/><path d="M0 6h20" stroke="`+p95Colour+`" stroke-dasharray="6 2"/><path d="M0 10h20" stroke="`+p99Colour+`" stroke-dasharray="2 2"/>`, "p50 whole, p95 dashed, p99 dotted")
	}
	if slices.ContainsFunc(r.Events, func(e record.Event) bool { return strings.HasPrefix(e.Subject, "pod/") }) {
		key(`<rect x="0.5" y="1.5" width="5" height="9" fill="none" stroke="currentColor" stroke-dasharray="1 3"/><rect x="7.5" y="1.5" width="5" height="9" fill="currentColor" fill-opacity="0.15" stroke="currentColor"/><rect x="14" y="1" width="6" height="10" fill="currentColor" fill-opacity="0.5"/>`, "Pods: dotted not started, hollow not ready, full ready, long dashes terminating, ✕ gone; bad answers along the top, good ones along the bottom")
	}
	if slices.ContainsFunc(autoscaling.Courses(r.Result), func(c autoscaling.Course) bool {
		return slices.ContainsFunc(c.Sizes, func(s autoscaling.Size) bool { return s.Step })
	}) {
		key(`<text x="10" y="10" text-anchor="middle" font-size="10" fill="currentColor">◆</text>`, "The most that an autoscaler's policies allowed when it scaled")
	}
	p.Put("</p>")
}

// happened are the moments of the drawing: the keys, and all of them folded.
func (p page) happened(r Report, moments []moment, left int) {
	if len(moments) == 0 {
		return
	}
	var key []moment
	for _, m := range moments {
		if m.key {
			key = append(key, m)
		}
	}
	if len(key) > 0 {
		p.events(r, "What happened when", true, key)
	}
	if len(key) == len(moments) {
		return
	}
	p.fold(fmt.Sprintf("Events %d", len(moments)+left))
	p.events(r, "All events", false, moments)
	if left > 0 {
		p.Put("\n<p>and %s more, which are in results.json</p>", left)
	}
	p.Put("\n</details>")
}

// events are a table of moments. A link to one leads to the first table that has it.
func (p page) events(r Report, caption string, first bool, list []moment) {
	p.table(caption, []string{"no.", "UTC", "after the start", "event"}, func() {
		for _, m := range list {
			at := p.anchor("event", m.number)
			p.Put("\n<tr")
			if m.key == first {
				p.Put(` id="%s"`, at)
			}
			p.Put(`><td class="n"><a class="self" href="#%s">%s</a></td><td class="n">%s</td><td class="n">%s</td><td>%s`, at, m.number, r.clock(m.Middle()), m.Span, m.text)
			p.With(` <span class="dim">%s</span>`, m.detail)
			p.Put("</td></tr>")
		}
	})
}

// fold begins details, which end with </details>. They are open, since browsers do not
// print what is closed; the script closes them.
func (p page) fold(heading string) { p.Put("\n<details open><summary>%s</summary>", heading) }

// table is a table with a caption; without headings of columns its first cells are
// those of its rows.
func (p page) table(caption string, columns []string, rows func()) {
	// What may have to be scrolled can be reached by keys.
	p.Put("\n"+`<div class="scroll" tabindex="0" role="group" aria-label="%s"><table cellpadding="3">`, cmp.Or(caption, strings.Join(columns, ", ")))
	p.With("<caption>%s</caption>", caption)
	if len(columns) > 0 {
		p.Put("\n<tr>")
		for _, c := range columns {
			if c == "" {
				p.Put("<td></td>")
				continue
			}
			p.Put(`<th scope="col">%s</th>`, c)
		}
		p.Put("</tr>")
	}
	rows()
	p.Put("\n</table></div>")
}

// cells are those of figures.
func (p page) cells(list ...string) {
	for _, cell := range list {
		p.Put(`<td class="n">%s</td>`, cell)
	}
}

// row is a row with a heading.
func (p page) row(name, text string) {
	p.Put("\n"+`<tr><th scope="row">%s</th><td>%s</td></tr>`, name, text)
}

// details are all else that is known, folded.
func (p page) details(r Report) {
	if len(r.Waterfalls)+len(r.Scalings) > 0 {
		p.fold("Recovery stages")
		for _, w := range r.Waterfalls {
			p.fall(r, w.Title(), costliest(w), w.Breakdown)
		}
		for _, d := range r.Scalings {
			p.fall(r, d.Title(), "", d.Breakdown)
		}
		p.Put("\n</details>")
	}
	if len(r.Proofs) > 0 {
		held := 0
		for _, proof := range r.Proofs {
			if proof.Verdict == steadystate.Held {
				held++
			}
		}
		p.fold(fmt.Sprintf("Proof %d of %d", held, len(r.Proofs)))
		p.table("", []string{"verdict", "proof", "what was seen, or what is missing"}, func() {
			for _, proof := range r.Proofs {
				p.Put("\n" + `<tr><td class="n">`)
				word := proof.Verdict.String()
				if proof.Verdict != steadystate.Held {
					word = strings.ToUpper(word)
				}
				p.verdict(proof.Verdict, word)
				p.Put(`</td><td class="n">%s</td><td>%s</td></tr>`, proof.Name, proof.Text)
			}
		})
		p.Put("\n</details>")
	}
	p.checks(r)
	p.trafficOf(r)
	p.faults(r)
	p.setup(r)
}

// checks are their figures, outages and values.
func (p page) checks(r Report) {
	if len(r.Checks) == 0 {
		return
	}
	p.fold("Outages, uptime and values")
	p.table("Figures", []string{"check", "good", "uptime", "outages", "recovery"}, func() {
		for _, c := range r.Checks {
			p.Put("\n"+`<tr><th scope="row">%s</th><td class="n">%s</td><td>%s</td><td>%s</td><td>%s</td></tr>`, c.Check, c.Tolerance, strings.TrimPrefix(uptime(c), "uptime "), outages(c), mttr(c))
		}
	})
	for check, c := range r.Checks {
		if len(c.Outages) == 0 {
			continue
		}
		const most, explained = 200, 50
		p.table("Outages of "+c.Check, []string{"no.", "from", "to", "lasted", "bad", "reason of the first"}, func() {
			for i, o := range c.Outages[:min(most, len(c.Outages))] {
				at := p.anchor("outage", check+1, i+1)
				p.Put("\n"+`<tr id="%s"><td class="n"><a class="self" href="#%s">%s</a></td>`, at, at, i+1)
				p.cells(r.When(o.Start), r.When(o.End), lasted(o.Length(), o.Open), fmt.Sprintf("%d of %d", o.Bad, o.Total))
				p.Put("<td>%s", o.Reason)
				if o.Open {
					p.Put(" <b>not over when the record ended</b>")
				}
				p.Put("</td></tr>")
				if i < explained {
					why := r.cause(c.Check, i)
					lines := sentences(why)
					for _, a := range r.Advice {
						if a.Fits != "" && a.Fits == why.Why {
							lines = append(lines, strings.ToLower(a.Name())+": "+a.What)
						}
					}
					p.why(5, each(lines, func(text string) reason { return reason{text: text} })...)
				}
			}
		})
		if n := len(c.Outages) - most; n > 0 {
			p.Put("\n<p>and %s more, which are in results.json</p>", n)
		}
	}
	looked := map[string]bool{}
	for _, f := range r.Findings {
		if f.Where != "" && !looked[f.Where] {
			looked[f.Where] = true
			p.Put("\n"+`<p class="dim">look: %s</p>`, f.Where)
		}
	}
	if !slices.ContainsFunc(r.Checks, func(c judge.CheckResult) bool { return len(c.Phases) > 0 }) {
		p.Put("\n</details>")
		return
	}
	p.table("Values", []string{"check", "phase", "n", "mean", "p50", "p95", "p99", "max"}, func() {
		for _, c := range r.Checks {
			for _, v := range c.Phases {
				p.Put("\n"+`<tr><th scope="row">%s</th><td>%s</td><td class="n">%s</td>`, c.Check, v.Phase, v.N)
				for _, f := range figures(v.Distribution) {
					p.cells(r.values(c, f.Bounds))
				}
				p.Put("</tr>")
			}
		}
	})
	p.Put("\n</details>")
}

// trafficOf is the traffic of each load: all of it, by phase and by stage.
func (p page) trafficOf(r Report) {
	if len(r.Traffic) == 0 {
		return
	}
	p.fold("Traffic")
	for _, signal := range keys(r.Traffic) {
		t := r.Traffic[signal]
		p.table("Load "+signal, nil, func() {
			p.row("sent", traffic(t))
			for _, why := range keys(t.Failures) {
				p.row("failed", fmt.Sprintf("%d × %s", t.Failures[why], why))
			}
			var by []string
			for _, name := range keys(t.ByBackend) {
				by = append(by, fmt.Sprintf("%s %d", name, t.ByBackend[name]))
			}
			if len(by) > 0 {
				p.row("answered by", strings.Join(by, ", "))
			}
		})
		if parts := slices.Concat(t.Phases, t.Stages); len(parts) > 0 {
			p.table(signal+" by phase or stage", append([]string{"phase or stage"}, partHeadings()...), func() {
				for _, part := range parts {
					p.Put("\n"+`<tr><th scope="row">%s</th>`, part.Name)
					p.cells(partCells(part)...)
					p.Put("</tr>")
				}
			})
		}
	}
	p.Put("\n</details>")
}

// faults are what was injected, into what, and when.
func (p page) faults(r Report) {
	if len(r.Injections) == 0 {
		return
	}
	p.fold("Faults")
	p.table("", []string{"fault", "targets", "T0", "T1"}, func() {
		for _, i := range r.Injections {
			p.Put("\n"+`<tr><th scope="row">%s`, i.Fault)
			p.With("<br><b>%s</b>", i.FailureReason)
			var targets []string
			for _, t := range i.Targets {
				targets = append(targets, strings.TrimSpace(t.Name+" "+t.UID))
			}
			p.Put("</th><td>%s", strings.Join(targets, ", "))
			p.With("<br>hit %s", i.HitText())
			p.Put("</td>")
			t1 := "not undone"
			if i.Removed != nil {
				t1 = r.When(*i.Removed)
			}
			p.cells(r.When(i.Span), t1)
			p.Put("</tr>")
		}
	})
	p.Put("\n</details>")
}

// setup is where and how the run was, and what was looked at.
func (p page) setup(r Report) {
	p.fold("Setup")
	p.table("Run", nil, func() {
		p.row("verdict", r.Reason)
		p.row("run", r.Run)
		p.row("started", r.Started.Format("2006-01-02 15:04:05 MST"))
		p.row("window", fmt.Sprintf("%s, of %s", r.fromTo(r.Window), duration(r.Length)))
		for _, phase := range r.Phases {
			p.row("phase "+phase.Name, r.fromTo(phase.Span))
		}
		for _, row := range []struct{ name, text string }{{"plan", plan(r)}, {"load", r.Load}, {"tool", r.toolVersion()}} {
			if row.text != "" {
				p.row(row.name, row.text)
			}
		}
		if r.Baseline != nil {
			p.row("baseline", r.Baseline.String())
		}
	})
	if lines := r.workload(); len(lines) > 0 {
		p.table("What was tested, when the run began", nil, func() {
			for _, l := range lines {
				p.row(l.Name, l.Text)
			}
		})
	}
	if len(r.Environment) > 0 {
		p.table("Where it ran", nil, func() {
			for _, name := range keys(r.Environment) {
				p.row(name, r.Environment[name])
			}
		})
	}
	if len(r.Signals) > 0 {
		p.table("What was looked at", nil, func() {
			for _, name := range keys(r.Signals) {
				p.row("signal "+name, r.Signals[name])
			}
		})
	}
	if len(r.Notes) > 0 {
		p.Put("\n<p><b>Notes</b></p>\n<ul>")
		for _, note := range r.Notes {
			p.Put("\n<li>%s</li>", note)
		}
		p.Put("\n</ul>")
	}
	p.Put("\n</details>")
}

// fromTo is a span between instants that are known.
func (r Report) fromTo(span steadystate.Span) string {
	return fmt.Sprintf("%s to %s, %s", r.When(steadystate.Instant(span.From)), r.When(steadystate.Instant(span.To)), duration(span.Width()))
}

// fall is the steps after a fault: the time that each certainly took and may have
// taken.
func (p page) fall(r Report, title, costliest string, b judge.Breakdown) {
	p.table(title+", "+cmp.Or(b.Fault, "no fault"), []string{"stage", "UTC", "after the fault", "took", "when it was under way", "note"}, func() {
		whole := b.Whole()
		for _, s := range b.Steps {
			p.Put("\n"+`<tr><th scope="row">%s</th>`, s.Stage)
			clock := "-"
			if s.Reached != nil {
				clock = r.clock(s.Reached.Middle())
			}
			p.cells(clock, b.When(s), s.Text())
			p.Put(`<td><svg width="300" height="14" viewBox="0 0 300 14" preserveAspectRatio="none" aria-hidden="true">`)
			bar := b.Bar(s)
			for _, part := range []struct {
				*steadystate.Span
				looks string
			}{
				{bar.Maybe, `fill="` + p50Colour + `" fill-opacity="0.25" stroke="` + p50Colour + `" stroke-dasharray="2 2"`},
				{bar.Surely, `fill="` + p50Colour + `"`},
				{bar.Open, `fill="` + unknownColour + `"`},
			} {
				if part.Span != nil && whole.Width() > 0 {
					at := func(t time.Duration) px {
						return 1 + px(298*min(1, max(0, float64(t-whole.From)/float64(whole.Width()))))
					}
					p.Put(`<rect `+part.looks+` x="%s" y="2" width="%s" height="10"/>`, at(part.From), max(1, at(part.To)-at(part.From)))
				}
			}
			p.Put(`</svg></td><td class="dim">%s</td></tr>`, b.Remark(s))
		}
	})
	p.With("\n<p>costliest: %s</p>", costliest)
	p.With("\n"+`<p class="dim">note: %s</p>`, b.Note)
}
