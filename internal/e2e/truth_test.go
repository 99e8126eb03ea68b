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
	answered := func(i int) bool { return i < 50 || i >= 60 }
	was := func(i int, at time.Duration) (time.Duration, bool) { return at, answered(i) }
	const listened = 119 * ms // the last request that was refused was sent at 118 ms
	for _, row := range []struct {
		sentence string
		change   func(i int, at time.Duration) (time.Duration, bool) // when the service saw it, if it did
		listened time.Duration
		want     string
	}{
		{"as it was", was, listened, ""},
		{"a refused request that came in", func(i int, at time.Duration) (time.Duration, bool) { return at, answered(i) || i == 55 }, listened, "request 55 was refused, and a saw it"},
		{"an answer that no log has", func(i int, at time.Duration) (time.Duration, bool) { return at, answered(i) && i != 7 }, listened, "request 7 was answered by a, whose log does not have it"},
		{"a request that came after its answer", func(i int, at time.Duration) (time.Duration, bool) {
			if i == 7 {
				at += 20 * ms
			}
			return at, answered(i)
		}, listened, "request 7 came in at"},
		{"nothing at all", func(int, time.Duration) (time.Duration, bool) { return 0, false }, listened, "nothing to compare"},
	} {
		truth := t.TempDir()
		var log strings.Builder
		fmt.Fprintf(&log, `{"time":%d,"pod":"a","event":"listening"}`+"\n", result.Started.Add(row.listened).UnixNano())
		for i := range n {
			if at, seen := row.change(i, time.Duration(i)*2*ms+ms/2); seen {
				pod := "a"
				if i < 50 && i%2 == 0 {
					pod = "b" // which dies then
				}
				fmt.Fprintf(&log, `{"time":%d,"pod":%q,"event":"request","seq":%d}`+"\n", result.Started.Add(at).UnixNano(), pod, i)
			}
		}
		if err := os.WriteFile(filepath.Join(truth, "checkout-a.log"), []byte(log.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		agreed, err := compareRequests(result, recorded, truth)
		switch {
		case row.want == "":
			if want := "90 requests answered within their spans, 10 refused"; err != nil || !strings.Contains(agreed, want) || !strings.Contains(agreed, "the service lost 10 requests, a pod died at 96.5ms, and the last listened from 119ms on") {
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

// An outage that is elsewhere than what the service lost is not agreed with.
func TestOutagesAreThoseOfWhatTheServiceLost(t *testing.T) {
	const ms, n = time.Millisecond, 100
	started := time.Unix(1_800_000_000, 0)
	at := func(d time.Duration, pod string) arrival {
		return arrival{Time: started.Add(d).UnixNano(), Pod: pod}
	}
	requests := map[uint64]record.Request{}
	saw := witness{came: map[uint64]arrival{}, died: at(490*ms, "b"), listened: at(601*ms, "c")}
	for i := range uint64(n) {
		sent := time.Duration(i) * 10 * ms //nolint:gosec // small
		q := record.Request{Seq: i, Sent: sent, Answered: sent + ms, Outcome: record.Outcome{Code: 200}}
		if i >= 50 && i < 60 {
			q.Outcome = record.Outcome{Error: "connection refused"}
		} else {
			saw.came[i] = at(sent+ms/2, "a")
		}
		requests[i] = q
	}
	all := witness{came: map[uint64]arrival{}, died: saw.died, listened: saw.listened}
	for i, q := range requests {
		all.came[i] = at(q.Sent+ms/2, "a")
	}
	outage := func(from, to time.Duration) steadystate.Outage {
		return steadystate.Outage{Start: steadystate.Span{From: from - 10*ms, To: from + ms}, End: steadystate.Span{From: to, To: to + 11*ms}}
	}
	for _, row := range []struct {
		sentence string
		outages  []steadystate.Outage
		saw      witness
		want     string
	}{
		{"as it was", []steadystate.Outage{outage(500*ms, 590*ms)}, saw, ""},
		{"none is found", nil, saw, "10 requests of answers were lost in no outage, the first at 500ms..501ms"},
		{"it ends early", []steadystate.Outage{outage(500*ms, 540*ms)}, saw, "4 requests of answers were lost in no outage, the first at 560ms..561ms"},
		{"it begins late", []steadystate.Outage{outage(550*ms, 590*ms)}, saw, "4 requests of answers were lost in no outage, the first at 500ms..501ms"},
		{"it ends late", []steadystate.Outage{outage(500*ms, 700*ms)}, saw, "the last pod listened, and the last request was lost, by 601ms"},
		{"it begins before the pod died", []steadystate.Outage{outage(300*ms, 590*ms)}, saw, "no pod died, and no request was lost, before 490ms"},
		{"no pod listened", []steadystate.Outage{outage(500*ms, 590*ms)}, witness{came: saw.came, died: saw.died}, ""},
		{"it ends late, and no pod listened", []steadystate.Outage{outage(500*ms, 600*ms)}, witness{came: saw.came, died: saw.died}, "the last request was lost, by 590ms"},
		{"requests were lost before a pod died", []steadystate.Outage{outage(500*ms, 590*ms)}, witness{came: saw.came, died: at(700*ms, "b"), listened: saw.listened}, ""},
		{"the service saw what was refused", []steadystate.Outage{outage(500*ms, 590*ms)}, all, "the service lost no request of it"},
		{"one more is found", []steadystate.Outage{outage(500*ms, 590*ms), outage(800*ms, 850*ms)}, saw, "outage of answers from 0.790s..0.801s to 0.850s..0.861s: the service lost no request of it"},
	} {
		agreed, err := compareOutages(judge.CheckResult{Check: "answers", Figures: steadystate.Figures{Outages: row.outages}}, requests, row.saw, started)
		switch {
		case row.want == "" && (err != nil || !strings.Contains(agreed, "the service lost 10 requests")):
			t.Errorf("%s: %q, %v", row.sentence, agreed, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}
