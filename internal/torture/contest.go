package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/chaos-mesh/chaos-mesh/api/v1alpha1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/internal/trial"
)

const (
	// contested is the experiment of all runs of a contest.
	contested = "{service: checkout, times: {hold: 5s}, faults: {fault: {networkDelay: {pods: all, latency: 100ms, to: payments}}}}"
	// patience is how long a run waits that waits for the others, and the contest for
	// its runs.
	patience = 8 * time.Minute
	// clockError is how well a run's wall clock is known from its record.
	clockError = 5 * time.Second
)

// A contest is of runs of one experiment, which begin at once.
type contest struct {
	runs    int
	patient int  // so many wait for the others
	apart   bool // their wall clocks are 30 s apart
}

// An entrant is one of its runs.
type entrant struct {
	n       int
	patient bool
	code    int    // its exit code
	printed string // by it
	run     string // its id; empty: it has no record
	// ahead is by how much its wall clock was to be ahead of this machine's, and was by
	// its record.
	ahead, was time.Duration
	// from and to are from before its fault was created until it was gone, by this
	// machine's clock; zero: it has created none, and has not seen it gone.
	from, to time.Time
}

func (e entrant) String() string {
	who := fmt.Sprintf("run %2d", e.n)
	if e.patient {
		who += ", which waits"
	}
	if e.from.IsZero() {
		return fmt.Sprintf("%s: ended with %d: %s", who, e.code, cmp.Or(holding.FindString(e.printed), e.printed))
	}
	return fmt.Sprintf("%s: %s had its fault in place from %s to %s, and ended with %d", who, e.run, e.from.Format("15:04:05.000"), e.to.Format("15:04:05.000"), e.code)
}

// holding is how a run that is refused names the holder.
var holding = regexp.MustCompile(`is held by run (\S+) of .*, alive, until .*`)

// A sight is a change of an object of a fault, as the API server told it.
type sight struct {
	run, object string
	gone        bool
}

// together are the runs that had objects, and those of which two had some at once.
func together(sights []sight) (seen []string, atOnce []string) {
	objects := map[string]string{} // the run of each
	for _, s := range sights {
		objects[s.object] = s.run
		if s.gone {
			delete(objects, s.object)
		}
		if !slices.Contains(seen, s.run) {
			seen = append(seen, s.run)
		}
		for _, run := range objects {
			if run != s.run {
				atOnce = append(atOnce, fmt.Sprintf("runs %s and %s have objects at once", min(run, s.run), max(run, s.run)))
			}
		}
	}
	slices.Sort(seen)
	slices.Sort(atOnce)
	return seen, slices.Compact(atOnce)
}

// carryOut starts the runs, follows the objects of their faults, and judges.
func (c contest) carryOut(ctx context.Context, w io.Writer, out string) error {
	harness := trial.Program
	if c.apart {
		var err error
		if harness, err = trial.BuildWithClock(ctx, out); err != nil {
			return err
		}
	}
	l, err := trial.Connect(ctx, out, map[string]string{"contest": contested}, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	watched, err := l.Session.Client.Watch(ctx, &v1alpha1.NetworkChaosList{}, client.InNamespace(l.Workload.Namespace), faults.Scope{}.Labels())
	if err != nil {
		return err
	}
	var sights []sight
	var blind error
	enough, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		sights, blind = follow(watched, enough)
	}()
	list, spread, err := c.enter(ctx, l, harness, out)
	close(enough)
	<-done
	left := l.Cluster.Left(context.WithoutCancel(ctx), trial.SweepPatience, true)
	for _, e := range list {
		fmt.Fprintln(w, e)
	}
	seen, _ := together(sights)
	fmt.Fprintf(w, "%d runs started within %s; %d changes of objects of %d runs seen; left: %d\n",
		len(list), spread.Round(time.Millisecond), len(sights), len(seen), len(left))
	errs := []error{err, blind, judge(list, sights)}
	if len(left) > 0 {
		errs = append(errs, fmt.Errorf("left: %s", strings.Join(left, "; ")))
	}
	return errors.Join(errs...)
}

// follow takes in what the API server tells until it is enough.
func follow(watched watch.Interface, enough <-chan struct{}) (list []sight, err error) {
	defer watched.Stop()
	for {
		select {
		case <-enough:
			return list, nil
		case change, open := <-watched.ResultChan():
			object, ok := change.Object.(client.Object)
			if !open || !ok {
				return list, errors.New("the watch of the faults' objects ended before the runs")
			}
			list = append(list, sight{object.GetLabels()[faults.RunLabel], object.GetName(), change.Type == watch.Deleted})
		}
	}
}

