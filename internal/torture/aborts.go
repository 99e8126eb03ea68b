package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// An abortable is a kind of fault that breaches an abort condition.
type abortable struct {
	fault, condition string // in YAML
	signal           string // of the condition, as in the record
	good             string // of each observation
}

// abortables are a fault that the load sees in its next answers, and one that only
// Prometheus's next scrape shows.
var abortables = map[string]abortable{
	"networkDelay": {
		fault:     "{networkDelay: {pods: all, latency: 200ms}}",
		condition: "signal: requests",
		signal:    record.TrafficSignal,
		good:      "value <= 150ms",
	},
	"stressCPU": {
		fault:     "{stressCPU: {pods: 1, workers: 1}}",
		condition: `query: 'max(irate(container_cpu_usage_seconds_total{job="kubelet-cadvisor",namespace="shop",container="checkout"}[5s]))'`,
		signal:    "abort breach",
		good:      "value <= 0.2",
	},
}

func (a abortable) experiment() string {
	return fmt.Sprintf("{service: checkout, times: {settle: 3s, hold: 20s}, faults: {fault: %s}, abort: {unless: {breach: {%s, good: %s}}}}", a.fault, a.condition, a.good)
}

const (
	// soon is in what time a breach must have led to the delete, and the effect be
	// gone; mostLate is the share of aborts that may take longer.
	soon     = 1.0
	mostLate = 2.0 / 50
	// apart is by how much at most runs begin later, so that they meet Prometheus's
	// scrapes, each second, at any time.
	apart = time.Second
	// goneFor is how long after the run's end the effect may be seen.
	goneFor = 10 * time.Second
)

// An abortTrial is a run that is to be aborted.
type abortTrial struct {
	N    int     `json:"n"`
	Kind string  `json:"kind"`
	Late float64 `json:"late"` // when it begins, as a part of apart
}

// A timing is how long an abort took, in seconds from the end of the first observation
// that shows the breach.
type timing struct {
	abortTrial
	Issued  float64 `json:"issued"`  // the delete, as the run recorded it
	Gone    float64 `json:"gone"`    // until a look at the pods' networks and processes found nothing
	Removed float64 `json:"removed"` // the object from the API server, as the run recorded it
	Problem string  `json:"problem,omitempty"`
}

func (t timing) of() abortTrial { return t.abortTrial }

func (t timing) String() string {
	text := fmt.Sprintf("%3d  %-12s ", t.N, t.Kind)
	if t.Problem != "" {
		return text + "PROBLEM: " + t.Problem
	}
	return text + fmt.Sprintf("delete issued after %.3f s, effect gone after %.3f s, object after %.3f s", t.Issued, t.Gone, t.Removed)
}

// planAborts is the same for the same arguments: each kind in a random order, again
// and again.
func planAborts(n int, seed int64, only string) (trials []abortTrial, err error) {
	names, err := chosen(slices.Sorted(maps.Keys(abortables)), only)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0)) //nolint:gosec // it must be the same again
	for len(trials) < n {
		for _, i := range random.Perm(len(names)) {
			trials = append(trials, abortTrial{N: len(trials) + 1, Kind: names[i], Late: random.Float64()})
		}
	}
	return trials[:n], nil
}

