package load_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/record"
)

// BenchmarkAgainstVegeta runs the load with its recorder and the vegeta
// command in turn: same server, same rate, same length, fresh connections,
// each in a process of its own that writes what it saw to a file. One round of
// the loop is one pair, so -benchtime 20x makes twenty: many short ones, since
// a machine that others have a part in is another from one second to the next,
// and the median of many differences between neighbours says more than a few
// long ones. With -short each run takes 2 s.
func BenchmarkAgainstVegeta(b *testing.B) {
	command := buildVegeta(b)
	url := startServer(b)
	length := 5 * time.Second
	if testing.Short() {
		length = 2 * time.Second
	}
	for _, rate := range []int{1000, 3000} {
		b.Run(fmt.Sprintf("rate=%d", rate), func(b *testing.B) {
			var pairs []pair
			for b.Loop() {
				var p pair
				run := []func(){
					func() { p.ours = runOurs(b, url, rate, length) },
					func() { p.vegetas = runVegeta(b, command, url, rate, length) },
				}
				// Who goes first meets another machine than who goes second.
				if len(pairs)%2 == 1 {
					slices.Reverse(run)
				}
				for _, f := range run {
					f()
				}
				pairs = append(pairs, p)
				// Now, and not in the log, which keeps ten lines.
				fmt.Fprintf(os.Stderr, "rate %d, pair %d: ours %s; vegeta %s\n", rate, len(pairs), p.ours, p.vegetas)
			}
			report(b, pairs)
		})
	}
}

// A cost is what it took to send requests.
type cost struct {
	requests int
	failed   map[string]int  // by what was wrong
	cpu      time.Duration   // user and system time of the process
	late     []time.Duration // of each request behind its plan, ascending
	others   float64         // processors busy with something else meanwhile
	known    bool            // others is
}

func (c cost) failures() int {
	n := 0
	for _, k := range c.failed {
		n += k
	}
	return n
}

func (c cost) perMillion() float64 { return c.cpu.Seconds() / float64(c.requests) * 1e6 }

func (c cost) quantile(q float64) float64 {
	return float64(c.late[min(len(c.late)-1, int(q*float64(len(c.late))))]) / float64(time.Millisecond)
}

func (c cost) String() string {
	others := "?"
	if c.known {
		others = fmt.Sprintf("%.2f", c.others)
	}
	return fmt.Sprintf("%d requests (%d failed), %.1f CPU s/million, late p50 %.3f ms, p99 %.3f ms, others %s CPUs", c.requests, c.failures(), c.perMillion(), c.quantile(0.5), c.quantile(0.99), others)
}

// A pair is both, one right after the other.
type pair struct{ ours, vegetas cost }

// quiet is how many processors may be busy with something else for a pair to
// count as measured on a quiet machine.
const quiet = 0.25

func (p pair) quiet() bool {
	return p.ours.known && p.vegetas.known && max(p.ours.others, p.vegetas.others) <= quiet
}

// report prints the medians of the paired figures with their ranges. Pairing
// takes out what else the machine was doing, as far as it did it all along;
// the figures of the pairs that met a quiet machine are printed beside.
func report(b *testing.B, pairs []pair) {
	var text strings.Builder
	figure := func(name, unit string, f func(p pair) float64) {
		var all, calm []float64
		for _, p := range pairs {
			all = append(all, f(p))
			if p.quiet() {
				calm = append(calm, f(p))
			}
		}
		fmt.Fprintf(&text, "\n%s: %s; on a quiet machine: %s", name, spread(all), spread(calm))
		b.ReportMetric(median(all), unit)
	}
	figure("CPU per request, ours / vegeta's (goal: at most 1.25)", "cpu-ratio", func(p pair) float64 { return p.ours.perMillion() / p.vegetas.perMillion() })
	figure("p50 of lateness, ours - vegeta's, ms", "late-p50-ms", func(p pair) float64 { return p.ours.quantile(0.5) - p.vegetas.quantile(0.5) })
	figure("p99 of lateness, ours - vegeta's, ms (goal: at most 1)", "late-p99-ms", func(p pair) float64 { return p.ours.quantile(0.99) - p.vegetas.quantile(0.99) })
	b.Log(text.String())
}

