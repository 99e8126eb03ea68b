package suites_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/steadystatetest"
	"github.com/aftershockhq/aftershock/suites"
)

var imageFlag = flag.String("image", "", "the workers' image, whose entry point is the program aftershock")

// How TestWorkers compares.
const (
	workersFor        = 30 * time.Second // each of two rounds
	workersNamespace  = "default"
	workersConfidence = 0.999 // of each bound
	workersErrors     = 3.29  // standard errors, for as much
)

// TestWorkers drives a load with one worker and the same with two, at the same
// time against the same service. Within their bounds they see the same
// percentiles; and the requests of the two are one load: no number is missing or
// there twice, and the times for which they were planned are those of one
// schedule, as well as the clocks are known.
//
// Two loads of one rate would send each request of the one at the same moment
// before one of the other throughout, and whichever is under way when another
// comes waits for it: two loads of one worker each differ by half a millisecond
// at the median then, with either sign. So there are two rounds, of 60 requests
// a second by the one and 61 by the other and then the other way round, in which
// they meet at every distance once a second.
//
//	(cd lab && go run ./cmd/lab image docker.io/aftershock/aftershock:lab ../bin/aftershock)
//	go test ./suites -run TestWorkers -v -args -config lab/aftershock.yaml -image docker.io/aftershock/aftershock:lab
func TestWorkers(t *testing.T) {
	session, e := onTheLab(t, "checkout/pods/kill-one")
	if *imageFlag == "" {
		t.Fatal("no image of the workers: add -image REFERENCE")
	}
	var one, two []float64
	for _, rates := range [][2]int{{60, 61}, {61, 60}} {
		lists := atOnce(t, session, e.Planned, rates)
		for i, list := range lists {
			oneLoad(t, list, i+1, rates[i])
		}
		if t.Failed() {
			return
		}
		a, b := seconds(t, lists[0], lists[1])
		one, two = append(one, a...), append(two, b...)
	}
	samePercentiles(t, one, two)
}

// atOnce drives a load by one worker and one by two, each with its rate.
func atOnce(t *testing.T, session *suites.Session, p config.Planned, rates [2]int) (lists [2][]record.Request) {
	t.Helper()
	clock := steadystate.StartClock() // of both
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	defer stop()
	var begun, driving sync.WaitGroup
	for i := range lists {
		traffic := *p.Load
		traffic.Shape = load.Constant(float64(rates[i]))
		p.Load = &traffic
		p.Workers = &workers.Pods{Count: i + 1, Image: *imageFlag, Namespace: workersNamespace, CPU: resource.MustParse("50m"), Memory: resource.MustParse("128Mi")}
		list, err := session.Experiments([]config.Planned{p})
		if err != nil {
			t.Fatal(err)
		}
		job := list[len(list)-1].Load.(workers.Job)
		begun.Add(1)
		driving.Go(func() {
			first := sync.OnceFunc(begun.Done)
			defer first() // also when there is none
			rec := record.NewRecorder(notes{t, job.Count})
			if err := job.Recorded(rec).Drive(ctx, clock, func(q record.Request) {
				lists[i] = append(lists[i], q)
				first()
			}); err != nil {
				t.Errorf("%d workers: %v", job.Count, err)
			}
		})
	}
	driving.Go(func() {
		begun.Wait()
		select {
		case <-ctx.Done():
		case <-time.After(workersFor):
		}
		stop()
	})
	driving.Wait()
	if t.Failed() {
		t.FailNow()
	}
	left, err := workers.Find(t.Context(), session.Client, faults.Scope{Namespaces: []string{workersNamespace}})
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	return lists
}

// notes shows what a record notes, the workers' clocks for instance.
type notes struct {
	t       *testing.T
	workers int
}

func (n notes) Write(line []byte) (int, error) {
	var e record.Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return 0, err
	}
	if e.Note != "" {
		n.t.Logf("%d workers: %s", n.workers, e.Note)
	}
	return len(line), nil
}

// oneLoad looks whether requests are those of one load, whoever drove them.
func oneLoad(t *testing.T, list []record.Request, count, rate int) {
	t.Helper()
	if len(list) < rate*int(workersFor.Seconds())*9/10 {
		t.Fatalf("%d workers: %d requests, want %d a second for %s", count, len(list), rate, workersFor)
	}
	slices.SortFunc(list, func(a, b record.Request) int { return cmp.Compare(a.Seq, b.Seq) })
	// The clocks were known no worse when the load began than they were for the
	// first request of each worker.
	known, worst, furthest := time.Duration(0), time.Duration(0), time.Duration(0)
	for _, q := range list[:count] {
		known = max(known, q.Skew)
	}
	for i, q := range list {
		if q.Seq != uint64(i) {
			t.Fatalf("%d workers: number %d is in the place of %d: want all, each once", count, q.Seq, i)
		}
		off := (q.Planned - list[0].Planned - time.Duration(i)*time.Second/time.Duration(rate)).Abs()
		if leave := q.Skew + list[0].Skew + 2*known + 2*time.Microsecond; off > leave {
			t.Errorf("%d workers: request %d is planned %s beside the schedule, want at most the %s that the clocks leave", count, i, off, leave)
		}
		worst, furthest = max(worst, q.Skew), max(furthest, off)
	}
	t.Logf("%d workers: %d requests, none missing; the greatest skew ±%s, furthest beside the schedule %s", count, len(list), worst, furthest)
}

// seconds are how long the requests of two loads took that were sent while both
// were on.
func seconds(t *testing.T, one, two []record.Request) (a, b []float64) {
	t.Helper()
	from := max(one[0].Planned, two[0].Planned)
	to := min(one[len(one)-1].Planned, two[len(two)-1].Planned)
	failed := 0
	took := func(list []record.Request) (seconds []float64) {
		for _, q := range list {
			if q.Planned < from || q.Planned > to {
				continue
			}
			if q.Error != "" || q.Code != 200 {
				failed++
			}
			seconds = append(seconds, (q.Answered - q.Sent).Seconds())
		}
		return seconds
	}
	a, b = took(one), took(two)
	t.Logf("both were on for %s: %d requests of one worker, %d of two", to-from, len(a), len(b))
	if failed > 0 {
		t.Errorf("%d requests failed: the service was not at rest", failed)
	}
	return a, b
}

// samePercentiles compares how long requests took.
func samePercentiles(t *testing.T, a, b []float64) {
	t.Helper()
	compare := func(what string, bounds func([]float64) steadystate.Bounds[float64]) {
		x, y := bounds(a), bounds(b)
		text := fmt.Sprintf("%s: %.2f to %.2f ms by one worker, %.2f to %.2f ms by two", what, 1e3*x.Low, 1e3*x.High, 1e3*y.Low, 1e3*y.High)
		t.Log(text)
		if x.Low > y.High || y.Low > x.High {
			t.Errorf("%s: the bounds do not meet", text)
		}
	}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		compare(fmt.Sprintf("p%g", 100*q), func(v []float64) steadystate.Bounds[float64] {
			return steadystatetest.Quantile(v, q, workersConfidence)
		})
	}
	compare("mean", func(v []float64) steadystate.Bounds[float64] { return steadystatetest.Mean(v, workersErrors) })
}
