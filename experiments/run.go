package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/joined"
)

// ErrLeftBehind is wrapped by the error of a run that could not confirm the
// removal of its faults: something may still be in place.
var ErrLeftBehind = errors.New("a fault may still be in place")

// Run carries the experiment out and records it. It returns once everything it
// started has stopped and every fault is undone, even when ctx ends first.
//
// The error is the harness's: ErrLeftBehind, the context's, that of a load or
// of writing the record; or a safeguard's, which may wrap an [Ending]. The
// service's behaviour is in the record alone. A service that was not steady, or
// a fault without proof that it was in place, is not an error either: the record
// says so and cannot be judged as held.
func (e Experiment) Run(ctx context.Context, rec *record.Recorder) (err error) {
	if err := e.Validate(); err != nil {
		return err
	}
	e = e.withDefaults()
	plan := e.Plan()
	if err := rec.Begin(plan); err != nil {
		return fmt.Errorf("run %q: %w", e.Name, err)
	}
	if len(e.Environment) > 0 {
		rec.Record(record.Entry{Environment: e.Environment})
	}

	r := &run{Experiment: e, rec: rec, gate: judge.NewGate(plan), missing: map[int]func(context.Context) string{}}
	rec.Tap(r.gate.See)
	for i, f := range e.Faults {
		if f.When != nil {
			r.missing[i] = f.When.Watch(rec)
		}
	}
	end := record.End{Reason: record.Failed}
	// Also while faults are injected or undone, however long that takes.
	stopFlushing := rec.FlushEvery(flushEvery)
	defer func() {
		stopFlushing()
		rec.Flush()
		if failed := rec.Err(); failed != nil && !errors.Is(err, failed) {
			err = errors.Join(err, failed)
		}
		if err != nil {
			end.Detail = err.Error()
			ending, wanted := errors.AsType[Ending](err)
			switch {
			case wanted:
				end.Reason, end.Detail = ending.Reason, ending.Detail
				for _, other := range joined.Lines(err) {
					if !errors.Is(other, ending) {
						end.Detail += "; " + other.Error()
					}
				}
			case errors.Is(err, ErrLeftBehind):
			case ctx.Err() != nil:
				end.Reason = record.Interrupted
			}
			if end.Reason == record.Completed {
				end.Reason = record.Failed // the record may lack the last data
			}
		}
		rec.Record(record.Entry{End: &end})
		if err == nil {
			err = rec.Err()
		}
	}()

	ended, err := r.begin(ctx)
	defer func() { err = errors.Join(err, ended()) }()
	if err != nil {
		return err
	}

	// Observers stop after the last phase, and the run waits for them.
	observing, stop := context.WithCancelCause(ctx)
	// A fault without evidence is undone at once.
	rec.OnError(stop)
	stopped := r.observe(observing, stop)
	unwatched := r.watch(observing, stop)
	defer func() {
		stop(nil)
		for _, failed := range slices.Concat(stopped(), unwatched()) {
			if !errors.Is(err, failed) { // it is already if it ended the run
				err = errors.Join(err, failed)
			}
		}
	}()

	bounded, cancel := context.WithTimeoutCause(observing, e.Deadline, fmt.Errorf("the run's deadline of %s has passed", e.Deadline))
	defer cancel()
	end, err = r.phases(bounded)
	return err
}

// run is a running experiment.
type run struct {
	Experiment
	rec     *record.Recorder
	gate    *judge.Gate
	missing map[int]func(context.Context) string // of the conditions, by fault index
}

// observe starts the load, the signals and the observers. The first failure
// ends the run through stop; stopped waits for all and returns their errors.
func (r *run) observe(ctx context.Context, stop context.CancelCauseFunc) (stopped func() []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	start := func(what string, f func() error) {
		wg.Go(func() {
			err := CatchPanic(f)
			if err == nil || (ctx.Err() != nil && errors.Is(err, ctx.Err())) {
				return
			}
			err = fmt.Errorf("%s: %w", what, err)
			mu.Lock()
			errs = append(errs, err)
			mu.Unlock()
			stop(err)
		})
	}
	clock := r.rec.Clock()
	if load := r.Load; load != nil {
		if l, ok := load.(Recordable); ok {
			load = l.Recorded(r.rec)
		}
		start("load", func() error {
			return load.Drive(ctx, clock, func(q record.Request) { r.rec.Request(cmp.Or(q.Signal, record.TrafficSignal), q) })
		})
	}
	for _, s := range r.Hypothesis.Signals {
		start("observe "+s.Name, func() error {
			return s.Source.Observe(ctx, clock, func(o steadystate.Observation) { r.rec.Observe(s.Name, o) })
		})
	}
	for _, o := range r.Observers {
		start("observe", func() error { return o.Observe(ctx, r.rec) })
	}
	return func() []error {
		wg.Wait()
		return errs
	}
}

