package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gamedays"
	"github.com/aftershockhq/aftershock/gamedays/notify"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// gamedayFile writes a configuration with game days beside what the tests name.
func gamedayFile(t *testing.T, days string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aftershock.yaml")
	text := `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
services:
  checkout: {namespace: shop, workload: deployment/checkout, load: {url: "http://127.0.0.1:8080/"}, suites: [pods/kill-one]}
` + days
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const twoDays = `gamedays:
  storm: {why: does it hold, owner: ann, start: "0 10 * * TUE", timezone: Europe/Berlin, steps: [{run: checkout}]}
  calm: {why: is it quiet, owner: ben, steps: [{pause: listen}]}
`

func TestAPlanOfGameDays(t *testing.T) {
	days, none := gamedayFile(t, twoDays), gamedayFile(t, "")
	for _, row := range []struct {
		sentence string
		args     []string
		exit     int
		want     string
	}{
		{"all of them, in the order of the file", []string{"plan", "-f", days, "--after", "2026-12-20T00:00:00+01:00"}, exitHeld, "game day storm: does it hold\n  owner    ann\n"},
		{"with the next starts", []string{"plan", "-f", days, "--after", "2026-12-20T00:00:00+01:00", "storm"}, exitHeld, "Tue 2027-01-19 10:00 CET = Tue 2027-01-19 09:00 UTC\n"},
		{"one that there is not", []string{"plan", "-f", days, "strom"}, exitUsage, `no game day "strom"; game days: storm, calm; did you mean "storm"?`},
		{"of a file without any", []string{"plan", "-f", none}, exitUsage, "has no game day: write one into gamedays"},
		{"after no time", []string{"plan", "-f", days, "--after", "tomorrow"}, exitUsage, `--after "tomorrow": want a time with its offset`},
		{"no command", nil, exitUsage, "no command given"},
		{"a mistyped command", []string{"paln"}, exitUsage, `unknown command "paln"; "aftershock gameday --help" lists the commands; did you mean "plan"?`},
	} {
		var out bytes.Buffer
		if code := execute(t.Context(), append([]string{"gameday"}, row.args...), &out, &out); code != row.exit || !strings.Contains(out.String(), row.want) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s", row.sentence, code, row.exit, row.want, out.String())
		}
	}
}

// upExperiments are experiments that end unknown: a fault without an effect proves
// nothing.
func upExperiments(names ...string) (list []suites.Experiment) {
	for _, name := range names {
		list = append(list, suites.Experiment{Experiment: experiments.Experiment{
			Name: name, Settle: 200 * time.Millisecond, Watch: 300 * time.Millisecond, Traffic: "up",
			Hypothesis: steadystate.Hypothesis{
				Checks:  []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1)}},
				Signals: []steadystate.Signal{{Name: "up", Source: steadystate.SourceFunc(alwaysUp)}},
			},
			Faults: []experiments.Scheduled{{Fault: boom{how: "fine"}}},
		}})
	}
	return list
}

// dayRun runs a game day of these fields with experiments that end unknown, into dir.
func dayRun(t *testing.T, dir, fields string) (code int, out string) {
	t.Helper()
	return dayRunOf(t, dir, fields, boom{how: "fine"})
}