// median of values in ascending order.
func median(values []float64) float64 {
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func spread(values []float64) string {
	if len(values) == 0 {
		return "never measured"
	}
	slices.Sort(values)
	low, high := between(len(values))
	return fmt.Sprintf("median %.3f (95%%: %.3f to %.3f), range %.3f to %.3f (n=%d)",
		median(values), values[low], values[high], values[0], values[len(values)-1], len(values))
}

// between are the indexes, among n values in ascending order, between which
// the true median lies with 95 %: as few of n tosses of a coin as low come up
// heads in less than 2.5 % of cases. With fewer than six it is all of them.
func between(n int) (low, high int) {
	below := math.Pow(0.5, float64(n)) // no toss
	term := below
	for below < 0.025 {
		low++
		term *= float64(n-low+1) / float64(low)
		below += term
	}
	low = max(0, low-1)
	return low, n - 1 - low
}

func TestTheMedianLiesBetween(t *testing.T) {
	// As in the tables of the sign test.
	for n, want := range map[int]int{1: 0, 5: 0, 6: 0, 9: 1, 10: 1, 12: 2, 20: 5, 25: 7} {
		if low, high := between(n); low != want || high != n-1-want {
			t.Errorf("of %d: %d to %d, want %d to %d", n, low, high, want, n-1-want)
		}
	}
}

// buildVegeta builds the vegeta command that the tools' module pins.
func buildVegeta(b *testing.B) string {
	path := filepath.Join(b.TempDir(), "vegeta")
	out, err := exec.CommandContext(b.Context(), "go", "build", "-modfile", "../../tools/go.mod", "-o", path, "github.com/tsenart/vegeta/v12").CombinedOutput()
	if err != nil {
		b.Fatalf("build vegeta: %v\n%s", err, out)
	}
	return path
}

// measure runs a command to its end: what it took, and what else was going on.
func measure(b *testing.B, cmd *exec.Cmd, server string) cost {
	before := used(b, server)
	out, err := cmd.CombinedOutput()
	if err != nil {
		b.Fatalf("run %s: %v\n%s", filepath.Base(cmd.Path), err, out)
	}
	c := cost{failed: map[string]int{}, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	c.others, c.known = used(b, server).others(before, c.cpu)
	return c
}

// checked refuses a run from which nothing can be learnt. Falling behind is no
// reason, nor are timeouts on a machine that is too busy: both are printed.
func checked(b *testing.B, who string, c cost) cost {
	if c.requests == 0 || c.failures() == c.requests {
		b.Fatalf("%s: all of %d requests failed: %v: this is no measurement", who, c.requests, c.failed)
	}
	return c
}

func runVegeta(b *testing.B, command, url string, rate int, length time.Duration) cost {
	ctx, cancel := context.WithTimeout(b.Context(), length+time.Minute)
	defer cancel()
	results := filepath.Join(b.TempDir(), "results")
	cmd := exec.CommandContext(ctx, command, "attack",
		"-rate", fmt.Sprintf("%d/s", rate), "-duration", length.String(), "-timeout", "2s", "-keepalive=false", "-output", results)
	cmd.Stdin = strings.NewReader("GET " + url + "\n")
	c := measure(b, cmd, url)

	encoded, err := os.ReadFile(results)
	if err != nil {
		b.Fatal(err)
	}
	var all []sending
	for decode := vegeta.NewDecoder(bytes.NewReader(encoded)); ; {
		var r vegeta.Result
		if err := decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			b.Fatal(err)
		}
		c.requests++
		if r.Code != 200 {
			c.failed[r.Error]++
		}
		all = append(all, sending{r.Seq, time.Duration(r.Timestamp.UnixNano())})
	}
	c.late = lateness(all, rate)
	return checked(b, "vegeta", c)
}

// A sending is when a request was sent, on any clock.
type sending struct {
	seq uint64
	at  time.Duration
}

// lateness is by how much each request was behind its plan, ascending. When the
// attack began is not among vegeta's results, so for both it is taken to be as
// late as the most punctual request allows.
func lateness(all []sending, rate int) []time.Duration {
	late := make([]time.Duration, 0, len(all))
	for _, s := range all {
		late = append(late, s.at-time.Duration(s.seq)*time.Second/time.Duration(rate)) //nolint:gosec // a count
	}
	slices.Sort(late)
	for i := range late {
		late[len(late)-1-i] -= late[0]
	}
	return late
}

func TestLatenessIsCountedFromTheMostPunctualRequest(t *testing.T) {
	const ms = time.Millisecond
	got := lateness([]sending{{2, 125 * ms}, {0, 107 * ms}, {1, 115 * ms}}, 100)
	if want := []time.Duration{0, 0, 2 * ms}; !slices.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

func runOurs(b *testing.B, url string, rate int, length time.Duration) cost {
	ctx, cancel := context.WithTimeout(b.Context(), length+time.Minute)
	defer cancel()
	recorded := filepath.Join(b.TempDir(), "record")
	args := []string{"-url", url, "-rate", fmt.Sprint(rate), "-length", length.String(), "-record", recorded}
	cmd := as(ctx, "drive", args...)
	cmd.Stderr = nil
	c := measure(b, cmd, url)

	encoded, err := os.ReadFile(recorded)
	if err != nil {
		b.Fatal(err)
	}
	var all []sending
	for e, err := range record.Read(bytes.NewReader(encoded)) {
		if err != nil {
			b.Fatal(err)
		}
		if e.Requests == nil {
			continue
		}
		for _, q := range e.Requests.List {
			c.requests++
			if o := q.Observation(); o.Failed+o.Unknown != "" {
				c.failed[o.Failed+o.Unknown]++
			}
			all = append(all, sending{q.Seq, q.Sent})
		}
	}
	c.late = lateness(all, rate)
	return checked(b, "ours", c)
}

// driveAndRecord is the role of a process that drives the load for a length of time and
// records it to a file, flushed as often as a run does. There is no settling: on
// a busy machine a run waits for longer, and the two would differ in length.
func driveAndRecord(args []string) error {
	flags := flag.NewFlagSet("drive", flag.ContinueOnError)
	url := flags.String("url", "", "")
	rate := flags.Int("rate", 0, "")
	length := flags.Duration("length", 0, "")
	recorded := flags.String("record", "", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	file, err := os.Create(*recorded)
	if err != nil {
		return err
	}
	rec := record.NewRecorder(file)
	ctx, cancel := context.WithTimeout(context.Background(), *length)
	defer cancel()
	var flushing sync.WaitGroup
	flushing.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				rec.Flush()
			}
		}
	})
	err = load.HTTP{Shape: load.Constant(float64(*rate)), URL: *url}.Drive(ctx, rec.Clock(), func(q record.Request) {
		rec.Request(record.TrafficSignal, q)
	})
	flushing.Wait()
	rec.Flush()
	return errors.Join(err, rec.Err(), file.Close())
}
