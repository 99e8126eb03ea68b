package gamedays

import (
	"cmp"
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
		takes         time.Duration            // of each experiment; zero: a minute
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
		{sentence: "nothing begins in a window", day: "steps: [{run: checkout}]", begins: "2026-06-05T15:58:30Z", takes: 2 * time.Minute, verdicts: []steadystate.Verdict{held}, want: ErrWindow, message: "before " + third + ": refused for now: window \"0 18 * * FRI\" for 62h0m0s, Europe/Berlin (weekend), until Mon 2026-06-08 08:00 CEST", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "nor what would be under way in one", day: "steps: [{run: checkout}]", begins: "2026-06-05T15:58:30Z", verdicts: []steadystate.Verdict{held}, want: ErrWindow, message: "(weekend), which begins Fri 2026-06-05 18:00 CEST, until Mon 2026-06-08 08:00 CEST", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "nor in one of the day itself", day: `windows: [{from: "2026-06-03T12:01:30Z", to: "2026-06-03T13:00:00Z"}], steps: [{run: checkout}]`, verdicts: []steadystate.Verdict{held}, want: ErrWindow, message: "which begins Wed 2026-06-03 12:01 UTC", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "what ends as a window begins is begun", day: `windows: [{from: "2026-06-03T12:02:00Z", to: "2026-06-03T13:00:00Z"}], steps: [{run: checkout}]`, verdicts: []steadystate.Verdict{held, held}, log: "begun; " + one + "; held; " + third + "; held; ended, not run 0"},
		{sentence: "an experiment of a step would end too late", day: "atMost: 130s, steps: [{run: checkout}]", takes: 90 * time.Second, verdicts: []steadystate.Verdict{held}, want: ErrRule, message: third + " takes 1m and would end more than 2m10s after the day began (atMost)", log: "begun; " + one + "; held; ended, not run 1"},
		{sentence: "nor a step that would end too late", day: "atMost: 90s, steps: [{run: " + one + "}, {run: " + third + "}]", verdicts: []steadystate.Verdict{held}, want: ErrRule, message: "step 2 takes 1m and would end more than 1m30s after the day began", log: "begun; " + one + "; held; ended, not run 1"},
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
				time.Sleep(cmp.Or(row.takes, time.Minute))
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
				keys := make(chan Key)
				run.Keys = keys
				go func() {
					time.Sleep(time.Second) // once it is asked, and read
					for line := range strings.Lines(row.keys) {
						keys <- Key{line, time.Now()}
					}
					close(keys)
				}()
			}
			for after, text := range row.answers {
				go func() {
					time.Sleep(after)
					entries, _, err := run.Log.Read()
					if err != nil {
						t.Error(err)
						return
					}
					question, err := Waits(entries)
					if _, err := run.Log.Append(Entry{Event: Answered, Question: question.N, Text: text}); err != nil {
						t.Error(err)
					}
					if err != nil {
						t.Errorf("%s: %v", row.sentence, err)
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

// What is typed before a question, while it is put or to another one is no answer to
// it, wherever it comes from.
func TestAnAnswerIsToItsQuestion(t *testing.T) {
	for _, row := range []struct {
		sentence string
		day      string
		verdicts []steadystate.Verdict
		keys     []time.Duration // when Enter comes, after the day began
		others   []Entry         // of another process, after a minute
		log      string
	}{
		{"typed ahead", "steps: [{pause: a}]", nil, []time.Duration{-time.Second, -time.Second, 0}, nil, "begun; asked; ended, not run 0"},
		{"pasted to the question before", "steps: [{pause: a}, {pause: b}]", nil, []time.Duration{time.Second, time.Second, time.Second}, nil, "begun; asked; answered:go on; asked; ended, not run 0"},
		{"typed as an experiment runs that breaks", "broken: ask, steps: [{run: checkout/pods/kill-one}]", []steadystate.Verdict{broken}, []time.Duration{10 * time.Second, 50 * time.Second, time.Minute}, nil, "begun; checkout/pods/kill-one; broken; asked; ended, not run 0"},
		{"to no question", "steps: [{pause: a}]", nil, nil, []Entry{{Event: Answered, Text: GoOn}}, "begun; asked; answered:go on; ended, not run 0"},
		{"to another question", "steps: [{pause: a}, {pause: b}]", nil, []time.Duration{time.Second}, []Entry{{Event: Answered, Question: 1, Text: Stop}}, "begun; asked; answered:go on; asked; answered:stop; ended, not run 0"},
		{"after another answer", "steps: [{pause: a}]", nil, nil, []Entry{{Event: Answered, Question: 1, Text: GoOn}, {Event: Answered, Question: 1, Text: Stop}}, "begun; asked; answered:go on; answered:stop; ended, not run 0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(moment(t, "2026-06-03T12:00:00Z")))
			keys := make(chan Key, len(row.keys))
			go func() {
				begun := time.Now()
				for _, at := range row.keys {
					time.Sleep(time.Until(begun.Add(at)))
					keys <- Key{At: begun.Add(at)}
				}
			}()
			synctest.Wait()
			var said strings.Builder
			run := &Run{Day: dayOf(t, file("atMost: 1h, "+row.day)), Log: Log{Path: filepath.Join(t.TempDir(), File)}, Keys: keys, Say: func(text string) { said.WriteString(text) }}
			run.CarryOut = func(context.Context, int, int) (Result, error) {
				time.Sleep(time.Minute)
				return Result{Verdict: row.verdicts[0]}, nil
			}
			go func() {
				// Beside the looks at the log, which lock it.
				time.Sleep(time.Minute + 7*time.Millisecond)
				for _, e := range row.others {
					if _, err := run.Log.Append(e); err != nil {
						t.Error(err)
					}
				}
			}()
			err := run.Do(t.Context())
			entries, _, _ := run.Log.Read()
			if got := brief(entries); got != row.log {
				t.Errorf("%s: got\n%s\nwant\n%s", row.sentence, got, row.log)
			}
			if waited := len(row.others) < 2; waited != errors.Is(err, ErrRule) {
				t.Errorf("%s: %v; want no answer: %v", row.sentence, err, waited)
			}
			if early := len(row.keys) > 1; early != strings.Contains(said.String(), "Enter was typed before this question could be read, and does not answer it") {
				t.Errorf("%s: it is not said that a key was too early: %s", row.sentence, said.String())
			}
		})
	}
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
		{"the last lines are gone", func(l [][]byte) string { return joinLines(l[:2]) }, "bytes of the", 2},
		{"the end was written anew", func(l [][]byte) string { return joinLines(l[:3]) + strings.Repeat("x", len(joinLines(l[3:]))) }, "are not those that were chained", 3},
		{"the last line is cut", func(l [][]byte) string { return joinLines(l)[:len(joinLines(l))-10] }, "line 4 is not an event of a game day", 3},
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
