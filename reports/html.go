package reports

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/aftershockhq/aftershock/internal/markup"
	"github.com/aftershockhq/aftershock/steadystate"
)

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// HTML writes reports as one self-contained page, without network. It shows what Text
// does, in the words of the terminal, and each run over one time axis: the faults, the
// checks with the edges of their outages, the traffic, replicas, autoscalers and pods.
// It is complete where neither script nor style sheet is allowed, prints, and follows
// the reader's preference for a dark page. A report read from JSON has no time series
// and is shown without.
func HTML(w io.Writer, list ...Report) error {
	if err := (page{Writer: markup.To(w)}).write(list); err != nil {
		return fmt.Errorf("write HTML: %w", err)
	}
	return nil
}

// page writes the page.
type page struct {
	markup.Writer
	id string // the anchor of the run that is being written
}

// anchor is that of a part of the run: a limit, an outage of a check, an event.
func (p page) anchor(part string, numbers ...int) string {
	for _, n := range numbers {
		part += fmt.Sprintf("-%d", n)
	}
	return p.id + "-" + part
}

// digest is how a policy names a script or a style sheet.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (p page) write(list []Report) error {
	title := Counts(list...)
	if len(list) == 1 {
		title = list[0].Experiment
	}
	worst := Worst(list...)
	p.Put(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '%s'; script-src '%s'; base-uri 'none'; form-action 'none'">
<title>%s: %s - Aftershock</title>
<style>`, digest(pageStyle), digest(pageScript), strings.ToUpper(worst.String()), title)
	_, _ = io.WriteString(p, pageStyle)
	p.Put("</style>\n</head>\n<body>\n<main>")
	names := ids(list)
	if len(list) != 1 {
		p.overview(list, names)
	}
	// Many runs are drawn more coarsely, so that the page stays small.
	merge := divisor((len(list) + 3) / 4)
	for _, i := range order(list) {
		p.id = names[i]
		p.run(list[i], merge, len(list) > 1)
	}
	p.Put("\n" + `<svg width="0" height="0" aria-hidden="true"><defs>` +
		`<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="5" height="5" fill="` + badColour + `" fill-opacity="0.35"/><rect width="2" height="5" fill="` + badColour + `"/></pattern>` +
		`<pattern id="between" width="4" height="4" patternUnits="userSpaceOnUse"><path d="M0 4L4 0" stroke="currentColor" stroke-opacity="0.7" fill="none"/></pattern></defs></svg>`)
	p.Put("\n</main>\n<script>")
	_, _ = io.WriteString(p, pageScript)
	p.Put("</script>\n</body>\n</html>\n")
	return p.Flush()
}

var notInIDs = regexp.MustCompile(`[^a-z0-9]+`)

// ids are the anchors of the runs: the name of the experiment and the run's ID, which stay
// when the run is on a page with others. They are numbered where several are alike.
func ids(list []Report) []string {
	names, seen := make([]string, len(list)), map[string]int{}
	for i, r := range list {
		name := strings.Trim(notInIDs.ReplaceAllString(strings.ToLower(r.Experiment+" "+r.Run), "-"), "-")
		if name == "" {
			name = "run"
		}
		for seen[name]++; seen[name] > 1; seen[name]++ {
			name = fmt.Sprintf("%s-%d", name, seen[name])
		}
		names[i] = name
	}
	return names
}

// verdict is a verdict by its word and a sign, so that its colour says nothing more.
func (p page) verdict(v steadystate.Verdict, word string) {
	sign := map[steadystate.Verdict]string{steadystate.Held: "✔", steadystate.Broken: "✖"}[v]
	if sign == "" {
		sign = "?"
	}
	p.Put(`<b class="verdict %s"><span aria-hidden="true">%s</span>&nbsp;%s</b>`, v, sign, word)
}

// overview is all runs, a line each, the worst first. Those that held are folded.
func (p page) overview(list []Report, names []string) {
	p.Put("\n<h1>")
	worst := Worst(list...)
	p.verdict(worst, strings.ToUpper(worst.String()))
	p.Put(" %s</h1>", Counts(list...))
	var held, others []int
	for _, i := range order(list) {
		if list[i].Verdict == steadystate.Held {
			held = append(held, i)
		} else {
			others = append(others, i)
		}
	}
	rows := func(caption string, of []int) {
		p.Put("\n"+`<table class="overview" cellpadding="3"><caption>%s</caption>`+"\n"+`<tr><th scope="col">verdict</th><th scope="col">experiment</th><th scope="col">started, UTC</th><th scope="col">why</th></tr>`, caption)
		for _, i := range of {
			r := list[i]
			p.Put("\n"+`<tr data-verdict="%s"><td class="n">`, r.Verdict)
			p.verdict(r.Verdict, r.Word(r.Verdict))
			p.Put(`</td><td><a href="#%s">%s</a></td><td class="n">%s</td><td>%s</td></tr>`, names[i], r.Experiment, r.Started.UTC().Format("2006-01-02 15:04:05"), r.Short())
		}
		p.Put("\n</table>")
	}
	if len(others) > 0 {
		rows("Not held, the worst first", others)
	}
	if len(held) > 0 {
		p.Put("\n"+`<details open class="held"><summary>%s</summary>`, fmt.Sprintf("%d held", len(held)))
		rows("Held", held)
		p.Put("\n</details>")
	}
}
