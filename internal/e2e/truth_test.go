package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A record agrees with what the service wrote down, or it is said where it does not.
func TestRequestsAreComparedWithTheServicesOwnLog(t *testing.T) {
	const ms, n = time.Millisecond, 100
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	if err := rec.Begin(&record.Plan{Name: "kill one", Settle: 20 * ms, Checks: []steadystate.Check{{
		Name: "answers", Signal: record.TrafficSignal, Good: steadystate.Within(time.Second), Limits: steadystate.Limits("downtime <= 1s"),
	}}}); err != nil {
		t.Fatal(err)
	}
	rec.Record(record.Entry{Phase: record.PhaseInject})
	time.Sleep(2 * n * ms) // the record is as long as what is in it
	for i := range n {
		at := time.Duration(i) * 2 * ms
		q := record.Request{Seq: uint64(i), Planned: at, Sent: at, Answered: at + ms, Outcome: record.Outcome{Code: 200, Backend: "a", Attempts: 1}}
		if i >= 50 && i < 60 {
			q.Code, q.Backend, q.Error = 0, "", "connection refused"
		}
		rec.Request(record.TrafficSignal, q)
	}
	rec.Flush()
	rec.Record(record.Entry{End: &record.End{Reason: record.Completed}})
	if err := rec.Err(); err != nil {
		t.Fatal(err)
	}
	recorded := filepath.Join(t.TempDir(), "run.jsonl")
	if err := os.WriteFile(recorded, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(file.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sentence string
		change   func(i int, at time.Duration) (time.Duration, bool) // when the service saw it, if it did
		want     string
	}{
		{"as it was", func(_ int, at time.Duration) (time.Duration, bool) { return at, true }, ""},
		{"an answer that no log has", func(i int, at time.Duration) (time.Duration, bool) { return at, i != 7 }, "request 7 was answered by a, whose log does not have it"},
		{"a request that came after its answer", func(i int, at time.Duration) (time.Duration, bool) {
			if i == 7 {
				at += 20 * ms
			}
			return at, true
		}, "request 7 came in at"},
		{"nothing at all", func(int, time.Duration) (time.Duration, bool) { return 0, false }, "nothing to compare"},
	} {
		truth := t.TempDir()
		var log strings.Builder
		for i := range n {
			if at, seen := row.change(i, time.Duration(i)*2*ms+ms/2); seen && (i < 50 || i >= 60) {
				fmt.Fprintf(&log, `{"time":%d,"pod":"a","event":"request","seq":%d}`+"\n", result.Started.Add(at).UnixNano(), i)
			}
		}
		if err := os.WriteFile(filepath.Join(truth, "checkout-a.log"), []byte(log.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		agreed, err := compareRequests(result, recorded, truth)
		switch {
		case row.want == "":
			if want := "90 requests answered within their spans, 10 refused"; err != nil || !strings.Contains(agreed, want) || !strings.Contains(agreed, "the service missed 10 numbers, 50 to 59") {
				t.Errorf("%s: %q, %v; want %q", row.sentence, agreed, err, want)
			}
		case err == nil || !strings.Contains(err.Error(), row.want):
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
	if _, err := compareRequests(result, recorded, t.TempDir()); err == nil || !strings.Contains(err.Error(), "no logs checkout-*.log in ") {
		t.Errorf("without logs: %v", err)
	}
}
