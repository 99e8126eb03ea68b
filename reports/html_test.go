package reports_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/internal/page/scenes"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

func page(t *testing.T, list ...reports.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := reports.HTML(&out, list...); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// between is what lies between two texts, from the first of each.
func between(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	inner, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("no %q to %q in the page", from, to)
	}
	return inner
}

func TestThePage(t *testing.T) {
	golden(t, "report.html", []byte(page(t, judgedOf(t, scenes.Play("broken")))))
}

func TestWhatThePageSays(t *testing.T) {
	text := page(t, append(judged(t), judgedOf(t, recovering()))...)
	for sentence, want := range map[string]string{
		"the worst verdict is at the top":         `<b class="verdict broken"><span aria-hidden="true">✖</span>&nbsp;BROKEN</b> 4 experiments: 1 broken, 1 unknown, 2 held</h1>`,
		"those that held are folded":              `<details open class="held"><summary>2 held</summary>`,
		"each verdict has its reason":             "3 of 3 limits held, proof 8 of 8",
		"a limit has what was seen, with bounds":  "0.39s to 1.91s",
		"what did not hold says where to look":    "look: outage from 10:15:02.3 (+2.3s)",
		"a proof that is not there is said":       "the record does not show that it was undone",
		"what is left behind says what to do":     "remove it with: <code>aftershock sweep -f aftershock.yaml</code>",
		"the environment is there, escaped":       "a test, &lt;not&gt; a cluster",
		"an outage says what it was":              "lasted 395ms to 1.905s, 5 of 5 bad: connection refused",
		"a fault says when it came and went":      "kill b: T0 10:15:02.05 (+2.05s), undone 10:15:04.000 (+4s)",
		"a phase says when it was":                "settle 10:15:00.000 (+0s) to 10:15:02.000 (+2s), 2s",
		"an event is in the table":                "<td>pod/b gone</td>",
		"the waterfall is there, with its stages": "containers started",
		"and says which stage cost the most":      "costliest: ready",
		"detection has its bounds":                "detected after 405ms to 505ms",
		"the story is that of the terminal":       "one outage of shop answers from 10:15:02.3 (+2.3s) to 10:15:03.4, lasted 0.39s to 1.91s; 5 of 5 bad (100%)",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: no %q in the page", sentence, want)
		}
	}
}

// Who reads the page of a broken run learns why before how much; of one that held, how much.
func TestWhyItBrokeComesBeforeTheLimits(t *testing.T) {
	for name, want := range map[string][]string{
		"broken": {"<h1>", "<dt>What</dt>", "<dt>Why</dt>", "<dt>Mend</dt>", "<dt>Ask</dt>", ">downtime<", "<dt>Fault</dt>", "<figcaption>"},
		"held":   {"<h1>", ">downtime<", "<dt>What</dt>", "<dt>Fault</dt>", "<figcaption>"},
	} {
		text := page(t, judgedOf(t, scenes.Play(name)))
		for _, part := range want {
			_, rest, found := strings.Cut(text, part)
			if !found {
				t.Errorf("%s: no %q after the one before of %q", name, part, want)
			}
			text = rest
		}
	}
}

// What other people's dashboards show is found by the wall clock.
func TestThePageHasTheWallClockBesideEachOffset(t *testing.T) {
	text := page(t, judgedOf(t, scenes.Play("broken")))
	for caption, want := range map[string]string{
		"<caption>Outages of gizmo sells":         `<td class="n">23:40:58.0`,
		"<caption>recovery of ":                   `<th scope="col">UTC</th>`,
		`<th scope="row">phase settle</th>`:       "23:40:53.000 (+0s) to 23:40:58.000 (+5s), 5s",
		`<th scope="row">kill 1 of the pods app=`: `<td class="n">23:40:58.05 (+5.05s)</td>`,
	} {
		if _, rest, found := strings.Cut(text, caption); !found || !strings.Contains(rest[:min(2000, len(rest))], want) {
			t.Errorf("no %q after %q", want, caption)
		}
	}
}

// Who interrupted a run wants to know that nothing of it is left.
func TestThePageOfAnInterruptedRunSaysWhetherItsFaultsAreUndone(t *testing.T) {
	for name, want := range map[string]bool{"interrupted": true, "broken": false, "left-behind": false} {
		if got := strings.Contains(page(t, judgedOf(t, scenes.Play(name))), "<li>every fault is undone, since "); got != want {
			t.Errorf("%s: says so: %t", name, got)
		}
	}
}

