package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/joined"
)

// A Scheduled is a fault of an experiment and its schedule. A fault alone comes
// first and is held to the end of the hold phase.
//
//	Faults: []experiments.Scheduled{
//		{Name: "kill", Fault: kill},
//		{Name: "slow", Fault: slow, At: 5 * time.Second, For: 20 * time.Second},
//		{Name: "again", Fault: another, When: kubewatch.ScalingOut{Namespace: "shop", Autoscaler: "checkout"}, Within: 2 * time.Minute},
//	}
//
// Faults that are due at the same time are injected one after the other, in the
// order of the list: each chooses its targets among those the others left, and
// any change it sees on them is its own doing. A fault that is due while
// another is being injected waits for it. Undoing never waits: a fault whose
// time is over is undone while others are injected, held or undone.
type Scheduled struct {
	Fault Fault
	// Name identifies the fault in the record; required where there are several.
	Name string
	// At is the injection time relative to the first T0, within the hold time.
	// Zero: together with the first.
	At time.Duration
	// For is how long the fault is held once in place. Default: to the end of the
	// hold phase, and so at least [Experiment.Hold]. A [OneShot] has none.
	For time.Duration
	// When is a condition to wait for, starting at At. If it is not met Within
	// that time, the run ends as not injected and all faults are undone. At least
	// one fault of an experiment waits for no condition.
	When   Condition
	Within time.Duration
}

// A Condition is an event that a fault waits for and that an earlier fault
// causes.
type Condition interface {
	// String completes "when ...": "autoscaler checkout scales out".
	fmt.Stringer
	// Watch starts watching when the run starts. The returned function says why
	// the condition is not met now, or "" if it is; it is polled while the fault
	// waits. It may use the entries of the record, see [record.Recorder.Tap], or
	// ask the cluster.
	Watch(rec *record.Recorder) (missing func(ctx context.Context) string)
}

// conditionEvery is how often a condition is polled.
const conditionEvery = 100 * time.Millisecond

// first: the fault comes with the first.
func (s Scheduled) first() bool { return s.At == 0 && s.When == nil }

// oneShot: known before the injection that there will be nothing to hold.
func (s Scheduled) oneShot() bool {
	f, ok := s.Fault.(OneShot)
	return ok && f.OneShot()
}

// String is "slow: delay all pods", without when.
func (s Scheduled) String() string {
	if s.Name == "" {
		return s.Fault.String()
	}
	return s.Name + ": " + s.Fault.String()
}

// called is the fault in an error: by its name, or by its place in the list.
func (s Scheduled) called(i int) string {
	if s.Name == "" {
		return fmt.Sprintf("fault %d", i+1)
	}
	return fmt.Sprintf("fault %q", s.Name)
}

// plan is the fault as plain data.
func (s Scheduled) plan() record.Scheduled {
	p := record.Scheduled{Name: s.Name, Fault: s.Fault.String(), At: s.At, For: s.For, Within: s.Within}
	if s.When != nil {
		p.When = s.When.String()
	}
	return p
}

// over is the latest time after the first T0 at which the fault has had its
// time, its injection not counted.
func (s Scheduled) over(hold time.Duration) time.Duration {
	return s.At + s.Within + cmp.Or(s.For, hold)
}

// scheduled is the length of the hold phase, the injections within it not
// counted.
func (e Experiment) scheduled() time.Duration {
	longest := e.Hold
	for _, f := range e.Faults {
		longest = max(longest, f.over(e.Hold))
	}
	return longest
}

// Grace is how long after its planned end a fault ends by itself, if the run does
// not undo it: time for a request to undo it, and for the undoing of the faults
// that come first.
const Grace = 20 * time.Second

// around is how long the run itself takes around an injection and the hold: to
// record them.
const around = time.Second

// Lasts is how long a fault may be in place, from the beginning of its injection
// to that of its undoing, as far as that is known before the run.
func (e Experiment) Lasts(index int) time.Duration {
	e = e.withDefaults()
	f := e.Faults[index]
	if d, ok := e.lastsFrom(index, e.scheduled()-f.At, func(int) bool { return true }); ok {
		return min(d, e.Deadline)
	}
	return e.Deadline
}

// lastsFrom is how long a fault that is injected now may be in place. rest is what is
// left of the hold phase, without the injections that are due and may prolong it.
// It is not ok if one of them may take any time.
func (e Experiment) lastsFrom(index int, rest time.Duration, due func(index int) bool) (d time.Duration, ok bool) {
	own, ok := e.Faults[index].injectTimeout()
	if !ok {
		return 0, false
	}
	if hold := e.Faults[index].For; hold > 0 {
		return own + hold + around, true
	}
	d = own + rest + around
	for i, f := range e.Faults {
		if i == index || !due(i) {
			continue
		}
		more, ok := f.injectTimeout()
		if !ok {
			return 0, false
		}
		d += more
	}
	return d, true
}

// injectTimeout is how long the injection takes at most, if the fault knows.
func (s Scheduled) injectTimeout() (d time.Duration, ok bool) {
	f, ok := s.Fault.(Bounded)
	if !ok {
		return 0, false
	}
	return f.InjectTimeout(), true
}

// validateFaults reports mistakes in the schedule of the faults to bad.
func (e Experiment) validateFaults(bad func(format string, args ...any)) {
	names, first := map[string]bool{}, false
	for i, f := range e.Faults {
		what := f.called(i)
		switch {
		case f.Name == "" && len(e.Faults) > 1:
			bad("%s needs a name, as there are several", what)
		case names[f.Name]:
			bad("%s is there twice", what)
		}
		names[f.Name] = true
		first = first || f.first()
		for _, err := range joined.Lines(f.validate(e.Hold)) {
			bad("%s: %w", what, err)
		}
		for _, other := range e.Faults[:i] {
			if same(f.Fault, other.Fault) && !apart(f, other) {
				bad("%s is the same object as fault %q and may start before that is over: make a second one", what, other.Name)
			}
		}
	}
	if len(e.Faults) > 0 && !first {
		bad("every fault has an At or a When: one must come first, because the others count from its T0")
	}
}

// validate reports mistakes in the fault and in its schedule.
func (s Scheduled) validate(hold time.Duration) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"At", s.At}, {"For", s.For}, {"Within", s.Within}} {
		if d.value < 0 {
			bad("%s %s is below zero", d.name, d.value)
		}
	}
	if f, ok := s.Fault.(Validator); ok {
		errs = append(errs, joined.Lines(f.Validate())...)
	}
	if s.At > max(0, hold) {
		bad("At %s is beyond the hold time of %s: hold for longer", s.At, hold)
	}
	if s.For != 0 && s.oneShot() {
		bad("For %s: %s is over at once, there is nothing to hold", s.For, s.Fault)
	}
	switch {
	case s.When != nil && s.Within == 0:
		bad("When %s: needs Within, the timeout of the wait", s.When)
	case s.When == nil && s.Within != 0:
		bad("Within %s: needs When, the condition to wait for", s.Within)
	}
	return errors.Join(errs...)
}

// same reports whether two faults are one object: undoing one would undo the
// other.
func same(a, b Fault) bool {
	return reflect.ValueOf(a).Kind() == reflect.Pointer && a == b
}

// apart reports whether one fault is planned to end before the other starts.
func apart(a, b Scheduled) bool {
	if a.At > b.At {
		a, b = b, a
	}
	return a.When == nil && b.When == nil && a.For > 0 && a.At+a.For <= b.At
}
