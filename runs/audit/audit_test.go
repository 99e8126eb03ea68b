package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate"
)

// begin makes a record with a plan, chained as begun.
func begin(t *testing.T, dir, path string) (*record.Recorder, *os.File) {
	t.Helper()
	path = filepath.Join(dir, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := audit.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	rec := record.NewRecorder(file)
	if err := (audit.Chain{Dir: dir}).Begin(file, rec.Run()); err != nil {
		t.Fatal(err)
	}
	plan := &record.Plan{Name: path, Checks: []steadystate.Check{{Name: "whole", Signal: "replicas", Good: steadystate.MustParseTolerance(">= 100%")}}}
	if err := rec.Begin(plan); err != nil {
		t.Fatal(err)
	}
	rec.Note("the first of %s", path)
	rec.Note("the second of %s", path)
	return rec, file
}

// run makes a finished record, and returns the chain's head.
func run(t *testing.T, dir, path string) string {
	t.Helper()
	rec, file := begin(t, dir, path)
	rec.Record(record.Entry{End: &record.End{Reason: record.Completed}})
	head, err := audit.Chain{Dir: dir}.Finish(file, rec.Run())
	if err := errors.Join(err, rec.Err(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return head
}

// killed makes a record whose process is gone.
func killed(t *testing.T, dir, path string) {
	t.Helper()
	rec, file := begin(t, dir, path)
	if err := errors.Join(rec.Err(), file.Close()); err != nil { // which unlocks it, as a kill does
		t.Fatal(err)
	}
}

// four are four finished records of two runs of the program, an abandoned one, and
// an unfinished one.
func four(t *testing.T) (dir, head string) {
	t.Helper()
	dir = t.TempDir()
	run(t, dir, "one/a.jsonl")
	killed(t, dir, "one/left.jsonl")
	run(t, dir, "one/b.jsonl")
	run(t, dir, "two/c.jsonl")
	head = run(t, dir, "two/d.jsonl")
	killed(t, dir, "two/late.jsonl")
	return dir, head
}

// files are the tools of one who tampers.
type files struct {
	*testing.T
	dir string
}

func (f files) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f files) path(name string) string { return filepath.Join(f.dir, name) }

func (f files) read(name string) string {
	f.Helper()
	text, err := os.ReadFile(f.path(name))
	f.must(err)
	return string(text)
}

func (f files) write(name, text string) {
	f.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	f.must(os.WriteFile(f.path(name), []byte(text), 0o644))
}

func (f files) lines() []string {
	f.Helper()
	return strings.Split(strings.TrimSuffix(f.read(audit.File), "\n"), "\n")
}

func (f files) chain(lines ...string) {
	f.Helper()
	f.write(audit.File, strings.Join(lines, "\n")+"\n")
}

// edit changes what a line says.
func (f files) edit(line string, change func(*audit.Line)) string {
	f.Helper()
	var l audit.Line
	f.must(json.Unmarshal([]byte(line), &l))
	change(&l)
	text, err := json.Marshal(l)
	f.must(err)
	return string(text)
}

// forge writes a chain whose lines fit each other again.
func (f files) forge(lines []string) {
	f.Helper()
	before := ""
	for i := range lines {
		lines[i] = f.edit(lines[i], func(l *audit.Line) { l.N, l.Previous = i, before })
		before = fmt.Sprintf("%x", sha256.Sum256([]byte(lines[i])))
	}
	f.chain(lines...)
}

// rewritten is a record anew, with checksums that are right.
func (f files) rewritten(name string) string {
	f.Helper()
	var out bytes.Buffer
	encoder := record.NewEncoder(&out)
	file, err := os.Open(f.path(name))
	f.must(err)
	defer file.Close() //nolint:errcheck // only read
	for e, err := range record.Read(file) {
		f.must(err)
		e.Note = strings.Replace(e.Note, "second", "2nd", 1)
		f.must(encoder.Encode(e))
	}
	return out.String()
}

// sizes vary with the names of directories.
var sizes = regexp.MustCompile(`, \d+ bytes (of \d+|more than the \d+)`)

// The chain of four has the lines 0 opened, 1 and 2 one/a, 3 begun one/left, 4
// abandoned one/left, 5 and 6 one/b, 7 and 8 two/c, 9 and 10 two/d, 11 begun
// two/late.
func TestEachKindOfTamperingIsFoundAndNamed(t *testing.T) {
	const a, d, left, late = "one/a.jsonl", "two/d.jsonl", "one/left.jsonl", "two/late.jsonl"
	kinds := 0
	for _, row := range []struct {
		sentence string
		tamper   func(f files)
		byHead   bool // only so it is visible
		want     string
	}{
		{"a byte of a record", func(f files) { f.write(a, strings.Replace(f.read(a), "second", "secand", 1)) }, false, "changed: one/a.jsonl: its SHA-256 is not the chained one; record, line 4: the checksum is wrong"},
		{"a record written anew", func(f files) { f.write(a, f.rewritten(a)) }, false, "changed: one/a.jsonl: its SHA-256 is not the chained one"},
		{"a record whose end was cut", func(f files) { f.write(a, f.read(a)[:200]) }, false, "truncated: one/a.jsonl: its SHA-256 is not the chained one, 200 bytes of "},
		{"an empty record", func(f files) { f.write(a, "") }, false, "truncated: one/a.jsonl"},
		{"a record with more in it", func(f files) { f.write(a, f.read(a)+"{}\n") }, false, "changed: one/a.jsonl: its SHA-256 is not the chained one, 3 bytes more"},
		{"a record removed", func(f files) { f.must(os.Remove(f.path(a))) }, false, "missing: one/a.jsonl: it was finished on "},
		{"a directory removed", func(f files) { f.must(os.RemoveAll(f.path("one"))) }, false, "missing: one/b.jsonl"},
		{"a record renamed", func(f files) { f.must(os.Rename(f.path(a), f.path("one/z.jsonl"))) }, false, "missing: one/a.jsonl|inserted: one/z.jsonl"},
		{"a record in place of another", func(f files) { f.write(a, f.read(d)) }, false, "changed: one/a.jsonl: its SHA-256 is not the chained one; it has the content of two/d.jsonl"},
		{"two records swapped", func(f files) { was := f.read(a); f.write(a, f.read(d)); f.write(d, was) }, false, "changed: one/a.jsonl|changed: two/d.jsonl: its SHA-256 is not the chained one; it has the content of one/a.jsonl"},
		{"a record put in", func(f files) { f.write("two/e.jsonl", f.read(d)) }, false, "inserted: two/e.jsonl: no line of the chain names it"},
		{"a directory put in", func(f files) { f.write("three/d.jsonl", f.read(d)) }, false, "inserted: three/d.jsonl"},
		{"a link in place of a record", func(f files) {
			f.write("elsewhere", f.read(a))
			f.must(os.Remove(f.path(a)))
			f.must(os.Symlink("../elsewhere", f.path(a)))
		}, false, "changed: one/a.jsonl: it is no longer a file of its own"},
		{"an abandoned record", func(f files) { f.write(left, f.rewritten(left)) }, false, "truncated: one/left.jsonl"},
		{"an unfinished record", func(f files) { f.write(late, strings.Replace(f.read(late), "second", "secand", 1)) }, false, "changed: two/late.jsonl: it is unfinished, and record, line 4: the checksum is wrong"},
		{"an unfinished record removed", func(f files) { f.must(os.Remove(f.path(late))) }, false, "missing: two/late.jsonl: it was begun on "},
		{"another run's record in place of an unfinished one", func(f files) { f.write(late, f.read(d)) }, false, "changed: two/late.jsonl: it is unfinished, and it is of run "},
		{"a hash in the chain, to fit a record", func(f files) {
			f.write(a, f.rewritten(a))
			lines := f.lines()
			lines[2] = f.edit(lines[2], func(l *audit.Line) {
				l.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(f.read(a))))
				l.Size = int64(len(f.read(a)))
			})
			f.chain(lines...)
		}, false, "changed: line 3: it is not what the line after it was chained to"},
		{"a line and the link to it", func(f files) {
			lines := f.lines()
			lines[2] = f.edit(lines[2], func(l *audit.Line) { l.Run = "other" })
			lines[3] = f.edit(lines[3], func(l *audit.Line) { l.Previous = fmt.Sprintf("%x", sha256.Sum256([]byte(lines[2]))) })
			f.chain(lines...)
		}, false, "changed: line 3: it names run other|changed: line 4: it is not what the line after it"},
		{"the link of a line", func(f files) {
			lines := f.lines()
			lines[5] = f.edit(lines[5], func(l *audit.Line) { l.Previous = "0" })
			f.chain(lines...)
		}, false, "changed: line 6: the lines before and after it do not fit it"},
		{"the last line", func(f files) {
			lines := f.lines()
			lines[11] = f.edit(lines[11], func(l *audit.Line) { l.Previous = "0" })
			f.chain(lines...)
		}, false, "changed: line 11: it, or the last line, was changed"},
		{"the first line", func(f files) {
			lines := f.lines()
			lines[0] = f.edit(lines[0], func(l *audit.Line) { l.Version = 7 })
			f.chain(lines...)
		}, false, "changed: line 1: it is not how a chain of version 1 begins"},
		{"a line that is none", func(f files) {
			lines := f.lines()
			lines[4] = "hello"
			f.chain(lines...)
		}, false, "changed: line 5: it is not a line of a chain"},
		{"a line with a field that no line has", func(f files) {
			lines := f.lines()
			lines[4] = strings.Replace(lines[4], "{", `{"note":"it was like this",`, 1)
			f.chain(lines...)
		}, false, "changed: line 5: it is not a line of a chain"},
		{"a space in a line", func(f files) {
			lines := f.lines()
			lines[4] += " "
			f.chain(lines...)
		}, false, "changed: line 5: it is not what the line after it was chained to"},
		{"a line removed, with its record", func(f files) {
			f.must(os.Remove(f.path(a)))
			f.chain(slices.Delete(f.lines(), 1, 3)...)
		}, false, "missing: line 2: it has the number 3; the lines before it have none of the numbers 1 to 2"},
		{"the line of a beginning removed", func(f files) { f.chain(slices.Delete(f.lines(), 5, 6)...) }, false, "missing: line 6: it has the number 6|missing: line 6: one/b.jsonl is finished, and no line before"},
		{"the first line removed", func(f files) { f.chain(f.lines()[1:]...) }, false, "missing: line 1: it has the number 1"},
		{"a line twice", func(f files) { f.chain(slices.Insert(f.lines(), 4, f.lines()[2])...) }, false, "inserted: line 5: it has the number 2, as line 3 has"},
		{"a line put in", func(f files) {
			f.write("one/z.jsonl", f.read(d))
			lines := f.lines()
			put := f.edit(lines[10], func(l *audit.Line) { l.Record, l.N, l.Event = "one/z.jsonl", 3, audit.Found })
			f.chain(slices.Insert(lines, 3, put)...)
		}, false, "inserted: line 5: it has the number 3, as line 4 has"},
		{"two lines swapped", func(f files) {
			lines := f.lines()
			lines[6], lines[7] = lines[7], lines[6]
			f.chain(lines...)
		}, false, "reordered: line 7: it has the number 7, and comes before line 8, which has the number 6"},
		{"two lines swapped and chained anew", func(f files) {
			lines := f.lines()
			lines[5], lines[6] = lines[6], lines[5]
			f.forge(lines)
		}, false, "missing: line 6: one/b.jsonl is finished, and no line before says that it was begun"},
		{"a changed record chained a second time", func(f files) {
			f.write(a, f.rewritten(a))
			again := f.edit(f.lines()[2], func(l *audit.Line) {
				l.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(f.read(a))))
				l.Size = int64(len(f.read(a)))
			})
			f.forge(append(f.lines(), again))
		}, false, "inserted: line 13: one/a.jsonl was chained in line 3 already"},
		{"a line for a file elsewhere", func(f files) {
			f.forge(append(f.lines(), f.edit(f.lines()[2], func(l *audit.Line) { l.Record = "../../etc/passwd" })))
		}, false, `inserted: line 13: it names "../../etc/passwd"`},
		{"a line that says what none does", func(f files) {
			f.forge(append(f.lines(), f.edit(f.lines()[2], func(l *audit.Line) { l.Event = "approved" })))
		}, false, `changed: line 13: no line says "approved"`},
		{"a cut last line", func(f files) { text := f.read(audit.File); f.write(audit.File, text[:len(text)-20]) }, false, "truncated: line 12: it is cut"},
		{"the chain's end cut, but not its records", func(f files) { f.chain(f.lines()[:9]...) }, false, "inserted: two/d.jsonl: no line of the chain names it: it was put there, or the chain's end was cut"},
		{"an empty chain", func(f files) { f.write(audit.File, "") }, false, "truncated: audit.jsonl: it is empty"},
		{"the chain's end cut, with its records", func(f files) {
			f.must(os.Remove(f.path(d)))
			f.must(os.Remove(f.path(late)))
			f.chain(f.lines()[:9]...)
		}, true, "truncated: audit.jsonl: no line has the hash "},
		{"a record and the whole chain written anew", func(f files) {
			f.write(a, f.rewritten(a))
			lines := f.lines()
			lines[2] = f.edit(lines[2], func(l *audit.Line) {
				l.SHA256 = fmt.Sprintf("%x", sha256.Sum256([]byte(f.read(a))))
				l.Size = int64(len(f.read(a)))
			})
			f.forge(lines)
		}, true, "truncated: audit.jsonl: no line has the hash "},
		{"no chain any more", func(f files) { f.must(os.Remove(f.path(audit.File))) }, true, "missing: audit.jsonl: there was a chain"},
		{"a new chain of the records as they are now", func(f files) {
			f.write(a, f.rewritten(a))
			f.must(os.Remove(f.path(audit.File)))
			run(f.T, f.dir, "three/x.jsonl")
		}, true, "truncated: audit.jsonl: no line has the hash "},
	} {
		kinds++
		t.Run(row.sentence, func(t *testing.T) {
			dir, head := four(t)
			row.tamper(files{t, dir})
			without, err := audit.Verify(dir, "")
			if err != nil && (!row.byHead || !errors.Is(err, audit.ErrNoChain)) {
				t.Fatal(err)
			}
			if hidden := len(without.Findings) == 0; hidden != row.byHead {
				t.Errorf("without the head: %v", without.Findings)
			}
			with, err := audit.Verify(dir, head)
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, f := range with.Findings {
				texts = append(texts, f.String())
			}
			for want := range strings.SplitSeq(row.want, "|") {
				if !slices.ContainsFunc(texts, func(text string) bool {
					return strings.HasPrefix(sizes.ReplaceAllString(text, ""), want) || strings.HasPrefix(text, want)
				}) {
					t.Errorf("want %q, found:\n%s", want, strings.Join(texts, "\n"))
				}
			}
			if len(texts) > 8 {
				t.Errorf("one change is told %d times:\n%s", len(texts), strings.Join(texts, "\n"))
			}
		})
	}
	t.Logf("%d kinds of tampering", kinds)
}

