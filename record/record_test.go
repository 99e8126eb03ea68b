package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

func TestRequestsSurviveTheRecord(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	outcomes := []record.Outcome{
		{Code: 200, Backend: "a", Attempts: 1},
		{Code: 200, Backend: "b", Attempts: 2},
		{Code: 503, Backend: "a", Attempts: 1},
		{Error: "connection refused"},
		{Error: "no local port left", Local: true},
	}
	var list []record.Request
	for i := range 1000 {
		planned := time.Duration(i) * 10 * time.Millisecond
		sent := planned + time.Duration(r.Int64N(int64(5*time.Millisecond)))
		list = append(list, record.Request{
			Seq: uint64(i), Planned: planned, Sent: sent,
			Answered: sent + time.Duration(r.Int64N(int64(2*time.Second))),
			Outcome:  outcomes[r.IntN(len(outcomes))],
		})
	}
	// Requests are recorded as they are answered, not as they were sent.
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	text, err := json.Marshal(record.Requests{Signal: "requests", List: list})
	if err != nil {
		t.Fatal(err)
	}
	var got record.Requests
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.List) != len(list) {
		t.Fatalf("%d requests, want %d", len(got.List), len(list))
	}
	for i, q := range got.List {
		want := list[i]
		if q.Seq != want.Seq || q.Outcome != want.Outcome {
			t.Fatalf("request %d: %+v, want %+v", i, q, want)
		}
		if q.Sent > want.Sent || q.Answered < want.Answered {
			t.Fatalf("request %d: span %s..%s does not hold %s..%s", i, q.Sent, q.Answered, want.Sent, want.Answered)
		}
		if want.Sent-q.Sent >= time.Microsecond || q.Answered-want.Answered >= time.Microsecond {
			t.Fatalf("request %d: rounded by more than a microsecond", i)
		}
	}
}

// The worst case for the columns: answers of any length, and every other
// request with another outcome.
func TestARequestTakesFewBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var list []record.Request
	for i := range 4096 {
		planned := time.Duration(i) * time.Millisecond
		sent := planned + time.Duration(r.Int64N(int64(200*time.Microsecond)))
		outcome := record.Outcome{Code: 200, Backend: "checkout-1", Attempts: 1}
		if i%2 == 1 {
			outcome = record.Outcome{Error: "connection refused"}
		}
		list = append(list, record.Request{Seq: uint64(i), Planned: planned, Sent: sent, Answered: sent + time.Duration(r.Int64N(int64(10*time.Millisecond))), Outcome: outcome})
	}
	text, err := json.Marshal(record.Requests{Signal: "requests", List: list})
	if err != nil {
		t.Fatal(err)
	}
	if each := float64(len(text)) / float64(len(list)); each > 10 {
		t.Errorf("%.1f bytes for each request, want at most 10", each)
	}
}

