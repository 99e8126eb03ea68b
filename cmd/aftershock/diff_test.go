package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports/results"
)

// trials records runs of one experiment and plan in a directory; which of them were
// good, good says.
func trials(t *testing.T, dir string, n int, good func(trial int) bool) string {
	t.Helper()
	dir = filepath.Join(t.TempDir(), dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for trial := range n {
		name := fmt.Sprint(filepath.Base(dir), trial)
		recorded(t, dir, name, good(trial), record.Completed, func(e *record.Entry) {
			switch {
			case e.Header != nil:
				e.Header.Run, e.Header.Started = name, time.Date(2026, 3, 2, 10, trial, 0, 0, time.UTC)
			case e.Plan != nil:
				e.Plan.Name, e.Plan.Hash = "shop/kill", "0123456789abcdef"
			}
		})
	}
	return dir
}

func always(int) bool { return true }

func never(int) bool { return false }

// Of 100 records every tenth is broken, by an outage that is not over.
func TestTrendOfAHundredRecords(t *testing.T) {
	dir := trials(t, "runs", 100, func(trial int) bool { return trial%10 != 9 })
	code, stdout, stderr := call(t, "trend", dir)
	for _, want := range []string{
		"shop/kill  100 runs\n  1  2026-03-02 10:00 to 2026-03-02 11:39, 100 runs: 90 held, 10 broken\n     plan 0123456789ab…\n",
		strings.Repeat("+++++++++-", 7) + "\n", strings.Repeat("+++++++++-", 3) + "\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if code != exitHeld || stderr != "" {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	code, stdout, _ = call(t, "trend", dir, "-o", "json")
	var trend compare.Trend
	if err := json.Unmarshal([]byte(stdout), &trend); code != exitHeld || err != nil {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if s := trend.Experiments[0].Stretches; len(s) != 1 || len(s[0].Points) != 100 || s[0].Broken != 10 || s[0].Points[9].Verdict != "broken" {
		t.Errorf("%+v", s)
	}
}

func TestDiff(t *testing.T) {
	before, broken := trials(t, "before", 6, always), trials(t, "broken", 6, never)
	document := filepath.Join(t.TempDir(), "results.json")
	if code, _, stderr := call(t, "report", broken, "-o", "json", "--file", document); code != exitHeld {
		t.Fatal(stderr)
	}
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string
	}{
		{"directories", []string{before, broken}, exitBroken, "WORSE  verdict               0% broken -> 100% broken     p 0.0043"},
		{"results as JSON are as their records", []string{before, document}, exitBroken, "WORSE  service: up downtime  0s -> at least 38s (6 open)"},
		{"what is better is no failure", []string{broken, before}, exitHeld, "BETTER: 2 better"},
		{"the same service", []string{before, trials(t, "after", 6, always)}, exitHeld, "NO CHANGE: 2 no change"},
		{"sets that are too small", []string{before, trials(t, "after", 2, never)}, exitUnknown, "CANNOT TELL"},
		{"single runs", []string{filepath.Join(before, "before0.jsonl"), filepath.Join(broken, "broken0.jsonl")}, exitUnknown, "one run a side shows no change of the service"},
		{"JSON", []string{before, broken, "-o", "json"}, exitBroken, `"format": "` + compare.DiffFormat + `"`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"diff"}, row.args...)...)
			if code != row.code || !strings.Contains(stdout, row.want) || stderr != "" {
				t.Errorf("exit code %d, want %d and %q in\n%s%s", code, row.code, row.want, stdout, stderr)
			}
		})
	}
}

// The records of trials have no fault, and so no time to recovery; results as JSON can.
func TestGate(t *testing.T) {
	write := func(name string, n int, hash string, seconds float64) string {
		list := results.Document{Format: results.Format, Version: results.Version, Verdict: "held"}
		for trial := range n {
			length := results.Length{LowSeconds: seconds, HighSeconds: new(seconds * 1.01)}
			list.Results = append(list.Results, results.Result{
				Experiment: "shop/kill", PlanHash: hash, Verdict: "held", Run: results.Run{ID: fmt.Sprint(name, trial), End: record.Completed, Complete: true},
				Checks: []results.Check{{Check: "answers", Good: results.Good{Text: "<= 1s", Operator: "<=", Value: 1}, Observations: results.Observations{Good: 9}, Recoveries: []results.Recovery{{Fault: "kill", TTR: length}}}},
			})
		}
		path := filepath.Join(t.TempDir(), name+".json")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(list.Write(file), file.Close()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	before := write("before", compare.PlannedTrials, "aa", 2)
	for _, row := range []struct {
		sentence string
		args     []string
		code     int
		want     string
	}{
		{"trials that are within the limit", []string{before}, exitHeld, "held     absolute: 78 of 78 within the limit: at least 90% of all are, at a confidence of 95%"},
		{"and as those of a baseline", []string{write("after", compare.PlannedTrials, "aa", 2), "--baseline", before}, exitHeld, "held     relative: median"},
		{"half as slow again", []string{write("slow", compare.PlannedTrials, "aa", 3), "--baseline", before}, exitBroken, "broken   relative: median"},
		{"five trials", []string{write("few", 5, "aa", 2), "--baseline", before}, exitUnknown, "73 more would do"},
		{"beyond the limit", []string{write("late", 3, "aa", 6)}, exitBroken, "broken   absolute: 0 of 3"},
		{"a baseline of another plan", []string{write("other", 40, "bb", 2), "--baseline", before}, exitUsage, "the baseline of shop/kill is of another plan"},
		{"a share that is no number", []string{before, "--share", "NaN"}, exitUsage, "--share NaN"},
		{"a share that no number of trials shows", []string{before, "--share", "0.9999999999999999"}, exitUsage, "want a share of 0.0001 to 0.9999"},
		{"a confidence of nothing", []string{before, "--confidence", "1e-17"}, exitUsage, "a confidence of 0.5 to 0.999999"},
		{"JSON", []string{before, "-o", "json"}, exitHeld, `"format": "` + compare.GateFormat + `"`},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			code, stdout, stderr := call(t, append([]string{"gate", "--within", "5s"}, row.args...)...)
			if code != row.code || !strings.Contains(stdout+stderr, row.want) {
				t.Errorf("exit code %d, want %d and %q in\n%s%s", code, row.code, row.want, stdout, stderr)
			}
		})
	}
}