// dayRunOf runs it with a fault, and tells channels.
func dayRunOf(t *testing.T, dir, fields string, fault experiments.Fault, channels ...notify.Channel) (code int, out string) {
	t.Helper()
	plan, err := config.Read(gamedayFile(t, "gamedays:\n  storm: {why: does it hold, owner: ann, timezone: Europe/Berlin, "+fields+"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	day, err := gamedays.Of(plan, "storm")
	if err != nil {
		t.Fatal(err)
	}
	var steps [][]suites.Experiment
	for _, s := range day.Steps {
		list := upExperiments(slices.Repeat([]string{"checkout/pods/kill-one"}, len(s.Experiments))...)
		for i := range list {
			list[i].Faults[0].Fault = fault
		}
		steps = append(steps, list)
	}
	var text bytes.Buffer
	cmd := &cobra.Command{}
	cmd.SetContext(t.Context())
	cmd.SetOut(&text)
	cmd.SetErr(&text)
	cmd.SetIn(strings.NewReader("\n")) // no terminal: nothing of it is an answer
	err = runDay(cmd, day, "aftershock.yaml", dir, "default", false, steps, channels)
	return exitCode(err), text.String() + message(err)
}

func TestAGameDay(t *testing.T) {
	for _, row := range []struct {
		sentence, fields string
		exit             int
		records          int
		want             []string
	}{
		{"it goes on if the plan says so", "unknown: go on, steps: [{run: checkout}, {run: checkout}]", exitUnknown, 2, []string{"game day storm: does it hold", "checkout/pods/kill-one is unknown; the plan says: go on"}},
		{"and ends else, with what was not run", "steps: [{run: checkout}, {run: checkout}]", exitUnknown, 1, []string{"the day ends: stopped by the plan: checkout/pods/kill-one is unknown", "not run: checkout/pods/kill-one"}},
		{"a day that is too short for its first step holds nothing", "atMost: 1s, steps: [{run: checkout}]", exitUnknown, 0, []string{"would end more than 1s after the day began", "not run: checkout/pods/kill-one"}},
		{"a window that has begun since", `windows: [{from: "2000-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: sale}], steps: [{run: checkout}]`, exitFailed, 0, []string{"aftershock: before checkout/pods/kill-one: refused for now: window 2000-01-01T00:00:00Z to 2999-01-01T00:00:00Z (sale)"}},
	} {
		dir := t.TempDir()
		code, out := dayRun(t, dir, row.fields)
		if code != row.exit {
			t.Errorf("%s: exit code %d, want %d:\n%s", row.sentence, code, row.exit, out)
		}
		for _, want := range row.want {
			if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
				t.Errorf("%s: no %q in\n%s", row.sentence, want, out)
			}
		}
		records, _ := filepath.Glob(filepath.Join(dir, "*", "*.jsonl"))
		if len(records) != row.records {
			t.Errorf("%s: records %q, want %d", row.sentence, records, row.records)
		}
		if results := resultsIn(t, dir); len(results) != strings.Count(row.fields, "run:") {
			t.Errorf("%s: %d results, want one of each that is planned", row.sentence, len(results))
		}
		if _, entries, _, err := dayIn(dir); err != nil || entries[len(entries)-1].Event != gamedays.Ended {
			t.Errorf("%s: the log does not say that the day ended: %v", row.sentence, err)
		}
	}
}

// What is typed is read at once, so that it has its time, also while no one waits.
func TestTypedKeys(t *testing.T) {
	in, out := io.Pipe()
	keys := typed(in)
	write := func(text string, times int) {
		for range times {
			if _, err := io.WriteString(out, text+"\n"); err != nil { // returns once it is read
				t.Fatal(err)
			}
		}
	}
	write("early", 3)
	for end := time.Now().Add(10 * time.Second); len(keys) < 3 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	asked := time.Now()
	for range 3 {
		if key := <-keys; key.Text != "early" || key.At.After(asked) {
			t.Errorf("%+v: want what was typed before %s", key, asked)
		}
	}
	write("stop", 1)
	if key := <-keys; key.Text != gamedays.Stop || key.At.Before(asked) {
		t.Errorf("%+v: want the answer, after %s", key, asked)
	}
	write("no one waits", 200)
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// What fails besides a rule of the plan is not lost, and the worst gives the code.
func TestHowAGameDayEnds(t *testing.T) {
	held := reports.Report{Result: judge.Result{Verdict: steadystate.Held}}
	broken := reports.Report{Result: judge.Result{Verdict: steadystate.Broken}}
	rule := fmt.Errorf("%w: a is broken", gamedays.ErrRule)
	for _, row := range []struct {
		sentence string
		ended    error
		list     []reports.Report
		exit     int
		message  string
	}{
		{"all steps were done, and all held", nil, []reports.Report{held}, exitHeld, ""},
		{"or one is broken", nil, []reports.Report{held, broken}, exitBroken, ""},
		{"a rule ended it after a broken one", rule, []reports.Report{held, broken}, exitBroken, ""},
		{"what was not run is not known to hold", rule, []reports.Report{held}, exitUnknown, ""},
		{"its end could not be written down", errors.Join(rule, errors.New("write down: disk full")), []reports.Report{broken}, exitFailed, "aftershock: write down: disk full\n"},
		{"a fault is left besides", errors.Join(rule, experiments.ErrLeftBehind), []reports.Report{broken}, exitLeftBehind, "aftershock: a fault may still be in place\n"},
		{"a person ended it", fmt.Errorf("%w: at a", gamedays.ErrPerson), []reports.Report{broken}, exitFailed, "aftershock: stopped by a person: at a\n"},
	} {
		err := dayEnd(row.ended, row.list...)
		if got := exitCode(err); got != row.exit || message(err) != row.message {
			t.Errorf("%s: %d, %q; want %d, %q", row.sentence, got, message(err), row.exit, row.message)
		}
	}
}

// A day ends when a fault is left, whatever the plan says, and its page says so first.
func TestAGameDayThatLeavesAFaultBehind(t *testing.T) {
	dir := t.TempDir()
	code, out := dayRunOf(t, dir, "unknown: go on, broken: go on, steps: [{run: checkout}, {run: checkout}]", boom{how: "undo", at: "http://127.0.0.1:1"})
	if code != exitLeftBehind || !strings.Contains(out, "not run: checkout/pods/kill-one") {
		t.Errorf("exit code %d, want %d:\n%s", code, exitLeftBehind, out)
	}
	var page bytes.Buffer
	if code := execute(t.Context(), []string{"gameday", "report", dir}, &page, &page); code != exitHeld || !strings.HasPrefix(page.String(), "# Game day storm\n\n- **May still be in place**: checkout/pods/kill-one left a fault that may still be in place; remove it with aftershock sweep -f aftershock.yaml\n") {
		t.Errorf("exit code %d: want what is left first:\n%s", code, page.String())
	}
	// What a run prints is the head after the day's last line.
	_, head, _ := strings.Cut(out, "audit head ")
	head, _, _ = strings.Cut(head, " ")
	found, err := audit.Verify(dir, head)
	if err != nil || found.Since != 0 || found.Logs != 1 || len(found.Findings) > 0 {
		t.Errorf("%+v, %v: want the head that was printed, and nothing found", found, err)
	}
}

func TestAGameDayThatWaits(t *testing.T) {
	for _, row := range []struct {
		sentence string
		args     []string
		exit     int
	}{{"goes on", nil, exitUnknown}, {"or ends", []string{"--stop"}, exitFailed}} {
		dir := t.TempDir()
		ended := make(chan int)
		go func() {
			code, _ := dayRun(t, dir, "steps: [{pause: ready}, {run: checkout}]")
			ended <- code
		}()
		answer := func() (int, string) {
			var out bytes.Buffer
			code := execute(t.Context(), append([]string{"gameday", "continue", dir}, row.args...), &out, &out)
			return code, out.String()
		}
		code, out := answer()
		for end := time.Now().Add(20 * time.Second); code != exitHeld && time.Now().Before(end); code, out = answer() {
			time.Sleep(20 * time.Millisecond)
		}
		if code != exitHeld || !strings.Contains(out, "ready: ") {
			t.Fatalf("%s: exit code %d: %s", row.sentence, code, out)
		}
		if code, out := answer(); code != exitUsage || !strings.Contains(out, "is not paused") {
			t.Errorf("%s: an answer twice: exit code %d: %s", row.sentence, code, out)
		}
		if code := <-ended; code != row.exit {
			t.Errorf("%s: the day ends with %d, want %d", row.sentence, code, row.exit)
		}
		if code, out := answer(); code != exitUsage || !strings.Contains(out, "has ended") {
			t.Errorf("%s: an answer too late: exit code %d: %s", row.sentence, code, out)
		}
	}
}

func TestANoteOnAGameDay(t *testing.T) {
	dir := t.TempDir()
	note := func(args ...string) (int, string) {
		var out bytes.Buffer
		code := execute(t.Context(), append([]string{"note", "--day", dir}, args...), &out, &out)
		return code, out.String()
	}
	if code, out := note("pager fired"); code != exitUsage || !strings.Contains(out, "no game day in "+dir) {
		t.Errorf("without a day: exit code %d: %s", code, out)
	}
	dayRun(t, dir, "atMost: 1s, steps: [{run: checkout}]")
	for _, row := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"pager \n fired"}, exitHeld, "  pager fired\n"},
		{[]string{"early", "--at", "2000-01-01T00:00:00Z"}, exitUsage, "--at 2000-01-01T00:00:00Z is before the game day began"},
		{[]string{"late", "--at", "2999-01-01T00:00:00Z"}, exitUsage, "is not yet"},
		{[]string{"a", "--at", "noon"}, exitUsage, `"noon" is not a time: write it as 10:42`},
		{[]string{" "}, exitUsage, "the note is empty"},
		{nil, exitUsage, "an argument is missing; usage: aftershock note TEXT"},
	} {
		if code, out := note(row.args...); code != row.exit || !strings.Contains(out, row.want) {
			t.Errorf("%q: exit code %d, want %d with %q: %s", row.args, code, row.exit, row.want, out)
		}
	}
	_, entries, _, err := dayIn(dir)
	last := entries[len(entries)-1]
	if err != nil || last.Text != "pager fired" || last.From == nil || last.To == nil || !strings.Contains(last.Who, "@") {
		t.Errorf("%+v, %v: want the only note, with its bounds and its author", last, err)
	}
}