func FuzzRequestBlock(f *testing.F) {
	text, _ := json.Marshal(record.Requests{Signal: "r", List: []record.Request{
		{Seq: 3, Planned: time.Second, Sent: time.Second, Answered: 2 * time.Second, Outcome: record.Outcome{Code: 200, Attempts: 1}},
	}})
	f.Add(text)
	skewed, _ := json.Marshal(record.Requests{Signal: "r", List: []record.Request{
		{Seq: 3, Sent: time.Second, Answered: 2 * time.Second, Skew: time.Millisecond},
	}})
	f.Add(skewed)
	f.Add([]byte(`{"n":1}`))
	f.Add([]byte(`{"n":-1,"columns":"AAAA"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var block record.Requests
		if json.Unmarshal(text, &block) != nil {
			return
		}
		again, err := json.Marshal(block)
		if err != nil {
			t.Fatal(err)
		}
		var same record.Requests
		if err := json.Unmarshal(again, &same); err != nil {
			t.Fatalf("written and not readable: %v", err)
		}
		if len(same.List) != len(block.List) || same.Signal != block.Signal {
			t.Fatalf("%d requests became %d", len(block.List), len(same.List))
		}
	})
}

// sample is a record with one entry of each kind.
func sample(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	rec.Record(record.Entry{Plan: &record.Plan{
		Name:   "sample",
		Checks: []steadystate.Check{{Name: "up", Signal: "up", Good: steadystate.AtLeast(1), Limits: steadystate.Limits("downtime <= 2s")}},
	}})
	rec.Record(record.Entry{Environment: map[string]string{"where": "test"}})
	rec.Record(record.Entry{Phase: record.PhaseSettle})
	rec.Observe("up", steadystate.Observation{Value: 1})
	rec.Request("requests", record.Request{Seq: 1, Outcome: record.Outcome{Code: 200, Attempts: 1}})
	rec.Flush()
	rec.Event(record.Event{Kind: record.EventGone, Subject: "pod/a", UID: "1"})
	rec.Record(record.Entry{Injection: &record.Injection{Fault: "kill", Targets: []record.Target{{Name: "a", UID: "1"}}}})
	rec.Record(record.Entry{Removal: &record.Removal{Fault: "kill"}})
	rec.Note("note %d", 1)
	rec.Record(record.Entry{End: &record.End{Reason: record.Completed}})
	if err := rec.Err(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestARecordReadsBackAsItWasWritten(t *testing.T) {
	text := sample(t)
	var again bytes.Buffer
	encoder := record.NewEncoder(&again)
	n := 0
	for e, err := range record.Read(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	if n != 11 {
		t.Errorf("%d entries, want 11", n)
	}
	if !bytes.Equal(text, again.Bytes()) {
		t.Errorf("read and written again:\n%s\nwant\n%s", again.Bytes(), text)
	}
}

func TestARecordCutAtAnyByteIsReadableUpToThere(t *testing.T) {
	text := sample(t)
	whole := 0
	for _, err := range record.Read(bytes.NewReader(text)) {
		if err != nil {
			t.Fatal(err)
		}
		whole++
	}
	if whole != bytes.Count(text, []byte("\n")) {
		t.Fatalf("%d entries in %d lines", whole, bytes.Count(text, []byte("\n")))
	}
	for cut := range text {
		n := 0
		var last error
		for _, err := range record.Read(bytes.NewReader(text[:cut])) {
			if err != nil {
				last = err
				continue
			}
			n++
		}
		if want := bytes.Count(text[:cut], []byte("\n")); n != want {
			t.Fatalf("cut at %d: %d entries, want the %d whole lines", cut, n, want)
		}
		if atLineEnd := cut > 0 && text[cut-1] == '\n'; atLineEnd != (last == nil) {
			t.Fatalf("cut at %d: error %v", cut, last)
		}
		if cut > 0 && text[cut-1] != '\n' && !errors.Is(last, record.ErrCut) {
			t.Fatalf("cut at %d: error %v, want ErrCut", cut, last)
		}
		result, err := judge.Judge(record.Read(bytes.NewReader(text[:cut])), nil)
		if err == nil && result.Verdict == steadystate.Held {
			t.Fatalf("cut at %d: held", cut)
		}
	}
}

func TestWhatIsNotARecordIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "empty",
		"hello\n":                   "line 1",
		"{}\n":                      "no header",
		`{"header":{"format":"x"}}`: "cut",
		`{"header":{"format":"x","version":1}}` + "\n":                                 "no header with format",
		`{"header":{"format":"aftershock/record","version":9}}` + "\n":                 "version 9: this program reads version 2",
		`{"header":{"format":"aftershock/record","version":2}}` + "\n":                 "line 1: the checksum is wrong",
		string(record.Sealed(`{"header":{"format":"aftershock/record","version":2}}`)): "no plan",
	} {
		_, err := judge.Judge(record.Read(strings.NewReader(text)), nil)
		if text == `{"header":{"format":"x"}}` {
			want = "no plan"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", text, err, want)
		}
	}
}

func TestJudgingIsDeterministic(t *testing.T) {
	text := sample(t)
	first, err := judge.Judge(record.Read(bytes.NewReader(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := judge.Judge(record.Read(bytes.NewReader(text)), nil)
	if err != nil || !reflect.DeepEqual(first, second) {
		t.Errorf("%+v\n%+v\n%v", first, second, err)
	}
}