// Whichever of two contents of one run were taken could hide what the other shows: a
// copy of a broken record that was cut before its outage, for one.
func TestARunCountsOnce(t *testing.T) {
	dir := trials(t, "runs", 6, never)
	read := func(path string) []byte {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	whole := read(filepath.Join(dir, "runs0.jsonl"))
	write(filepath.Join(dir, "a", "copy.jsonl"), whole)
	if code, stdout, stderr := call(t, "trend", dir); code != exitHeld || !strings.Contains(stdout, "shop/kill  6 runs") {
		t.Fatalf("a copy counts: exit code %d\n%s%s", code, stdout, stderr)
	}
	document := filepath.Join(dir, "results.json")
	if code, _, stderr := call(t, "report", filepath.Join(dir, "runs0.jsonl"), "-o", "json", "--file", document); code != exitHeld {
		t.Fatal(stderr)
	}
	if code, stdout, stderr := call(t, "trend", dir); code != exitHeld || !strings.Contains(stdout, "shop/kill  6 runs") {
		t.Fatalf("results count beside their record: exit code %d\n%s%s", code, stdout, stderr)
	}
	// In each document the trials are numbered from 1.
	several, last := filepath.Join(t.TempDir(), "several.json"), filepath.Join(t.TempDir(), "last.json")
	for file, records := range map[string][]string{several: {"runs1.jsonl", "runs2.jsonl"}, last: {"runs2.jsonl", "runs3.jsonl"}} {
		if code, _, stderr := call(t, "report", filepath.Join(dir, records[0]), filepath.Join(dir, records[1]), "-o", "json", "--file", file); code != exitHeld {
			t.Fatal(stderr)
		}
	}
	if code, stdout, stderr := call(t, "trend", several, last); code != exitHeld || !strings.Contains(stdout, "shop/kill  3 runs") {
		t.Fatalf("a run in two documents: exit code %d\n%s%s", code, stdout, stderr)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	cut := []byte(strings.Join(lines[:len(lines)/2], ""))
	for _, row := range []struct {
		sentence, path string
		content        []byte
		want           []string
	}{
		{"a copy that was cut and comes first", filepath.Join(dir, "a", "copy.jsonl"), cut, []string{filepath.Join("a", "copy.jsonl"), "runs0.jsonl"}},
		{"one that comes last", filepath.Join(dir, "z.jsonl"), cut, []string{filepath.Join("a", "copy.jsonl"), "z.jsonl"}},
		{"a record that was cut, beside the results of the whole one", filepath.Join(dir, "runs0.jsonl"), cut, []string{"copy.jsonl", "results.json"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			before, missing := os.ReadFile(row.path)
			if row.path == filepath.Join(dir, "runs0.jsonl") {
				write(filepath.Join(dir, "a", "copy.jsonl"), cut)
			}
			write(row.path, row.content)
			for _, command := range []string{"trend", "gate"} {
				code, stdout, stderr := call(t, command, dir)
				if code != exitUsage || !strings.Contains(stderr, "run runs0 of shop/kill is not the same in ") {
					t.Errorf("%s: exit code %d\n%s%s", command, code, stdout, stderr)
				}
				for _, path := range row.want {
					if !strings.Contains(stderr, path) {
						t.Errorf("%s: no %q in %s", command, path, stderr)
					}
				}
			}
			if missing != nil {
				if err := os.Remove(row.path); err != nil {
					t.Fatal(err)
				}
				return
			}
			write(row.path, before)
		})
	}
}

// filepath.WalkDir passes over links without a word, and with them over broken trials.
func TestLinksAreFollowed(t *testing.T) {
	dir, others := trials(t, "runs", 3, always), trials(t, "others", 4, never)
	link := func(to, from string) {
		t.Helper()
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	link(others, filepath.Join(dir, "night"))
	link(dir, filepath.Join(dir, "again"))
	if code, stdout, stderr := call(t, "trend", dir); code != exitHeld || !strings.Contains(stdout, "7 runs: 3 held, 4 broken") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	link(dir, filepath.Join(others, "all"))
	if code, stdout, stderr := call(t, "judge", filepath.Join(others, "all")); code != exitBroken || !strings.Contains(stdout, "7 experiments") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	link(filepath.Join(dir, "gone"), filepath.Join(dir, "away"))
	if code, stdout, stderr := call(t, "trend", dir); code != exitUsage || !strings.Contains(stderr, "away") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}
