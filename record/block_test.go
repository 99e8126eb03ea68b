package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A block as it was before requests told of stalls: five columns.
const oldBlock = `{"signal":"requests","n":2,"from":1000000000,"outcomes":[{"code":200,"attempts":1},{"error":"connection refused","attempts":0}],"columns":"YmJjYmFYMIeROaWHkWWC3wV+JgZGQAAAAP//"}`

func TestABlockOfFiveColumnsIsReadStill(t *testing.T) {
	var block record.Requests
	if err := json.Unmarshal([]byte(oldBlock), &block); err != nil {
		t.Fatal(err)
	}
	want := []record.Request{
		{Seq: 3, Planned: s, Sent: s + 50*time.Microsecond, Answered: s + 5050*time.Microsecond, Outcome: record.Outcome{Code: 200, Attempts: 1}},
		{Seq: 4, Planned: s + 10*ms, Sent: s + 10*ms + 70*time.Microsecond, Answered: s + 10*ms + 1070*time.Microsecond, Outcome: record.Outcome{Error: "connection refused"}},
	}
	if !reflect.DeepEqual(block.List, want) {
		t.Errorf("%+v\nwant\n%+v", block.List, want)
	}
	again, err := json.Marshal(block)
	if err != nil {
		t.Fatal(err)
	}
	var same record.Requests
	if err := json.Unmarshal(again, &same); err != nil || !reflect.DeepEqual(same, block) {
		t.Errorf("written again: %+v, %v", same, err)
	}
}

func TestWhatABlockKeeps(t *testing.T) {
	for _, row := range []struct {
		sentence, signal string
		request          record.Request
	}{
		{"a request of the usual stream, without a stall", record.TrafficSignal, record.Request{Seq: 7, Sent: ms, Answered: 3 * ms}},
		{"one that met a stall", record.TrafficSignal, record.Request{Sent: ms, Answered: 300 * ms, Stalled: 120 * ms}},
		{"one of another machine, whose clock is known to a millisecond", record.TrafficSignal, record.Request{Sent: ms, Answered: 3 * ms, Skew: ms}},
		{"one of another machine that met a stall there", record.TrafficSignal, record.Request{Sent: ms, Answered: 300 * ms, Stalled: 120 * ms, Skew: 800 * time.Microsecond}},
		{"one of another stream", "requests reused", record.Request{Sent: ms, Answered: 2 * ms, Signal: "requests reused"}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			var file bytes.Buffer
			rec := record.NewRecorder(&file)
			rec.Request(row.signal, row.request)
			rec.Flush()
			for e, err := range record.Read(&file) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Requests != nil && (e.Requests.Signal != row.signal || e.Requests.List[0] != row.request) {
					t.Errorf("%+v, want %+v of %s", e.Requests, row.request, row.signal)
				}
			}
		})
	}
}

func TestAStallBoundsWhatTheServiceTook(t *testing.T) {
	within := steadystate.Within(300 * ms)
	for _, row := range []struct {
		sentence           string
		request            record.Request
		good, bad, unknown bool
	}{
		{"slow although the load ran", record.Request{Answered: 400 * ms, Outcome: record.Outcome{Code: 200}}, false, true, false},
		{"slow by no more than the load stalled", record.Request{Answered: 400 * ms, Stalled: 150 * ms, Outcome: record.Outcome{Code: 200}}, false, false, true},
		{"slow by more than the load stalled", record.Request{Answered: 400 * ms, Stalled: 50 * ms, Outcome: record.Outcome{Code: 200}}, false, true, false},
		{"quick, whatever the load did", record.Request{Answered: 200 * ms, Stalled: 150 * ms, Outcome: record.Outcome{Code: 200}}, true, false, false},
		{"refused, whatever the load did", record.Request{Answered: 200 * ms, Stalled: 150 * ms, Outcome: record.Outcome{Error: "connection refused"}}, false, true, false},
		{"no answer in time", record.Request{Answered: s, Outcome: record.Outcome{Error: record.TimedOut}}, false, true, false},
		{"no answer in time, and then a stall", record.Request{Answered: s, Stalled: 20 * ms, Outcome: record.Outcome{Error: record.TimedOut}}, false, false, true},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			o := row.request.Observation()
			if got := o.Undecided(within) != ""; o.Good(within) != row.good || o.Bad(within) != row.bad || got != row.unknown {
				t.Errorf("%s: good %t, bad %t, unknown %t", o, o.Good(within), o.Bad(within), got)
			}
			if why := o.Undecided(within); row.request.Answered == 400*ms && why != "" && why != "the limit <= 0.3s lies within the bounds of the value: 250ms to 400ms" {
				t.Errorf("unknown: %s", why)
			}
		})
	}
}

func TestASkewWidensWhenARequestWasUnderWayAndNotWhatItTook(t *testing.T) {
	for _, row := range []struct {
		sentence string
		skew     time.Duration
		want     steadystate.Span
	}{
		{"of this machine", 0, steadystate.Span{From: 100 * ms, To: 300 * ms}},
		{"of another one, whose clock is known to 2 ms", 2 * ms, steadystate.Span{From: 98 * ms, To: 302 * ms}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			o := record.Request{Sent: 100 * ms, Answered: 300 * ms, Skew: row.skew, Outcome: record.Outcome{Code: 200}}.Observation()
			if o.Span != row.want || o.Value != 0.2 || o.Bucket != (steadystate.Bucket{}) {
				t.Errorf("%+v, want the span %s and exactly 0.2 s", o, row.want)
			}
		})
	}
}

