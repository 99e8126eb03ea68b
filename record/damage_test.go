package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// story is a run of nine seconds at 20 requests a second: a kill at 3 s, undone
// at 4 s. Nothing is answered well for so long after 4 s.
func story(down time.Duration) []record.Entry {
	const step = 50 * time.Millisecond
	var list []record.Request
	for at := step; at < 9*time.Second; at += step {
		q := record.Request{Seq: uint64(len(list)), Planned: at, Sent: at, Answered: at + 5*time.Millisecond, Outcome: record.Outcome{Code: 200, Backend: []string{"a", "b", "c"}[len(list)%3], Attempts: 1}}
		if at > 4*time.Second && at < 4*time.Second+down {
			q.Outcome = record.Outcome{Error: "503", Attempts: 1}
		}
		list = append(list, q)
	}
	const t0, gone, last = 3 * time.Second, 4 * time.Second, 9*time.Second + 10*time.Millisecond
	before := slices.IndexFunc(list, func(q record.Request) bool { return q.Sent >= t0 })
	victim := record.Target{Name: "a", UID: "uid-a"}
	return []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &record.Plan{
			Name: "story", Settle: time.Second, Hold: time.Second, Watch: 5 * time.Second, Faults: []record.Scheduled{{Fault: "kill"}},
			Checks: []steadystate.Check{{
				Name: "answers", Signal: "requests", Good: steadystate.MustParseTolerance("<= 1s"),
				Limits: steadystate.Limits("downtime <= 3s", "ttr <= 6s"),
			}},
			Stages: map[string][]record.Stage{"requests": {{Name: "1: 20/s", After: -step, Rate: 20}}},
		}},
		{Phase: record.PhaseSettle},
		{At: t0, Requests: &record.Requests{Signal: "requests", List: list[:before]}},
		{At: t0, Phase: record.PhaseInject},
		{At: t0 + ms, Injection: &record.Injection{Fault: "kill", Span: steadystate.Span{From: t0, To: t0 + ms}, Targets: []record.Target{victim}, Effects: []record.Effect{{Event: record.EventGone}}, OneShot: true}},
		{At: t0 + ms, Event: &record.Event{Span: steadystate.Instant(t0 + ms), Kind: record.EventGone, Subject: "pod/shop/a", UID: victim.UID}},
		{At: t0 + 2*ms, Phase: record.PhaseHold},
		{At: gone, Phase: record.PhaseRecover},
		{At: gone + ms, Removal: &record.Removal{Fault: "kill", Span: steadystate.Span{From: gone, To: gone + ms}}},
		{At: gone + 2*ms, Phase: record.PhaseWatch},
		{At: last, Requests: &record.Requests{Signal: "requests", List: list[before:]}},
		{At: last, End: &record.End{Reason: record.Completed}},
	}
}