// Nothing is asked of a cluster in a window.
func TestAGameDayIsRefusedInAWindow(t *testing.T) {
	days := gamedayFile(t, `gamedays:
  storm: {why: a, owner: b, windows: [{from: "2000-01-01T00:00:00Z", to: "2999-01-01T00:00:00Z", reason: sale}], steps: [{run: checkout}]}
`)
	var out bytes.Buffer
	dir := t.TempDir()
	if code := execute(t.Context(), []string{"gameday", "run", "-f", days, "--out", dir, "storm"}, &out, &out); code != exitFailed || !strings.Contains(out.String(), "game day storm, nothing was touched: refused for now: window 2000-01-01T00:00:00Z to 2999-01-01T00:00:00Z (sale), until more than a year from now") {
		t.Errorf("exit code %d, want %d and the window:\n%s", code, exitFailed, out.String())
	}
	if results := resultsIn(t, dir); len(results) != 1 || results[0].Run.End != record.Refused || results[0].Run.ExitCode != exitFailed {
		t.Errorf("%+v, want that it was refused", results)
	}
	if code := execute(t.Context(), []string{"gameday", "run", "-f", days, "strom"}, &out, &out); code != exitUsage {
		t.Errorf("exit code %d of a day that there is not, want %d", code, exitUsage)
	}
}