// aborts lets runs breach their abort conditions, and prints how long the aborts took.
func aborts(ctx context.Context, w io.Writer, out string, n int, seed int64, only string) error {
	trials, err := planAborts(n, seed, only)
	if err != nil {
		return err
	}
	experiments := map[string]string{}
	for name, a := range abortables {
		experiments[name] = a.experiment()
	}
	done, err := carryOut(ctx, w, out, experiments, trials, func(l lab, a abortTrial) (timing, bool) {
		t := timing{abortTrial: a}
		if err := l.abort(ctx, &t); err != nil {
			t.Problem = err.Error()
		}
		return t, ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	printTimings(w, done)
	return errors.Join(context.Cause(ctx), late(done, len(trials)))
}

// abort runs an experiment until it is aborted, and times that.
func (l lab) abort(ctx context.Context, t *timing) error {
	out := filepath.Join(l.Out, fmt.Sprintf("%03d-abort-%s", t.N, t.Kind))
	// An interrupted program may have left one.
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := l.Rest(ctx); err != nil {
		return err
	}
	time.Sleep(time.Duration(t.Late * float64(apart)))
	p, err := trial.Start(trial.Program, l.File, out, "checkout/"+t.Kind)
	if err != nil {
		return err
	}
	gone, err := l.watchAbort(ctx, p, out)
	if err != nil {
		p.Stop()
		return err
	}
	<-p.Ended
	list, err := trial.Entries(trial.RecordIn(out))
	if err != nil {
		return err
	}
	if err := t.read(list, gone); err != nil {
		return err
	}
	if left := l.Cluster.Left(ctx, trial.SweepPatience, true); len(left) > 0 {
		printed, _ := l.Sweep(ctx)
		return fmt.Errorf("left: %s; %s", strings.Join(left, "; "), printed)
	}
	return nil
}

// watchAbort looks at the fault's effect from before the abort on, and returns when it
// was gone: at the end of the first look that did not see it.
func (l lab) watchAbort(ctx context.Context, p *trial.Process, out string) (gone time.Time, err error) {
	// The other services have no part in it, and a look at them takes time.
	pods := l.Cluster
	pods.Programs = []string{"checkout"}
	seen := false
	var end time.Time // of the looking; zero: the run has not ended
	ended := p.Ended
	for {
		select {
		case <-ctx.Done():
			return gone, context.Cause(ctx)
		case <-ended:
			ended, end = nil, time.Now().Add(goneFor)
		case <-time.After(2 * time.Millisecond):
		}
		if !end.IsZero() && (!seen || time.Now().After(end)) {
			return gone, fmt.Errorf("the run has ended, and the look saw its effect: %t; it printed: %s", seen, p.Printed.String())
		}
		text, err := os.ReadFile(trial.RecordIn(out))
		if err != nil || !bytes.Contains(text, []byte(`"kind":"`+faults.EventCreating)) {
			continue // it has not begun
		}
		met := bytes.Contains(text, []byte(`"kind":"`+record.EventAborting))
		if seen && !met {
			continue // a look takes time from the run
		}
		switch effects, err := pods.Effects(ctx); {
		case err != nil:
			return gone, fmt.Errorf("look at the fault's effect: %w", err)
		case len(effects) > 0:
			seen = true
		case seen:
			return time.Now(), nil
		}
	}
}

// read takes the times from the record.
func (t *timing) read(list []record.Entry, gone time.Time) error {
	good, err := steadystate.ParseGood(abortables[t.Kind].good)
	if err != nil {
		return err
	}
	const none = time.Duration(math.MaxInt64)
	created, breached := none, none
	var removal *record.Removal
	met := false
	observe := func(o steadystate.Observation) {
		if o.Bad(good) && o.To >= created {
			breached = min(breached, o.To)
		}
	}
	for _, e := range list {
		switch {
		case e.Event != nil && e.Event.Kind == faults.EventCreating:
			created = e.Event.From
		case e.Event != nil && e.Event.Kind == record.EventAborting:
			met = true
		case e.Observations != nil && e.Observations.Signal == abortables[t.Kind].signal:
			for _, o := range e.Observations.List {
				observe(o)
			}
		case e.Requests != nil && e.Requests.Signal == abortables[t.Kind].signal:
			for _, r := range e.Requests.List {
				observe(r.Observation())
			}
		case e.Removal != nil:
			removal = e.Removal
		}
	}
	switch {
	case !met || breached == none:
		return errors.New("the run was not aborted by its condition")
	case removal == nil || removal.Error != "":
		return errors.New("the fault was not undone")
	}
	t.Issued, t.Removed = (removal.From - breached).Seconds(), (removal.To - breached).Seconds()
	t.Gone = gone.Sub(list[0].Header.Started.Add(breached)).Seconds()
	if t.Gone < t.Issued {
		return fmt.Errorf("the effect was gone after %.3f s, before the delete was issued: the look does not see it", t.Gone)
	}
	return nil
}

// A quantity is one of the times of an abort.
type quantity struct {
	name string
	of   func(timing) float64
}

var quantities = []quantity{
	{"delete issued", func(t timing) float64 { return t.Issued }},
	{"effect gone", func(t timing) float64 { return t.Gone }},
	{"object gone", func(t timing) float64 { return t.Removed }},
}

// sorted are the times of the aborts of a kind that went well; empty: of any.
func (q quantity) sorted(list []timing, kind string) (seconds []float64) {
	for _, t := range list {
		if t.Problem == "" && (kind == "" || t.Kind == kind) {
			seconds = append(seconds, q.of(t))
		}
	}
	slices.Sort(seconds)
	return seconds
}

func printTimings(w io.Writer, list []timing) {
	fmt.Fprintf(w, "\n%-13s %-14s %4s %9s %9s %9s %10s\n", "fault", "from breach to", "n", "p50", "p95", "max", "above 1 s")
	for _, kind := range slices.Sorted(maps.Keys(abortables)) {
		for _, q := range quantities {
			if seconds := q.sorted(list, kind); len(seconds) > 0 {
				fmt.Fprintf(w, "%-13s %-14s %4d %8.3fs %8.3fs %8.3fs %10d\n", kind, q.name,
					len(seconds), quantile(seconds, 0.5), quantile(seconds, 0.95), seconds[len(seconds)-1], above(seconds))
			}
		}
	}
}

// quantile is the smallest of sorted values that a part of them does not exceed.
func quantile(sorted []float64, part float64) float64 {
	return sorted[max(0, int(math.Ceil(part*float64(len(sorted))))-1)]
}

func above(seconds []float64) (n int) {
	for _, s := range seconds {
		if s > soon {
			n++
		}
	}
	return n
}

// late is why aborts have not passed.
func late(list []timing, planned int) error {
	var errs []error
	for _, t := range list {
		if t.Problem != "" {
			errs = append(errs, errors.New(t.String()))
		}
	}
	for _, q := range quantities[:2] {
		if seconds := q.sorted(list, ""); float64(above(seconds)) > mostLate*float64(planned) {
			errs = append(errs, fmt.Errorf("%s: %d of %d took longer than %g s", q.name, above(seconds), len(seconds), soon))
		}
	}
	if len(list) < planned {
		errs = append(errs, fmt.Errorf("%d of %d were tried", len(list), planned))
	}
	return errors.Join(errs...)
}