// encoded is a record of the entries, whatever they are.
func encoded(t *testing.T, list []record.Entry) []byte {
	t.Helper()
	var file bytes.Buffer
	encoder := record.NewEncoder(&file)
	for _, e := range list {
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

func judged(text []byte) (judge.Result, error) {
	return judge.Judge(record.Read(bytes.NewReader(text)), nil)
}

const (
	goodStory = 0
	badStory  = 3500 * time.Millisecond
)

// R15: 92 of 20,000 changed bytes turned broken into held.
func TestOneChangedByteNeverMakesAnotherVerdict(t *testing.T) {
	text := encoded(t, story(badStory))
	if r, err := judged(text); err != nil || r.Verdict != steadystate.Broken {
		t.Fatalf("as recorded: %s, %s, %v; want broken", r.Verdict, r.Reason, err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	refused := 0
	for range 20_000 {
		changed := bytes.Clone(text)
		i := random.IntN(len(text))
		if random.IntN(2) == 0 {
			changed[i] = byte("0123456789,:{}ab\n"[random.IntN(17)])
		} else {
			changed[i] = byte(random.IntN(256))
		}
		if changed[i] == text[i] {
			continue
		}
		r, err := judged(changed)
		switch {
		case err != nil && (strings.Contains(err.Error(), "line ") || strings.Contains(err.Error(), "record version")):
			refused++
		case err != nil:
			t.Fatalf("byte %d, %q for %q: error %v, want one with its line", i, changed[i], text[i], err)
		case i != len(text)-1 || r.Verdict == steadystate.Held || !strings.Contains(fmt.Sprint(r.Notes), "cut"):
			t.Fatalf("byte %d, %q for %q: %s, want an error; only without its last newline a record is cut", i, changed[i], text[i], r.Verdict)
		}
	}
	if refused < 15_000 {
		t.Errorf("%d changes were refused, want nearly all of 20,000", refused)
	}
}

func TestACutRecordIsNeverHeld(t *testing.T) {
	text := encoded(t, story(goodStory))
	if r, err := judged(text); err != nil || r.Verdict != steadystate.Held {
		t.Fatalf("as recorded: %s, %s, %v; want held", r.Verdict, r.Reason, err)
	}
	for n := range text {
		r, err := judged(text[:n])
		if err == nil && r.Verdict == steadystate.Held {
			t.Fatalf("held when it is cut at byte %d of %d", n, len(text))
		}
		if afterPlan := bytes.Count(text[:n], []byte("\n")) >= 2; afterPlan != (err == nil) {
			t.Fatalf("cut at byte %d of %d: error %v; want it judged as far as it goes, once there is a plan", n, len(text), err)
		}
	}
}

func TestALineThatIsMissingMovedOrThereTwiceIsFound(t *testing.T) {
	lines := bytes.SplitAfter(encoded(t, story(badStory)), []byte("\n"))
	lines = lines[:len(lines)-1]
	others := bytes.SplitAfter(encoded(t, story(goodStory)), []byte("\n"))
	last := len(lines) - 1
	for i := range lines {
		for _, row := range []struct {
			sentence string
			lines    [][]byte
			fine     bool
		}{
			{"removed", slices.Concat(lines[:i], lines[i+1:]), i == last}, // a cut
			{"there twice", slices.Concat(lines[:i+1], lines[i:]), false},
			{"moved to the end", slices.Concat(lines[:i], lines[i+1:], lines[i:i+1]), i == last},
			// The stories are the same up to the last block.
			{"another record's", slices.Concat(lines[:i], others[i:i+1], lines[i+1:]), i < last-1},
		} {
			r, err := judged(slices.Concat(row.lines...))
			if (err == nil) != row.fine || (err == nil && r.Verdict == steadystate.Held) {
				t.Errorf("line %d %s: %s, error %v", i+1, row.sentence, r.Verdict, err)
			}
		}
	}
	if _, err := judged(slices.Concat(slices.Concat(lines...), slices.Concat(others...))); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("line %d: the checksum is wrong", last+2)) {
		t.Errorf("two records in one file: error %v, want the line of the second", err)
	}
}

// R15, M6: what has no place in the record of one run is refused wherever the
// entries come from.
func TestWhatHasNoPlaceInARecordIsRefused(t *testing.T) {
	at := func(i int, e record.Entry) func([]record.Entry) []record.Entry {
		return func(list []record.Entry) []record.Entry { return slices.Insert(list, i, e) }
	}
	last := func(e record.Entry) func([]record.Entry) []record.Entry {
		return func(list []record.Entry) []record.Entry { return append(list, e) }
	}
	backward := steadystate.Span{From: 3 * time.Second, To: 2 * time.Second}
	lax := story(goodStory)[1]
	for _, row := range []struct {
		sentence string
		change   func([]record.Entry) []record.Entry
		want     string
	}{
		{"a plan with nothing to judge", func(list []record.Entry) []record.Entry {
			list[1] = record.Entry{Plan: &record.Plan{Name: "x"}}
			return list
		}, "2: the plan has no checks and no expectations"},
		{"two faults of one name", func(list []record.Entry) []record.Entry {
			list[1].Plan.Faults = append(slices.Clone(list[1].Plan.Faults), list[1].Plan.Faults[0])
			return list
		}, "2: the plan has two faults of the name \"\""},
		{"two checks of one name", func(list []record.Entry) []record.Entry {
			list[1].Plan.Checks = append(slices.Clone(list[1].Plan.Checks), list[1].Plan.Checks[0])
			return list
		}, "2: the plan has the check "},
		{"a check of no signal", func(list []record.Entry) []record.Entry {
			list[1].Plan.Checks = append(slices.Clone(list[1].Plan.Checks), steadystate.Check{Name: "x", Good: steadystate.AtLeast(1)})
			return list
		}, "2: check \"x\": needs a signal"},
		{"an expectation of the name of a check", func(list []record.Entry) []record.Entry {
			list[1].Plan.Expectations = append(slices.Clone(list[1].Plan.Expectations), record.Expectation{Name: list[1].Plan.Checks[0].Name})
			return list
		}, "2: the plan has the expectation "},
		{"an autoscaler of two metrics", func(list []record.Entry) []record.Entry {
			list[1].Plan.Expectations = []record.Expectation{{Name: "a", Subject: "hpa/x", Signal: "cpu"}, {Name: "b", Subject: "hpa/x", Signal: "memory"}}
			return list
		}, `2: the expectations "a" and "b" of hpa/x go by different signals, "cpu" and "memory"`},
		{"a second plan after the first", at(2, lax), "3: a second plan"},
		{"a second plan near the end", at(12, lax), "13: a second plan"},
		{"a second plan after the end", last(lax), "14: an entry after the end"},
		{"a second header", at(5, story(goodStory)[0]), "6: a second header"},
		{"a second end, after one that says interrupted", func(list []record.Entry) []record.Entry {
			list[12].End = &record.End{Reason: record.Interrupted}
			return append(list, record.Entry{End: &record.End{Reason: record.Completed}})
		}, "14: an entry after the end"},
		{"a note after the end", last(record.Entry{Note: "by the way"}), "14: an entry after the end"},
		{"two records in one", func(list []record.Entry) []record.Entry { return append(list, story(goodStory)...) }, "14: an entry after the end"},
		{"two things in one entry", at(3, record.Entry{Phase: record.PhaseSettle, End: &record.End{Reason: record.Completed}}), "4: an entry with 2 contents"},
		{"a backward observation", at(3, record.Entry{Observations: &record.Observations{Signal: "up", List: []steadystate.Observation{{}, {Span: backward}}}}), "4: an observation of up ends before it begins: 3s to 2s"},
		{"a backward request", at(3, record.Entry{Requests: &record.Requests{Signal: "requests", List: []record.Request{{}, {Seq: 7, Sent: 3 * time.Second, Answered: 2 * time.Second}}}}), "4: request 7 of requests is answered before it is sent"},
		{"a request with a skew below zero", at(3, record.Entry{Requests: &record.Requests{Signal: "requests", List: []record.Request{{Skew: -ms}}}}), "4: request 0 of requests"},
		{"a backward event", at(3, record.Entry{Event: &record.Event{Span: backward, Kind: "gone", Subject: "pod/a"}}), "4: the event gone of pod/a ends before it begins"},
		{"a backward injection", at(3, record.Entry{Injection: &record.Injection{Fault: "kill", Span: backward}}), "4: the injection of kill ends before it begins"},
		{"a backward removal", at(3, record.Entry{Removal: &record.Removal{Fault: "kill", Span: backward}}), "4: the removal of kill ends before it begins"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			list := row.change(story(badStory))
			if r, err := judged(encoded(t, list)); err == nil || !strings.Contains(err.Error(), "record, line "+row.want) {
				t.Errorf("in a file: %s, error %v, want one with line %q", r.Verdict, err, row.want)
			}
			if r, err := judge.Judge(recordtest.All(list), nil); err == nil || !strings.Contains(err.Error(), "record, entry "+row.want) {
				t.Errorf("in memory: %s, error %v, want one with entry %q", r.Verdict, err, row.want)
			}
		})
	}
}

// What a recorder refuses it does not write, and its error stays.
func TestARecorderRefusesWhatItsReaderWould(t *testing.T) {
	backward := steadystate.Span{From: 3 * time.Second, To: 2 * time.Second}
	plan := story(goodStory)[1].Plan
	for _, row := range []struct {
		sentence string
		record   func(rec *record.Recorder)
		want     string
	}{
		{"a backward observation", func(rec *record.Recorder) { rec.Observe("up", steadystate.Observation{Span: backward}) }, "an observation of up ends before it begins"},
		{"a backward request", func(rec *record.Recorder) {
			rec.Request("requests", record.Request{Seq: 7, Sent: 2, Answered: 1})
			rec.Flush()
		}, "request 7 of requests is answered before it is sent"},
		{"a backward event", func(rec *record.Recorder) { rec.Event(record.Event{Span: backward, Kind: "gone"}) }, "the event gone"},
		{"a plan beside that of its run", func(rec *record.Recorder) { rec.Record(record.Entry{Plan: plan}) }, "a second plan"},
		{"a header of its own", func(rec *record.Recorder) { rec.Record(record.Entry{Header: &record.Header{}}) }, "a second header"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var file bytes.Buffer
			rec := record.NewRecorder(&file)
			if err := rec.Begin(plan); err != nil {
				t.Fatal(err)
			}
			row.record(rec)
			if err := rec.Err(); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
			n := 0
			for _, err := range record.Read(&file) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 2 {
				t.Errorf("%d entries, want the header and the plan", n)
			}
		})
	}
}

func TestARecorderIsOfOneRun(t *testing.T) {
	rec := record.NewRecorder(&bytes.Buffer{})
	plan := story(goodStory)[1].Plan
	if err := rec.Begin(plan); err != nil {
		t.Fatal(err)
	}
	if err := rec.Begin(plan); err == nil || !strings.Contains(err.Error(), "was used before: a record is of one run; make a new recorder for each") {
		t.Errorf("begun again: error %v", err)
	}
	if err := rec.Err(); err != nil {
		t.Errorf("the run that has it fails with %v", err)
	}
}

func TestTheFirstErrorOfRecordingIsTold(t *testing.T) {
	backwards := record.Request{Sent: s}
	for _, row := range []struct {
		sentence string
		fail     func(rec *record.Recorder)
		want     string
	}{
		{"a write that fails", func(rec *record.Recorder) { rec.Note("a note") }, "write record: disk full"},
		{"a request that ends before it begins", func(rec *record.Recorder) { rec.Request("requests", backwards) }, "is answered before it is sent"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			rec := record.NewRecorder(&full{at: 1}) // after the header
			var early, late []error
			rec.OnError(func(err error) { early = append(early, err) })
			if len(early) > 0 {
				t.Errorf("told %v before anything failed", early)
			}
			row.fail(rec)
			rec.Note("a note")
			rec.OnError(func(err error) { late = append(late, err) })
			for _, told := range [][]error{early, late} {
				if len(told) != 1 || !strings.Contains(told[0].Error(), row.want) || !errors.Is(rec.Err(), told[0]) {
					t.Errorf("told %v, want once %q, as Err says: %v", told, row.want, rec.Err())
				}
			}
		})
	}
}

