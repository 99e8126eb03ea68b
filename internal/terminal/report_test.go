package terminal_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/aftershockhq/aftershock/experiments/autoscaling"
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/internal/terminal"
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
			Name: "shop/pods/kill-one", Settle: s, Hold: 2 * s, Watch: 3 * s, Load: "10/s", Source: "aftershock.yaml:41",
			Faults: []record.Scheduled{{Fault: "kill 1 of the pods app=shop in bazaar"}},
			Checks: []steadystate.Check{{Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(s), Limits: steadystate.Limits(limits...)}},
		}},
		{Environment: map[string]string{"where": "cluster lab (https://198.18.0.2:6443), deployment shop in bazaar"}},
		{Phase: record.PhaseSettle},
		{At: 2 * s, Phase: record.PhaseInject},
	}
	for i := range 80 {
		at := time.Duration(i) * 100 * time.Millisecond
		q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + 5*time.Millisecond, Outcome: record.Outcome{Code: 200, Backend: "shop-" + string(rune('a'+i%3)), Attempts: 1}}
		if at >= 2500*time.Millisecond && at < 3*s {
			q.Outcome = record.Outcome{Error: "connection refused"}
		}
		if at == 2*s+100*time.Millisecond {
			list = append(list,
				record.Entry{At: at, Injection: &record.Injection{
					Fault: "kill 1 of the pods app=shop in bazaar", Targets: []record.Target{{Name: "shop-b", UID: "uid-b"}},
					Span: steadystate.Span{From: 2 * s, To: at}, Effects: []record.Effect{{Event: record.EventGone}}, ChangesPods: true, OneShot: true,
				}},
				record.Entry{At: at, Event: &record.Event{Kind: record.EventGone, Subject: "pod/bazaar/shop-b", UID: "uid-b", Span: steadystate.Span{From: 2 * s, To: at}}},
				record.Entry{At: at, Phase: record.PhaseHold})
		}
		if at == 5*s {
			list = append(list, record.Entry{At: at, Phase: record.PhaseWatch})
		}
		list = append(list, record.Entry{At: at + 5*time.Millisecond, Requests: &record.Requests{Signal: record.TrafficSignal, List: []record.Request{q}}})
	}
	return append(list,
		record.Entry{At: 8 * s, Removal: &record.Removal{Fault: "kill 1 of the pods app=shop in bazaar", Span: steadystate.Instant(4 * s)}},
		record.Entry{At: 8 * s, End: &record.End{Reason: record.Completed}})
}

