package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/runs/audit"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// of is build "name:checksum" of namespace shop.
func of(build string) Ask {
	name, checksum, _ := strings.Cut(build, ":")
	return Ask{Namespace: "shop", Name: name, Checksum: checksum, Plans: map[string]string{"checkout/pods/kill-one": "abc"}, File: "f1", Revision: podsOf(checksum)}
}

// story plays what happens on a book: "ask checkout:1", "begin checkout:1", and so on.
func story(book *book, steps ...string) error {
	for i, step := range steps {
		verb, build, _ := strings.Cut(step, " ")
		at := noon.Add(time.Duration(i) * time.Second)
		e := Event{Time: at, Key: of(build).Key()}
		switch verb {
		case "ask":
			events, err := book.Ask(of(build), at)
			if err != nil {
				return fmt.Errorf("%s: %w", step, err)
			}
			for _, e := range events {
				if err := book.Apply(e); err != nil {
					return fmt.Errorf("%s: %w", step, err)
				}
			}
			continue
		case "begin":
			e.Event, e.Directory = Begun, "d"
		case "postpone":
			e.Event = Postponed
		case "interrupt":
			e.Event = Interrupted
		case "drop":
			e.Event = Dropped
		case "again":
			e.Event, e.Verdict, e.Again = Decided, Unknown, true
		case "held", "broken", "unknown", "waiting":
			e.Event, e.Verdict = Decided, State(verb)
		default:
			e.Event = verb
		}
		if err := book.Apply(e); err != nil {
			return fmt.Errorf("%s: %w", step, err)
		}
	}
	return nil
}

