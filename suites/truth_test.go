package suites_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

var (
	recordFlag = flag.String("record", "", "a record of a run on the lab, to compare with what the service itself saw")
	truthFlag  = flag.String("truth", "", "the directory of the service's own logs")
	quietFlag  = flag.String("quiet", "", "the check whose outage is to be compared with the time in which the payments saw no request")
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
	var header record.Header
	var plan record.Plan
	requests := map[uint64]record.Request{}
	var last time.Duration
	for e, err := range record.Read(file) {
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
	arrivals := arrivals(t, "checkout-*.log", header.Started, last)

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
	result, err := judge.Judge(record.Read(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	served := steadystate.NewTimeline(good...)
	for _, c := range plan.Checks {
		if c.Signal != record.TrafficSignal {
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
func compare(t *testing.T, o steadystate.Outage, served *steadystate.Timeline, requests map[uint64]record.Request, arrivals map[uint64]seen, started time.Time) {
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
func arrivals(t *testing.T, logs string, started time.Time, length time.Duration) map[uint64]seen {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(*truthFlag, logs))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no logs %s in %s: %v", logs, *truthFlag, err)
	}
	all := map[uint64]seen{}
	for _, path := range paths {
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

// TestTruthOfAPartition compares the outage of a check on what reaches the
// payments with their own log: the longest time in which they saw no request
// began and ended within the outage's bounds.
//
//	go test ./suites -run TestTruthOfAPartition -args -record RECORD -truth DIRECTORY -quiet "payments are reached"
func TestTruthOfAPartition(t *testing.T) {
	if *recordFlag == "" || *truthFlag == "" || *quietFlag == "" {
		t.Skip("it needs a record of a partition on the lab, the lab's truth, and the check to compare")
	}
	file, err := os.Open(*recordFlag)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	result, err := judge.Judge(record.Read(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	var came []time.Duration
	for _, line := range arrivals(t, "payments-*.log", result.Started, result.Length) {
		came = append(came, time.Duration(line.Time-result.Started.UnixNano()))
	}
	slices.Sort(came)
	var quiet steadystate.Span
	for i := 1; i < len(came); i++ {
		if s := (steadystate.Span{From: came[i-1], To: came[i]}); s.Width() > quiet.Width() {
			quiet = s
		}
	}
	for _, c := range result.Checks {
		if c.Check != *quietFlag {
			continue
		}
		if len(c.Outages) != 1 {
			t.Fatalf("%d outages of %q, want the partition's", len(c.Outages), c.Check)
		}
		o := c.Outages[0]
		if !o.Start.Overlaps(steadystate.Instant(quiet.From)) || !o.End.Overlaps(steadystate.Instant(quiet.To)) {
			t.Errorf("outage from %s to %s, and the payments saw nothing from %s to %s", o.Start, o.End, quiet.From, quiet.To)
		}
		t.Logf("%d requests came in; none from %s to %s; outage from %s to %s", len(came), quiet.From, quiet.To, o.Start, o.End)
		return
	}
	t.Fatalf("no check %q in the record", *quietFlag)
}