func TestThePageOfAGameDay(t *testing.T) {
	dir := t.TempDir()
	dayRun(t, dir, "atMost: 1s, steps: [{run: checkout, expect: no noise}]")
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"note", "action: look", "--day", dir}, &out, &out); code != exitHeld {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	for _, row := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{dir}, exitHeld, "- [ ] look\n"},
		{[]string{dir, "-o", "html"}, exitHeld, "<li>look</li>"},
		{[]string{dir, "-o", "pdf"}, exitUsage, `--output "pdf": want one of markdown, html`},
		{[]string{t.TempDir()}, exitUsage, "no game day in"},
	} {
		var out bytes.Buffer
		if code := execute(t.Context(), append([]string{"gameday", "report"}, row.args...), &out, &out); code != row.exit || !strings.Contains(out.String(), row.want) {
			t.Errorf("%q: exit code %d, want %d with %q: %s", row.args, code, row.exit, row.want, out.String())
		}
	}
	for _, name := range []string{gamedays.MarkdownFile, gamedays.HTMLFile} {
		files, _ := filepath.Glob(filepath.Join(dir, "*", name))
		if len(files) != 1 {
			t.Errorf("%s: %q, want one", name, files)
		} else if text, err := os.ReadFile(files[0]); err != nil || !strings.Contains(string(text), "no noise") || !strings.Contains(string(text), "look") {
			t.Errorf("%s: %v; want what was expected, and the note:\n%s", name, err, text)
		}
	}
}

