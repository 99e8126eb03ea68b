package reports_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const s = time.Second

// entries is a short record: one outage of half a second after a kill.
func entries(limits ...string) []record.Entry {
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789", Started: time.Date(2026, 3, 2, 10, 15, 0, 0, time.UTC)}},
		{Plan: &record.Plan{
			Name: "kill one of three", Title: "one of <three> dies", Settle: s, Hold: 2 * s, Watch: 3 * s, Load: "10/s", Source: "aftershock.yaml:41", Hash: "3f2a9c0d51e7b8463f2a9c0d51e7b846", Faults: []record.Scheduled{{Fault: "kill b"}},
			Checks: []steadystate.Check{{Name: "shop answers", Signal: "requests", Good: steadystate.Within(s), Limits: steadystate.Limits(limits...)}},
		}},
		{Environment: map[string]string{"where": "a test, <not> a cluster"}},
		{Phase: record.PhaseSettle},
		{At: 2 * s, Phase: record.PhaseInject},
	}
	for i := range 80 {
		at := time.Duration(i) * 100 * time.Millisecond
		q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*time.Millisecond, Outcome: record.Outcome{Code: 200, Backend: string(rune('a' + i%3)), Attempts: 1}}
		if at >= 2500*time.Millisecond && at < 3*s {
			q.Outcome = record.Outcome{Error: "connection refused"}
		}
		if at == 2*s+100*time.Millisecond {
			list = append(list,
				record.Entry{At: at, Injection: &record.Injection{
					Fault: "kill b", Targets: []record.Target{{Name: "b", UID: "uid-b"}},
					Span: steadystate.Span{From: 2 * s, To: at}, Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true,
				}},
				record.Entry{At: at, Event: &record.Event{Kind: record.EventGone, Subject: "pod/b", UID: "uid-b", Span: steadystate.Span{From: 2 * s, To: at}}},
				record.Entry{At: at, Phase: record.PhaseHold})
		}
		list = append(list, record.Entry{At: at + 5*time.Millisecond, Requests: &record.Requests{Signal: "requests", List: []record.Request{q}}})
	}
	return append(list,
		record.Entry{At: 8 * s, Removal: &record.Removal{Fault: "kill b", Span: steadystate.Instant(4 * s)}},
		record.Entry{At: 8 * s, End: &record.End{Reason: record.Completed}})
}

func judgedOf(t *testing.T, list []record.Entry) reports.Report {
	t.Helper()
	report, err := runs.Judge(recordtest.All(list), nil, autoscaling.Evaluator{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// judged are one of each verdict.
func judged(t *testing.T) []reports.Report {
	t.Helper()
	cut := entries("downtime <= 4s")
	list := []reports.Report{judgedOf(t, entries("downtime <= 4s", "ttr <= 4s")), judgedOf(t, entries("downtime <= 100ms")), judgedOf(t, cut[:len(cut)-2])}
	for i, want := range []steadystate.Verdict{steadystate.Held, steadystate.Broken, steadystate.Unknown} {
		if list[i].Verdict != want {
			t.Fatalf("result %d is %s, want %s: %s", i, list[i].Verdict, want, list[i].Reason)
		}
	}
	return list
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	goldenAt(t, filepath.Join("testdata", name), got)
}

func goldenAt(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and read the difference. Got:\n%s", path, got)
	}
}

func TestText(t *testing.T) {
	var out bytes.Buffer
	if err := reports.Texts(&out, judged(t)...); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.Bytes())
}

// What is true of the whole run comes before what broke, with the command that removes
// what may be left.
func TestTextBeginsWithWhatIsTrueOfTheWholeRun(t *testing.T) {
	list := entries("downtime <= 100ms")
	list[len(list)-2].Removal.Error = "time-out"
	text := judgedOf(t, list).String()
	if want := "BROKEN, A FAULT MAY STILL BE IN PLACE: kill one of three\n  one of <three> dies\n  remove what may still be in place with: aftershock sweep -f aftershock.yaml\n"; !strings.HasPrefix(text, want) {
		t.Errorf("want %q first in\n%s", want, text)
	}
}

// Several limits are broken by the same outage.
func TestTextSaysOnceWhereToLook(t *testing.T) {
	finding := judge.Finding{Check: "answers", Where: "outage at 3s"}
	other := finding
	other.Where = "outage at 9s"
	r := judged(t)[0]
	r.Findings = []judge.Finding{finding, finding, other, other, finding}
	var out bytes.Buffer
	if err := reports.Text(&out, r); err != nil {
		t.Fatal(err)
	}
	if first, second := strings.Count(out.String(), "look: outage at 3s"), strings.Count(out.String(), "look: outage at 9s"); first != 2 || second != 1 {
		t.Errorf("%d and %d times\n%s", first, second, out.String())
	}
}

// The cause of a broken share is in each report, be it an outage's or its own.
func TestEachReportHasTheCauseOfABrokenShare(t *testing.T) {
	const why = "consistent with: all of it"
	r := judged(t)[1]
	check := r.Checks[0].Check
	r.Findings = []judge.Finding{{Check: check, Limit: "errors <= 1%", Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "2%"}}}
	for name, c := range map[string]cause.Cause{"of an outage": {}, "its own": {Outage: cause.NoOutage, Limit: "errors <= 1%"}} {
		c.Check, c.Why = check, why
		r.Causes, r.Advice = []cause.Cause{c}, nil
		for _, f := range reports.Formats() {
			var out bytes.Buffer
			if err := f.Write(&out, r); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), why) {
				t.Errorf("%s: no cause in %s", name, f.Name)
			}
		}
	}
}