func TestBook(t *testing.T) {
	for _, test := range []struct {
		sentence string
		steps    string
		want     string // the builds in the queue's order, or a part of the error
	}{
		{"a build waits, runs and is decided", "ask a:1, begin a:1, held a:1", "a:1 held"},
		{"asking again begins nothing", "ask a:1, ask a:1, begin a:1, ask a:1, broken a:1, ask a:1", "a:1 broken"},
		{"builds of other names wait in their order", "ask a:1, ask b:1, begin a:1", "a:1 running, b:1 waiting"},
		{"only one build runs", "ask a:1, ask b:1, begin a:1, begin b:1", "shop/a/1 is running"},
		{"a new build replaces one that waits", "ask b:1, ask a:1, ask a:2", "b:1 waiting, a:1 unknown, a:2 waiting"},
		{"which is tested if it comes back", "ask a:1, ask a:2, ask a:1", "a:2 unknown, a:1 waiting"},
		{"one that is held needs no test when it comes back", "ask a:1, begin a:1, held a:1, ask a:2, ask a:1", "a:1 held, a:2 waiting"},
		{"nor does one that is broken", "ask a:1, begin a:1, broken a:1, ask a:2, ask a:1", "a:1 broken, a:2 waiting"},
		{"one that is unknown is tested when it comes back", "ask a:1, begin a:1, unknown a:1, ask a:2, begin a:2, held a:2, ask a:1, begin a:1, unknown a:1", "a:2 held, a:1 unknown"},
		{"but not twice", "ask a:1, begin a:1, unknown a:1, ask a:2, begin a:2, held a:2, ask a:1, begin a:1, unknown a:1, ask a:1", "a:2 held, a:1 unknown"},
		{"nor after another with the same pods", "ask a:1, begin a:1, unknown a:1, ask a:1+b, begin a:1+b, held a:1+b, ask a:1", "a:1 unknown, a:1+b held"},
		{"nor after a build of another name", "ask a:1, begin a:1, unknown a:1, ask b:2, ask a:1", "a:1 unknown, b:2 waiting"},
		{"one whose pods could not be read is tested once they can", "ask a:1, again a:1, ask a:1", "a:1 waiting"},
		{"the same pods are tested as one build at a time", "ask a:1, begin a:1, ask a:1+b", "its pods are being tested as another build: 1"},
		{"and then as the other", "ask a:1, begin a:1, held a:1, ask a:1+b", "a:1 held, a:1+b waiting"},
		{"a new build ends the test of one that runs", "ask a:1, begin a:1, ask a:2", "a:1 running superseded, a:2 waiting"},
		{"one whose test was ended by a new build is dropped", "ask a:1, begin a:1, ask a:2, drop a:1, begin a:2", "a:2 running"},
		{"and does not wait again", "ask a:1, begin a:1, ask a:2, interrupt a:1", "it cannot be interrupted"},
		{"an earlier build whose test is being undone is not asked about", "ask a:1, begin a:1, ask a:2, ask a:1", "ask again"},
		{"a verdict stays when a new build comes", "ask a:1, begin a:1, held a:1, ask a:2", "a:1 held, a:2 waiting"},
		{"an interrupted build waits again", "ask a:1, begin a:1, interrupt a:1", "a:1 waiting"},
		{"one that was interrupted twice is unknown", "ask a:1, begin a:1, interrupt a:1, begin a:1, interrupt a:1", "a:1 unknown"},
		{"and begins no third time", "ask a:1, begin a:1, interrupt a:1, begin a:1, interrupt a:1, ask a:1, begin a:1", "is unknown: it cannot be begun"},
		{"what was refused before anything was touched does not count", "ask a:1, begin a:1, postpone a:1, begin a:1, postpone a:1, begin a:1, interrupt a:1", "a:1 waiting"},
		{"a build that is refused for now lets the others go first", "ask a:1, ask b:1, begin a:1, postpone a:1", "b:1 waiting, a:1 waiting"},
		{"a person has a build tested anew", "ask a:1, begin a:1, unknown a:1, drop a:1, ask a:1", "a:1 waiting"},
		{"the queue is bounded", "ask a:1, ask b:1, ask c:1, ask d:1", "the queue is full: 3 builds wait"},
		{"one that runs is not in the queue", "ask a:1, begin a:1, ask b:1, ask c:1, ask d:1", "a:1 running, b:1 waiting, c:1 waiting, d:1 waiting"},
		{"a verdict does not change", "ask a:1, begin a:1, broken a:1, held a:1", "is broken: it cannot be decided"},
		{"what was not begun is not decided", "ask a:1, held a:1", "is waiting: it cannot be decided"},
		{"or is unknown: it could not be begun", "ask a:1, unknown a:1", "a:1 unknown"},
		{"waiting is no verdict", "ask a:1, begin a:1, waiting a:1", "is running: it cannot be decided"},
		{"what was not asked about is not begun", "begin a:1", "is not known: it cannot be begun"},
		{"an event that there is not is an error", "ask a:1, paint a:1", "it cannot be paint"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			book := book{Queue: 3}
			err := story(&book, strings.Split(test.steps, ", ")...)
			if err != nil {
				if !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %q, want %q", err, test.want)
				}
				return
			}
			var got []string
			for _, b := range book.Builds() {
				text := fmt.Sprintf("%s:%s %s", b.Name, b.Checksum, b.State)
				if b.Superseded {
					text += " superseded"
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestABuildIsTestedAnewByOtherExperimentsOrAnotherFile(t *testing.T) {
	for name, change := range map[string]func(*Ask){
		"file":        func(a *Ask) { a.File = "f2" },
		"plan":        func(a *Ask) { a.Plans = map[string]string{"checkout/pods/kill-one": "def"} },
		"experiments": func(a *Ask) { a.Plans = map[string]string{"checkout/pods/kill-third": "abc"} },
		"revision":    func(a *Ask) { a.Revision = "pod-template-hash=other" },
	} {
		book := book{Queue: 1}
		if err := story(&book, "ask a:1", "begin a:1"); err != nil {
			t.Fatal(err)
		}
		other := of("a:1")
		change(&other)
		// What its pods ran is for its records to show.
		if events, err := book.Ask(other, noon); errors.Is(err, errOtherTest) == (name == "revision") || len(events) > 0 {
			t.Errorf("%s: while it runs: %v, error %v", name, events, err)
		}
		if err := story(&book, "held a:1"); err != nil {
			t.Fatal(err)
		}
		events, err := book.Ask(other, noon)
		for _, e := range events {
			err = errors.Join(err, book.Apply(e))
		}
		if b, _ := book.Find(other.Key()); err != nil || b.State != Waiting || b.File != other.File || b.Begun != 0 {
			t.Errorf("%s: %+v, %v; want it to wait as one that was never begun", name, b, err)
		}
	}
}

// Two hooks that name different experiments end no test of each other: the build is tested
// by all that they name.
func TestABuildOfTwoHooks(t *testing.T) {
	ids := map[string]string{"A": "checkout/pods/kill-one", "B": "checkout/pods/kill-third", "C": "checkout/network/delay"}
	for _, test := range []struct {
		sentence string
		steps    string // what is asked of build a:1, or happens to it
		want     string
	}{
		{"what the other names is tested with what was", "ask A, begin, held, ask B", "waiting A B"},
		{"and answers both", "ask A, begin, held, ask B, begin, held, ask A, ask B, ask A B", "held A B"},
		{"a part of what was tested is answered by that test", "ask A B, begin, unknown, ask A, ask B", "unknown A B"},
		{"a build that waits is tested once", "ask A, ask B, ask A, begin, held, ask B", "held A B"},
		{"one that runs is not asked about by more", "ask A, begin, ask B", "it is being tested by other experiments"},
		{"but by less", "ask A B, begin, ask B", "running A B"},
		{"a third hook adds what it names", "ask A, begin, held, ask B, begin, held, ask C, ask A, begin, unknown, ask B, ask C", "unknown A B C"},
		{"what broke needs no test by more", "ask A, begin, broken, ask B, ask A", "broken A"},
		{"another file begins with what is named then", "ask A B, begin, held, file, ask A, begin, held, ask A", "held A"},
		{"and so does a build that a person has tested anew", "ask A B, begin, held, drop, ask A, begin, held, ask A", "held A"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			book, file := book{Queue: 1}, "f1"
			var err error
			for step := range strings.SplitSeq(test.steps, ", ") {
				verb, names, _ := strings.Cut(step, " ")
				switch verb {
				case "file":
					file = "f2"
				case "ask":
					ask := of("a:1")
					ask.File, ask.Plans = file, map[string]string{}
					for name := range strings.FieldsSeq(names) {
						ask.Plans[ids[name]] = "abc"
					}
					var events []Event
					events, err = book.Ask(ask, noon)
					for _, e := range events {
						err = errors.Join(err, book.Apply(e))
					}
				default:
					err = story(&book, verb+" a:1")
				}
				if err != nil {
					break
				}
			}
			is, _ := book.Find(of("a:1").Key())
			got := string(is.State)
			for _, name := range []string{"A", "B", "C"} {
				if is.Plans[ids[name]] != "" {
					got += " " + name
				}
			}
			if err != nil {
				got = err.Error()
			}
			if !strings.HasPrefix(got, test.want) || err == nil && got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// A build that waits to be tested anew is not forgotten with its earlier tests when
// another build comes.
func TestEarlierTestsOfABuildThatIsSupersededWhileItWaits(t *testing.T) {
	book, other := book{Queue: 3}, of("a:1")
	other.File = "f2"
	err := story(&book, "ask a:1", "begin a:1", "unknown a:1")
	events, errAsk := book.Ask(other, noon)
	for _, e := range events {
		err = errors.Join(err, book.Apply(e))
	}
	if err := errors.Join(err, errAsk, story(&book, "ask a:2")); err != nil {
		t.Fatal(err)
	}
	if b, _ := book.Find(other.Key()); b.State != Unknown || b.Why != "build 2 came" || len(b.Earlier) != 1 || b.Earlier[0].File != "f1" {
		t.Errorf("%+v, want it unknown, with its earlier test", b)
	}
	events, err = book.Ask(of("a:1"), noon)
	if err != nil || len(events[len(events)-1].Earlier) != 1 {
		t.Errorf("asked about again: %+v, %v; want its earlier test", events, err)
	}
}

func TestABookForgetsTheOldestVerdicts(t *testing.T) {
	book := book{Queue: 3}
	for i := range kept + 5 {
		build := fmt.Sprintf("a:%d", i)
		if err := story(&book, "ask "+build, "begin "+build, "held "+build); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(book.Builds()); n != kept {
		t.Errorf("%d builds are remembered, want %d", n, kept)
	}
}

// What was never tested is forgotten before a verdict is.
func TestABookForgetsFirstWhatWasNotTested(t *testing.T) {
	book := book{Queue: 3}
	var steps []string
	for i := range kept - 2 {
		build := fmt.Sprintf("a:%d", i)
		steps = append(steps, "ask "+build, "begin "+build, "held "+build)
	}
	steps = append(steps, "ask a:x", "ask a:y", "ask a:z", "begin a:z", "held a:z", "ask b:1")
	if err := story(&book, steps...); err != nil {
		t.Fatal(err)
	}
	for build, want := range map[string]bool{"a:0": true, "a:1": true, "a:x": false, "a:y": false, "a:z": true} {
		if _, known := book.Find(of(build).Key()); known != want {
			t.Errorf("%s is remembered: %t, want %t", build, known, want)
		}
	}
}

func TestAJournalMakesTheSameBook(t *testing.T) {
	dir := t.TempDir()
	var first book
	j, err := openJournal(dir, &first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openJournal(dir, &book{}); err == nil || !errors.Is(err, disk.ErrLocked) || !strings.Contains(err.Error(), "end the other gate") {
		t.Errorf("a second gate: %v, want it refused", err)
	}
	a, b := of("a:1"), of("b:1")
	if err := errors.Join(
		j.append(Event{Time: noon, Event: Asked, Key: a.Key(), Ask: &a}, Event{Time: noon, Event: Asked, Key: b.Key(), Ask: &b}),
		j.append(Event{Time: noon, Event: Begun, Key: a.Key(), Directory: "d"}),
		j.append(Event{Time: noon, Event: Decided, Key: a.Key(), Verdict: Broken, Why: "it is slow", Head: "h"}),
		j.append(Event{Time: noon, Event: Begun, Key: b.Key(), Directory: "e"}),
		j.close(),
	); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, File)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for _, test := range []struct {
		sentence string
		text     string
		want     string // the states, or a part of the error
	}{
		{"all is there", string(text), "broken running"},
		{"the last line was cut: it was never acted on", string(text[:len(text)-9]), "broken waiting"},
		{"nothing was written", "", ""},
		{"a line was changed", strings.Replace(string(text), `"broken"`, `"held"`, 1), "line 5: it does not follow the line before"},
		{"a line was removed", lines[0] + lines[2] + lines[3] + lines[4], "line 2: it does not follow the line before"},
		{"a line is none", lines[0] + "{}\n", `line 2: it has format "", version 0`},
		{"a line is of a later version", strings.Replace(lines[0], `"version":2`, `"version":3`, 1), "version 3; this program reads"},
		{"a line is of an earlier version", strings.Replace(lines[0], `"version":2`, `"version":1`, 1), "waiting"},
		{"a line has a field that there is not", strings.Replace(lines[0], `"version":2`, `"version":2,"by":"me"`, 1), `unknown field "by"`},
		{"what cannot be follows", lines[0] + strings.Replace(lines[0], `"previous":""`, `"previous":"`+audit.Hash([]byte(strings.TrimSpace(lines[0])))+`"`, 1), "line 2: build shop/a/1 is waiting: it cannot be asked"},
	} {
		if err := os.WriteFile(path, []byte(test.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var first book
		j, err := openJournal(dir, &first)
		if err != nil {
			if test.want == "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %q", test.sentence, err, test.want)
			}
			continue
		}
		var states []string
		for _, b := range first.Builds() {
			states = append(states, string(b.State))
		}
		if got := strings.Join(states, " "); got != test.want {
			t.Errorf("%s: %q, want %q", test.sentence, got, test.want)
		}
		// What is added follows what was there.
		c := of("c:1")
		if err := errors.Join(j.append(Event{Time: noon, Event: Asked, Key: c.Key(), Ask: &c}), j.close()); err != nil {
			t.Fatal(err)
		}
		var again book
		if j, err = openJournal(dir, &again); err != nil {
			t.Fatalf("%s: after another event: %v", test.sentence, err)
		}
		if _, ok := again.Find(c.Key()); !ok || len(again.Builds()) != len(states)+1 {
			t.Errorf("%s: another event is lost", test.sentence)
		}
		if err := j.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What a write that failed has left in the file is not part of the journal.
func TestAJournalWhoseDiskWasFull(t *testing.T) {
	dir, a, b := t.TempDir(), of("a:1"), of("b:1")
	j, err := openJournal(dir, &book{})
	if err != nil {
		t.Fatal(err)
	}
	asked := func(a Ask) error { return j.append(Event{Time: noon, Event: Asked, Key: a.Key(), Ask: &a}) }
	if err := asked(a); err != nil {
		t.Fatal(err)
	}
	file := j.file
	if j.file, err = os.Open(file.Name()); err != nil { // it cannot be written
		t.Fatal(err)
	}
	if err := asked(b); err == nil || !strings.Contains(err.Error(), "write the gate's journal: ") {
		t.Errorf("error %v", err)
	}
	if err := errors.Join(j.file.Close(), os.WriteFile(file.Name(), append(must(os.ReadFile(file.Name())), "{\"form"...), 0o644)); err != nil {
		t.Fatal(err)
	}
	j.file = file
	if err := errors.Join(asked(b), j.close()); err != nil {
		t.Fatal(err)
	}
	var book book
	if j, err = openJournal(dir, &book); err != nil || len(book.Builds()) != 2 {
		t.Fatalf("%d builds, %v", len(book.Builds()), err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
