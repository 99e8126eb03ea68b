package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A writer's runs are records as text: of each experiment that it has.
type writer struct {
	scripted
	records map[string]string
	err     error                     // of its runs
	last    func(ctx context.Context) // what it does before it returns, if that is set
}

func (w writer) Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error {
	directory, err := begin()
	if err != nil {
		return err
	}
	for id, text := range w.records {
		out, err := newRecord(directory, id, "test", build.File)
		if err != nil {
			return err
		}
		if text == "" { // it was killed before the first line
			return errors.Join(errors.New("killed"), out.Close())
		}
		err = out.write(text)
		if w.last != nil && !strings.Contains(text, "end") {
			w.last(ctx)
		}
		if err = errors.Join(err, out.finish()); err != nil {
			return err
		}
	}
	return w.err
}

// A recordFile is a record as text that is chained.
type recordFile struct {
	*os.File
	*record.Encoder
	directory *runs.Directory
	id, run   string
	of        string // the SHA-256 of the configuration
	planned   bool
}

func newRecord(directory *runs.Directory, id, run, of string) (*recordFile, error) {
	path := directory.RecordPath(id)
	out, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := (audit.Chain{Dir: filepath.Dir(directory.Path)}).Begin(out, run); err != nil {
		return nil, errors.Join(err, out.Close(), os.Remove(path))
	}
	return &recordFile{File: out, Encoder: record.NewEncoder(out), directory: directory, id: id, run: run, of: of}, nil
}

// write writes entries, the first time after a plan: of a kill, if the text has one.
func (f *recordFile) write(text string) (err error) {
	name, _, _ := strings.Cut(f.id, "#") // of the second record of an experiment
	plan := &record.Plan{Name: name, Hash: "abc", Settle: time.Second, Checks: []steadystate.Check{{
		Name: "up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 5s"),
	}}}
	if strings.Contains(text, "traffic") {
		plan.Faults, plan.Traffic = []record.Scheduled{{Fault: "kill"}}, "traffic"
	}
	if f.planned {
		plan = nil
	}
	f.planned = true
	for _, e := range recordtest.Entries(plan, text) {
		if e.Header != nil {
			e.Header.Started, e.Header.Run = time.Now().UTC(), f.run
		}
		err = errors.Join(err, f.Encode(e))
		if e.Plan != nil {
			err = errors.Join(err, f.Encode(record.Entry{Environment: map[string]string{"file.sha256": f.of}}))
		}
	}
	return err
}

// finish chains it.
func (f *recordFile) finish() error {
	head, err := audit.Chain{Dir: filepath.Dir(f.directory.Path)}.Finish(f.File, f.run)
	f.directory.Head = head
	return errors.Join(err, f.Close())
}

// settled is how the record of a kill begins whose pods run a revision.
func settled(revision string) string {
	return "0 exists pod/shop/a a revision=" + revision + "\n0 exists pod/shop/b b revision=" + revision + `
		0 phase settle
		0 see up ++++++++++
		0 see traffic_of_a ++++++++++
	`
}

// killed is how it goes on: a pod is killed, and another comes.
func killed(revision string, verdict State) string {
	see := map[State]string{Held: "++++++++++++++++++++", Broken: "+----------+++++++++", Unknown: "+???????????????????"}[verdict]
	return `
		10       phase inject
		10..10.1 inject kill a effect=gone oneshot=true
		10..10.1 gone pod/shop/a a
		10.2     undo kill
		10.2     phase watch
		11       created pod/shop/c c revision=` + revision + `
		10       see up ` + see + `
		30       end`
}

func recordOf(revision string, verdict State) string {
	return settled(revision) + killed(revision, verdict)
}