func TestWhatNobodyTouchedIsClean(t *testing.T) {
	dir, head := four(t)
	v, err := audit.Verify(dir, head)
	if err != nil || len(v.Findings) > 0 || v.Records != 5 || v.Lines != 12 || v.Since != 1 {
		t.Fatalf("%+v, %v", v, err)
	}
	notes := strings.Join(v.Notes, "\n")
	for _, want := range []string{"unfinished: one/left.jsonl: its process was killed or lost its machine; it was chained as it was found", "unfinished: two/late.jsonl: its process was killed or lost its machine; the next run"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in:\n%s", want, notes)
		}
	}
	// What no run reads is not of the chain: reports, and other files of the user's.
	for name, text := range map[string]string{"one/report.html": "<html>", "one/results.jsonl": `{"a":1}`, "one/audit.jsonl": "", "notes.jsonl": "x"} {
		files{t, dir}.write(name, text)
	}
	if v, err = audit.Verify(dir, v.Head); err != nil || len(v.Findings) > 0 || v.Since != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestARunThatIsUnderWayIsNoFinding(t *testing.T) {
	dir := t.TempDir()
	rec, file := begin(t, dir, "one/a.jsonl")
	v, err := audit.Verify(dir, "")
	if err != nil || len(v.Findings) > 0 || !strings.HasPrefix(strings.Join(v.Notes, ""), "under way: one/a.jsonl: its run "+rec.Run()) {
		t.Errorf("%+v, %v", v, err)
	}
	run(t, dir, "one/b.jsonl") // does not call it abandoned
	if _, err := (audit.Chain{Dir: dir}).Finish(file, rec.Run()); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if v, err = audit.Verify(dir, ""); err != nil || len(v.Findings)+len(v.Notes) > 0 || v.Records != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

// A record without a plan, which a kill may leave before the chain knows it, shows
// nothing that could be judged.
func TestARecordOfNothingIsNotInserted(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "one/a.jsonl")
	f := files{t, dir}
	whole := f.read("one/a.jsonl")
	f.write("one/b.jsonl", "")
	f.write("one/c.jsonl", whole[:strings.Index(whole, "\n")+1])
	v, err := audit.Verify(dir, "")
	if err != nil || len(v.Findings) > 0 || len(v.Notes) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestRecordsThatWereThereBeforeTheChainAreChainedAsTheyAre(t *testing.T) {
	dir, _ := four(t)
	f := files{t, dir}
	f.must(os.Remove(f.path(audit.File)))
	if _, err := audit.Verify(dir, ""); !errors.Is(err, audit.ErrNoChain) {
		t.Errorf("error %v, want no chain", err)
	}
	run(t, dir, "three/new.jsonl")
	v, err := audit.Verify(dir, "")
	if err != nil || len(v.Findings) > 0 || v.Records != 7 || !strings.Contains(strings.Join(v.Notes, ""), "6 records were there when the chain began") {
		t.Fatalf("%+v, %v", v, err)
	}
	f.write("one/a.jsonl", f.rewritten("one/a.jsonl"))
	if v, err = audit.Verify(dir, ""); err != nil || len(v.Findings) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestManyRunsShareADirectory(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() { run(t, dir, fmt.Sprintf("run-%d/a.jsonl", i)) })
	}
	all.Wait()
	v, err := audit.Verify(dir, "")
	if err != nil || len(v.Findings)+len(v.Notes) > 0 || v.Records != 20 || v.Lines != 41 {
		t.Errorf("%+v, %v", v, err)
	}
}

