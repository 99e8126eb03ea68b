package reports

import (
	_ "embed"
	"io"

	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/steadystate"
)

//go:embed page.css
var pageStyle string

// page writes what the views say.
type page struct{ markup.Writer }

func (p page) write(v pageView) error {
	p.Put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>%s: %s - Aftershock</title>
<style>
`, v.Verdict, v.Title)
	_, _ = io.WriteString(p, pageStyle)
	p.Put("</style>\n</head>\n<body>")
	if len(v.Sections) != 1 {
		p.Put("\n<h1>")
		p.verdict(v.Verdict)
		p.Put(" %s</h1>\n<table>", v.Title)
		for _, s := range v.Sections {
			p.Put("\n<tr><td>")
			p.verdict(s.Verdict)
			p.Put(`</td><td><a href="#%s">%s</a></td><td>%s</td></tr>`, s.ID, s.Experiment, s.Reason)
		}
		p.Put("\n</table>")
	}
	for _, s := range v.Sections {
		p.section(s)
	}
	p.Put("\n</body>\n</html>\n")
	return p.Flush()
}

func (p page) verdict(v steadystate.Verdict) {
	p.Put(`<span class="verdict %s">%s</span>`, v, v)
}

// table is a table with a heading; without headings of columns: with none.
func (p page) table(heading string, columns []string, rows func()) {
	p.With("\n<h2>%s</h2>", heading)
	p.Put("\n" + `<div class="scroll"><table>`)
	if len(columns) > 0 {
		p.Put("\n<tr>")
		for _, c := range columns {
			p.Put("<th>%s</th>", c)
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

func (p page) pairs(kind string, list []pair) {
	for _, pair := range list {
		p.Put("\n<tr><td>"+kind+"%s</td><td>%s</td></tr>", pair.Name, pair.Text)
	}
}

func (p page) section(s sectionView) {
	p.Put("\n"+`<section class="experiment" id="%s">`+"\n<h1>", s.ID)
	p.verdict(s.Verdict)
	p.Put(" %s</h1>\n", s.Experiment)
	p.With("<p>%s</p>\n", s.Title)
	p.Put("<p>%s</p>\n"+`<p class="dim">`, s.Reason)
	p.With("on %s<br>", s.Where)
	p.Put("run %s, %s, %s", s.Run, s.When, s.Span)
	p.With("<br>plan %s", s.Plan)
	p.With("<br>load %s", s.Load)
	p.Put("</p>")
	if len(s.Limits) > 0 {
		p.limits(s.Limits)
	}
	if s.Chart != nil {
		p.chart(*s.Chart)
	}
	p.checks(s.Checks)
	if len(s.Values) > 0 {
		p.table("Values", []string{"check", "phase", "n", "mean", "p50", "p95", "p99", "max"}, func() {
			for _, v := range s.Values {
				p.Put("\n"+`<tr><td>%s</td><td>%s</td><td class="n">%s</td>`, v.Check, v.Phase, v.N)
				p.cells(v.Cells...)
				p.Put("</tr>")
			}
		})
	}
	for _, f := range s.Falls {
		p.fall(f)
	}
	if len(s.Faults) > 0 {
		p.table("Faults", []string{"fault", "targets", "T0", "T1"}, func() {
			for _, f := range s.Faults {
				p.Put("\n<tr><td>%s", f.Fault)
				p.With("<br><b>%s</b>", f.FailureReason)
				p.Put("</td><td>%s", f.Targets)
				p.With("<br>hit %s", f.Hit)
				p.Put("</td>")
				p.cells(f.T0, f.T1)
				p.Put("</tr>")
			}
		})
	}
	if len(s.Proofs) > 0 {
		p.table("Proof", nil, func() {
			for _, proof := range s.Proofs {
				p.Put("\n<tr><td>")
				p.verdict(proof.Verdict)
				p.Put(`</td><td class="n">%s</td><td>%s</td></tr>`, proof.Name, proof.Text)
			}
		})
	}
	if len(s.Requests) > 0 {
		p.table("Traffic", nil, func() { p.pairs("", s.Requests) })
	}
	if len(s.Parts) > 0 {
		p.table("", append([]string{"traffic", "phase or stage"}, partHeadings()...), func() {
			for _, part := range s.Parts {
				p.Put("\n<tr><td>%s</td><td>%s</td>", part.Signal, part.Name)
				p.cells(part.Cells...)
				p.Put("</tr>")
			}
		})
	}
	if len(s.Notes) > 0 {
		p.Put("\n<h2>Notes</h2>\n<ul>")
		for _, note := range s.Notes {
			p.Put("\n<li>%s</li>", note)
		}
		p.Put("\n</ul>")
	}
	if len(s.About)+len(s.Told) > 0 {
		p.table("Where it ran, and what was looked at", nil, func() {
			p.pairs("", s.About)
			p.pairs("signal ", s.Told)
		})
	}
	p.Put("\n</section>")
}

func (p page) limits(list []limitView) {
	p.Put("\n<h2>Limits</h2>\n" + `<div class="scroll"><table class="limits">` +
		"\n<tr><th></th><th>check</th><th>limit</th><th>seen</th><th></th></tr>")
	for _, l := range list {
		p.Put("\n<tr><td>")
		p.verdict(l.Verdict)
		p.Put(`</td><td>%s</td><td class="n">%s</td><td>%s`, l.Check, l.Limit, l.Text)
		p.With(`<br><span class="dim">why: %s</span>`, l.Undecided)
		p.With(`<br><span class="dim">look: %s</span>`, l.Where)
		p.Put("</td>\n<td>")
		if g := l.Gauge; g != nil {
			p.Put(`<svg width="122" height="14" role="img" aria-label="what was seen and the limit"><rect class="back" x="0.5" y="3.5" width="120" height="7"/>`+
				`<rect class="seen" x="%s" y="4" width="%s" height="6"/><line class="limit" x1="%s" x2="%s" y1="0" y2="14"/></svg>`, g.From, g.Width, g.Limit, g.Limit)
		}
		p.Put("</td></tr>")
	}
	p.Put("\n</table></div>")
}

func (p page) chart(c chartView) {
	p.Put("\n<h2>Course</h2>\n"+`<div class="scroll"><svg class="chart" viewBox="0 0 %s %s" role="img" aria-label="the checks over time">`, c.Width, c.Height)
	for _, b := range c.Bands {
		class := "band"
		if b.Odd {
			class = "band odd"
		}
		p.Put("\n"+`<g><title>%s</title><rect class="%s" x="%s" y="0.5" width="%s" height="%s"/>`, b.Title, class, b.X, b.W, b.H)
		if b.Text != 0 {
			p.Put(`<text x="%s" y="13" text-anchor="middle">%s</text>`, b.Text, b.Name)
		}
		p.Put("</g>")
	}
	p.Put("\n" + `<text class="name" x="0" y="13">phase</text>`)
	for _, f := range c.Faults {
		p.Put("\n")
		p.box(f)
	}
	if len(c.Events) > 0 {
		p.Put("\n" + `<text class="name" x="0" y="36">events</text>`)
	}
	for _, e := range c.Events {
		p.Put("\n"+`<circle class="event" cx="%s" cy="%s" r="2.5"><title>%s</title></circle>`, e.X, e.Y, e.Text)
	}
	for _, r := range c.Rows {
		p.Put("\n"+`<text class="name" x="0" y="%s">%s</text>`+"\n"+
			`<path class="good" d="%s"/><path class="unknown" d="%s"/><path class="bad" d="%s"/><path class="late" d="%s"/>`, r.Y, r.Name, r.Good, r.Unknown, r.Bad, r.Late)
		for _, o := range r.Outages {
			p.box(o)
		}
	}
	for _, plot := range c.Plots {
		p.Put("\n"+`<text class="name" x="%s" y="%s">values of %s</text>`, c.Left, plot.Y, plot.Name)
		for _, g := range plot.Grid {
			p.Put(`<line class="grid" x1="%s" x2="%s" y1="%s" y2="%s"/><text x="164" y="%s" dy="4" text-anchor="end">%s</text>`, c.Left, c.Right, g.Y, g.Y, g.Y, g.Text)
		}
		if l := plot.Limit; l != nil {
			p.Put(`<line class="limit" x1="%s" x2="%s" y1="%s" y2="%s"/><text x="%s" y="%s" dy="-3" text-anchor="end">good %s</text>`, c.Left, c.Right, l.Y, l.Y, c.Right, l.Y, l.Text)
		}
		p.Put("\n"+`<path class="p95" d="%s"/><path class="p50" d="%s"/>`, plot.P95, plot.P50)
	}
	for _, t := range c.Ticks {
		p.Put(`<text x="%s" y="%s" text-anchor="middle">%s</text>`, t.X, t.Y, t.Text)
	}
	p.Put("\n</svg></div>\n" + `<p class="dim">`)
	for i, k := range [][2]string{
		{"good", "good"},
		{"bad", "bad, and an outage"},
		{"maybe", "where its edges may lie"},
		{"unknown", "unknown"},
		{"late", "load behind its schedule"},
		{"edge", "a fault comes (T0) or goes (T1)"},
		{"seen", "p50"},
	} {
		if k[0] == "seen" && len(c.Plots) == 0 {
			break
		}
		if i > 0 {
			p.Put(" ")
		}
		p.Put(`<svg class="key" viewBox="0 0 1 1"><rect class="%s" width="1" height="1"/></svg>%s`, k[0], k[1])
	}
	if len(c.Plots) > 0 {
		p.Put(` <svg class="key" viewBox="0 0 1 1"><path class="p95" d="M0 0.5h1"/></svg>p95 of the values`)
	}
	p.Put("</p>")
}

func (p page) box(b boxView) {
	p.Put(`<rect class="%s" x="%s" y="%s" width="%s" height="%s"><title>%s</title></rect>`, b.Class, b.X, b.Y, b.W, b.H, b.Note)
}

func (p page) checks(list []checkView) {
	if len(list) == 0 {
		return
	}
	p.table("Figures", []string{"check", "good", "uptime", "downtime", "outages", "recovery"}, func() {
		for _, c := range list {
			p.Put("\n"+`<tr><td>%s</td><td class="n">%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>`, c.Name, c.Good, c.Uptime, c.Downtime, c.Outages, c.MTTR)
		}
	})
	for _, c := range list {
		if len(c.List) == 0 {
			continue
		}
		p.Put("\n<h3>Outages of %s</h3>", c.Name)
		p.table("", []string{"from", "to", "lasted", "bad", "reason of the first"}, func() {
			for _, o := range c.List {
				p.Put("\n<tr>")
				p.cells(o.From, o.To, o.Lasted, o.Bad)
				p.Put("<td>%s", o.Reason)
				p.With(" <b>%s</b>", o.Open)
				p.Put("</td></tr>")
			}
		})
	}
}

func (p page) fall(f fallView) {
	p.Put("\n<h2>%s</h2>\n"+`<p class="dim">%s</p>`+"\n"+`<div class="scroll"><table class="waterfall">`+
		"\n<tr><th>stage</th><th>reached</th><th>took</th><th></th><th></th></tr>", f.Title, f.Fault)
	for _, s := range f.Steps {
		p.Put("\n<tr>")
		p.cells(s.Stage, s.Reached, s.Took)
		p.Put(`<td><svg width="400" height="14" aria-hidden="true">`)
		for _, bar := range []struct {
			class string
			*boxView
		}{{"tookmaybe", s.Maybe}, {"took", s.Surely}, {"open", s.Open}} {
			if bar.boxView != nil {
				p.Put(`<rect class="%s" x="%s" y="2" width="%s" height="10"/>`, bar.class, bar.X, bar.W)
			}
		}
		p.Put(`</svg></td><td class="dim">%s</td></tr>`, s.Note)
	}
	p.Put("\n</table></div>")
	p.With("\n<p>costliest: %s</p>", f.Costliest)
	p.With("\n"+`<p class="dim">note: %s</p>`, f.Note)
}