// People are told what they ask for; a dead channel delays nothing, and each delivery
// is in the log and on the page.
func TestAGameDayTellsPeople(t *testing.T) {
	var mu sync.Mutex
	var texts []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var got notify.Message
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		texts = append(texts, got.Event+": "+got.Text)
	}))
	defer receiver.Close()
	dead := httptest.NewServer(nil)
	dead.Close()
	dir := t.TempDir()
	code, out := dayRunOf(t, dir, "unknown: go on, notify: [{url: {env: TEAM}, events: [verdict, end]}, {url: {env: DEAD}}], steps: [{run: checkout}, {run: checkout}]", boom{how: "fine"},
		notify.Channel{Name: "team", URL: receiver.URL + "/secret", Details: true}, notify.Channel{Name: "dead", URL: dead.URL + "/secret", Pause: time.Millisecond})
	if code != exitUnknown || !strings.Contains(out, `could not notify dead of "game day storm (ann): checkout/pods/kill-one was unknown`) || strings.Contains(out, "secret") {
		t.Errorf("exit code %d, want %d and what was not delivered:\n%s", code, exitUnknown, out)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(texts) != 2 || !strings.HasPrefix(texts[0], "verdict: game day storm (ann): checkout/pods/kill-one was unknown") || !strings.HasSuffix(texts[0], "; so far the day is unknown") || texts[1] != "end: game day storm (ann) has ended, unknown: all steps were done" {
		t.Errorf("told %q; want the change of the verdict, once, and the end", texts)
	}
	_, entries, damage, err := dayIn(dir)
	told := map[string]int{}
	for _, e := range entries {
		if e.Event == gamedays.Told {
			told[fmt.Sprint(e.Channel, e.Error == "")]++
		}
	}
	if err != nil || len(damage) > 0 || told["teamtrue"] != 2 || told["deadfalse"] != 1 || len(told) != 2 {
		t.Errorf("%v, %v, %q: want each delivery", told, err, damage)
	}
	page, err := os.ReadFile(filepath.Join(filepath.Dir(must(gamedays.Find(dir)).Path), gamedays.MarkdownFile))
	if err != nil || !strings.Contains(string(page), "- [ ] find out why dead was not told: no answer: ") || !strings.Contains(string(page), "| told team: game day storm") {
		t.Errorf("%v:\n%s", err, page)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// A channel that is not reached keeps the day from beginning, and its URL comes out
// nowhere.
func TestTheChannelsOfAGameDayAreTried(t *testing.T) {
	asked := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/secret/gone" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer receiver.Close()
	for _, row := range []struct {
		sentence, url string
		exit, asked   int
		want          string
	}{
		{"it is told", receiver.URL + "/secret", exitHeld, 1, "ok    notify: environment variable WEBHOOK was told that the day is about to begin"},
		{"it says no", receiver.URL + "/secret/gone", exitUnknown, 1, "aftershock.yaml:7: notify: environment variable WEBHOOK: the receiver answered 404 Not Found; nothing was touched"},
		{"it is no URL", "secret", exitUsage, 0, "aftershock.yaml:7: notify: environment variable WEBHOOK does not hold a URL of a webhook"},
		{"it is not set", "", exitUsage, 0, "aftershock.yaml:7: notify: environment variable WEBHOOK is empty"},
	} {
		t.Setenv("WEBHOOK", row.url)
		asked = 0
		plan, err := config.Read(gamedayFile(t, "gamedays:\n  storm: {why: a, owner: b, steps: [{run: checkout}], notify: [{url: {env: WEBHOOK}}]}\n"))
		if err != nil {
			t.Fatal(err)
		}
		day, err := gamedays.Of(plan, "storm")
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		channels, err := channelsOf(t.Context(), &out, plan, day)
		text := out.String() + message(err)
		if exitCode(err) != row.exit || asked != row.asked || !strings.Contains(text, row.want) || strings.Contains(text, "secret") || (len(channels) == 1) != (row.exit != exitUsage) {
			t.Errorf("%s: exit code %d after %d requests, want %d after %d and %q: %s", row.sentence, exitCode(err), asked, row.exit, row.asked, row.want, text)
		}
	}
}
