package gamedays

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aftershockhq/aftershock/steadystate"
)

// brief are the events of a log, each as a word or two.
func brief(entries []Entry) string {
	var words []string
	for _, e := range entries {
		switch word := e.Event; word {
		case Running:
			words = append(words, e.Experiment)
		case Outcome:
			words = append(words, e.Verdict)
		case Answered:
			words = append(words, "answered:"+e.Text)
		case Ended:
			words = append(words, fmt.Sprintf("ended, not run %d", len(e.NotRun)))
		default:
			words = append(words, word)
		}
	}
	return strings.Join(words, "; ")
}

const (
	held    = steadystate.Held
	broken  = steadystate.Broken
	unknown = steadystate.Unknown
)

var errAPI = errors.New("the API server does not answer")

func TestTheStepsOfADay(t *testing.T) {
	const one, third = "checkout/pods/kill-one", "checkout/pods/kill-third"
	for _, row := range []struct {
		sentence, day string
		begins        string // of the day; empty: Wednesday at noon
		verdicts      []steadystate.Verdict
		fails         error // of the last of them
		keys          string
		answers       map[time.Duration]string // of another process
		cancelled     time.Duration
		want          error
		message       string
		log           string
	}{
		{sentence: "all steps in order, whatever is asked", day: steps, keys: "\n", verdicts: []steadystate.Verdict{held, held, held}, log: "begun; asked; answered:go on; " + one + "; held; " + one + "; held; " + third + "; held; ended, not run 0"},
		{sentence: "an answer from another process", day: steps, answers: map[time.Duration]string{10 * time.Minute: GoOn}, verdicts: []steadystate.Verdict{held, held, held}, log: "begun; asked; answered:go on; " + one + "; held; " + one + "; held; " + third + "; held; ended, not run 0"},
		{sentence: "a person says stop", day: steps, keys: "what?\nstop\n", want: ErrPerson, message: `at "tell support"`, log: "begun; asked; answered:stop; ended, not run 3"},
		{sentence: "and so does another process", day: steps, answers: map[time.Duration]string{time.Minute: Stop}, want: ErrPerson, log: "begun; asked; answered:stop; ended, not run 3"},
		{sentence: "a broken one ends the day by default", day: "steps: [{run: checkout}]", verdicts: []steadystate.Verdict{broken}, want: ErrRule, message: one + " is broken", log: "begun; " + one + "; broken; ended, not run 1"},
		{sentence: "an unknown one too", day: "broken: go on, steps: [{run: checkout}]", verdicts: []steadystate.Verdict{unknown}, want: ErrRule, message: one + " is unknown", log: "begun; " + one + "; unknown; ended, not run 1"},
		{sentence: "or the day goes on", day: "broken: go on, unknown: go on, steps: [{run: checkout}]", verdicts: []steadystate.Verdict{broken, unknown}, log: "begun; " + one + "; broken; " + third + "; unknown; ended, not run 0"},
		{sentence: "a step has its own rule", day: "steps: [{run: " + one + ", broken: go on}, {run: checkout}]", verdicts: []steadystate.Verdict{broken, broken}, want: ErrRule, log: "begun; " + one + "; broken; " + one + "; broken; ended, not run 1"},
		{sentence: "or a person is asked, and goes on", day: "broken: ask, steps: [{run: checkout}]", verdicts: []steadystate.Verdict{broken, held}, answers: map[time.Duration]string{3 * time.Minute: GoOn}, log: "begun; " + one + "; broken; asked; answered:go on; " + third + "; held; ended, not run 0"},
		{sentence: "or not", day: "unknown: ask, steps: [{run: checkout}]", verdicts: []steadystate.Verdict{unknown}, answers: map[time.Duration]string{3 * time.Minute: Stop}, want: ErrPerson, log: "begun; " + one + "; unknown; asked; answered:stop; ended, not run 1"},
		{sentence: "a failure ends it, whatever the rules", day: "broken: go on, unknown: go on, steps: [{run: checkout}]", verdicts: []steadystate.Verdict{unknown}, fails: errAPI, want: errAPI, log: "begun; " + one + "; unknown; ended, not run 1"},
		{sentence: "and is no proof, whatever was judged", day: "steps: [{run: checkout}]", verdicts: []steadystate.Verdict{held}, fails: errAPI, want: errAPI, log: "begun; " + one + "; unknown; ended, not run 1"},
		{sentence: "no step begins in a window", day: "steps: [{run: checkout}]", begins: "2026-06-05T15:59:30Z", verdicts: []steadystate.Verdict{held}, want: ErrWindow, message: "(weekend), until Mon 2026-06-08 08:00 CEST", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "nor one that would end too late", day: "atMost: 90s, steps: [{run: " + one + "}, {run: " + third + "}]", verdicts: []steadystate.Verdict{held}, want: ErrRule, message: "step 2 takes 1m and would end more than 1m30s after the day began", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "a pause without an answer", day: "atMost: 1h, " + steps, want: ErrRule, message: "no answer to \"tell support\" within the 1h", log: "begun; asked; ended, not run 3"},
		{sentence: "a signal in a pause", day: steps, cancelled: time.Minute, want: context.Canceled, log: "begun; asked; ended, not run 3"},
	} {
		synctest.Test(t, func(t *testing.T) {
			begins := row.begins
			if begins == "" {
				begins = "2026-06-03T12:00:00Z"
			}
			time.Sleep(time.Until(moment(t, begins)))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			run := &Run{Day: dayOf(t, file(row.day)), Log: Log{Path: filepath.Join(t.TempDir(), File), Who: "ann@laptop"}}
			carried := 0
			run.CarryOut = func(context.Context, int, int) (Result, error) {
				time.Sleep(time.Minute)
				if carried++; carried > len(row.verdicts) {
					t.Errorf("%s: %d experiments, want %d", row.sentence, carried, len(row.verdicts))
					return Result{}, errAPI
				}
				if carried == len(row.verdicts) {
					return Result{Verdict: row.verdicts[carried-1]}, row.fails
				}
				return Result{Verdict: row.verdicts[carried-1]}, nil
			}
			if row.keys != "" {
				keys := make(chan string)
				run.Keys = keys
				go func() {
					time.Sleep(time.Second / 2) // once it is asked
					for line := range strings.Lines(row.keys) {
						keys <- line
					}
					close(keys)
				}()
			}
			for after, text := range row.answers {
				go func() {
					time.Sleep(after)
					if _, err := run.Log.Append(Entry{Event: Answered, Text: text}); err != nil {
						t.Error(err)
					}
				}()
			}
			if row.cancelled > 0 {
				time.AfterFunc(row.cancelled, cancel)
			}
			err := run.Do(ctx)
			if !errors.Is(err, row.want) || row.want == nil && err != nil || row.want != nil && !strings.Contains(err.Error(), row.message) {
				t.Errorf("%s: %v, want %v with %q", row.sentence, err, row.want, row.message)
			}
			if carried != len(row.verdicts) {
				t.Errorf("%s: %d experiments, want %d", row.sentence, carried, len(row.verdicts))
			}
			entries, damage, err := run.Log.Read()
			if err != nil || len(damage) > 0 {
				t.Fatalf("%s: %v, %q", row.sentence, err, damage)
			}
			if got := brief(entries); got != row.log {
				t.Errorf("%s: got\n%s\nwant\n%s", row.sentence, got, row.log)
			}
		})
	}
}

