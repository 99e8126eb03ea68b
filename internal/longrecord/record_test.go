package longrecord_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
)

// Six million are an hour and forty minutes:
//
//	go test ./internal/longrecord -v -args -requests 6000000
var requests = flag.Int("requests", 60_000, "length of the record that the tests make")

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func TestARequestTakesAtMostTenBytes(t *testing.T) {
	var size counter
	if err := write(&size, *requests); err != nil {
		t.Fatal(err)
	}
	each := float64(size) / float64(*requests)
	t.Logf("%d requests: %d bytes, %.2f each", *requests, size, each)
	if each > 10 {
		t.Errorf("%.2f bytes for each request, want at most 10", each)
	}
}

func TestEveryRequestReadsBack(t *testing.T) {
	in, out := io.Pipe()
	go func() { _ = out.CloseWithError(write(out, *requests)) }()
	defer func() { _ = in.Close() }()
	seen, failed, ended := 0, 0, false
	for e, err := range record.Read(in) {
		if err != nil {
			t.Fatal(err)
		}
		ended = e.End != nil
		if e.Requests == nil {
			continue
		}
		for _, q := range e.Requests.List {
			seen++
			if q.FailedFirst() {
				failed++
			}
			if q.FailedFirst() != (q.Seq%2 == 1) {
				t.Fatalf("request %d: %+v, want every other one failed", q.Seq, q)
			}
		}
	}
	if seen != *requests || failed != *requests/2 || !ended {
		t.Errorf("%d requests, %d failed, ended %t; want %d, half of them failed", seen, failed, ended, *requests)
	}
}

func TestTheRecordIsJudgedAsARun(t *testing.T) {
	var recorded bytes.Buffer
	if err := write(&recorded, 60_000); err != nil {
		t.Fatal(err)
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		t.Fatal(err)
	}
	if result.End.Reason != record.Completed || result.Traffic[record.TrafficSignal].Sent != 60_000 {
		t.Errorf("ended %+v with %d requests, want a completed run with all of them", result.End, result.Traffic[record.TrafficSignal].Sent)
	}
	for _, p := range result.Proofs {
		if p.Name == "load held" && p.Verdict.String() != "held" {
			t.Errorf("%+v: want a load that was driven as asked", p)
		}
	}
}

// Judging keeps what the rate of the requests and the settle time ask for,
// however long the record is. The worst case: an outage from the beginning to
// the end, every other request failing.
func TestJudgingTakesMemoryThatDoesNotGrowWithTheRecord(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := write(file, *requests); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	live := func() uint64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before, most, n := live(), uint64(0), 0
	entries := record.Read(file)
	result, err := judge.Judge(func(yield func(record.Entry, error) bool) {
		for e, err := range entries {
			if n++; n%max(1, *requests/200_000) == 0 {
				most = max(most, live())
			}
			if !yield(e, err) {
				return
			}
		}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept := float64(most-before) / (1 << 20)
	t.Logf("%d requests: at most %.1f MB kept", result.Traffic[record.TrafficSignal].Sent, kept)
	if kept > 16 {
		t.Errorf("%.1f MB kept for %d requests, want at most 16", kept, *requests)
	}
	check := result.Checks[0]
	if len(check.Outages) != 1 || !check.Outages[0].Open || check.Bad < *requests/3 {
		t.Errorf("%d bad, outages %+v: want one from the beginning to the end", check.Bad, check.Outages)
	}
}

func Example() {
	var recorded bytes.Buffer
	if err := write(&recorded, 10_000); err != nil {
		fmt.Println(err)
		return
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded.Bytes())), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Traffic[record.TrafficSignal].FailedFirst, "of", result.Traffic[record.TrafficSignal].Sent, "failed")
	// Output: 5000 of 10000 failed
}