// phases runs the phases. The end of the context is an error, and the faults
// are undone all the same.
func (r *run) phases(ctx context.Context) (end record.End, err error) {
	end.Reason = record.Failed
	r.phase(record.PhaseSettle)
	if stop, err := r.settle(ctx); err != nil || stop.Reason != "" {
		return cmp.Or(stop, end), err
	}

	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	timetable := newTimetable(ctx, r, fail)
	undone := false
	undo := func() error {
		if undone {
			return nil
		}
		undone = true
		return timetable.end(ctx)
	}
	// Also when a phase panics or the context ends.
	defer func() {
		if !undone {
			r.phase(record.PhaseRecover)
		}
		left := undo()
		lost, ok := errors.AsType[lostError](context.Cause(ctx))
		if ok && left == nil && (errors.Is(err, context.Canceled) || errors.Is(err, lost)) {
			end, err = record.End{Reason: record.NotInjected, Detail: lost.Error()}, nil
		}
		err = errors.Join(err, left)
	}()

	r.phase(record.PhaseInject)
	reason, err := timetable.first(ctx)
	if err != nil {
		return end, err
	}
	if reason == "" {
		r.phase(record.PhaseHold)
		if reason, err = timetable.rest(ctx); err != nil {
			return end, err
		}
	}
	r.phase(record.PhaseRecover)
	if err := undo(); err != nil {
		return end, err
	}
	if reason != "" {
		return record.End{Reason: record.NotInjected, Detail: reason}, nil
	}
	r.phase(record.PhaseWatch)
	if err := Wait(ctx, r.Watch); err != nil {
		return end, err
	}
	return record.End{Reason: record.Completed}, nil
}

func (r *run) phase(name string) { r.rec.Record(record.Entry{Phase: name}) }

// dated rejects an injection or recovery time that was never set, or that comes
// from another clock.
func (r *run) dated(s steadystate.Span) error {
	if now := r.rec.Clock().Now(); s.From <= 0 || s.To < s.From || s.To > now {
		return fmt.Errorf("its span, from %s to %s, is not within this run, which began %s ago: take both from rec.Clock().Now()", s.From, s.To, now)
	}
	return nil
}

// settle waits until the service is in its steady state and the faults' targets
// serve; otherwise the returned end has a reason.
func (r *run) settle(ctx context.Context) (end record.End, err error) {
	begin := r.rec.Clock().Now()
	told, again, unexposed, waitingHelps := begin+r.Settle, time.Duration(0), "", false
	for {
		if err := Wait(ctx, flushEvery); err != nil {
			return end, err
		}
		r.rec.Flush()
		now := r.rec.Clock().Now()
		steady := r.gate.Steady(now)
		for _, text := range steady.Restarts {
			r.rec.Note("settling restarted %s", text)
		}
		end = record.End{Reason: record.NotSteady, Detail: steady.Why}
		final := steady.Verdict == steadystate.Broken
		if steady.Verdict == steadystate.Held && now-begin >= r.Settle {
			if now >= again {
				again = now + targetsEvery
				if unexposed, waitingHelps = r.unexposed(ctx); unexposed == "" {
					return record.End{}, nil
				}
			}
			end, final = record.End{Reason: record.NotInjected, Detail: unexposed}, !waitingHelps
		}
		if now-begin >= r.Settle && (final || now-begin >= r.SettleTimeout) {
			return end, nil
		}
		if now >= told {
			told = now + tellEvery
			r.rec.Note("settling: %s", end.Detail)
		}
	}
}

const (
	// targetsEvery is how often faults are asked for their targets, tellEvery how
	// often a settling run reports what is missing.
	targetsEvery = time.Second
	tellEvery    = 10 * time.Second
)

// unexposed names the possible targets that were not seen to serve. A fault
// that does not know its targets before, or cannot list them now, is injected:
// the judge finds out.
func (r *run) unexposed(ctx context.Context) (why string, waitingHelps bool) {
	for _, f := range r.Faults {
		t, ok := f.Fault.(Targeter)
		if !ok {
			continue
		}
		targets, err := t.Targets(ctx)
		if err != nil {
			continue // Inject reports it better
		}
		if why, final := r.gate.Unexposed(targets, r.rec.Clock().Now()); why != "" {
			return fmt.Sprintf("%s: %s", f, why), !final
		}
	}
	return "", false
}

// flushEvery is how long a request may wait to be written.
const flushEvery = 200 * time.Millisecond
