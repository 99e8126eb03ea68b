package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

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
	golden(t, "report.html", []byte(page(t, judgedOf(t, recovering()))))
}

func TestWhatThePageSays(t *testing.T) {
	text := page(t, append(judged(t), judgedOf(t, recovering()))...)
	for sentence, want := range map[string]string{
		"the worst verdict is at the top":         `<span class="verdict broken">broken</span> 4 experiments`,
		"each verdict has its reason":             "3 limits held and all 8 proofs are there",
		"a limit has what was seen, with bounds":  "395ms to 1.905s",
		"what did not hold says where to look":    "look: outage from 2.000s..2.505s",
		"a proof that is not there is said":       "the record does not show that it was undone",
		"the environment is there, escaped":       "a test, &lt;not&gt; a cluster",
		"an outage says what it was":              "lasted 395ms to 1.905s, 5 of 5 bad: connection refused",
		"a fault says when it came and went":      "kill b: T0 2.000s..2.100s, T1 4.000s",
		"a phase says when it was":                "settle 0.000s..2.000s, 2s",
		"an event is on the axis":                 "pod/b gone at 2.000s..2.100s",
		"the waterfall is there, with its stages": "containers started",
		"and says which stage cost the most":      "costliest: ready",
		"detection has its bounds":                "detected after 405ms to 505ms",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: no %q in the page", sentence, want)
		}
	}
}

// Nothing of a page comes from anywhere else, and nothing of it runs.
func TestThePageStandsAlone(t *testing.T) {
	text := page(t, judged(t)...)
	for _, no := range []string{"<script", "src=", "@import", "url(", "http://", "https://", "<link", "<iframe"} {
		if strings.Contains(text, no) {
			t.Errorf("the page has %q", no)
		}
	}
	if !strings.Contains(text, "default-src 'none'") {
		t.Error("the page does not forbid loading")
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
	if strings.Contains(text, "<script") || !strings.Contains(text, "&lt;script&gt;") {
		t.Error("a name from the record is markup in the page")
	}
}

// The page is well-formed: every element is closed in its order.
func TestThePageIsWellFormed(t *testing.T) {
	text := page(t, append(judged(t), judgedOf(t, recovering()))...)
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
	// The axis goes from 170 to 990, so a second is 82 wide.
	for class, seconds := range map[string][2]float64{"good": {0, 2}, "bad": {4, 5}, "unknown": {6, 7}} {
		path := between(t, text, `<path class="`+class+`" d="`, `"`)
		rects := strings.Split(strings.Trim(path, "M"), "M")
		if len(rects) < 10 {
			t.Errorf("%s: %d rectangles, want some", class, len(rects))
		}
		for _, rect := range rects {
			var x float64
			if _, err := fmt.Sscanf(rect, "%f", &x); err != nil {
				t.Fatalf("%s: %q: %v", class, rect, err)
			}
			if at := (x - 170) / 82; at < seconds[0]-0.05 || at > seconds[1]+0.05 {
				t.Errorf("%s at %.2fs, want it between %gs and %gs", class, at, seconds[0], seconds[1])
			}
		}
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
	if strings.Contains(text, "<h2>Course</h2>") || !strings.Contains(text, "395ms to 1.905s") {
		t.Error("want the limits, and no chart")
	}
}