// What is typed before a question is no answer to it.
func TestAnEarlyKeyIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(moment(t, "2026-06-03T12:00:00Z")))
		keys := make(chan string, 3)
		keys <- ""
		keys <- ""
		run := &Run{Day: dayOf(t, file("atMost: 1h, "+steps)), Log: Log{Path: filepath.Join(t.TempDir(), File)}, Keys: keys}
		if err := run.Do(t.Context()); !errors.Is(err, ErrRule) {
			t.Errorf("%v: want no answer", err)
		}
	})
}

func TestWhatWasChangedInALog(t *testing.T) {
	written := func(t *testing.T) (Log, [][]byte) {
		t.Helper()
		log := Log{Path: filepath.Join(t.TempDir(), File), Who: "ann@laptop"}
		for i, e := range []Entry{{Event: Begun, Format: Format, Version: Version, Plan: &Plan{Name: "storm"}}, {Event: Noted, Text: "pager fired"}, {Event: Noted, Text: "a"}, {Event: Ended}} {
			if n, err := log.Append(e); err != nil || n != i {
				t.Fatalf("entry %d: %v, want %d", n, err, i)
			}
		}
		text, err := os.ReadFile(log.Path)
		if err != nil {
			t.Fatal(err)
		}
		return log, slices.Collect(func(yield func([]byte) bool) {
			for line := range strings.Lines(string(text)) {
				if !yield([]byte(line)) {
					return
				}
			}
		})
	}
	for _, row := range []struct {
		sentence string
		change   func(lines [][]byte) string
		damage   string
		read     int
	}{
		{"nothing", func(l [][]byte) string { return joinLines(l) }, "", 4},
		{"a word", func(l [][]byte) string { return strings.Replace(joinLines(l), "pager fired", "pager quiet", 1) }, "line 3 does not follow", 4},
		{"a line is gone", func(l [][]byte) string { return joinLines(slices.Delete(l, 1, 2)) }, "line 2 does not follow", 3},
		{"the last line is cut", func(l [][]byte) string { return joinLines(l)[:len(joinLines(l))-10] }, "line 4 is none of a game day's", 3},
	} {
		log, lines := written(t)
		if err := os.WriteFile(log.Path, []byte(row.change(lines)), 0o600); err != nil {
			t.Fatal(err)
		}
		entries, damage, err := log.Read()
		if err != nil || len(entries) != row.read || (len(damage) > 0) != (row.damage != "") || !strings.Contains(strings.Join(damage, ";"), row.damage) {
			t.Errorf("%s: %d entries, %q, %v; want %d, %q", row.sentence, len(entries), damage, err, row.read, row.damage)
		}
		// What is appended afterwards follows what is there.
		before := len(damage)
		if _, err := log.Append(Entry{Event: Noted}); err != nil {
			t.Fatal(err)
		}
		if _, damage, err := log.Read(); err != nil || len(damage) != before {
			t.Errorf("%s: then %q, %v; want no more damage", row.sentence, damage, err)
		}
	}
}

func joinLines(lines [][]byte) string {
	var text strings.Builder
	for _, line := range lines {
		text.Write(line)
	}
	return text.String()
}

func TestWhereALogIs(t *testing.T) {
	dir := t.TempDir()
	if _, err := Find(dir); err == nil || !strings.Contains(err.Error(), `"aftershock gameday run" makes one`) {
		t.Errorf("%v: want no game day", err)
	}
	if _, err := Find(filepath.Join(dir, "gone")); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Errorf("%v: want no directory", err)
	}
	for _, name := range []string{"20260601T100000.000Z", "20260603T100000.000Z", "20260604T100000.000Z"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if name < "20260604" { // the last is a run that is no game day's
			if _, err := (Log{Path: filepath.Join(dir, name, File)}).Append(Entry{Event: Begun, Format: Format, Version: Version, Plan: &Plan{}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for of, want := range map[string]string{dir: "20260603T100000.000Z", filepath.Join(dir, "20260601T100000.000Z"): "20260601T100000.000Z"} {
		if log, err := Find(of); err != nil || filepath.Base(filepath.Dir(log.Path)) != want {
			t.Errorf("%s: %s, %v; want that of %s", of, log.Path, err, want)
		}
	}
}
