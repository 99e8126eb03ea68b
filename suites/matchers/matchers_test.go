package matchers_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites/matchers"
)

const ms = time.Millisecond

// entries is the record of a kill at 2s in a service that fails from then on for
// some time, watched until 8s.
func entries(down time.Duration, limits ...string) []record.Entry {
	list := []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &record.Plan{
			Name: "kill one of three", Settle: time.Second, Hold: 2 * time.Second, Watch: 3 * time.Second, Load: "10/s", Faults: []record.Scheduled{{Fault: "kill b"}},
			Checks: []steadystate.Check{{Name: "shop answers", Signal: "requests", Good: steadystate.Within(time.Second), Limits: steadystate.Limits(limits...)}},
		}},
		{Phase: record.PhaseSettle},
		{At: 2000 * ms, Phase: record.PhaseInject},
	}
	hit := steadystate.Span{From: 2000 * ms, To: 2100 * ms}
	for i := range 80 {
		at := time.Duration(i) * 100 * ms
		q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*ms, Outcome: record.Outcome{Code: 200, Backend: string(rune('a' + i%3)), Attempts: 1}}
		if at >= 2500*ms && at < 2500*ms+down {
			q.Outcome = record.Outcome{Error: "connection refused"}
		}
		if at == hit.To {
			list = append(list,
				record.Entry{At: at, Injection: &record.Injection{
					Fault: "kill b", Targets: []record.Target{{Name: "b", UID: "uid-b"}},
					Span: hit, Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true,
				}},
				record.Entry{At: at, Event: &record.Event{Kind: record.EventGone, Subject: "pod/b", UID: "uid-b", Span: hit}},
				record.Entry{At: at, Phase: record.PhaseHold})
		}
		list = append(list, record.Entry{At: at + 5*ms, Requests: &record.Requests{Signal: "requests", List: []record.Request{q}}})
	}
	return append(list,
		record.Entry{At: 8000 * ms, Removal: &record.Removal{Fault: "kill b", Span: steadystate.Instant(4000 * ms)}},
		record.Entry{At: 8000 * ms, End: &record.End{Reason: record.Completed}})
}

