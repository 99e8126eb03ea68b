package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// arrival is a line of a service's own log: when a request came in, or when a pod
// began to listen, by the same machine's clock.
type arrival struct {
	Time  int64  `json:"time"`
	Pod   string `json:"pod"`
	Event string `json:"event"`
	Seq   uint64 `json:"seq"`
}

// drift is how far the wall clock, by which a service writes, and the monotonic one of
// the record may come apart.
const drift = 5 * time.Millisecond

// after is when it was, since the run started.
func (a arrival) after(started time.Time) time.Duration {
	return time.Duration(a.Time - started.UnixNano())
}

// witness is what the logs of a service say of a run.
type witness struct {
	came     map[uint64]arrival // when each number came in
	died     arrival            // the last line of the pod that was silent first
	listened arrival            // the last pod that began to listen; its Pod is empty if none did
}

// arrivals reads the logs of a service in a directory.
func arrivals(truth, logs string, started time.Time, length time.Duration) (w witness, err error) {
	paths, err := filepath.Glob(filepath.Join(truth, logs))
	if err != nil || len(paths) == 0 {
		return w, errors.Join(fmt.Errorf("no logs %s in %s", logs, truth), err)
	}
	w.came = map[uint64]arrival{}
	last := map[string]arrival{}
	for _, path := range paths {
		if err := readArrivals(path, func(a arrival) {
			if at := a.after(started); at <= 0 || at >= length {
				return
			}
			if a.Time >= last[a.Pod].Time {
				last[a.Pod] = a
			}
			switch {
			case a.Event == "request":
				w.came[a.Seq] = a
			case a.Event == "listening" && a.Time > w.listened.Time:
				w.listened = a
			}
		}); err != nil {
			return w, fmt.Errorf("%s: %w", path, err)
		}
	}
	for _, a := range last {
		if w.died.Pod == "" || a.Time < w.died.Time {
			w.died = a
		}
	}
	return w, nil
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
// that was refused came in at all, and the outages are those of what the service lost.
func compareRequests(result judge.Result, recorded, truth string) (string, error) {
	requests, err := requestsOf(recorded)
	if err != nil {
		return "", err
	}
	saw, err := arrivals(truth, "checkout-*.log", result.Started, result.Length)
	if err != nil {
		return "", err
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var agreed []string
	for _, c := range result.Checks {
		if c.Signal == record.TrafficSignal {
			text, err := compareOutages(c, requests, saw, result.Started)
			errs = append(errs, err)
			agreed = append(agreed, text)
		}
	}
	answered, refused := 0, 0
	for _, seq := range slices.Sorted(maps.Keys(requests)) {
		q := requests[seq]
		a, there := saw.came[seq]
		switch {
		case q.Error == "connection refused":
			refused++
			if there {
				bad("request %d was refused, and %s saw it", seq, a.Pod)
			}
		case q.Code == 200:
			answered++
			at := a.after(result.Started)
			if !there {
				bad("request %d was answered by %s, whose log does not have it", seq, q.Backend)
			} else if at < q.Sent-drift || at > q.Answered+drift {
				bad("request %d came in at %s, outside of its span %s..%s", seq, at, q.Sent, q.Answered)
			}
		}
	}
	if answered == 0 || len(saw.came) == 0 {
		bad("%d requests answered, %d seen by the service: nothing to compare", answered, len(saw.came))
	}
	agreed = append(agreed, fmt.Sprintf("%d requests answered within their spans, %d refused and never seen by the service", answered, refused))
	return strings.Join(agreed, "; "), errors.Join(errs...)
}

// strays is the share of the requests that may be lost outside of the outages: ten times
// what the checks of the lab allow, since what is lost by chance comes in groups.
const strays = 0.01

// compareOutages checks the outages of a check of the requests. Each of them has requests
// that the service lost: that failed, and that no pod saw. It began no earlier than a pod
// died or the first of them was over, and ended no later than the last pod began to listen
// or the last of them was sent. What was lost outside of the outages is little. Of requests
// that are sent in a burst, the numbers say nothing about the order in which they came in.
func compareOutages(c judge.CheckResult, requests map[uint64]record.Request, saw witness, started time.Time) (string, error) {
	var lost []record.Request
	for _, seq := range slices.Sorted(maps.Keys(requests)) {
		if _, there := saw.came[seq]; !there && requests[seq].Error != "" && !requests[seq].Local {
			lost = append(lost, requests[seq])
		}
	}
	var agreed []string
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	died, listened := saw.died.after(started), saw.listened.after(started)
	for _, o := range c.Outages {
		in, over, sent := 0, died, listened
		lost = slices.DeleteFunc(lost, func(q record.Request) bool {
			inside := q.Answered >= o.Start.From && q.Sent <= o.End.To
			if inside {
				in++
				over, sent = min(over, q.Answered), max(sent, q.Sent)
			}
			return inside
		})
		switch {
		case in == 0:
			bad("outage of %s from %s to %s: the service lost no request of it", c.Check, o.Start, o.End)
		case o.Start.To < over-drift:
			bad("outage of %s from %s: no pod died, and no request was lost, before %s", c.Check, o.Start, over)
		case o.End.From > sent+drift:
			bad("outage of %s to %s: the last pod listened, and the last request was lost, by %s", c.Check, o.End, sent)
		}
		agreed = append(agreed, fmt.Sprintf("outage of %s from %s to %s: the service lost %d requests, a pod died at %s, and the last listened from %s on", c.Check, o.Start, o.End, in, died, listened))
	}
	if float64(len(lost)) > strays*float64(len(requests)) {
		bad("%d requests of %s were lost in no outage, the first at %s..%s", len(lost), c.Check, lost[0].Sent, lost[0].Answered)
	}
	return strings.Join(append(agreed, fmt.Sprintf("%d outages of %s, %d requests lost outside of them", len(c.Outages), c.Check, len(lost))), "; "), errors.Join(errs...)
}

// comparePartition: the longest time in which the payments saw no request began
// and ended within the bounds of the outage of the check on what reaches them.
func comparePartition(result judge.Result, _, truth string) (string, error) {
	const check = "payments-reached"
	saw, err := arrivals(truth, "payments-*.log", result.Started, result.Length)
	if err != nil {
		return "", err
	}
	var times []time.Duration
	for _, a := range saw.came {
		times = append(times, a.after(result.Started))
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
	return fmt.Sprintf("%d requests came in; none from %s to %s; outage from %s to %s", len(saw.came), quiet.From, quiet.To, o.Start, o.End), nil
}

// agreement is what the table says of a comparison, and what did not agree.
func (l *lab) agreement(compare comparison, result judge.Result, recorded string) (said, amiss string) {
	truth, err := truthDirectory()
	if err == nil {
		var agreed string
		if agreed, err = compare(result, recorded, truth); err == nil {
			fmt.Fprintln(l.w, "truth:", agreed)
			return agrees, ""
		}
	}
	fmt.Fprintf(l.w, "truth: %v\n", err)
	first, rest, _ := strings.Cut(err.Error(), "\n")
	if n := strings.Count(rest, "\n"); rest != "" {
		first += fmt.Sprintf(", and %d more", n+1)
	}
	return "DISAGREES", first
}
