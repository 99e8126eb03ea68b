package reports_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestMarkdown(t *testing.T) {
	list := judged(t)
	for i, r := range list {
		list[i] = inShop(r)
	}
	var out bytes.Buffer
	if err := reports.Markdown(&out, list...); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.md", out.Bytes())
}

// What may still be in place and what is broken comes first, and nothing is cut in
// the middle.
func TestMarkdownIsCutToFit(t *testing.T) {
	var list []reports.Report
	for range 200 {
		list = append(list, others(t)...)
	}
	for i := range list {
		list[i].Experiment = fmt.Sprintf("run %d |<b>*", i)
	}
	for _, most := range []int{10, 150, 1000, 40_000, 1 << 20} {
		var out bytes.Buffer
		if err := reports.MarkdownWithin(&out, most, list...); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if len(text) > most {
			t.Errorf("%d bytes of %d", len(text), most)
		}
		if strings.Count(text, "<details") != strings.Count(text, "</details>") || strings.Contains(text, "<b>") {
			t.Errorf("cut to %d it is not whole, or has HTML of a name in it", most)
		}
		if most >= 1000 {
			row := strings.Split(text, "\n")[4]
			if !strings.Contains(row, "A FAULT MAY STILL BE IN PLACE") || !strings.Contains(text, "To fit, ") || !strings.HasPrefix(text, "## ❌ BROKEN: 400 held, ") {
				t.Errorf("cut to %d: first row %q, in\n%.300s", most, row, text)
			}
		}
	}
}

func TestAnnotations(t *testing.T) {
	leaving := brokenRun(t)
	leaving[len(leaving)-2].Removal.Error = "50% of\nit, gone"
	left := inShop(judgedOf(t, leaving))
	aborted := entries("downtime <= 4s")
	aborted[len(aborted)-1].End = &record.End{Reason: record.Aborted, Detail: "errors"}
	stopped := judgedOf(t, aborted)
	refusing := entries("downtime <= 4s")
	for i, e := range refusing {
		if e.Injection != nil {
			refusing[i].Injection.FailureReason, refusing[i].Injection.Refused = "a budget", "can be drained"
		}
	}
	refusing[len(refusing)-1].End = &record.End{Reason: record.NotInjected, Detail: "a budget"}
	refused := judgedOf(t, refusing)
	for _, row := range []struct {
		sentence string
		list     []reports.Report
		want     []string
	}{
		{"held has none", judged(t)[:1], nil},
		{"broken, at the line of the limit", []reports.Report{inShop(judged(t)[1])}, []string{
			"::error file=shop.yaml,line=31,title=BROKEN checkout/pods/kill-one::shop answers: downtime 395ms to 1.905s, wanted <= 100ms",
		}},
		{"unknown, at the line of the experiment, and what the record does not show to be undone", judged(t)[2:], []string{
			"::error file=aftershock.yaml,line=41,title=A FAULT MAY STILL BE IN PLACE after kill one of three::may still be in place: kill b: the record does not show that it was undone",
			"::warning file=aftershock.yaml,line=41,title=UNKNOWN kill one of three::the record ends before the run did (and 3 more below)",
		}},
		{"left behind comes first, and is escaped", []reports.Report{inShop(judged(t)[1]), left}, []string{
			"::error file=aftershock.yaml,line=41,title=A FAULT MAY STILL BE IN PLACE after checkout/pods/kill-one::may still be in place: kill b: 50%25 of%0Ait, gone",
			"::error file=shop.yaml,line=31,title=BROKEN checkout/pods/kill-one::shop answers: downtime 395ms to 1.905s, wanted <= 100ms",
			"::error file=shop.yaml,line=31,title=BROKEN checkout/pods/kill-one::shop answers: downtime 395ms to 1.905s, wanted <= 100ms",
		}},
		{"a fault that the service's configuration refuses", []reports.Report{refused}, []string{"::error file=aftershock.yaml,line=41,title=BROKEN kill one of three::kill b: can be drained: a budget"}},
		{"aborted is told once", []reports.Report{stopped}, []string{"::error file=aftershock.yaml,line=41,title=ABORTED kill one of three::errors"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var out bytes.Buffer
			if err := reports.Annotations(&out, nil, row.list...); err != nil {
				t.Fatal(err)
			}
			if got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n"); !slices.Equal(got, row.want) && (len(row.want) > 0 || out.Len() > 0) {
				t.Errorf("got\n%s\nwant\n%s", out.String(), strings.Join(row.want, "\n"))
			}
		})
	}
	var many bytes.Buffer
	if err := reports.Annotations(&many, func(file string) string { return "deploy/" + file }, slices.Repeat(judged(t), 30)...); err != nil {
		t.Fatal(err)
	}
	if e, w := strings.Count(many.String(), "::error"), strings.Count(many.String(), "::warning"); e != 10 || w != 10 {
		t.Errorf("%d errors and %d warnings, want the ten that are shown", e, w)
	}
	for _, want := range []string{"::error title=and 51 more::the summary of the step has all\n", "::warning title=and 21 more::", "file=deploy/aftershock.yaml,line=41"} {
		if !strings.Contains(many.String(), want) {
			t.Errorf("no %q in\n%s", want, &many)
		}
	}
}

// The exit code of a run is that of its record, at any time.
func TestExitCode(t *testing.T) {
	of := func(v steadystate.Verdict, end string, left ...judge.Left) reports.Report {
		return reports.Report{Result: judge.Result{Verdict: v, End: record.End{Reason: end}, LeftBehind: left}}
	}
	held, broken, unknown := of(steadystate.Held, record.Completed), of(steadystate.Broken, record.Completed), of(steadystate.Unknown, record.NotSteady)
	for _, row := range []struct {
		sentence string
		list     []reports.Report
		want     int
	}{
		{"none is unknown", nil, 3},
		{"held", []reports.Report{held}, 0},
		{"unknown", []reports.Report{held, unknown}, 3},
		{"broken", []reports.Report{unknown, broken, held}, 1},
		{"aborted is broken", []reports.Report{of(steadystate.Broken, record.Aborted)}, 1},
		{"interrupted, though broken", []reports.Report{broken, of(steadystate.Broken, record.Interrupted)}, 4},
		{"stopped by a person, refused, failed", []reports.Report{of(steadystate.Unknown, record.Stopped)}, 4},
		{"a fault may still be in place", []reports.Report{of(steadystate.Broken, record.Interrupted), of(steadystate.Unknown, record.Completed, judge.Left{Fault: "f"})}, 5},
	} {
		if got := reports.ExitCode(row.list...); got != row.want {
			t.Errorf("%s: %d, want %d", row.sentence, got, row.want)
		}
	}
}