// A check that held is one line of a run that another one broke.
func TestChecksThatHeldAreFoldedIfTheRunIsBroken(t *testing.T) {
	r := judgedOf(t, scenes.Play("broken"))
	for i, f := range r.Findings {
		if f.Check == "enough replicas" {
			r.Findings[i].Verdict = steadystate.Held
		}
	}
	const folded = "<details open><summary>1 held: enough replicas</summary>\n<table class=\"limits\""
	if !strings.Contains(page(t, r), folded) {
		t.Errorf("broken: no %q", folded)
	}
	if text := page(t, judgedOf(t, scenes.Play("held"))); strings.Contains(text, "held: enough replicas</summary>") {
		t.Error("a check is folded in a run that held")
	}
}

// Each broken limit says which outages broke it and why, and each outage has its own cause
// and advice: the first screen explains one of them.
func TestEachBrokenLimitAndEachOutageIsExplained(t *testing.T) {
	r := judgedOf(t, scenes.Play("broken"))
	text := page(t, r)
	limits := map[string][]string{
		"gizmo sells":     {"outage 1</a> at 23:40:5", ": why: consistent with: requests went on to", "outage 2</a> at 23:41:0", ": why: consistent with: warm-786b5d5549-cz7k2 was Ready at least"},
		"enough replicas": {"outage 1</a> at 23:40:5", ": why: consistent with: warm-786b5d5549-hss6q was away"},
	}
	outages := map[string][]string{
		"gizmo sells":     {"why: consistent with: requests went on to", "who: ", "when: ", "ask: do its clients try again", "why: consistent with: warm-786b5d5549-cz7k2 was Ready at least", "who: ", "when: ", "mend: give deployment/warm a readiness probe"},
		"enough replicas": {"why: consistent with: warm-786b5d5549-hss6q was away", "when: "},
	}
	for _, of := range []struct {
		caption string
		want    map[string][]string
	}{{"<caption>%s, good: ", limits}, {"<caption>Outages of %s</caption>", outages}} {
		for check, want := range of.want {
			table := between(t, text, fmt.Sprintf(of.caption, check), "</table>")
			for _, part := range want {
				_, rest, found := strings.Cut(table, part)
				if !found {
					t.Errorf("%s: no %q after the one before of %q in\n%s", check, part, want, table)
					break
				}
				table = rest
			}
		}
	}
	if table := between(t, text, "<caption>gizmo sells, good: ", "</table>"); strings.Count(table, "was Ready at least") != 1 {
		t.Errorf("a cause is told again:\n%s", table)
	}
}

func TestALimitOfAnUnprovenRunIsOnlyWithinOnThePage(t *testing.T) {
	blind := slices.DeleteFunc(entries("downtime <= 4s"), func(e record.Entry) bool { return e.Event != nil })
	text := page(t, judgedOf(t, blind))
	limits := between(t, text, `<table class="limits"`, "</table>")
	if strings.Contains(limits, "</span>&nbsp;held</b>") || !strings.Contains(limits, "</span>&nbsp;within</b>") || !strings.Contains(text, "NOT PROVEN, 2 of 2 within limits") {
		t.Error("want limits that are within, and none that is held")
	}
	if green := "#2f8f57"; strings.Contains(limits, green) {
		t.Error("what was seen is drawn as if it were proven")
	}
}

