package suites_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/steadystate"
)

var (
	recordFlag = flag.String("record", "", "a record of a run on the lab, to compare with what the service itself saw")
	truthFlag  = flag.String("truth", "", "the directory of the service's own logs")
)

// seen is a line of the service's own log: when a request came in, by the same
// machine's clock.
type seen struct {
	Time  int64  `json:"time"`
	Pod   string `json:"pod"`
	Event string `json:"event"`
	Seq   uint64 `json:"seq"`
}

// TestTruth compares a record with what the service itself wrote down: each
// request that was answered came in within its span, none that was refused came
// in at all, and what the service saw lies within the bounds of each outage.
//
//	go test ./suites -run TestTruth -args -record RECORD -truth DIRECTORY
func TestTruth(t *testing.T) {
	if *recordFlag == "" || *truthFlag == "" {
		t.Skip("it needs a record of a run on the lab, and the lab's truth")
	}
	file, err := os.Open(*recordFlag)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	var header experiments.Header
	var plan experiments.Plan
	requests := map[uint64]experiments.Request{}
	var last time.Duration
	for e, err := range experiments.Read(file) {
		if err != nil {
			t.Fatal(err)
		}
		last = e.At
		switch {
		case e.Header != nil:
			header = *e.Header
		case e.Plan != nil:
			plan = *e.Plan
		case e.Requests != nil:
			for _, q := range e.Requests.List {
				requests[q.Seq] = q
			}
		}
	}
	arrivals := arrivals(t, header.Started, last)

	answered, refused := 0, 0
	var good []steadystate.Observation // by what the service saw
	for seq, q := range requests {
		arrived, came := arrivals[seq]
		switch {
		case q.Error == "connection refused":
			refused++
			if came {
				t.Errorf("request %d was refused, and %s saw it", seq, arrived.Pod)
			}
		case q.Code == 200:
			answered++
			at := time.Duration(arrived.Time - header.Started.UnixNano())
			// The wall clock and the monotonic one drift apart by microseconds.
			const drift = 5 * time.Millisecond
			if !came {
				t.Errorf("request %d was answered by %s, whose log does not have it", seq, q.By)
			} else if at < q.Sent-drift || at > q.Answered+drift {
				t.Errorf("request %d came in at %s, outside of its span %s..%s", seq, at, q.Sent, q.Answered)
			} else {
				good = append(good, steadystate.Observation{Span: steadystate.Instant(at), Value: 1})
			}
		}
	}
	if answered == 0 || len(arrivals) == 0 {
		t.Fatalf("%d requests answered, %d seen by the service: nothing to compare", answered, len(arrivals))
	}
	t.Logf("%d requests answered within their spans, %d refused and never seen by the service", answered, refused)

	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	result, err := experiments.Judge(experiments.Read(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	served := steadystate.NewTimeline(good...)
	for _, c := range plan.Checks {
		if c.Signal != experiments.TrafficSignal {
			continue
		}
		for _, check := range result.Checks {
			if check.Check != c.Name {
				continue
			}
			for _, o := range check.Outages {
				compare(t, o, served, requests, arrivals, header.Started)
			}
		}
	}
}

// compare looks whether the numbers that the service never saw lie within the
// outage's bounds: the last one it saw before the gap came in no earlier than
// the outage can have begun, the first one after it no later than it can have
// ended.
func compare(t *testing.T, o steadystate.Outage, served *steadystate.Timeline, requests map[uint64]experiments.Request, arrivals map[uint64]seen, started time.Time) {
	t.Helper()
	var lost []uint64
	for seq, q := range requests {
		if _, came := arrivals[seq]; !came && q.Sent >= o.Start.From && q.Sent <= o.End.To {
			lost = append(lost, seq)
		}
	}
	if len(lost) == 0 {
		t.Errorf("outage from %s to %s: the service saw every request of it", o.Start, o.End)
		return
	}
	from, to := lost[0], lost[0]
	for _, seq := range lost {
		from, to = min(from, seq), max(to, seq)
	}
	at := func(seq uint64) time.Duration { return time.Duration(arrivals[seq].Time - started.UnixNano()) }
	if before, came := arrivals[from-1]; came && at(from-1) > o.Start.To {
		t.Errorf("outage from %s: number %d still came in at %s, to %s", o.Start, from-1, at(from-1), before.Pod)
	}
	if _, came := arrivals[to+1]; came && at(to+1) < o.End.From {
		t.Errorf("outage to %s: number %d came in at %s already", o.End, to+1, at(to+1))
	}
	t.Logf("outage from %s to %s: the service missed %d numbers, %d to %d; of %d it saw", o.Start, o.End, len(lost), from, to, len(served.Observations()))
}

// arrivals reads the service's logs: when each number came in during the run.
func arrivals(t *testing.T, started time.Time, length time.Duration) map[uint64]seen {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(*truthFlag, "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs in %s: %v", *truthFlag, err)
	}
	all := map[uint64]seen{}
	for _, path := range logs {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			var line seen
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			at := time.Unix(0, line.Time)
			if line.Event == "request" && at.After(started) && at.Before(started.Add(length)) {
				all[line.Seq] = line
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = file.Close()
	}
	return all
}