// What each record shows, whatever its machine.
func TestWhatRecordsShow(t *testing.T) {
	const pod = "0 exists pod/shop/a a revision=" + revision + "\n"
	const good, bad = pod + "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up ++++++++++++++++++++\n30 end", pod + "0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up +----------++++++++++\n31 end"
	const one, two = "checkout/pods/kill-one", "checkout/network/delay"
	for _, test := range []struct {
		sentence string
		records  map[string]string
		state    State
		why      string
	}{
		{"a limit is broken", map[string]string{one: bad, two: good}, Broken, one + ": "},
		{"a broken limit is broken though another record is missing", map[string]string{two: bad}, Broken, two + ": "},
		{"nothing was injected", map[string]string{one: good, two: good}, Unknown, "nothing was injected"},
		{"of two records of an experiment the one is broken", map[string]string{one: bad, one + "#2": good}, Broken, one + ": "},
		{"of two records of an experiment the other is broken", map[string]string{one: good, one + "#2": bad}, Broken, one + ": "},
		{"there are two records of an experiment", map[string]string{one: good, one + "#2": good}, Unknown, ""},
		{"a record is missing", map[string]string{one: good}, Unknown, ""},
		{"there is one too many", map[string]string{one: good, two: good, "checkout/a": bad}, Unknown, "checkout/a was not asked for"},
		{"a pod of another build was in one, and a limit is broken in the other", map[string]string{one: bad, two: "12 created pod/shop/b b revision=pod-template-hash=other\n" + bad}, Broken, one + ": "},
		{"a pod of another build was in each", map[string]string{one: "12 created pod/shop/b b revision=pod-template-hash=other\n" + bad}, Unknown, "pod shop/b ran pod-template-hash=other, and the build is " + revision},
		{"a pod has no label", map[string]string{one: "12 created pod/shop/b b\n" + bad}, Unknown, "pod shop/b ran what has no label of a template"},
		{"a pod that was hit was not seen", map[string]string{one: strings.Replace(bad, "10 see", "10 inject kill b\n10 see", 1)}, Unknown, `"kill" hit b, of which it does not show what it ran`},
		{"no pod was seen", map[string]string{one: strings.ReplaceAll(bad, "pod/", "process/")}, Unknown, "it does not show which pods ran"},
		{"there is none", nil, Unknown, "no run completed a record"},
	} {
		c := serve(t, &Server{Dir: t.TempDir(), Runner: writer{records: test.records}})
		body := strings.Replace(flagger("checkout:1"), one, one+", "+two, 1)
		if status, text := c.do("POST", "/flagger/confirm-promotion", body); status != 409 {
			t.Errorf("%s: the first answer is %d %q", test.sentence, status, text)
		}
		if a := c.until("checkout:1", test.state); !strings.Contains(a.Why, test.why) {
			t.Errorf("%s: %s: %s; want %q", test.sentence, a.State, a.Why, test.why)
		}
		if status, text := c.do("POST", "/flagger/confirm-promotion", body); status != 409 || !strings.HasPrefix(text, string(test.state)+": ") {
			t.Errorf("%s: promotion: %d %q, want 409", test.sentence, status, text)
		}
		want := 409
		if test.state == Broken {
			want = 200
		}
		if status, text := c.do("POST", "/flagger/rollback", flagger("checkout:1")); status != want {
			t.Errorf("%s: rollback: %d %q, want %d", test.sentence, status, text, want)
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// Other experiments do not make a build whole that one has broken, and are not run.
func TestWhatBrokeABuildStillDoes(t *testing.T) {
	const one, two = "checkout/pods/kill-one", "checkout/network/delay"
	records := map[string]string{one: recordOf(revision, Broken)}
	is, began := revision, 0
	s := &Server{Dir: t.TempDir()}
	s.Runner = writer{records: records, scripted: scripted{
		revision: func(Ask) (string, error) { s.mu.Lock(); defer s.mu.Unlock(); return is, nil },
		refused:  func(Ask) error { s.mu.Lock(); defer s.mu.Unlock(); began++; return nil },
	}}
	c := serve(t, s)
	change := func(to string, more map[string]string) {
		s.mu.Lock() // which it has before it begins a build
		defer s.mu.Unlock()
		is = to
		clear(records)
		maps.Copy(records, more)
	}
	stays := func(how, body string) {
		t.Helper()
		status, text := c.do("POST", "/flagger/confirm-promotion", body)
		if a := c.answer("checkout:1"); status != 409 || !strings.HasPrefix(text, "broken: "+one+": ") || a.State != Broken {
			t.Errorf("%s: %d %q, and then %s: %s", how, status, text, a.State, a.Why)
		}
	}
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	c.until("checkout:1", Broken)
	change(revision, map[string]string{one: recordOf(revision, Held), two: recordOf(revision, Held)})
	both := strings.Replace(flagger("checkout:1"), one, one+", "+two, 1)
	stays("with another experiment", both)
	stays("without that experiment", strings.Replace(flagger("checkout:1"), one, two, 1))
	s.mu.Lock()
	b, _ := s.book.Find("shop/checkout/1")
	s.mu.Unlock()
	b.Earlier, b.File = []Test{{b.Directory, b.Head, b.File, b.Plans}}, "f2"
	if state, why, _ := deciderOf(s.Dir).decide(b); state != Broken {
		t.Errorf("by another file: %s: %s", state, why)
	}
	// Meanwhile its pods ran something else.
	change("pod-template-hash=other", map[string]string{one: recordOf("pod-template-hash=other", Held)})
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	c.until("checkout:1", Held)
	change(revision, map[string]string{one: recordOf(revision, Held)})
	stays("after its pods ran something else", flagger("checkout:1"))
	if c.until("checkout:1", Broken); began != 2 {
		t.Errorf("%d tests were begun, want one of each template", began)
	}
	// A person has it tested anew.
	c.do("DELETE", "/gates/shop/checkout/1", "")
	change(revision, map[string]string{one: recordOf(revision, Held), two: recordOf(revision, Held)})
	c.do("POST", "/flagger/confirm-promotion", both)
	c.until("checkout:1", Held)
}

// A build that comes back after another is answered by its verdict, and tested anew if it
// had none: what ended its test was no fault of its own.
func TestABuildThatComesBack(t *testing.T) {
	const one = "checkout/pods/kill-one"
	other := podsOf("2")
	for sentence, test := range map[string]struct {
		first, second string // records of its tests
		before, after State
		tests         int
	}{
		"held":                             {recordOf(revision, Held), "", Held, Held, 1},
		"broken":                           {recordOf(revision, Broken), "", Broken, Broken, 1},
		"unknown, for its record is cut":   {"0 exists pod/shop/a a revision=" + revision + "\n0 phase settle", recordOf(revision, Held), Unknown, Held, 2},
		"unknown, for it was replaced":     {"12 created pod/shop/b b revision=" + other + "\n" + recordOf(revision, Held), recordOf(revision, Broken), Unknown, Broken, 3},
		"unknown, for its record is empty": {"", recordOf(revision, Held), Unknown, Held, 2},
	} {
		var mu sync.Mutex
		tests, records := 0, map[string]string{one: test.first}
		s := &Server{Dir: t.TempDir(), Runner: writer{records: records, scripted: scripted{refused: func(a Ask) error {
			mu.Lock()
			defer mu.Unlock()
			if a.Checksum == "1" {
				tests++
			}
			return nil
		}}}}
		c := serve(t, s)
		ask := func(build string, want State) {
			t.Helper()
			c.do("POST", "/flagger/confirm-promotion", flagger(build))
			if a := c.until(build, want); a.State != want {
				t.Errorf("%s: %s is %s: %s", sentence, build, a.State, a.Why)
			}
		}
		is := func(record string) { // while no build is tested
			s.mu.Lock()
			defer s.mu.Unlock()
			records[one] = record
		}
		ask("checkout:1", test.before)
		ask("checkout:1", test.before)
		is(recordOf(other, Held))
		ask("checkout:2", Held)
		is(test.second)
		ask("checkout:1", test.after)
		if mu.Lock(); tests != test.tests {
			t.Errorf("%s: %d tests, want %d", sentence, tests, test.tests)
		}
		mu.Unlock()
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// A test that a person stopped, or that failed, is not begun again by other pods that came
// meanwhile; one that was completed is.
func TestAStoppedTestIsNotBegunAgain(t *testing.T) {
	const one = "checkout/pods/kill-one"
	for sentence, test := range map[string]struct {
		err   error
		tests int
	}{
		"it was completed":    {nil, 2},
		"a person stopped it": {experiments.Ending{Reason: record.Stopped, Detail: "by ann"}, 1},
		"it failed":           {errors.New("no answer"), 1},
	} {
		var mu sync.Mutex
		tests := 0
		c := serve(t, &Server{Dir: t.TempDir(), Runner: writer{
			records:  map[string]string{one: "12 created pod/shop/b b revision=" + podsOf("2") + "\n" + recordOf(revision, Held)},
			scripted: scripted{refused: func(Ask) error { mu.Lock(); defer mu.Unlock(); tests++; return nil }},
			err:      test.err,
		}})
		c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
		a := c.until("checkout:1", Unknown)
		if mu.Lock(); tests != test.tests || test.err != nil && a.Why != test.err.Error() {
			t.Errorf("%s: %d tests, want %d; %s", sentence, tests, test.tests, a.Why)
		}
		mu.Unlock()
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// What an earlier test showed may have been that it is broken.
func TestALostEarlierTest(t *testing.T) {
	const one, two = "checkout/pods/kill-one", "checkout/network/delay"
	for sentence, test := range map[string]struct {
		lose func(dir string) error
		want State
		why  string
	}{
		"none is lost":         {func(string) error { return nil }, Held, two + ", " + one + ": every limit was held, with proof"},
		"its directory":        {os.RemoveAll, Unknown, "an earlier test may have broken it: the records in "},
		"its record":           {func(dir string) error { return os.Remove(filepath.Join(dir, "checkout-pods-kill-one.jsonl")) }, Unknown, "an earlier test may have broken it: the records in "},
		"its record's content": {func(dir string) error { return os.Truncate(filepath.Join(dir, "checkout-pods-kill-one.jsonl"), 99) }, Unknown, "an earlier test may have broken it: the records in "},
	} {
		records := map[string]string{one: recordOf(revision, Held)}
		s := &Server{Dir: t.TempDir(), Runner: writer{records: records}}
		c := serve(t, s)
		c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
		earlier := c.until("checkout:1", Held)
		if err := test.lose(filepath.Join(s.Dir, earlier.Records)); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		records[two] = recordOf(revision, Held)
		s.mu.Unlock()
		c.do("POST", "/flagger/confirm-promotion", strings.Replace(flagger("checkout:1"), one, two, 1))
		if a := c.until("checkout:1", test.want); !strings.HasPrefix(a.Why, test.why) {
			t.Errorf("%s: %s: %s, want %q", sentence, a.State, a.Why, test.why)
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// A gate that is killed after the record was complete has its build tested once more: it
// does not know whether the run had more to do.
func TestAGateThatIsKilledAfterACompleteRun(t *testing.T) {
	const one = "checkout/pods/kill-one"
	for _, verdict := range []State{Held, Broken} {
		dir, a := t.TempDir(), of("checkout:1")
		j := must(openJournal(dir, &book{}))
		directory := must(runs.NewDirectory(dir))
		asked := time.Now().UTC()
		out := must(newRecord(directory, one, "killed", a.File))
		if err := errors.Join(
			j.append(Event{Time: asked, Event: Asked, Key: a.Key(), Ask: &a}, Event{Time: asked, Event: Begun, Key: a.Key(), Directory: filepath.Base(directory.Path)}),
			out.write(recordOf(revision, verdict)), out.finish(), j.close(),
		); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		began, swept := 0, ""
		c := serve(t, &Server{Dir: dir, Runner: writer{records: map[string]string{one: recordOf(revision, Held)}, scripted: scripted{
			refused: func(Ask) error { mu.Lock(); defer mu.Unlock(); began++; return nil },
			sweep:   func(_ context.Context, run string) error { mu.Lock(); defer mu.Unlock(); swept = run; return nil },
		}}})
		is := c.until("checkout:1", verdict)
		want := map[State]int{Held: 1, Broken: 0}[verdict]
		if mu.Lock(); began != want || swept != "killed" || (is.Records == filepath.Base(directory.Path)) != (verdict == Broken) {
			t.Errorf("%s: tested %d times more, want %d; swept %q, by %s", verdict, began, want, swept, is.Records)
		}
		mu.Unlock()
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// A damaged record makes its own build unknown, and no other; one that is as it was is
// not read again.
func TestADamagedRecordOfAnotherBuild(t *testing.T) {
	const one = "checkout/pods/kill-one"
	const bad = "0 exists pod/shop/a a revision=" + revision + "\n0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up +----------++++++++++\n31 end"
	dir := t.TempDir()
	s := &Server{Dir: dir, Runner: writer{records: map[string]string{one: bad}, scripted: scripted{revision: func(Ask) (string, error) { return revision, nil }}}}
	c := serve(t, s)
	for _, build := range []string{"checkout:1", "checkout:2"} {
		c.do("POST", "/flagger/confirm-promotion", flagger(build))
		c.until(build, Broken)
	}
	path := filepath.Join(dir, c.answer("checkout:1").Records, "checkout-pods-kill-one.jsonl")
	text, was := must(os.ReadFile(path)), must(os.Stat(path))
	damaged := strings.Replace(string(text), "pod/shop/a", "pod/shop/b", 1)
	if err := errors.Join(os.WriteFile(path, []byte(damaged), 0o644), os.Chtimes(path, was.ModTime(), was.ModTime())); err != nil {
		t.Fatal(err)
	}
	if a := c.answer("checkout:1"); a.State != Broken {
		t.Errorf("a file of the same size and time is read again: %s", a.Why)
	}
	if err := os.Chtimes(path, was.ModTime(), was.ModTime().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if a := c.answer("checkout:1"); a.State != Unknown || !strings.Contains(a.Why, "are not as they were written: changed") {
		t.Errorf("the build of the damaged record is %s: %s", a.State, a.Why)
	}
	if a := c.answer("checkout:2"); a.State != Broken {
		t.Errorf("the other build is %s: %s", a.State, a.Why)
	}
	if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if a := c.answer("checkout:2"); a.State != Unknown || !strings.Contains(a.Why, "are not as they were written: truncated") {
		t.Errorf("without a chain: %s: %s", a.State, a.Why)
	}
}

// A limit that is broken is broken, also if the gate ended after that: a second test
// might hold.
func TestABrokenLimitOutlivesAnInterruption(t *testing.T) {
	const one = "checkout/pods/kill-one"
	const bad = "0 exists pod/shop/a a revision=" + revision + "\n0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up +----------++++"
	for what, end := range map[string]func(c client){
		"the gate ends":          func(c client) { _ = c.end() },
		"a later build is asked": func(c client) { c.do("POST", "/flagger/confirm-promotion", flagger("checkout:2")) },
	} {
		dir, written := t.TempDir(), make(chan bool, 3)
		c := serve(t, &Server{Dir: dir, Runner: writer{records: map[string]string{one: bad}, last: func(ctx context.Context) { written <- true; <-ctx.Done() }, err: context.Canceled}})
		c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
		<-written
		end(c)
		_ = c.end()
		c = serve(t, &Server{Dir: dir, Runner: scripted{run: func(_ context.Context, build Ask) error {
			if build.Checksum == "1" {
				t.Errorf("%s: it is tested anew", what)
			}
			return nil
		}}})
		if a := c.until("checkout:1", Broken); !strings.HasPrefix(a.Why, one+": ") {
			t.Errorf("%s: why %q", what, a.Why)
		}
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
}

// What is said of a build is said of what its pods ran then, and no later build's.
func TestWhatPodsRunNow(t *testing.T) {
	const one = "checkout/pods/kill-one"
	const bad = "0 exists pod/shop/a a revision=" + revision + "\n0 phase settle\n0 see up ++++++++++\n10 phase inject\n10 see up +----------++++++++++\n31 end"
	var mu sync.Mutex
	is, failed := revision, error(nil)
	now := func(revision string, err error) { mu.Lock(); defer mu.Unlock(); is, failed = revision, err }
	dir := t.TempDir()
	s := &Server{Dir: dir, Runner: writer{records: map[string]string{one: bad}, scripted: scripted{revision: func(Ask) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		return is, failed
	}}}}
	c := serve(t, s)
	promotion := func(want string) {
		t.Helper()
		if status, text := c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1")); status != 409 || !strings.HasPrefix(text, want) {
			t.Errorf("promotion: %d %q, want 409 %q", status, text, want)
		}
	}
	rollback := func(status int, want string) {
		t.Helper()
		if got, text := c.do("POST", "/flagger/rollback", flagger("checkout:1")); got != status || !strings.HasPrefix(text, want) {
			t.Errorf("rollback: %d %q, want %d %q", got, text, status, want)
		}
	}
	away := fmt.Errorf("%w: the cluster does not answer", ErrNotNow)
	now("", away)
	promotion("waiting: what its pods run is not known: not now: the cluster does not answer")
	if _, text := c.do("POST", "/argo", `{"namespace":"shop","name":"checkout","checksum":"1","experiments":"checkout"}`); !strings.Contains(text, `"state":"waiting"`) {
		t.Errorf("Argo: %s, want it waiting", text)
	}
	now("rollouts-pod-template-hash=2", nil)
	promotion("waiting: what its pods run is not known: its pods run rollouts-pod-template-hash=2, which is not the checksum 1")
	now("", errors.New("deployments.apps is forbidden; give the account the right to get deployments"))
	promotion("waiting: what its pods run is not known: deployments.apps is forbidden; give the account the right to get deployments")
	if text, err := os.ReadFile(filepath.Join(dir, File)); err != nil || len(text) > 0 {
		t.Error("a build of which it is not known what it is was written down")
	}
	now(revision, nil)
	promotion("")
	c.until("checkout:1", Broken)
	rollback(200, "broken: ")
	// A later build was applied, and its controller asks by the checksum of the one before.
	now("pod-template-hash=other", nil)
	rollback(409, "unknown: "+revision+" was broken, and its pods run pod-template-hash=other now")
	now("", away)
	rollback(409, "unknown: it was broken, and what its pods run is not known: not now: the cluster does not answer")
	promotion("unknown: what its pods run is not known: not now: the cluster does not answer")
	now("pod-template-hash=other", nil)
	promotion("")
	if a := c.until("checkout:1", Unknown); !strings.Contains(a.Why, "pod shop/a ran "+revision+", and the build is pod-template-hash=other") {
		t.Errorf("it was tested anew: %s", a.Why)
	}
}

// What is changed between the question and the run is not tested under its name.
func TestABuildThatIsChangedBeforeItsTurn(t *testing.T) {
	turn, asked := 0, make(chan bool, 1)
	c := serve(t, &Server{Dir: t.TempDir(), Runner: scripted{
		revision: func(Ask) (string, error) {
			turn++
			if turn == 1 {
				return revision, nil
			}
			<-asked
			return "pod-template-hash=other", nil
		},
		run: func(context.Context, Ask) error { t.Error("it was run"); return nil },
	}})
	c.do("POST", "/flagger/confirm-promotion", flagger("checkout:1"))
	close(asked)
	if a := c.until("checkout:1", Unknown); a.Why != "its pods run pod-template-hash=other, and ran "+revision+" when the build was asked about" {
		t.Errorf("why %q", a.Why)
	}
}