// A disk that was full for a moment leaves a record that is cut, not damaged.
func TestAfterAFailedWriteNothingIsWritten(t *testing.T) {
	disk := &full{at: 2}
	rec := record.NewRecorder(disk)
	for range 5 {
		rec.Note("a note")
	}
	if err := rec.Err(); err == nil || !strings.Contains(err.Error(), "write record: disk full") {
		t.Errorf("error %v, want the disk's", err)
	}
	var last error
	n := 0
	for _, err := range record.Read(&disk.Buffer) {
		if err != nil {
			last = err
			continue
		}
		n++
	}
	if n != 2 || !errors.Is(last, record.ErrCut) {
		t.Errorf("%d entries, error %v; want the header, a note and a cut", n, last)
	}
}

// full takes half of one write.
type full struct {
	bytes.Buffer
	at int
}

func (f *full) Write(p []byte) (int, error) {
	if f.at--; f.at == -1 {
		n, _ := f.Buffer.Write(p[:len(p)/2])
		return n, errors.New("disk full")
	}
	return f.Buffer.Write(p)
}

// The package's own example: what was just recorded is judged from where the
// recorder stopped.
func TestAFileAndABufferAreReadFromTheirBeginning(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var buffer bytes.Buffer
	encoder := record.NewEncoder(io.MultiWriter(file, &buffer))
	for _, e := range story(goodStory) {
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	for name, in := range map[string]io.Reader{"file": file, "buffer": &buffer} {
		for range 2 {
			if r, err := judge.Judge(record.Read(in), nil); err != nil || r.Verdict != steadystate.Held {
				t.Errorf("%s: %s, error %v; want held", name, r.Verdict, err)
			}
		}
	}
	// A pipe can be read once, and judging reads twice.
	entries := record.Read(io.LimitReader(&buffer, 1<<20))
	n := 0
	for _, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	for _, err := range entries {
		if err == nil || !strings.Contains(err.Error(), "read record again: want a file, or another io.Seeker") {
			t.Errorf("read again: error %v", err)
		}
	}
	if want := len(story(goodStory)); n != want {
		t.Errorf("%d entries of a pipe, want %d", n, want)
	}
}