func TestASkewIsNeverReadAsLess(t *testing.T) {
	text, err := json.Marshal(record.Requests{List: []record.Request{{Skew: 1500 * time.Nanosecond}}})
	if err != nil {
		t.Fatal(err)
	}
	var block record.Requests
	if err := json.Unmarshal(text, &block); err != nil || block.List[0].Skew != 2*time.Microsecond {
		t.Errorf("1.5 µs became %v, %v; want 2 µs", block.List, err)
	}
}

func TestADamagedBlockIsRefused(t *testing.T) {
	for sentence, row := range map[string]struct{ columns, want string }{
		"no columns at all":           {"", "request block: "},
		"a column that is cut":        {"Y2UAAA==", "column 0 is cut"},
		"more columns than there are": {"YmRAhYAAAAD//w==", "more than 7 columns"},
		"what is no deflated block":   {"AAAA", "request block: "},
	} {
		t.Run(sentence, func(t *testing.T) {
			var block record.Requests
			err := json.Unmarshal([]byte(`{"n":1,"outcomes":[{}],"columns":"`+row.columns+`"}`), &block)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("error %v, want one with %q", err, row.want)
			}
		})
	}
}

// held is a disk that hangs.
type held struct{ writing, release chan struct{} }

func (h held) Write(p []byte) (int, error) {
	h.writing <- struct{}{}
	<-h.release
	return len(p), nil
}

// However long the disk takes: what records a request does not wait for it,
// and nothing is lost.
func TestARequestDoesNotWaitForTheDisk(t *testing.T) {
	disk := held{make(chan struct{}), make(chan struct{})}
	var rec *record.Recorder
	var wg sync.WaitGroup
	wg.Go(func() { rec = record.NewRecorder(disk) })
	<-disk.writing // the header
	disk.release <- struct{}{}
	wg.Wait()

	rec.Request(record.TrafficSignal, record.Request{})
	wg.Go(rec.Flush)
	<-disk.writing
	seen := 0
	for i := range 1000 {
		rec.Request(record.TrafficSignal, record.Request{Seq: uint64(i) + 1})
		seen++
	}
	disk.release <- struct{}{}
	wg.Wait()
	if seen != 1000 {
		t.Errorf("%d requests were taken while the disk hung, want 1000", seen)
	}
	wg.Go(rec.Flush)
	<-disk.writing
	disk.release <- struct{}{}
	wg.Wait()
	if err := rec.Err(); err != nil {
		t.Error(err)
	}
}

// More than a block that came while the last was written are more than one.
func TestNoRecordHoldsABlockThatItsReaderRefuses(t *testing.T) {
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	var wg sync.WaitGroup
	const each, writers = 20_000, 4
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				rec.Request(record.TrafficSignal, record.Request{Seq: uint64(w*each + i)})
			}
		})
	}
	wg.Wait()
	rec.Flush()
	seen := map[uint64]bool{}
	for e, err := range record.Read(&file) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Requests != nil {
			if n := len(e.Requests.List); n > 4096 {
				t.Errorf("a block of %d requests, want at most 4096", n)
			}
			for _, q := range e.Requests.List {
				seen[q.Seq] = true
			}
		}
	}
	if len(seen) != each*writers {
		t.Errorf("%d requests, want all %d", len(seen), each*writers)
	}
}

// Whatever is read, the reader ends and says what is wrong; what it yields can
// be written and read again, and judged.
func FuzzRead(f *testing.F) {
	const header = `{"header":{"format":"aftershock/record","version":2}}` + "\n"
	f.Add("{}")
	f.Add(header + `{"requests":` + oldBlock + "}")
	f.Add(header + `{"plan":{"name":"x","checks":[{"name":"c","signal":"requests","good":"<= 2s"}]}}` + "\n" + `{"phase":"inject"}` + "\n" + `{"requests":` + oldBlock + "}")
	f.Fuzz(func(t *testing.T, objects string) {
		var lines []string
		for line := range strings.SplitSeq(objects, "\n") {
			if line != "" {
				lines = append(lines, line)
			}
		}
		text := record.Sealed(lines...)
		var again bytes.Buffer
		encoder := record.NewEncoder(&again)
		entries := 0
		var last error
		for e, err := range record.Read(bytes.NewReader(text)) {
			if last != nil {
				t.Fatalf("something after the error %v", last)
			}
			if err != nil {
				last = err
				continue
			}
			entries++
			if err := encoder.Encode(e); err != nil {
				t.Fatalf("read and not writable: %v", err)
			}
		}
		if last == nil && entries == 0 {
			t.Fatal("nothing was read, and no word of why")
		}
		same := 0
		for _, err := range record.Read(&again) {
			if err != nil && entries > 0 {
				t.Fatalf("written and not readable: %v", err)
			}
			same++
		}
		if entries > 0 && same != entries {
			t.Fatalf("%d entries became %d", entries, same)
		}
		result, err := judge.Judge(record.Read(io.LimitReader(bytes.NewReader(text), int64(len(text)))), nil)
		if last != nil && !errors.Is(last, record.ErrCut) && err == nil {
			t.Fatalf("judged %s although it cannot be read: %v", result.Verdict, last)
		}
	})
}