// Nothing of a page comes from anywhere else, and nothing of it runs but its own
// script, which its policy names.
func TestThePageStandsAlone(t *testing.T) {
	text := page(t, judged(t)...)
	for _, no := range []string{"src=", "@import", "http://", "https://", "<link", "<iframe", "style=", "onclick", "onload"} {
		if strings.Contains(text, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if n := strings.Count(strings.ReplaceAll(text, "url(#", ""), "url("); n > 0 {
		t.Errorf("%d places elsewhere", n)
	}
	for of, tag := range map[string]string{"script-src": "script", "style-src": "style"} {
		sum := sha256.Sum256([]byte(between(t, text, "<"+tag+">", "</"+tag+">")))
		policy := between(t, text, `Content-Security-Policy" content="`, `"`)
		if want := of + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(html.UnescapeString(policy), want) || strings.Count(text, "<"+tag) != 1 {
			t.Errorf("no %s in %s", want, policy)
		}
	}
	if !strings.Contains(text, "default-src &#39;none&#39;") && !strings.Contains(text, "default-src 'none'") {
		t.Error("the page does not forbid loading")
	}
}

// Without a style sheet, and without a script, the page says the same: neither hides
// nor adds a word, and what is drawn has its looks with it.
func TestThePageNeedsNeitherScriptNorStyle(t *testing.T) {
	text := page(t, judgedOf(t, recovering()))
	style := between(t, text, "<style>", "</style>")
	for _, no := range []string{"content:", "visibility:hidden", "font-size:0"} {
		if strings.Contains(strings.ReplaceAll(style, "content-visibility", ""), no) {
			t.Errorf("the style sheet has %q", no)
		}
	}
	for _, m := range regexp.MustCompile(`<details[^>]*>`).FindAllString(page(t, judged(t)...), -1) {
		if !strings.HasPrefix(m, "<details open") {
			t.Errorf("%s would not be printed", m)
		}
	}
	for _, m := range regexp.MustCompile(`<(rect|path|line) [^>]*>`).FindAllString(between(t, text, "<body>", "<defs>"), -1) {
		if !strings.Contains(m, "fill") && !strings.Contains(m, "stroke") {
			t.Errorf("%s has no looks of its own", m)
		}
	}
}

func TestWhatARecordSaysIsEscaped(t *testing.T) {
	const evil = `"><script>alert('x')</script>`
	list := entries("downtime <= 100ms")
	plan := *list[1].Plan
	plan.Name, plan.Checks = evil, []steadystate.Check{plan.Checks[0]}
	plan.Checks[0].Name = evil
	list[1].Plan = &plan
	list[2].Environment = map[string]string{"where": evil, evil: evil}
	list = slices.Insert(list, len(list)-1, record.Entry{At: 8 * s, Note: evil},
		record.Entry{At: 8 * s, Event: &record.Event{Kind: evil, Subject: evil, Span: steadystate.Instant(s)}})
	text := page(t, judgedOf(t, list))
	if strings.Count(text, "<script") != 1 || !strings.Contains(text, "&lt;script&gt;") {
		t.Error("a name from the record is markup in the page")
	}
}

// A Kubernetes Event is among what happened, by its reason and in its words. It is not
// where to look for an outage: it may be dated late.
func TestThePageHasWhatKubernetesSaid(t *testing.T) {
	list := entries("downtime <= 100ms")
	list = slices.Insert(list, len(list)-1, record.Entry{At: 8 * s, Event: &record.Event{
		Kind: record.EventKubernetes, Subject: "event/pod/shop/a", UID: "uid-a", Span: steadystate.Span{From: 2600 * time.Millisecond, To: 3 * s},
		Attrs: map[string]string{record.AttrReason: "Unhealthy", record.AttrMessage: "Readiness probe failed: 503"},
	}})
	report := judgedOf(t, list)
	for _, want := range []string{"pod/shop/a Unhealthy", "Readiness probe failed: 503"} {
		if text := page(t, report); !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if where := report.Findings[0].Where; !strings.Contains(where, "pod/b gone") || strings.Contains(where, record.EventKubernetes) {
		t.Errorf("where: %q", where)
	}
}

// The page is well-formed: every element is closed in its order.
func TestThePageIsWellFormed(t *testing.T) {
	text := page(t, append(judged(t), judgedOf(t, recovering()))...)
	text = strings.ReplaceAll(text, between(t, text, "<script>", "</script>"), "")
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "br"}, xml.HTMLEntity
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// However long a record is, and whatever its rate, the page is of one size.
func TestThePageDoesNotGrowWithTheRecord(t *testing.T) {
	size := func(n int) int {
		list := entries()[:5]
		for i := range n {
			at := time.Duration(i) * 10 * time.Millisecond
			list = append(list, record.Entry{At: at, Requests: &record.Requests{Signal: "requests", List: []record.Request{{
				Seq: uint64(i), Planned: at, Sent: at, Answered: at + time.Duration(1+i%50)*time.Millisecond,
				Outcome: record.Outcome{Code: 200, Attempts: 1},
			}}}})
			if i%10 == 0 {
				list = append(list, record.Entry{At: at, Event: &record.Event{Kind: "ready", Subject: fmt.Sprint("pod/", i), Span: steadystate.Instant(at)}})
			}
		}
		return len(page(t, judgedOf(t, list)))
	}
	small, large := size(40_000), size(120_000)
	if large > small+small/4 {
		t.Errorf("%d bytes for three times the record, %d before", large, small)
	}
}

// Bad, unknown, good and nothing are each where they were.
func TestACheckOverTime(t *testing.T) {
	list := entries("downtime <= 4s")[:4]
	see := func(from, to time.Duration, o steadystate.Observation) {
		for at := from; at < to; at += 100 * time.Millisecond {
			o.Span = steadystate.Instant(at)
			list = append(list, record.Entry{At: at, Observations: &record.Observations{Signal: "requests", List: []steadystate.Observation{o}}})
		}
	}
	see(0, 2*s, steadystate.Observation{Value: 0.01})
	see(4*s, 5*s, steadystate.Observation{Value: 3})
	see(6*s, 7*s, steadystate.Observation{Unknown: "away"})
	list = append(list, record.Entry{At: 10 * s, End: &record.End{Reason: record.Completed}})
	text := page(t, judgedOf(t, list))
	// The axis is 1000 wide, so a second is 100.
	for class, seconds := range map[string][2]float64{"good": {0, 2}, "bad": {4, 5}, "unknown": {6, 7}} {
		path := between(t, text, `<path class="`+class+`" d="`, `"`)
		rects := strings.Split(strings.Trim(path, "M"), "M")
		if len(rects) == 0 {
			t.Errorf("%s: %d rectangles, want some", class, len(rects))
		}
		for _, rect := range rects {
			var x float64
			if _, err := fmt.Sscanf(rect, "%f", &x); err != nil {
				t.Fatalf("%s: %q: %v", class, rect, err)
			}
			if at := x / 100; at < seconds[0]-0.05 || at > seconds[1]+0.05 {
				t.Errorf("%s at %.2fs, want it between %gs and %gs", class, at, seconds[0], seconds[1])
			}
		}
	}
}

// What is drawn is told apart by more than its colour and a title that only a mouse shows.
func TestTheLegendHasEachSignOfTheDrawing(t *testing.T) {
	text := page(t, judgedOf(t, scenes.Play("broken")))
	legend := between(t, text, "</figcaption>", "</figure>")
	for sign, want := range map[string]string{
		`<path class="failed" d="M`: "hatched: the bad ones of them.",
		">◆<":                       "policies allowed when it scaled.",
	} {
		if !strings.Contains(text, sign) || !strings.Contains(legend, want) {
			t.Errorf("no %q in the drawing, or no %q in the legend", sign, want)
		}
	}
	if failed := between(t, text, `<path class="failed"`, "/>"); !strings.Contains(failed, "url(#hatch)") {
		t.Errorf("the bad requests differ in colour alone: %s", failed)
	}
	if values := between(t, text, `data-lane="hpa/warm" data-values="`, `"`); !strings.Contains(values, "allowed 6, current ") {
		t.Errorf("the cursor does not tell what the policies allowed: %s", values)
	}
	if held := page(t, judgedOf(t, entries("downtime <= 4s"))); strings.Contains(held, "policies allowed") {
		t.Error("the legend has a sign that is not drawn")
	}
}

// A link to a run, or to a limit, an outage or an event of it, still leads there when the
// page is written again with other runs.
func TestLinksIntoAPageStay(t *testing.T) {
	r := judgedOf(t, scenes.Play("broken"))
	other := r
	other.Run = "0a1b2c3d4e"
	anchors := func(list ...reports.Report) (ids []string) {
		text := page(t, list...)
		for _, m := range regexp.MustCompile(` id="(warm-pods-broken-6f1d2c3b4a[^"]*)"`).FindAllStringSubmatch(text, -1) {
			ids = append(ids, m[1])
		}
		for _, m := range regexp.MustCompile(` href="#([^"]*)"`).FindAllStringSubmatch(text, -1) {
			if strings.Count(text, ` id="`+m[1]+`"`) != 1 {
				t.Errorf("the link #%s leads to no place, or to several", m[1])
			}
		}
		return ids
	}
	alone, merged := anchors(r), anchors(other, r)
	for _, part := range []string{"", "-limit-1", "-outage-1-2", "-outage-2-1", "-event-1"} {
		if want := "warm-pods-broken-6f1d2c3b4a" + part; !slices.Contains(alone, want) {
			t.Errorf("no %s among %q", want, alone)
		}
	}
	if !slices.Equal(alone, merged) {
		t.Errorf("%q, and with another run before %q", alone, merged)
	}
}

func TestAReportReadFromJSONHasAPageWithoutATimeSeries(t *testing.T) {
	var out bytes.Buffer
	if err := reports.JSON(&out, judged(t)...); err != nil {
		t.Fatal(err)
	}
	read, err := reports.ReadJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	text := page(t, read...)
	if strings.Contains(text, `class="course"`) || !strings.Contains(text, "0.39s to 1.91s") {
		t.Error("want the limits, and no chart")
	}
}