func TestALimitAgainstTheBaselineIsShownAsAMultipleOfIt(t *testing.T) {
	var out bytes.Buffer
	if err := reports.Text(&out, judgedOf(t, entries("p50 <= 1.5x baseline", "downtime <= 4s"))); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "p50 <= 1.5x baseline  1x of the 1.1s before the fault (60 observations, and 11)\n") {
		t.Errorf("no multiple in\n%s", out.String())
	}
}

func TestWhatIsToldOfTheTimeAfterTheRemoval(t *testing.T) {
	length := func(low, high time.Duration) *steadystate.Bounds[time.Duration] {
		return &steadystate.Bounds[time.Duration]{Low: low, High: high}
	}
	for _, row := range []struct {
		sentence string
		recovery judge.Recovery
		want     string
		not      string
	}{
		{"recovered while the fault was on", judge.Recovery{Outages: 1, AfterRemoval: length(0, 0)}, "recovered while faulted", "after removal"},
		{"recovered later", judge.Recovery{Outages: 1, AfterRemoval: length(s, 2*s)}, "recovered 1s to 2s after removal", "while faulted"},
		{"recovered around the removal", judge.Recovery{Outages: 1, AfterRemoval: length(0, 2*s)}, "recovered 0s to 2s after removal", "while faulted"},
		{"no outage, nothing to recover from", judge.Recovery{AfterRemoval: length(0, 0)}, "no outage seen", "MTTR"},
		{"a fault that was not held", judge.Recovery{Outages: 1}, "MTTR", "after removal"},
		{"not over in the end", judge.Recovery{Outages: 1, AfterRemoval: length(s, 2*s), TTR: *length(3*s, 4*s), Open: true}, "not recovered 1 of 1, after at least 3s", "MTTR"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			check := judge.CheckResult{Check: "c", Recoveries: []judge.Recovery{row.recovery}, Figures: steadystate.Figures{Good: 9}}
			if row.recovery.Open {
				check.Unrecovered = 1
			}
			report := reports.Report{Result: judge.Result{Checks: []judge.CheckResult{check}}}
			var text, page bytes.Buffer
			if err := errors.Join(reports.Text(&text, report), reports.HTML(&page, report)); err != nil {
				t.Fatal(err)
			}
			for _, out := range []string{text.String(), page.String()} {
				if !strings.Contains(out, row.want) || strings.Contains(out, row.not) {
					t.Errorf("want %q and not %q in\n%s", row.want, row.not, out)
				}
			}
		})
	}
}

func TestAReportSaysWhatItIsComparedWith(t *testing.T) {
	report := judgedOf(t, entries("downtime <= 4s"))
	report.Baseline = &record.Baseline{Run: "4f1c2a9d3b", Length: 40 * s, Unknown: "it was broken"}
	var text, page, junit bytes.Buffer
	if err := errors.Join(reports.Text(&text, report), reports.HTML(&page, report), reports.JUnit(&junit, report)); err != nil {
		t.Fatal(err)
	}
	for _, out := range []string{text.String(), page.String(), junit.String()} {
		if want := "control run 4f1c2a9d3b, 40s long, not usable as a baseline: it was broken"; !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestAValueHasTheUnitOfItsSignal(t *testing.T) {
	for _, row := range []struct {
		sentence, good string
		low, high      float64
		want           string
	}{
		{"lengths of time", "<= 2s", 0.25, 0.5, "p50 250ms to 500ms"},
		{"shares", "<= 80%", 0.5, 0.5, "p50 50%"},
		{"rates", ">= 20/s", 25, 25, "p50 25/s"},
		{"numbers", ">= 2", 3, 3, "p50 3 "},
		{"a bucket without an end", "<= 2s", 10, math.Inf(1), "p50 10s to +Inf"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			b := steadystate.Bounds[float64]{Low: row.low, High: row.high}
			var out bytes.Buffer
			err := reports.Text(&out, reports.Report{Result: judge.Result{Checks: []judge.CheckResult{{
				Check: "c", Tolerance: steadystate.MustParseTolerance(row.good),
				Phases: []judge.PhaseDistribution{{Phase: "hold", Distribution: steadystate.Distribution{N: 9, P50: b}}},
			}}}})
			if err != nil || !strings.Contains(out.String(), row.want) {
				t.Errorf("error %v, no %q in\n%s", err, row.want, out.String())
			}
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrorsAreNotIgnored(t *testing.T) {
	r := judged(t)
	writers := map[string]func(io.Writer, ...reports.Report) error{"strict junit": reports.StrictJUnit, "summary": reports.Summary}
	for _, f := range reports.Formats() {
		writers[f.Name] = f.Write
	}
	for name, write := range writers {
		if write(full{}, r...) == nil {
			t.Errorf("%s: the write error was ignored", name)
		}
	}
}
