package experiments

import (
	"context"
	"errors"
	"fmt"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
)

// Rehearse makes the requests of a run against something that plays the cluster:
// it observes, asks the safeguards, puts each fault in place at once, holds them
// until hold returns, and undoes them. It waits for no steady state and no
// schedule, and its record cannot be judged. The error has what did not go as on a
// cluster.
func (e Experiment) Rehearse(ctx context.Context, rec *record.Recorder, hold func(context.Context)) (err error) {
	if err := e.Validate(); err != nil {
		return err
	}
	e = e.withDefaults()
	plan := e.Plan()
	if err := rec.Begin(plan); err != nil {
		return fmt.Errorf("rehearse %q: %w", e.Name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, e.Deadline)
	defer cancel()
	r := &run{Experiment: e, rec: rec, gate: judge.NewGate(plan), missing: map[int]func(context.Context) string{}}
	var errs []error
	ended, err := r.begin(ctx)
	errs = append(errs, err)
	observing, stop := context.WithCancel(ctx)
	// One that fails keeps the others from nothing.
	stopped := r.observe(observing, func(error) {})
	unwatched := r.watch(observing, func(error) {})
	timetable := newTimetable(ctx, r, func(error) {})
	for i, fault := range e.Faults {
		reason, err := timetable.inject(ctx, i)
		if reason != "" {
			err = fmt.Errorf("inject %s: %s", fault, reason)
		}
		errs = append(errs, err)
	}
	hold(ctx)
	errs = append(errs, timetable.end(ctx))
	stop()
	errs = append(append(append(errs, stopped()...), unwatched()...), ended())
	return errors.Join(errs...)
}
