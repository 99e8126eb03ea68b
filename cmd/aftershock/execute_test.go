package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// mainVariable makes this test binary the program.
const mainVariable = "AFTERSHOCK_TEST_MAIN"

func TestMain(m *testing.M) {
	if bench.IsService() {
		os.Exit(bench.Serve())
	}
	if os.Getenv(mainVariable) != "" {
		main()
	}
	if os.Getenv(stuckVariable) != "" {
		os.Exit(stuck())
	}
	os.Exit(m.Run())
}

// call runs the command line.
func call(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, &out, &errs)
	return code, out.String(), errs.String()
}

// record writes a record of a service that was good or bad all the time, and
// of a run with that end. The changes are applied to each entry.
func recorded(t *testing.T, dir, name string, good bool, end string, change ...func(*record.Entry)) string {
	t.Helper()
	seen := strings.Repeat("+", 60)
	if !good {
		seen = strings.Repeat("+", 21) + strings.Repeat("-", 39)
	}
	var list bytes.Buffer
	encoder := record.NewEncoder(&list)
	for _, e := range recordtest.Entries(&record.Plan{Name: name, Settle: time.Second, Checks: []steadystate.Check{{
		Name: "service: up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 5s"),
	}}}, "0 phase settle\n0 see up "+seen[:10]+"\n10 phase inject\n10 see up "+seen[10:]+"\n60 end "+strings.ReplaceAll(end, " ", "_")) {
		for _, c := range change {
			c(&e)
		}
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, name+".jsonl")
	if err := os.WriteFile(path, list.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// chain begins a chain in a directory with the record in it.
func chain(t *testing.T, dir, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // only read
	c := audit.Chain{Dir: dir}
	errBegin := c.Begin(file, "test")
	if _, err := c.Finish(file, "test"); errBegin != nil || err != nil {
		t.Fatal(errBegin, err)
	}
}

// mixed makes a directory of a record that held, between two that are damaged.
func mixed(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(recorded(t, dir, "held", true, record.Completed))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"settle"`), []byte(`"sattle"`), 1)
	for _, name := range []string{"0.jsonl", "z.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADocumentIsOfAllRecordsOrNotWritten(t *testing.T) {
	t.Chdir(t.TempDir())
	mixed(t, "mixed")
	for _, args := range [][]string{{"judge", "mixed", "-o", "json"}, {"report", "mixed", "-o", "junit"}, {"report", "mixed"}} {
		code, stdout, stderr := call(t, args...)
		if code != exitUsage || stdout != "" || strings.Count(stderr, "judge mixed/") != 2 {
			t.Errorf("aftershock %q: exit code %d, want %d, both named, and no document:\n%s%s", args, code, exitUsage, stdout, stderr)
		}
	}
}

func TestExitCodesAndMessages(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	held := recorded(t, dir, "held", true, record.Completed)
	broken := recorded(t, dir, "broken", false, record.Completed)
	unknown := recorded(t, dir, "unknown", true, record.NotSteady)
	strict := recorded(t, dir, "strict", false, record.Completed, func(e *record.Entry) {
		if e.Plan != nil {
			e.Plan.Checks[0].Limits = steadystate.Limits("slow <= 1%", "downtime <= 5s")
		}
	})
	if err := os.Mkdir("empty", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("not.jsonl", []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("bad.yaml", []byte("clustr: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty.json": "", "cut.json": `{"format": `} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("chained/x", 0o700); err != nil {
		t.Fatal(err)
	}
	chain(t, "chained", recorded(t, "chained/x", "x", true, record.Completed))
	if err := os.WriteFile("chained/code.go", []byte("package chained\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mixed(t, "mixed")
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string // in stdout or stderr
	}{
		{"no command is a usage error, with the help", []string{}, exitUsage, "Exit codes:"},
		{"an unknown command too", []string{"explode"}, exitUsage, `unknown command "explode"; "aftershock --help" lists the commands`},
		{"with the one that was meant", []string{"prefligt"}, exitUsage, `lists the commands; did you mean "preflight"?`},
		{"of audit too", []string{"audit", "verfy"}, exitUsage, `unknown command "verfy"; "aftershock audit --help" lists the commands; did you mean "verify"?`},
		{"and an unknown flag", []string{"judge", "--limt", "x", held}, exitUsage, `unknown flag: --limt; see "aftershock judge --help"; did you mean "--limit"?`},
		{"help is no error", []string{"judge", "--help"}, exitHeld, "downtime"},
		{"it tells the quantities of autoscalers too", []string{"judge", "--help"}, exitHeld, "decision  from there until it wants more replicas"},
		{"held", []string{"judge", held}, exitHeld, "HELD     held"},
		{"broken", []string{"judge", broken}, exitBroken, "BROKEN   broken"},
		{"unknown", []string{"judge", unknown}, exitUnknown, "not steady"},
		{"the worst of several counts", []string{"judge", held, broken, unknown}, exitBroken, "3 experiments: 1 broken, 1 unknown, 1 held"},
		{"a directory stands for its records", []string{"judge", "empty"}, exitUsage, "no record (*.jsonl) in empty"},
		{"another limit, another verdict", []string{"judge", broken, "--limit", "service: up: downtime <= 50s"}, exitUnknown, "watch for longer"},
		{"the other limits stay", []string{"judge", strict, "--limit", "service: up: slow <= 99%"}, exitBroken, "BROKEN   downtime         <= 5s"},
		{"a limit of a check that there is not", []string{"judge", held, "--limit", "x: downtime <= 1s"}, exitUsage, `no check "x" in the record; checks: "service: up"`},
		{"a limit without a check", []string{"judge", held, "--limit", "downtime <= 1s"}, exitUsage, `want "CHECK: LIMIT"`},
		{"a bad limit", []string{"judge", held, "--limit", "service: up: downtme <= 1s"}, exitUsage, `no quantity "downtme"`},
		{"no record", []string{"judge"}, exitUsage, "an argument is missing; usage: aftershock judge RECORD... [flags]"},
		{"a record that is not there", []string{"judge", "gone.jsonl"}, exitUsage, "no such file"},
		{"a file that is no record", []string{"judge", "not.jsonl"}, exitUsage, "not a record"},
		{"results are no record", []string{"judge", "results.json"}, exitUsage, `"aftershock report results.json" shows results`},
		{"results that are empty", []string{"report", "empty.json"}, exitUsage, "empty.json: read results: there is nothing in it"},
		{"results that are cut", []string{"report", "cut.json"}, exitUsage, "cut.json: read results: its end is cut off"},
		{"an output that there is not", []string{"judge", held, "-o", "yaml"}, exitUsage, "want one of text, json, junit, html"},
		{"a report does not depend on the verdict", []string{"report", broken, "-o", "junit"}, exitHeld, "<testsuites"},
		{"a report is a page too", []string{"report", held, "-o", "html"}, exitHeld, "<!DOCTYPE html>"},
		{"the schema of the JSON needs no record", []string{"report", "--schema"}, exitHeld, "json-schema.org"},
		{"and takes none", []string{"report", "--schema", held}, exitUsage, "one argument too many: \""},
		{"a report that cannot be written", []string{"report", broken, "--file", "no/such/dir/x.xml"}, exitUsage, "write no/such/dir/x.xml: no such file"},
		{"a diff has two sides", []string{"diff", held}, exitUsage, "an argument is missing; usage: aftershock diff"},
		{"a run is on one of them", []string{"diff", held, held}, exitUsage, "run test of held is on both sides"},
		{"experiments of other names are not compared", []string{"diff", held, broken}, exitUnknown, "not compared: no run after"},
		{"a side that is not there", []string{"diff", held, "gone"}, exitUsage, "no such file"},
		{"a side with nothing in it", []string{"diff", held, "empty"}, exitUsage, "no record (*.jsonl) and no results.json in empty"},
		{"a diff is text or JSON", []string{"diff", held, broken, "-o", "html"}, exitUsage, `--output "html": want one of text, json`},
		{"the schema of a diff needs no side", []string{"diff", "--schema"}, exitHeld, "urn:aftershock:diff:1"},
		{"a trend does not depend on verdicts", []string{"trend", broken, held}, exitHeld, "broken  1 run\n"},
		{"a trend of nothing", []string{"trend", "empty"}, exitUsage, "no record (*.jsonl) and no results.json in empty"},
		{"nor of no argument", []string{"trend"}, exitUsage, "an argument is missing; usage: aftershock trend RUNS..."},
		{"the schema of a trend needs none", []string{"trend", "--schema"}, exitHeld, "urn:aftershock:trend:1"},
		{"a gate needs a limit on ttr", []string{"gate", held, "--same-plan"}, exitUsage, " has a limit on ttr: say what a recovery may take, as in --within 30s"},
		{"a gate of more than all", []string{"gate", held, "--share", "1"}, exitUsage, "--share 1, --confidence 0.95: want a share of 0.0001 to 0.9999"},
		{"of no trial", []string{"gate", held, "--planned", "0"}, exitUsage, "--planned 0: want more than zero"},
		{"by a baseline that is not there", []string{"gate", held, "--within", "5s", "--baseline", "gone"}, exitUsage, "no such file"},
		{"the schema of a gate needs no trial", []string{"gate", "--schema"}, exitHeld, "urn:aftershock:gate:1"},
		{"no configuration", []string{"run"}, exitUsage, "no configuration: there is no aftershock.yaml here"},
		{"a configuration that is not there", []string{"run", "-f", "other.yaml"}, exitUsage, "other.yaml: no such file or directory; write a first one with \"aftershock init -f other.yaml\""},
		{"nor for preflight", []string{"preflight"}, exitUsage, "no configuration"},
		{"nor for sweep", []string{"sweep"}, exitUsage, "no configuration"},
		{"a stop of nothing", []string{"stop", "--reason", "x"}, exitUsage, "one of --all, --service NAME and --run ID"},
		{"a stop of two things", []string{"stop", "--all", "--run", "x", "--reason", "x"}, exitUsage, "one of --all, --service NAME and --run ID"},
		{"a stop without a reason", []string{"stop", "--all", "--reason", " "}, exitUsage, "--reason is missing"},
		{"a stop until no time", []string{"stop", "--all", "--reason", "x", "--until", "soon"}, exitUsage, "want a duration or a time"},
		{"a stop until before now", []string{"stop", "--all", "--reason", "x", "--until", "-1s"}, exitUsage, "want a time in the future"},
		{"a stop without a configuration", []string{"stop", "--all", "--reason", "x"}, exitUsage, "no configuration"},
		{"a list is no stop", []string{"stop", "--all", "--list"}, exitUsage, "--list takes no other flag"},
		{"nothing is said to be resumed", []string{"resume"}, exitUsage, "one of --all, --service NAME and --run ID"},
		{"a bad configuration", []string{"preflight", "-f", "bad.yaml"}, exitUsage, `bad.yaml:1: clustr: unknown field; fields: apiVersion, cluster,`},
		{"records with their chain", []string{"judge", "chained/x", "chained/audit.jsonl"}, exitHeld, "HELD     x"},
		{"a chain is no record", []string{"judge", "chained/audit.jsonl"}, exitUsage, "not a record"},
		{"the directory of all runs stands for the records in each", []string{"judge", "chained"}, exitHeld, "HELD     x"},
		{"a damaged record is named", []string{"judge", "mixed"}, exitUsage, "judge mixed/0.jsonl: "},
		{"each of them", []string{"judge", "mixed"}, exitUsage, "judge mixed/z.jsonl: "},
		{"and the others are judged", []string{"judge", "mixed"}, exitUsage, "HELD     held"},
		{"with all that is known of them", []string{"judge", "mixed", "-v"}, exitUsage, "service: up"},
		{"nor in two", []string{"judge", "chained/audit.jsonl", "chained/audit.jsonl"}, exitUsage, "no record in chained/audit.jsonl"},
		{"records as they were chained", []string{"audit", "verify", "chained"}, exitHeld, "3 lines; 1 record as chained; 0 findings\nunknown without --head"},
		{"another head", []string{"audit", "verify", "chained", "--head", "00"}, exitBroken, "truncated: audit.jsonl: no line has the hash 00"},
		{"records without a chain", []string{"audit", "verify", "empty"}, exitUnknown, "there is no chain of records in empty"},
		{"a directory that is not there", []string{"audit", "verify", "gone"}, exitUsage, "gone: no such file"},
		{"a file in place of a directory", []string{"audit", "verify", "not.jsonl"}, exitUsage, "not a directory"},
		{"no command of audit", []string{"audit"}, exitUsage, "verify      Check records"},
		{"demo takes no arguments", []string{"demo", "x"}, exitUsage, `one argument too many: "x"; usage: aftershock demo [--serve [-- COMMAND ARGUMENT...]] [flags]`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, row.args...)
			if code != row.code || !strings.Contains(stdout+stderr, row.want) {
				t.Errorf("aftershock %q: exit code %d, want %d and %q\n%s%s", row.args, code, row.code, row.want, stdout, stderr)
			}
		})
	}
}

func TestExitCodeOfErrors(t *testing.T) {
	for _, row := range []struct {
		sentence string
		err      error
		want     int
	}{
		{"nothing went wrong", nil, exitHeld},
		{"what cannot be tested now is unknown", unavailable{errors.New("not at rest")}, exitUnknown},
		{"the harness failed", errors.New("disk full"), exitFailed},
		{"a person stopped it", fmt.Errorf("load: %w", context.Canceled), exitFailed},
		{"something may be in place, which wins over a verdict", errors.Join(errVerdict(exitBroken), experiments.ErrLeftBehind), exitLeftBehind},
		{"and over a record that cannot be read", errors.Join(usageError{errors.New("damaged")}, errVerdict(exitLeftBehind)), exitLeftBehind},
		{"which wins over other verdicts", errors.Join(usageError{errors.New("damaged")}, errVerdict(exitBroken)), exitUsage},
		{"aborted is as its record is judged", errors.Join(fmt.Errorf("inject: %w, %w", context.Canceled, experiments.Ending{Reason: record.Aborted}), errVerdict(exitBroken)), exitBroken},
		{"if it was the load's doing, too", errors.Join(experiments.Ending{Reason: record.Aborted}, errVerdict(exitUnknown)), exitUnknown},
		{"blind, in a run of which another experiment is broken", errors.Join(experiments.Ending{Reason: record.Blind}, errVerdict(exitBroken)), exitBroken},
		{"a verdict whose report could not be kept", errors.Join(errVerdict(exitBroken), errors.New("disk full")), exitFailed},
		{"stopped is no verdict", experiments.Ending{Reason: record.Stopped}, exitFailed},
		{"and over a stop by a person", errors.Join(context.Canceled, experiments.ErrLeftBehind), exitLeftBehind},
	} {
		if got := exitCode(row.err); got != row.want {
			t.Errorf("%s: %d, want %d", row.sentence, got, row.want)
		}
	}
}

// Of a run that a condition of the file ended, what else went wrong is still an error.
func TestWhatIsWrongBesidesAnEnding(t *testing.T) {
	aborted := experiments.Ending{Reason: record.Aborted, Detail: "half"}
	for _, row := range []struct {
		sentence string
		err      error
		want     string
	}{
		{"nothing", nil, ""},
		{"an ending is no error", fmt.Errorf("abort: %w", aborted), ""},
		{"nor what was cancelled by it", errors.Join(fmt.Errorf("inject: %w, %w", context.Canceled, aborted), fmt.Errorf("load: %w", context.Canceled)), ""},
		{"a full disk is one", errors.Join(errors.Join(fmt.Errorf("abort: %w", aborted), errors.New("disk full")), errors.New("chain")), "disk full\nchain"},
		{"so is a fault that is left", errors.Join(aborted, fmt.Errorf("%w: %w", experiments.ErrLeftBehind, context.Canceled)), "a fault may still be in place: context canceled"},
		{"a person's stop is another ending", experiments.Ending{Reason: record.Stopped, Detail: "ann"}, "stopped: ann"},
		{"and so is ^C", context.Canceled, "context canceled"},
	} {
		got := ""
		if err := besides(row.err); err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

func TestWhatWasSaidIsNotSaidAgain(t *testing.T) {
	for _, row := range []struct {
		sentence string
		err      error
		want     string
	}{
		{"no error", nil, ""},
		{"a report has the verdict", errVerdict(exitBroken), ""},
		{"another program has said what is wrong", fmt.Errorf("run it: %w", errCommand(7)), ""},
		{"what else failed is said", errors.Join(errCommand(7), errors.New("stop the bench")), "aftershock: stop the bench\n"},
		{"two errors are one message", errors.Join(errors.New("one"), errors.New("two")), "aftershock: one\ntwo\n"},
	} {
		if got := message(row.err); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}

// A reader that has gone (| head) is no error: the exit code is as with one.
func TestACommandEndsQuietlyWithoutItsReader(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	broken := recorded(t, ".", "one", false, record.Completed)
	for _, row := range []struct {
		args []string
		code int
	}{
		{[]string{"run", "--dry-run"}, exitHeld},
		{[]string{"catalog"}, exitHeld},
		{[]string{"catalog", "pods/kill-one"}, exitHeld},
		{[]string{"schema"}, exitHeld},
		{[]string{"explain", "services"}, exitHeld},
		{[]string{"run", "--help"}, exitHeld},
		{[]string{"completion", "bash"}, exitHeld},
		{[]string{"version"}, exitHeld},
		{[]string{"version", "--output", "json"}, exitHeld},
		{[]string{"judge", broken}, exitBroken},
		{[]string{"judge", "-v", broken}, exitBroken},
		{[]string{"diff", broken, recorded(t, ".", "two", false, record.Completed)}, exitUnknown},
		{[]string{"trend", broken}, exitHeld},
	} {
		reader, writer, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		code := execute(t.Context(), row.args, writer, &stderr)
		if code != row.code || strings.Contains(stderr.String(), "pipe") {
			t.Errorf("%q: exit code %d, want %d and no word of a pipe\n%s", row.args, code, row.code, &stderr)
		}
		if err := writer.Close(); err != nil {
			t.Error(err)
		}
	}
}

// What is to be typed next leads to this program, not to another build of it.
func TestTheProgramIsCalledByItsNameIfPathHasIt(t *testing.T) {
	this, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	same, other := t.TempDir(), t.TempDir()
	if err := os.Symlink(this, filepath.Join(same, "aftershock")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "aftershock"), []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	for path, want := range map[string]string{same: "aftershock", other: os.Args[0], t.TempDir(): os.Args[0], other + ":" + same: os.Args[0], same + ":" + other: "aftershock"} {
		t.Setenv("PATH", path)
		if got := program(); got != want {
			t.Errorf("with PATH=%s it is %q, want %q", path, got, want)
		}
	}
}

// The whole way: a bench, a kill, a record, a verdict, and the same verdict
// from the record.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("the demo takes half a minute")
	}
	out := t.TempDir()
	code, stdout, stderr := call(t, "demo", "--out", out)
	if code != exitHeld {
		// A machine too busy to drive the load says so; that is no defect.
		if strings.Contains(stderr, "too busy to tell") {
			t.Skipf("%s", stderr)
		}
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	for _, want := range []string{"HELD     kill one of three ", "BROKEN ", "kill one of three, without health checks\n", "kill -9 service-2", "2 experiments: 1 broken, 1 held", "not a cluster"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	found, err := filepath.Glob(filepath.Join(out, "*"))
	if err != nil || len(found) != 2 || filepath.Base(found[1]) != audit.File {
		t.Fatalf("%v, %v: want one run and the chain of records", found, err)
	}
	_, head, printed := strings.Cut(stdout, "audit head ")
	head, _, _ = strings.Cut(head, " ")
	if code, verified, _ := call(t, "audit", "verify", out, "--head", head); code != exitHeld || !printed || !strings.Contains(verified, "2 records as chained; 0 findings\nhead "+head) {
		t.Errorf("audit: exit code %d\n%s", code, verified)
	}
	for _, f := range reports.Formats() {
		if info, err := os.Stat(filepath.Join(found[0], f.File)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f.File, err)
		}
	}
	code, again, _ := call(t, "judge", out, "-o", "json")
	if code != exitBroken {
		t.Errorf("judged again: exit code %d", code)
	}
	first, err := os.ReadFile(filepath.Join(found[0], "results.json"))
	if err != nil || string(first) != again {
		t.Errorf("judged again the result is another: %v", err)
	}
	reportsOfADemo(t, found[0])
}

// reportsOfADemo: what was written as JSON is read, merged with records, and each run
// is in it once.
func reportsOfADemo(t *testing.T, dir string) {
	t.Helper()
	results := filepath.Join(dir, "results.json")
	written, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	if err != nil {
		t.Fatal(err)
	}
	page := "\n[[ATTACHMENT|" + filepath.Join(dir, "report.html") + "]]"
	for _, row := range []struct {
		sentence string
		args     []string
		want     string
	}{
		{"records", []string{dir}, string(written)},
		{"records and their results are the same runs", []string{results, dir, results}, string(written)},
		{"results alone do not know where the page is", []string{results}, strings.ReplaceAll(string(written), strings.ReplaceAll(page, "\n", "&#xA;"), "")},
	} {
		if code, out, stderr := call(t, append([]string{"report", "--output", "junit"}, row.args...)...); code != exitHeld || out != row.want {
			t.Errorf("%s: exit code %d, %s\n%s", row.sentence, code, stderr, out)
		}
	}
	if code, out, _ := call(t, "report", dir, "-o", "junit", "--junit", "strict"); code != exitHeld || !strings.Contains(out, `<testsuites>`) {
		t.Errorf("strict: exit code %d\n%.300s", code, out)
	}
	for _, args := range [][]string{{"report", filepath.Join(dir, "none.json")}, {"report", dir, "--junit", "lax"}} {
		if code, _, stderr := call(t, args...); code != exitUsage {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
	summary := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(summary, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", summary)
	t.Setenv("GITHUB_ACTIONS", "true")
	code, out, stderr := call(t, "judge", dir, "-o", "json")
	text, err := os.ReadFile(summary)
	if err != nil || code != exitBroken || !strings.HasPrefix(string(text), "before\n## ❌ BROKEN: 1 held, 1 broken, 0 unknown\n") {
		t.Errorf("exit code %d, error %v, summary %.300s", code, err, text)
	}
	if !strings.Contains(stderr, "::error title=BROKEN kill one of three%2C without health checks::service answers: ") || strings.Contains(out, "::error") {
		t.Errorf("annotations: %s", stderr)
	}
	t.Setenv("GITHUB_STEP_SUMMARY", filepath.Join(summary, "none"))
	if code, _, stderr := call(t, "judge", dir); code != exitBroken || !strings.Contains(stderr, "no summary for GitHub") {
		t.Errorf("without a place for the summary: exit code %d, %s", code, stderr)
	}
}

func TestAnnotationsNameFilesOfTheRepository(t *testing.T) {
	root := t.TempDir()
	below := filepath.Join(root, "deploy", "prod")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(below)
	for _, row := range []struct{ sentence, workspace, file, want string }{
		{"one of this directory", root, "aftershock.yaml", "deploy/prod/aftershock.yaml"},
		{"one of a directory above", root, "../aftershock.yaml", "deploy/aftershock.yaml"},
		{"an absolute path", root, filepath.Join(below, "aftershock.yaml"), "deploy/prod/aftershock.yaml"},
		{"one outside of it", root, "../../../aftershock.yaml", "../../../aftershock.yaml"},
		{"no workspace", "", "aftershock.yaml", "aftershock.yaml"},
	} {
		if got := inWorkspace(row.workspace)(row.file); got != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, got, row.want)
		}
	}
}