// The first run of a directory begins the chain while another has begun its record, and
// has not chained it yet.
func TestTheFirstOfAChainDoesNotTakeARecordUnderWayForOneThatWasLeft(t *testing.T) {
	dir := t.TempDir()
	file, err := audit.Create(filepath.Join(dir, "a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	rec := record.NewRecorder(file) // which writes the header
	run(t, dir, "one/b.jsonl")
	chain := audit.Chain{Dir: dir}
	if err := chain.Begin(file, rec.Run()); err != nil {
		t.Fatal(err)
	}
	if _, err := chain.Finish(file, rec.Run()); err != nil {
		t.Fatal(err)
	}
	if v, err := audit.Verify(dir, ""); err != nil || len(v.Findings)+len(v.Notes) > 0 || v.Records != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := audit.Create(file.Name()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a record that is there is made again: %v", err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMain writes a record until it is killed, if the environment says so.
func TestMain(m *testing.M) {
	if dir := os.Getenv("AUDIT_TEST_WRITES"); dir != "" {
		path := filepath.Join(dir, "one", "killed.jsonl")
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		file, err := audit.Create(path)
		if err != nil {
			panic(err)
		}
		rec := record.NewRecorder(file)
		if err := (audit.Chain{Dir: dir}).Begin(file, rec.Run()); err != nil {
			panic(err)
		}
		fmt.Println("begun")
		for {
			rec.Note("and on")
		}
	}
	os.Exit(m.Run())
}

// A real process, killed with -9 while it writes.
func TestAKillIsNoTampering(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "AUDIT_TEST_WRITES="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	v, err := audit.Verify(dir, "")
	if err != nil || len(v.Findings) > 0 || !strings.HasPrefix(strings.Join(v.Notes, ""), "under way: one/killed.jsonl") {
		t.Errorf("while it writes: %+v, %v", v, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if v, err = audit.Verify(dir, ""); err != nil || len(v.Findings) > 0 || !strings.HasPrefix(strings.Join(v.Notes, ""), "unfinished: one/killed.jsonl") {
		t.Errorf("killed: %+v, %v", v, err)
	}
	run(t, dir, "two/next.jsonl")
	if v, err = audit.Verify(dir, ""); err != nil || len(v.Findings) > 0 || v.Records != 2 || !strings.Contains(strings.Join(v.Notes, ""), "chained as it was found") {
		t.Errorf("chained by the next run: %+v, %v", v, err)
	}
}

func TestADirectoryThatCannotBeChainedIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, audit.File), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(filepath.Join(dir, "a.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // of a test
	if err := (audit.Chain{Dir: dir}).Begin(file, "x"); err == nil || !strings.HasPrefix(err.Error(), "chain records: ") {
		t.Errorf("error %v", err)
	}
	if err := (audit.Chain{Dir: filepath.Join(dir, "other")}).Begin(file, "x"); err == nil || !strings.Contains(err.Error(), "it is not below") {
		t.Errorf("error %v", err)
	}
}

// A log is chained as it grows: its end cannot be cut, nor can a line that is appended
// afterwards hide that it was.
func TestALogIsChainedAsItGrows(t *testing.T) {
	for _, row := range []struct {
		sentence string
		change   func(t *testing.T, dir, log string)
		finds    []string
		notes    int
		cut      string
	}{
		{"nothing", func(*testing.T, string, string) {}, nil, 0, ""},
		{"its end is cut", func(t *testing.T, _, log string) { rewrite(t, log, "one\n") }, []string{"truncated: day/log.ndjson: it has 4 bytes of the 14 that were chained"}, 0, "its end was cut"},
		{"and a line appended", func(t *testing.T, dir, log string) { rewrite(t, log, "one\n"); extend(t, dir, log, "x\n") }, []string{"truncated: day/log.ndjson: it has 6 bytes of the 14 that were chained"}, 0, "its end was cut"},
		{"or a longer one", func(t *testing.T, dir, log string) {
			rewrite(t, log, "one\n")
			extend(t, dir, log, "a line that is longer\n")
		}, []string{"changed: day/log.ndjson: its first 8 bytes are not"}, 0, "its first 8 bytes"},
		{"a word is changed", func(t *testing.T, _, log string) { rewrite(t, log, "one\ntoo\nthree\n") }, []string{"changed: day/log.ndjson: its first 8 bytes are not those that were chained"}, 0, "its first 8 bytes"},
		{"it is gone", func(t *testing.T, _, log string) {
			if err := os.Remove(log); err != nil {
				t.Fatal(err)
			}
		}, []string{"missing: day/log.ndjson: it was extended on"}, 0, "no such file"},
		{"its process was killed as it appended", func(t *testing.T, _, log string) { rewrite(t, log, "one\ntwo\nthree\nfo") }, nil, 1, ""},
	} {
		dir := t.TempDir()
		run(t, dir, "day/a.jsonl")
		log := filepath.Join(dir, "day", "log.ndjson")
		rewrite(t, log, "")
		for _, line := range []string{"", "one\n", "two\n"} {
			extend(t, dir, log, line)
		}
		head := extend(t, dir, log, "three\n")
		row.change(t, dir, log)
		found, err := audit.Verify(dir, head)
		var finds []string
		for _, f := range found.Findings {
			finds = append(finds, f.String())
		}
		if err != nil || found.Since > 1 || len(found.Notes) != row.notes || found.Records != 1 || !startWith(finds, row.finds) || (found.Logs == 1) != (len(finds) == 0) {
			t.Errorf("%s: %q, %q, %v; want %q and %d notes", row.sentence, finds, found.Notes, err, row.finds, row.notes)
		}
		cut, err := audit.Chain{Dir: dir}.Cut(log)
		if err != nil {
			cut = err.Error()
		}
		if (cut == "") != (row.cut == "") || !strings.Contains(cut, row.cut) {
			t.Errorf("%s: %q, want %q", row.sentence, cut, row.cut)
		}
	}
	dir := t.TempDir()
	log := filepath.Join(dir, "day", "log.ndjson")
	if _, err := (audit.Chain{Dir: dir}).Cut(log); !errors.Is(err, audit.ErrNoChain) {
		t.Errorf("%v: want that there is no chain", err)
	}
	run(t, dir, "day/a.jsonl")
	rewrite(t, log, "put there\n")
	if cut, err := (audit.Chain{Dir: dir}).Cut(log); err != nil || !strings.Contains(cut, "no line of the chain names it") {
		t.Errorf("%q, %v: want that it was put there", cut, err)
	}
}

// Records that were there when a log begins the chain are found, as by a run.
func TestALogBeginsAChain(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "old/a.jsonl")
	if err := os.Remove(filepath.Join(dir, audit.File)); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(dir, "old", "log.ndjson")
	rewrite(t, log, "")
	head := extend(t, dir, log, "one\n")
	found, err := audit.Verify(dir, "")
	if err != nil || len(found.Findings) > 0 || found.Records != 1 || found.Logs != 1 || found.Head != head {
		t.Errorf("%+v, %v; want the record and the log as they are", found, err)
	}
	if last, err := (audit.Chain{Dir: dir}).Head(); err != nil || last != head {
		t.Errorf("%s, %v; want the head %s", last, err, head)
	}
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// extend appends a line to a log, and returns the chain's head.
func extend(t *testing.T, dir, log, line string) string {
	t.Helper()
	err := disk.Append(log, "append", func([]byte) ([]byte, error) { return []byte(line), nil })
	head, errExtend := audit.Chain{Dir: dir}.Extend(log)
	if err := errors.Join(err, errExtend); err != nil {
		t.Fatal(err)
	}
	return head
}

// startWith reports whether texts begin as is wanted, one by one.
func startWith(texts, want []string) bool {
	return slices.EqualFunc(texts, want, strings.HasPrefix)
}

// A file that cannot be read now is no tampering, and what is tampered with is found all
// the same.
func TestWhatCannotBeReadNow(t *testing.T) {
	dir, head := four(t)
	f := files{t, dir}
	f.must(os.Remove(f.path("two/d.jsonl")))
	var was syscall.Rlimit
	f.must(syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was))
	free, err := os.Open(dir)
	f.must(err)
	few := was
	few.Cur = uint64(free.Fd()) + 1 // of two at once, which a chain and a record are
	f.must(free.Close())
	f.must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	v, err := audit.Verify(dir, head)
	f.must(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was))
	if !audit.Unread(err) || !errors.Is(err, syscall.EMFILE) {
		t.Errorf("error %v, want that a file cannot be read", err)
	}
	if len(v.Findings) != 1 || !strings.HasPrefix(v.Findings[0].String(), "missing: two/d.jsonl") {
		t.Errorf("found %v, want what is missing alone", v.Findings)
	}
	for _, row := range []struct {
		sentence string
		err      error
		want     bool
	}{
		{"it is gone", &fs.PathError{Err: syscall.ENOENT}, false},
		{"a directory is in its place", &fs.PathError{Err: syscall.EISDIR}, false},
		{"a link to itself is", &fs.PathError{Err: syscall.ELOOP}, false},
		{"a file is in place of its directory", &fs.PathError{Err: syscall.ENOTDIR}, false},
		{"the disk fails", fmt.Errorf("read: %w", &fs.PathError{Err: syscall.EIO}), true},
		{"it is damaged", errors.New("the checksum is wrong"), false},
		{"nothing is wrong", nil, false},
	} {
		if got := audit.Unread(row.err); got != row.want {
			t.Errorf("%s: %t", row.sentence, got)
		}
	}
}