// enter starts the runs and waits for their ends.
func (c contest) enter(ctx context.Context, l *trial.Lab, harness, out string) (list []entrant, spread time.Duration, err error) {
	var processes []*trial.Process
	directory := func(n int) string { return filepath.Join(out, fmt.Sprintf("run%02d", n)) }
	began := time.Now()
	for n := range c.runs {
		var more []string
		if n < c.patient {
			more = []string{"--wait", patience.String()}
		}
		command := exec.Command(harness, append(trial.Arguments(l.File, directory(n), "checkout/contest"), more...)...)
		if c.apart {
			clock := trial.Clock(directory(n) + ".clock")
			if err = clock.Set(int8(c.ahead(n).Seconds())); err != nil {
				break
			}
			command.Env = append(os.Environ(), clock.Variable())
		}
		p, failed := trial.Begin(command, directory(n))
		if failed != nil {
			err = failed
			break
		}
		processes = append(processes, p)
	}
	spread = time.Since(began)
	for n, p := range processes {
		select {
		case <-p.Ended:
		case <-ctx.Done():
			p.Stop()
			err = errors.Join(err, fmt.Errorf("run %d was still under way: %w", n, context.Cause(ctx)))
		}
		e := entrant{n: n, patient: n < c.patient, ahead: c.ahead(n), code: p.ProcessState.ExitCode(), printed: p.Printed.String()}
		err = errors.Join(err, e.read(directory(n)))
		list = append(list, e)
	}
	return list, spread, err
}

// ahead is by how much the wall clock of a run is ahead of this machine's.
func (c contest) ahead(n int) time.Duration {
	if !c.apart {
		return 0
	}
	return time.Duration(n%3-1) * 30 * time.Second
}

// read takes in the record, if the run came so far. The record's last change dates it:
// the run's own wall clock may be another.
func (e *entrant) read(directory string) error {
	path := trial.RecordIn(directory)
	if path == "" {
		return nil
	}
	list, err := trial.Entries(path)
	if err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	began := file.ModTime().Add(-list[len(list)-1].At)
	e.run, e.was = list[0].Header.Run, list[0].Header.Started.Sub(began)
	for _, entry := range list {
		switch {
		case entry.Event != nil && entry.Event.Kind == faults.EventCreating:
			e.from = began.Add(entry.Event.From)
		case entry.Removal != nil && entry.Removal.Error == "":
			e.to = began.Add(entry.Removal.To)
		}
	}
	return nil
}

// judge is why a contest has not passed.
func judge(list []entrant, sights []sight) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	var ran []entrant // that created a fault
	runs := map[string]bool{}
	for _, e := range list {
		runs[e.run] = e.run != ""
		if !e.from.IsZero() {
			ran = append(ran, e)
		}
	}
	for _, e := range list {
		if e.run != "" && (e.was-e.ahead).Abs() > clockError {
			wrong("%s: its wall clock was %s ahead of this machine's, and was to be %s: the trial proves nothing of clocks", e, e.was.Round(time.Second), e.ahead)
		}
	}
	slices.SortFunc(ran, func(a, b entrant) int { return cmp.Or(a.from.Compare(b.from), cmp.Compare(a.n, b.n)) })
	for i, e := range ran {
		if e.to.IsZero() {
			wrong("%s: its fault was not seen gone", e)
		}
		for _, before := range ran[:i] {
			if before.to.IsZero() || before.to.After(e.from) {
				wrong("two faults in place at once by the records: %s; %s", before, e)
			}
		}
	}
	seen, atOnce := together(sights)
	for _, text := range atOnce {
		wrong("by the API server: %s", text)
	}
	var recorded []string
	for _, e := range ran {
		recorded = append(recorded, e.run)
	}
	if slices.Sort(recorded); !slices.Equal(seen, recorded) {
		wrong("objects seen of the runs %v, and faults recorded by %v: one of both proves nothing", seen, recorded)
	}
	if len(ran) == 0 {
		wrong("no run had a fault in place")
	}
	refused := 0
	for _, e := range list {
		named := holding.FindStringSubmatch(e.printed)
		switch {
		case !e.from.IsZero():
			if !slices.Contains([]int{0, 1, 3}, e.code) { // the verdict is not what is tried
				wrong("%s: it printed: %s", e, e.printed)
			}
			continue
		case e.patient:
			wrong("%s: it did not run", e)
		case e.code != 4:
			wrong("%s, want 4", e)
		case named == nil || !runs[named[1]] || named[1] == e.run:
			wrong("%s: it did not name a holder that is alive", e)
		}
		refused++
	}
	if patient := len(slices.DeleteFunc(slices.Clone(list), func(e entrant) bool { return !e.patient })); len(list) > patient && refused == 0 {
		wrong("none was refused: they did not begin at once")
	}
	return errors.Join(errs...)
}