func judged(t *testing.T, list []record.Entry) reports.Report {
	t.Helper()
	report, err := runs.Judge(recordtest.All(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// reportsOf are a report of each kind.
func reportsOf(t *testing.T) map[string]reports.Report {
	t.Helper()
	short := entries(500*ms, "downtime <= 4s")
	without := func(drop func(record.Entry) bool) reports.Report {
		return judged(t, slices.DeleteFunc(slices.Clone(short), drop))
	}
	left := slices.Clone(short)
	left[len(left)-2] = record.Entry{At: 8000 * ms, Removal: &record.Removal{Fault: "kill b", Error: "no answer"}}
	refused := slices.DeleteFunc(slices.Clone(short), func(e record.Entry) bool { return e.Event != nil || e.Removal != nil })
	for i, e := range refused {
		if e.Injection != nil {
			refused[i].Injection = &record.Injection{Fault: "kill b", Span: e.Injection.Span, FailureReason: "no pod may be disrupted", Refused: "the eviction is granted"}
		}
	}
	list := map[string]reports.Report{
		"held":         judged(t, short),
		"broken":       judged(t, entries(500*ms, "downtime <= 100ms")),
		"without end":  judged(t, entries(time.Hour, "downtime <= 100s")),
		"just begun":   judged(t, entries(5400*ms, "downtime <= 100s")),
		"refused":      judged(t, refused),
		"no effect":    without(func(e record.Entry) bool { return e.Event != nil }),
		"no fault":     without(func(e record.Entry) bool { return e.At >= 2000*ms && e.End == nil }),
		"cut":          judged(t, short[:len(short)-2]),
		"cut before":   judged(t, short[:slices.IndexFunc(short, func(e record.Entry) bool { return e.Injection != nil })]),
		"left behind":  judged(t, left),
		"read as JSON": {},
	}
	list["broken without effect"] = judged(t, slices.DeleteFunc(entries(500*ms, "downtime <= 100ms"), func(e record.Entry) bool { return e.Event != nil }))
	text, err := json.Marshal(list["held"])
	if err != nil {
		t.Fatal(err)
	}
	var read reports.Report
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	list["read as JSON"] = read
	return list
}

// An assertion has three outcomes. What is unknown fails both ways.
func TestMatchers(t *testing.T) {
	const (
		yes     = "yes"
		no      = "no"
		unknown = "unknown"
		wrong   = "wrong" // a mistake in the assertion
	)
	list := reportsOf(t)
	meet := func(limits ...string) types.GomegaMatcher { return matchers.Meet("shop answers", limits...) }
	for _, row := range []struct {
		sentence string
		report   string
		matcher  types.GomegaMatcher
		want     string
		says     string
	}{
		{"a held one is held", "held", matchers.BeHeld(), yes, "HELD: kill one of three"},
		{"a broken one is not", "broken", matchers.BeHeld(), no, "BROKEN: kill one of three"},
		{"an unknown one is neither", "cut", matchers.BeHeld(), unknown, "the record ends before the run did"},
		{"a broken one is broken", "broken", matchers.BeBroken(), yes, "wanted downtime <= 100ms, seen"},
		{"a fault may be there that the record ends before", "cut before", matchers.LeaveNothingBehind(), unknown, ""},
		{"by its check", "broken", matchers.BeBroken("shop answers"), yes, "to be broken by \"shop answers\""},
		{"a held one is not broken", "held", matchers.BeBroken(), no, "HELD"},
		{"nor is its check", "held", matchers.BeBroken("shop answers"), no, "HELD"},
		{"an unknown one is not known to be", "cut", matchers.BeBroken(), unknown, ""},
		{"broken without the effect of its fault, it shows nothing of a defect", "broken without effect", matchers.BeBroken(), unknown, "effect"},
		{"nor does its check", "broken without effect", matchers.BeBroken("shop answers"), unknown, "never seen gone"},
		{"a fault that the service's own configuration refused needs none", "refused", matchers.BeBroken(), yes, "refused"},
		{"nor is a check before its fault", "no fault", matchers.BeBroken("shop answers"), unknown, ""},
		{"of a check that is not there", "broken", matchers.BeBroken("shop"), wrong, `BeBroken: no check "shop"; checks: "shop answers"`},

		{"it meets its own limits", "held", meet(), yes, "downtime <= 4s"},
		{"and one that it does not have", "held", meet("downtime <= 3900ms"), yes, "downtime <= 3900ms"},
		{"in another spelling", "held", meet("downtime<=4000ms", "errors  <= 20%"), yes, ""},
		{"of a phase", "held", meet("p95 of good <= 100ms during hold"), yes, ""},
		{"compared with the settled stretch", "held", meet("p50 of good <= 2x baseline"), yes, ""},
		{"of its recovery", "held", meet("ttr <= 5s"), yes, ""},
		{"a broken one", "held", meet("downtime <= 100ms"), no, "broken"},
		{"one of two", "held", meet("downtime <= 4s", "ttr <= 100ms"), no, "ttr <= 100ms"},
		{"one too fine to decide", "held", meet("downtime <= 500ms"), unknown, "downtime <= 500ms"},
		{"an outage that never ended is within no limit", "without end", meet("downtime <= 100s"), unknown, "good at the end"},
		{"nor is one that may have", "just begun", meet("downtime <= 100s"), unknown, "good at the end"},
		{"but a broken limit is broken all the same", "without end", meet("downtime <= 1s"), no, ""},
		{"good figures without a proof are nothing", "no effect", meet("downtime <= 4s"), unknown, "no proof that the fault took effect"},
		{"nor are those before a fault", "no fault", meet("downtime <= 4s"), unknown, "the run never came to its fault"},
		{"a limit that does not parse", "held", meet("downtme <= 4s"), wrong, `no quantity "downtme"; quantities: downtime, `},
		{"a limit without a unit", "held", meet("downtime <= 4"), wrong, "units: ns, us"},
		{"a check that is not there, once", "held", matchers.Meet("shop", "downtime <= 1s", "ttr <= 1s"), wrong, `Meet: no check "shop"; checks: "shop answers"`},
		{"what JSON has", "read as JSON", meet("downtime <= 4s"), yes, ""},
		{"what JSON has not", "read as JSON", meet("downtime <= 3s"), wrong, "judge its record"},

		{"a proof", "held", matchers.HaveProof("effect"), yes, "effect"},
		{"one that is missing", "no effect", matchers.HaveProof("effect"), no, "effect"},
		{"nothing covers what was never looked at", "no fault", matchers.HaveProof("covered"), no, "the run never came to its fault"},
		{"an unknown one", "held", matchers.HaveProof("effects"), wrong, `no proof "effects" in the report; proofs: "injected", "effect", `},

		{"undone", "held", matchers.LeaveNothingBehind(), yes, "every fault is gone"},
		{"left behind", "left behind", matchers.LeaveNothingBehind(), no, "may still be in place: kill b: no answer"},
		{"cut before", "cut", matchers.LeaveNothingBehind(), unknown, "does not show that it was undone"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			report := list[row.report]
			for _, actual := range []any{report, &report, report.Result, &report.Result} {
				matched, err := row.matcher.Match(actual)
				got, said := unknown, ""
				switch {
				case err != nil && !strings.HasPrefix(err.Error(), "Expected"):
					got, said = wrong, err.Error()
				case err != nil:
					said = err.Error()
				case matched:
					got, said = yes, row.matcher.NegatedFailureMessage(actual)
				default:
					got, said = no, row.matcher.FailureMessage(actual)
				}
				if got != row.want || !strings.Contains(said, row.says) || strings.Count(said, "checks:") > 1 {
					t.Errorf("%T: %s, want %s with %q:\n%s", actual, got, row.want, row.says, said)
				}
			}
			negated, err := gomega.Not(row.matcher).Match(report)
			if want := row.want == no; negated != want || (err == nil) == (row.want == unknown || row.want == wrong) {
				t.Errorf("not: %t, error %v", negated, err)
			}
		})
	}
}

func TestAMatcherSaysWhatItExpects(t *testing.T) {
	var none *reports.Report
	for _, actual := range []any{nil, none, reports.Report{}, "held", steadystate.Held, []reports.Report{}} {
		for _, m := range []types.GomegaMatcher{matchers.BeHeld(), matchers.BeBroken(), matchers.Meet("a"), matchers.HaveProof("b"), matchers.LeaveNothingBehind()} {
			if _, err := m.Match(actual); err == nil || !strings.Contains(err.Error(), "expects the report of a run, a reports.Report or a judge.Result") {
				t.Errorf("%T: %v", actual, err)
			}
		}
	}
}

// The words of a failure are the report's, and of one check no more than is about it.
func TestAFailureShowsThePartOfTheReportThatItIsAbout(t *testing.T) {
	report := reportsOf(t)["broken"]
	var whole bytes.Buffer
	if err := reports.Text(&whole, report); err != nil {
		t.Fatal(err)
	}
	indented := strings.ReplaceAll(strings.TrimSpace(whole.String()), "\n", "\n    ")
	if got := matchers.BeHeld().FailureMessage(report); !strings.Contains(strings.ReplaceAll(got, "\n        ", "\n    "), indented[:200]) {
		t.Errorf("got\n%s\nwant in it\n%s", got, indented)
	}
	about := matchers.Meet("shop answers", "downtime <= 100ms").FailureMessage(report)
	for line := range strings.SplitSeq(about, "\n") {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "Expected") && !strings.HasPrefix(line, "<reports.Report>") && !strings.HasPrefix(line, "to meet") && !strings.Contains(whole.String(), line) {
			t.Errorf("%q is not in the report", line)
		}
	}
	if strings.Contains(about, "uptime") || strings.Count(about, "\n") > 15 {
		t.Errorf("it is about more than the limit:\n%s", about)
	}
}

// Verdicts and reports read well in the messages of Gomega's own matchers.
func TestVerdictsAndReportsPrintThemselves(t *testing.T) {
	report := reportsOf(t)["broken"]
	for _, row := range []struct {
		actual  any
		matcher types.GomegaMatcher
		want    string
	}{
		{report.Verdict, gomega.Equal(steadystate.Held), "<steadystate.Verdict>: broken\nto equal\n    <steadystate.Verdict>: held"},
		{report, gomega.HaveField("Experiment", "other"), "kill one of three"},
		{report, gomega.BeNil(), "<reports.Report>: BROKEN: kill one of three\n"},
	} {
		if _, err := row.matcher.Match(row.actual); err != nil {
			t.Fatal(err)
		}
		if got := row.matcher.FailureMessage(row.actual); !strings.Contains(got, row.want) {
			t.Errorf("got\n%s\nwant in it\n%s", got, row.want)
		}
	}
}
