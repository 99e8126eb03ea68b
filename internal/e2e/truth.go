package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A comparison compares a record, and what the judge made of it, with what the
// service itself wrote down, in the directory of the lab's truth. It says in a line
// what agreed; the error has everything that did not.
type comparison func(result judge.Result, recorded, truth string) (agreed string, err error)

// truthDirectory is where the lab keeps the logs of its services.
func truthDirectory() (string, error) {
	cache := os.Getenv("AFTERSHOCK_LAB_CACHE")
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(dir, "aftershock", "lab")
	}
	return filepath.Join(cache, "run", "truth"), nil
}

// arrival is a line of a service's own log: when a request came in, by the same
// machine's clock.
type arrival struct {
	Time  int64  `json:"time"`
	Pod   string `json:"pod"`
	Event string `json:"event"`
	Seq   uint64 `json:"seq"`
}

// arrivals reads the logs of a service in a directory: when each number came in
// during a run.
func arrivals(truth, logs string, started time.Time, length time.Duration) (map[uint64]arrival, error) {
	paths, err := filepath.Glob(filepath.Join(truth, logs))
	if err != nil || len(paths) == 0 {
		return nil, errors.Join(fmt.Errorf("no logs %s in %s", logs, truth), err)
	}
	all := map[uint64]arrival{}
	for _, path := range paths {
		if err := readArrivals(path, func(a arrival) {
			if at := time.Unix(0, a.Time); a.Event == "request" && at.After(started) && at.Before(started.Add(length)) {
				all[a.Seq] = a
			}
		}); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all, nil
}

func readArrivals(path string, yield func(arrival)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var a arrival
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return err
		}
		yield(a)
	}
	return lines.Err()
}

// requestsOf are the requests of a record, by their numbers.
func requestsOf(path string) (map[uint64]record.Request, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	requests := map[uint64]record.Request{}
	for e, err := range record.Read(file) {
		if err != nil {
			return nil, err
		}
		if e.Requests != nil {
			for _, q := range e.Requests.List {
				requests[q.Seq] = q
			}
		}
	}
	return requests, nil
}

// compareRequests: each request that was answered came in within its span, none
// that was refused came in at all, and what the service missed lies within the
// bounds of each outage.
func compareRequests(result judge.Result, recorded, truth string) (string, error) {
	requests, err := requestsOf(recorded)
	if err != nil {
		return "", err
	}
	came, err := arrivals(truth, "checkout-*.log", result.Started, result.Length)
	if err != nil {
		return "", err
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	answered, refused := 0, 0
	for seq, q := range requests {
		a, there := came[seq]
		switch {
		case q.Error == "connection refused":
			refused++
			if there {
				bad("request %d was refused, and %s saw it", seq, a.Pod)
			}
		case q.Code == 200:
			answered++
			at := time.Duration(a.Time - result.Started.UnixNano())
			// The wall clock and the monotonic one drift apart by microseconds.
			const drift = 5 * time.Millisecond
			if !there {
				bad("request %d was answered by %s, whose log does not have it", seq, q.Backend)
			} else if at < q.Sent-drift || at > q.Answered+drift {
				bad("request %d came in at %s, outside of its span %s..%s", seq, at, q.Sent, q.Answered)
			}
		}
	}
	if answered == 0 || len(came) == 0 {
		bad("%d requests answered, %d seen by the service: nothing to compare", answered, len(came))
	}
	agreed := []string{fmt.Sprintf("%d requests answered within their spans, %d refused and never seen by the service", answered, refused)}
	for _, c := range result.Checks {
		if c.Signal != record.TrafficSignal {
			continue
		}
		for _, o := range c.Outages {
			text, err := compareOutage(o, requests, came, result.Started)
			errs = append(errs, err)
			agreed = append(agreed, text)
		}
	}
	return strings.Join(agreed, "; "), errors.Join(errs...)
}

// compareOutage looks whether the numbers that the service never saw lie within
// the outage's bounds: the last one it saw before them came in no earlier than the
// outage can have begun, the first one after them no later than it can have
// ended.
func compareOutage(o steadystate.Outage, requests map[uint64]record.Request, came map[uint64]arrival, started time.Time) (string, error) {
	var lost []uint64
	for seq, q := range requests {
		if _, there := came[seq]; !there && q.Sent >= o.Start.From && q.Sent <= o.End.To {
			lost = append(lost, seq)
		}
	}
	if len(lost) == 0 {
		return "", fmt.Errorf("outage from %s to %s: the service saw every request of it", o.Start, o.End)
	}
	first, last := slices.Min(lost), slices.Max(lost)
	var errs []error
	at := func(seq uint64) (time.Duration, bool) {
		a, there := came[seq]
		return time.Duration(a.Time - started.UnixNano()), there
	}
	if before, there := at(first - 1); there && before > o.Start.To {
		errs = append(errs, fmt.Errorf("outage from %s: number %d still came in at %s, to %s", o.Start, first-1, before, came[first-1].Pod))
	}
	if after, there := at(last + 1); there && after < o.End.From {
		errs = append(errs, fmt.Errorf("outage to %s: number %d came in at %s already", o.End, last+1, after))
	}
	return fmt.Sprintf("outage from %s to %s: the service missed %d numbers, %d to %d", o.Start, o.End, len(lost), first, last), errors.Join(errs...)
}

// comparePartition: the longest time in which the payments saw no request began
// and ended within the bounds of the outage of the check on what reaches them.
func comparePartition(result judge.Result, _, truth string) (string, error) {
	const check = "payments-reached"
	came, err := arrivals(truth, "payments-*.log", result.Started, result.Length)
	if err != nil {
		return "", err
	}
	var times []time.Duration
	for _, a := range came {
		times = append(times, time.Duration(a.Time-result.Started.UnixNano()))
	}
	slices.Sort(times)
	var quiet steadystate.Span
	for i := 1; i < len(times); i++ {
		if s := (steadystate.Span{From: times[i-1], To: times[i]}); s.Width() > quiet.Width() {
			quiet = s
		}
	}
	i := slices.IndexFunc(result.Checks, func(c judge.CheckResult) bool { return c.Check == check })
	if i < 0 {
		return "", fmt.Errorf("no check %q in the record", check)
	}
	list := result.Checks[i].Outages
	if len(list) != 1 {
		return "", fmt.Errorf("%d outages of %q, want the partition's", len(list), check)
	}
	o := list[0]
	if !o.Start.Overlaps(steadystate.Instant(quiet.From)) || !o.End.Overlaps(steadystate.Instant(quiet.To)) {
		return "", fmt.Errorf("outage from %s to %s, and the payments saw nothing from %s to %s", o.Start, o.End, quiet.From, quiet.To)
	}
	return fmt.Sprintf("%d requests came in; none from %s to %s; outage from %s to %s", len(came), quiet.From, quiet.To, o.Start, o.End), nil
}

// agreement is what the table says of a comparison.
func (l *lab) agreement(compare comparison, result judge.Result, recorded string) string {
	truth, err := truthDirectory()
	if err == nil {
		var agreed string
		if agreed, err = compare(result, recorded, truth); err == nil {
			fmt.Fprintln(l.w, "truth:", agreed)
			return agrees
		}
	}
	fmt.Fprintf(l.w, "truth: %v\n", cmp.Or(err, errors.New("nothing compared")))
	return "DISAGREES"
}
