package calibration

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/machine"
)

// A Trial is one planted outage, or none, and the instrument's result.
type Trial struct {
	Plan
	// Truth are the stretches in which the service was bad, on the record's
	// clock.
	Truth []Stretch `json:"truth"`
	// Outages and Resolution are the instrument's statement.
	Outages    []steadystate.Outage `json:"outages"`
	Resolution time.Duration        `json:"resolution"`
	Comparison
	// Late is the number of requests sent late, and LoadHeld what the
	// instrument says of its load.
	Late     int                 `json:"late"`
	LoadHeld steadystate.Verdict `json:"loadHeld"`
	// Starved is the longest time for which this process waited for the CPU: the
	// planted service was delayed by that much itself.
	Starved time.Duration `json:"starved"`
	// NotRun says why the experiment did not complete; nothing is compared then.
	NotRun string `json:"notRun,omitempty"`
}

// A change is an action and when it was done.
type change struct {
	do Action
	local.Moment
}

// carryOut carries a trial out, and returns it with the record. The error is
// the harness's.
func carryOut(ctx context.Context, p Plan, rate int) (_ Trial, recorded []byte, err error) {
	var s service
	if p.Kind == Kill {
		s, err = startKilled(ctx, p.Away())
	} else {
		s, err = startPlanted(p.Kind)
	}
	if err != nil {
		return Trial{}, nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	blind := bench.Blind{
		Name:    fmt.Sprintf("%s %d", p.Kind, p.Number),
		URL:     s.url(),
		Rate:    rate,
		Timeout: p.Kind.timing().timeout,
		Check: steadystate.Check{
			Name:    "service answers",
			Signal:  record.TrafficSignal,
			Good:    steadystate.Within(p.Kind.timing().tolerance),
			Allowed: p.Kind.allowed(),
		},
		Settle: p.Kind.settle(),
		Watch:  p.watch(),
	}
	run := here
	if p.Kind == Stall {
		run = apart
	}
	stalls := machine.StartStallDetector(steadystate.StartClock(), 0)
	defer stalls.End()
	recorded, started, changes, err := run(ctx, blind, p, s)
	starved := stalls.Longest()
	if err != nil {
		return Trial{}, recorded, err
	}
	result, err := judge.Judge(record.Read(bytes.NewReader(recorded)), nil)
	if err != nil {
		return Trial{}, recorded, err
	}
	t := judged(p, result, stretches(changes, started))
	t.Starved = starved
	return t, recorded, nil
}

// watch is how long to observe: until the last request that may be bad has been
// answered and the service was good for the settle time after it.
func (p Plan) watch() time.Duration {
	const more = 100 * time.Millisecond
	switch p.Kind {
	case BlackHole:
		return p.Kind.settle() + p.Kind.timing().timeout + more
	case Slow:
		return p.Kind.settle() + slowness + more
	}
	return p.Kind.settle() + more
}

// here carries a blind experiment out in this process.
func here(ctx context.Context, blind bench.Blind, p Plan, s service) (recorded []byte, started time.Time, changes []change, err error) {
	var file bytes.Buffer
	rec := record.NewRecorder(&file)
	err = blind.Experiment(func(ctx context.Context) error {
		var err error
		changes, err = p.do(ctx, s, nil)
		return err
	}).Run(ctx, rec)
	return file.Bytes(), rec.Clock().Start(), changes, err
}

// apart carries a blind experiment out in another process, so that it can be
// stalled.
func apart(ctx context.Context, blind bench.Blind, p Plan, s service) (recorded []byte, started time.Time, changes []change, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	driver, err := bench.StartDriver(ctx, blind)
	if err != nil {
		return nil, started, nil, err
	}
	var file bytes.Buffer
	done := make(chan error, 1)
	planting := false
	for e, readErr := range record.Read(io.TeeReader(driver.Record(), &file)) {
		if readErr != nil {
			err = readErr
			break
		}
		switch {
		case e.Header != nil:
			// The record's clock is another process's: only the wall clock
			// is common to both, and a record has that at its start.
			started = e.Header.Started
		case e.Phase == record.PhaseInject:
			planting = true
			// Aside, since a stalled driver writes nothing.
			go func() {
				var err error
				changes, err = p.do(ctx, s, driver)
				done <- errors.Join(err, driver.Over())
			}()
		}
	}
	if err != nil {
		cancel()
	}
	waitErr := driver.Wait()
	if planting {
		err = errors.Join(err, <-done)
	}
	return file.Bytes(), started, changes, errors.Join(err, waitErr)
}

// do does the plan's steps, each when it is due, and says when each was done.
func (p Plan) do(ctx context.Context, s service, driver *bench.Driver) ([]change, error) {
	begin := time.Now()
	changes := make([]change, 0, len(p.Steps))
	for _, step := range p.Steps {
		if err := experiments.Wait(ctx, time.Until(begin.Add(step.At))); err != nil {
			return changes, err
		}
		c := change{do: step.Do}
		var err error
		switch step.Do {
		case Hurt:
			c.Moment, err = s.hurt(ctx)
		case Heal:
			c.Moment, err = s.heal(ctx)
		case Halt:
			c.Moment, err = driver.Stall()
		case Resume:
			c.Moment, err = driver.Resume()
		}
		if err != nil {
			return changes, fmt.Errorf("%s %s: %w", step.Do, p.Kind, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// stretches are the times in which the service was bad, after started. With a
// started that has no reading of this process's monotonic clock they are by the
// wall clock.
func stretches(changes []change, started time.Time) []Stretch {
	var list []Stretch
	for _, c := range changes {
		span := steadystate.Span{From: c.From.Sub(started), To: c.To.Sub(started)}
		switch c.do {
		case Hurt:
			list = append(list, Stretch{Start: span})
		case Heal:
			list[len(list)-1].End = span
		}
	}
	return list
}

// judged combines the judge's result with the ground truth.
func judged(p Plan, r judge.Result, truth []Stretch) Trial {
	t := Trial{Plan: p, Truth: truth}
	if r.End.Reason != record.Completed {
		t.NotRun = r.End.Reason + ": " + r.End.Detail
		return t
	}
	for _, c := range r.Checks {
		t.Outages, t.Resolution = c.Outages, c.Resolution
		if p.Kind == OneOfThree { // which is stated for one backend of those that answered
			t.Resolution = c.OfSmallest()
		}
	}
	for _, proof := range r.Proofs {
		if proof.Name == "load held" {
			t.LoadHeld = proof.Verdict
		}
	}
	t.Late = r.Traffic[record.TrafficSignal].Late
	t.Comparison = Compare(truth, t.Outages, t.Resolution)
	return t
}

// Disturbed reports whether the ground truth is unknown: the planted service
// was delayed on its own by enough to turn good answers into bad ones. The
// service's own clock decides, not the instrument's result.
func (t Trial) Disturbed() bool {
	return t.Kind.Timed() && t.Starved > t.Kind.timing().tolerance/5
}

// Wrong describes the trial's mistakes, for people.
func (t Trial) Wrong() string {
	switch {
	case t.NotRun != "":
		return "not run: " + t.NotRun
	case t.OK():
		return "nothing"
	}
	return fmt.Sprintf("stated %s, truth %s, resolution %s", outages(t.Outages), truths(t.Truth), t.Resolution.Round(time.Microsecond))
}

func outages(list []steadystate.Outage) string {
	texts := make([]string, 0, len(list))
	for _, o := range list {
		texts = append(texts, fmt.Sprintf("%s to %s (%d of %d bad: %s)", o.Start, o.End, o.Bad, o.Total, o.Reason))
	}
	return cmp.Or(strings.Join(texts, " and "), "no outage")
}

func truths(list []Stretch) string {
	texts := make([]string, 0, len(list))
	for _, s := range list {
		texts = append(texts, fmt.Sprintf("%s to %s", s.Start, s.End))
	}
	return cmp.Or(strings.Join(texts, " and "), "no outage")
}