func judged(t *testing.T, list []record.Entry) reports.Report {
	t.Helper()
	report, err := runs.Judge(recordtest.All(list), nil, autoscaling.Evaluator{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// changed is a record with other contents of its entries.
func changed(list []record.Entry, change func(*record.Entry)) []record.Entry {
	for i := range list {
		change(&list[i])
	}
	return list
}

// ends is a record whose run did not complete.
func ends(list []record.Entry, reason, detail string) []record.Entry {
	return changed(list, func(e *record.Entry) {
		if e.End != nil {
			e.End = &record.End{Reason: reason, Detail: detail}
		}
	})
}

var place = terminal.Place{
	Page: "runs/20260302T101500.000Z/report.html", Again: "aftershock judge runs/20260302T101500.000Z/shop.jsonl", Sweep: "aftershock sweep -f aftershock.yaml",
}

// cases are the states of a run that a reader must tell apart.
func cases(t *testing.T) map[string]reports.Report {
	wide := []string{"downtime <= 4s", "ttr <= 4s", "errors <= 20%"}
	narrow := []string{"downtime <= 100ms", "ttr <= 100ms", "errors <= 1%", "p95 <= 500ms"}
	leaves := func(e *record.Entry) {
		if e.Removal != nil {
			e.Removal.Error = "delete PodChaos/bazaar/pod-kill-0123456789: context deadline exceeded"
		}
	}
	return map[string]reports.Report{
		"held":        judged(t, entries(wide...)),
		"broken":      judged(t, entries(narrow...)),
		"unknown":     judged(t, slices.DeleteFunc(entries(wide...), func(e record.Entry) bool { return e.Event != nil })),
		"interrupted": judged(t, ends(entries(narrow...), record.Interrupted, "interrupt signal received")),
		"left-behind": judged(t, changed(entries(narrow...), leaves)),
		"cut":         judged(t, entries(narrow...)[:60]),
	}
}

// whole is all that is printed at the end of a run.
func whole(t *testing.T, screen terminal.Screen, r reports.Report) string {
	t.Helper()
	var out bytes.Buffer
	if err := errors.Join(screen.Report(&out, r, place), screen.Summary(&out, reports.ExitCode(r), r)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheReportOfARun(t *testing.T) {
	for name, r := range cases(t) {
		var out strings.Builder
		for _, width := range []int{60, 80, 100, 120} {
			fmt.Fprintf(&out, "%d columns\n%s\n", width, whole(t, terminal.Screen{Width: width}, r))
		}
		path := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want) {
			t.Errorf("%s differs; run with -update and read the difference. Got:\n%s", path, out.String())
		}
	}
}

// A broken limit hides nothing that is worse.
func TestTheFirstLinesAreTheVerdictAndWhatIsTrueOfTheWholeRun(t *testing.T) {
	for name, row := range map[string]struct{ first, then string }{
		"held":        {"HELD ", ""},
		"broken":      {"BROKEN ", ""},
		"unknown":     {"UNKNOWN ", "no proof that the fault took effect"},
		"interrupted": {"INTERRUPTED", "interrupted: interrupt signal received"},
		"left-behind": {"A FAULT MAY STILL BE IN PLACE", "remove it with: aftershock sweep -f aftershock.yaml"},
		"cut":         {"A FAULT MAY STILL BE IN PLACE", "it was undone"},
	} {
		for _, width := range []int{60, 80} {
			lines := strings.Split(whole(t, terminal.Screen{Width: width}, cases(t)[name]), "\n")
			if !strings.Contains(lines[0], row.first) {
				t.Errorf("%s: the first line is %q, want %q in it", name, lines[0], row.first)
			}
			if head := strings.Join(lines[:min(10, len(lines))], "\n"); !strings.Contains(strings.Join(strings.Fields(head), " "), row.then) {
				t.Errorf("%s: no %q in the first lines:\n%s", name, row.then, head)
			}
		}
	}
}

// large is a report with too much of everything, some of it wide or hostile.
func large(t *testing.T) reports.Report {
	r := judged(t, entries("downtime <= 100ms", "ttr <= 100ms"))
	outage := r.Checks[0].Outages[0]
	outage.Reason = "\x1b[2Jbad\r\ngateway " + strings.Repeat("é長い ", 60)
	r.Checks[0].Outages = []steadystate.Outage{outage, outage, outage}
	broken := r.Findings[0]
	for i := range 20 {
		check := r.Checks[0]
		check.Check = fmt.Sprintf("a check with quite a long name, number %d 長い", i)
		r.Checks = append(r.Checks, check)
		for j := range 5 {
			f := broken
			f.Check = check.Check
			f.Verdict = []steadystate.Verdict{steadystate.Held, steadystate.Broken, steadystate.Unknown}[(i+j)%3]
			if f.Verdict == steadystate.Unknown {
				f.Undecided = fmt.Sprintf("because of reason %d %s", j, strings.Repeat("and so on ", 20))
			}
			r.Findings = append(r.Findings, f)
		}
	}
	r.Experiment = strings.Repeat("long-", 30)
	r.Environment = map[string]string{"where": strings.Repeat("somewhere ", 40)}
	for range 9 {
		r.Caveats = append(r.Caveats, strings.Repeat("caveat ", 50))
		r.Injections = append(r.Injections, r.Injections[0])
	}
	r.Verdict = steadystate.Broken
	return r
}

func TestAReportIsAScreen(t *testing.T) {
	all := cases(t)
	all["large"] = large(t)
	all["empty"] = reports.Report{Result: judge.Result{Verdict: steadystate.Unknown}}
	for name, r := range all {
		for width := 60; width <= 210; width += 10 {
			text := whole(t, terminal.Screen{Width: width, Colour: width%20 == 0}, r)
			if n := strings.Count(text, "\n"); n > terminal.Lines*80/min(width, 80) && name != "large" { // there what broke takes more
				t.Errorf("%s: %d lines at %d columns:\n%s", name, n, width, text)
			}
			for line := range strings.Lines(text) {
				if got := ansi.StringWidth(strings.TrimSuffix(line, "\n")); got > width && !strings.Contains(line, "aftershock judge") {
					t.Errorf("%s: a line of %d at %d columns: %q", name, got, width, line)
				}
			}
			if strings.ContainsAny(ansi.Strip(text), "\r\x1b") || strings.Contains(text, "\x1b[2J") {
				t.Errorf("%s: what the terminal would obey is in %q", name, text)
			}
		}
	}
}

// verbose is a report of which all that decides is long, as those of real clusters
// are.
func verbose(t *testing.T) reports.Report {
	r := judged(t, entries("downtime <= 100ms", "ttr <= 4s", "errors <= 1%"))
	r.Experiment = "checkout/network/delay"
	r.Environment = map[string]string{"where": "cluster gke_staging_europe-west4, deployment checkout-frontend in customer-staging"}
	r.Caveats = []string{"no proof of even: between +12.4s and +31.9s 1,204 of 12,400 requests went to checkout-frontend-7d9c5b6f4-x2x7p only; 95.0% of them were answered within 201.1ms"}
	for i := range r.Findings {
		if r.Findings[i].Verdict == steadystate.Held {
			r.Findings[i].Verdict = steadystate.Unknown
			r.Findings[i].Undecided = "1 of 12,400 observations are unknown (the answer was cut off by the proxy after 1,024 bytes); 201.1ms of the time is unknown, in which about 21 observations are missing; the longest gap is 25.000s..25.201s"
			break
		}
	}
	return r
}

// Half a number, or half a reason, is read as a whole one.
func TestNothingThatDecidesIsCut(t *testing.T) {
	all := cases(t)
	all["verbose"] = verbose(t)
	for name, r := range all {
		for _, width := range []int{60, 80, 100, 120} {
			text := whole(t, terminal.Screen{Width: width}, r)
			joined := strings.Join(strings.Fields(text), " ")
			if strings.Contains(text, "…") || strings.Contains(text, " more") {
				t.Errorf("%s at %d columns: a text is cut:\n%s", name, width, text)
			}
			decides := []string{r.Headline(), r.About(), r.Experiment, r.InPlace()}
			for _, c := range r.Caveats {
				if place := r.InPlace(); place == "" || !strings.HasSuffix(c, place) { // which is said once
					decides = append(decides, c)
				}
			}
			for _, f := range r.Findings {
				if quantity, wanted := reports.Parts(f); f.Verdict != steadystate.Held {
					decides = append(decides, quantity, wanted)
					if !strings.HasPrefix(f.Undecided, "the run did not come to its end") {
						decides = append(decides, f.Undecided)
					}
				}
			}
			for _, want := range decides {
				if want = strings.Join(strings.Fields(want), " "); !strings.Contains(joined, want) {
					t.Errorf("%s at %d columns: no %q in\n%s", name, width, want, text)
				}
			}
			for _, line := range r.Story() { // whole, or named as being in the report
				said := strings.Contains(joined, line.Name+" "+strings.Join(strings.Fields(line.Text), " "))
				if _, out, _ := strings.Cut(joined, "in the report: "); !said && !strings.Contains(out, line.Name) {
					t.Errorf("%s at %d columns: %s is neither whole nor named as left out:\n%s", name, width, line.Name, text)
				}
			}
		}
	}
}

// What broke is shown, however much else is undecided, and only a finding that the
// first lines have told is as above.
func TestABrokenLimitIsNeverLeftOut(t *testing.T) {
	r := judged(t, entries("downtime <= 100ms"))
	last := r.Findings[0]
	r.Findings, last.Check, last.Text = nil, "the last of all", "4.2"
	for i := range 40 {
		f := last
		f.Check, f.Verdict, f.Undecided = fmt.Sprintf("check %d", i), steadystate.Unknown, fmt.Sprintf("of reason %d", i)
		r.Findings = append(r.Findings, f)
	}
	r.Findings = append(r.Findings, last)
	r.Caveats = []string{"no proof of even: p95 14.2 s"} // ends with what was seen, and is not about it
	for width := 60; width <= 120; width += 20 {
		text := whole(t, terminal.Screen{Width: width}, r)
		if !strings.Contains(text, "the last of all") || strings.Contains(text, "as above") || !strings.Contains(text, " lines more (in all 40 ") || strings.Count(text, "\n") > terminal.Lines*80/min(width, 80) {
			t.Errorf("at %d columns: want what broke, and what was left out, on a screen:\n%s", width, text)
		}
	}
	aborted := judge.Finding{Check: "run", Limit: judge.NotAborted, OfRun: true, Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "half: 1 of 3 ready"}}
	r.Findings, r.Caveats = []judge.Finding{aborted, last}, []string{"aborted: half: 1 of 3 ready"}
	if text := whole(t, terminal.Screen{Width: 100}, r); strings.Count(text, "as above") != 1 || !strings.Contains(text, "the last of all") {
		t.Errorf("want that the run is as above, and no other:\n%s", text)
	}
}

// What follows from the interruption of a run is told in a line each: what is not proven,
// that the faults are undone, and what is not decided.
func TestAnInterruptedRunTellsItOnce(t *testing.T) {
	list := slices.DeleteFunc(ends(entries("downtime <= 4s", "errors <= 20%"), record.Interrupted, "interrupt signal received"), func(e record.Entry) bool {
		return e.Event != nil || e.At > 2100*time.Millisecond && e.Requests != nil
	})
	text := whole(t, terminal.Screen{Width: 100}, judged(t, list))
	for _, want := range []string{
		"  !      interrupted: interrupt signal received\n  !      so there is no proof that the fault took effect",
		"  !      every fault is undone, since 10:15:04.0 (+4s)\n",
		"not decided, since the run was interrupted: answers: ",
	} {
		if !strings.Contains(text, want) || strings.Contains(text, "lines more") || strings.Contains(text, "wanted at least") {
			t.Errorf("no %q, or more than that:\n%s", want, text)
		}
	}
}

// Where there is no report, the rest is shown with -v; what could have passed unseen is
// why much is undecided, and stays.
func TestTheRestIsWhereItIs(t *testing.T) {
	var out bytes.Buffer
	r := cases(t)["unknown"]
	r.Caveats = append(r.Caveats, strings.Repeat("the machine was busy, ", 10))
	if err := (terminal.Screen{Width: 80}).Report(&out, r, terminal.Place{More: "-v for proofs"}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "with -v: ") || strings.Contains(text, "in the report") || !strings.Contains(text, "\n  Unseen  ") {
		t.Errorf("want the rest with -v, and what was unseen:\n%s", text)
	}
}

// What disturbed a run may be why it broke: it comes before the latency and the load.
func TestADisturbanceComesBeforeTheLoad(t *testing.T) {
	r := cases(t)["broken"]
	r.Caveats = []string{strings.Repeat("the machine was busy, ", 2)}
	r.Disturbances = []cause.Moment{{Span: steadystate.Instant(2500 * time.Millisecond), Kind: record.EventRestarted, Subject: "pod/bazaar/shop-c"}}
	text := whole(t, terminal.Screen{Width: 80}, r)
	if !strings.Contains(text, "\n  Also    a container of shop-c was started again at ") || !strings.Contains(text, "in the report: ") || strings.Contains(text, "\n  Load") {
		t.Errorf("want the disturbance, and not the load:\n%s", text)
	}
}

// Many limits that broke, and what is true besides, leave room for why and for what to mend.
func TestWhatToMendIsNeverLeftOut(t *testing.T) {
	r := cases(t)["broken"]
	for _, quantity := range []string{"p50", "p99", "max"} {
		f := r.Findings[0]
		f.Limit, f.Text = quantity+" <= 100ms", quantity+" was seen"
		r.Findings = append(r.Findings, f)
	}
	r.Caveats = []string{"no proof of " + strings.Repeat("what the machine did, ", 12)}
	r.Causes[0].Why = "consistent with: " + strings.Repeat("a reason that goes on, ", 12)
	r.Advice = []cause.Advice{{Kind: cause.MoreReplicas, What: "run more than one replica", Checked: "spec.replicas is 1", Prove: "pods/kill-one"}}
	for width := 60; width <= 120; width += 20 {
		text := whole(t, terminal.Screen{Width: width}, r)
		joined := strings.Join(strings.Fields(text), " ")
		for _, f := range r.Findings {
			if f.Verdict == steadystate.Broken && !strings.Contains(joined, strings.Join(strings.Fields(reports.Seen(f)), " ")) {
				t.Errorf("at %d columns: no %q of %s in\n%s", width, reports.Seen(f), f.Limit, text)
			}
		}
		if !strings.Contains(text, "\n  Why     consistent with: a reason") || !strings.Contains(joined, "Mend run more than one replica (spec.replicas is 1)") || strings.Count(text, "\n") > terminal.Lines*80/min(width, 80) {
			t.Errorf("at %d columns: want why and what to mend, on a screen:\n%s", width, text)
		}
	}
}

func TestALongTextEndsAfterAClause(t *testing.T) {
	text := whole(t, terminal.Screen{Width: 80}, large(t))
	if strings.Contains(text, "…") || !strings.Contains(text, "(more in the report)") {
		t.Error(text)
	}
}

// The fact that supports advice is in brackets, and is left out whole.
func TestABracketIsNotCut(t *testing.T) {
	left := 0
	for n := range 60 {
		r := cases(t)["broken"]
		r.Caveats = []string{strings.Repeat("the machine was busy, ", 9)}
		r.Advice = []cause.Advice{
			{What: strings.Repeat("do it, ", n)},
			{What: "give deployment/shop a readiness probe", Checked: "no container of its template has a readinessProbe, and none of its pods waits for anything before it answers requests"},
		}
		text := whole(t, terminal.Screen{Width: 80}, r)
		if strings.Contains(text, "probe (more in the report)\n") {
			left++
		}
		if strings.Contains(text, "(no ") && !strings.Contains(strings.Join(strings.Fields(text), " "), "before it answers requests)") {
			t.Errorf("a bracket is cut:\n%s", text)
		}
	}
	if left == 0 {
		t.Error("no bracket was left out")
	}
}

func TestColoursAreOnlyThere(t *testing.T) {
	r := cases(t)["broken"]
	if text := whole(t, terminal.Screen{Width: 80}, r); strings.Contains(text, "\x1b") {
		t.Errorf("colours in %q", text)
	}
	coloured := whole(t, terminal.Screen{Width: 80, Colour: true}, r)
	if !strings.HasPrefix(coloured, "\x1b[1;31mBROKEN\x1b[0m ") {
		t.Errorf("no colour in %q", coloured)
	}
	if plain := whole(t, terminal.Screen{Width: 80}, r); ansi.Strip(coloured) != plain {
		t.Errorf("a colour says what no word does:\n%s%s", coloured, plain)
	}
}

// A limit of a run without proof is not said to be held.
func TestALimitOfAnUnprovenRunIsOnlyWithin(t *testing.T) {
	text := whole(t, terminal.Screen{Width: 80}, cases(t)["unknown"])
	if strings.Contains(text, "held") || !strings.Contains(text, "within   downtime") || !strings.Contains(text, "NOT PROVEN") {
		t.Error(text)
	}
}

func TestSeveralReportsAreALineEach(t *testing.T) {
	all := cases(t)
	list := []reports.Report{all["held"], all["unknown"], all["broken"], all["left-behind"]}
	var out strings.Builder
	if err := (terminal.Screen{Width: 80}).Summary(&out, 5, list...); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 7 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, want := range []string{
		"BROKEN   shop/pods/kill-one  A FAULT MAY STILL BE IN PLACE: downtime <= 100ms:",
		"                             0.39s to 1.91s",
		"BROKEN   shop/pods/kill-one  downtime <= 100ms: 0.39s to 1.91s",
		"UNKNOWN  shop/pods/kill-one  no proof that the fault took effect: kill 1 of the",
		"                             pods app=shop in bazaar: shop-b was never seen gone",
		"held     shop/pods/kill-one  4 of 4 limits held",
		"4 experiments: 2 broken, 1 unknown, 1 held",
	} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
	for range 40 {
		list = append(list, all["held"])
	}
	out.Reset()
	if err := (terminal.Screen{Width: 60}).Summary(&out, 5, list...); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "\n"); n > terminal.Lines-2 || !strings.Contains(out.String(), "\nand 25 experiments: 25 held\n44 experiments: 2 broken, 1 unknown, 41 held") {
		t.Errorf("%d lines:\n%s", n, out.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteErrorsAreNotIgnored(t *testing.T) {
	screen := terminal.Screen{Width: 80}
	if screen.Report(full{}, cases(t)["held"], place) == nil || screen.Summary(full{}, 0, cases(t)["held"]) == nil {
		t.Error("the write error was ignored")
	}
}
