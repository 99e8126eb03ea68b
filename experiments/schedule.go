package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// A Scheduled is a fault of an experiment, and when it comes and goes. With a
// fault alone it comes first and is held to the end of the hold phase.
//
//	Faults: []experiments.Scheduled{
//		{Name: "kill", Fault: kill},
//		{Name: "slow", Fault: slow, At: 5 * time.Second, For: 20 * time.Second},
//		{Name: "again", Fault: another, When: kubewatch.ScalingOut{Namespace: "shop", Autoscaler: "checkout"}, Within: 2 * time.Minute},
//	}
//
// Faults that are due at the same time are injected one after the other, in
// the order of the list: each chooses its targets among what the others left,
// and what it sees happen to them is its own doing. One that is due while
// another is being injected waits for that. Undoing waits for nothing: a fault
// whose time is over is undone while others are injected, held or undone.
type Scheduled struct {
	Fault Fault
	// Name tells the fault apart in the record; it is required where there are
	// several.
	Name string
	// At is how long after the first T0 it comes, within the hold time. Zero:
	// with the first.
	At time.Duration
	// For is how long it is held once it is in place. Default: to the end of the
	// hold phase, and so for as long as [Experiment.Hold] at least. A [OneShot]
	// has none.
	For time.Duration
	// When is a condition that it waits for, from At on. One that is not met
	// Within that time ends the run as not injected, and all is undone. An
	// experiment needs a fault that waits for none.
	When   Condition
	Within time.Duration
}

// A Condition is an event that a fault waits for and that an earlier fault
// causes.
type Condition interface {
	// String completes "when ...": "autoscaler checkout scales out".
	fmt.Stringer
	// Watch begins to look, when the run does. The function that it returns
	// says why the condition is not met now, and nothing if it is; it is asked
	// again and again while the fault waits. It may go by the entries of the
	// record, see [record.Recorder.Tap], or ask the cluster.
	Watch(rec *record.Recorder) (missing func(ctx context.Context) string)
}

// conditionEvery is how often a condition is looked at.
const conditionEvery = 100 * time.Millisecond

// first: it comes with the first fault.
func (s Scheduled) first() bool { return s.At == 0 && s.When == nil }

// oneShot: it is known beforehand that there will be nothing to hold.
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

// plan is the fault as plain data.
func (s Scheduled) plan() record.Scheduled {
	p := record.Scheduled{Name: s.Name, Fault: s.Fault.String(), At: s.At, For: s.For, Within: s.Within}
	if s.When != nil {
		p.When = s.When.String()
	}
	return p
}

// over is how long after the first T0 the fault has had its time at the latest,
// but for how long it takes to be injected.
func (s Scheduled) over(hold time.Duration) time.Duration {
	return s.At + s.Within + cmp.Or(s.For, hold)
}

// scheduled is how long the hold phase takes, but for how long it takes to
// inject what comes in it.
func (e Experiment) scheduled() time.Duration {
	longest := e.Hold
	for _, f := range e.Faults {
		longest = max(longest, f.over(e.Hold))
	}
	return longest
}

// validateFaults tells bad what is wrong with when the faults come and go.
func (e Experiment) validateFaults(bad func(format string, args ...any)) {
	names, first := map[string]bool{}, false
	for i, f := range e.Faults {
		what := fmt.Sprintf("fault %d", i+1)
		if f.Name != "" {
			what = fmt.Sprintf("fault %q", f.Name)
		}
		switch {
		case f.Name == "" && len(e.Faults) > 1:
			bad("%s needs a name, as there are several", what)
		case names[f.Name]:
			bad("%s is there twice", what)
		}
		names[f.Name] = true
		first = first || f.first()
		if f.Fault == nil {
			bad("%s has no Fault", what)
			continue
		}
		if err := f.validate(e.Hold); err != nil {
			bad("%s: %w", what, err)
		}
		for _, other := range e.Faults[:i] {
			if same(f.Fault, other.Fault) && !apart(f, other) {
				bad("%s is the same object as fault %q, and may come before that is over: make a second one", what, other.Name)
			}
		}
	}
	if len(e.Faults) > 0 && !first {
		bad("every fault has an At or a When: one must come first, from whose T0 the others count")
	}
}

// validate says what is wrong with the fault by itself, and with when it comes
// and goes.
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
		if err := f.Validate(); err != nil {
			bad("%w", err)
		}
	}
	if s.At > hold {
		bad("At %s is beyond the hold time of %s: hold for longer", s.At, hold)
	}
	if s.For != 0 && s.oneShot() {
		bad("For %s: %s is over when it is done, there is nothing to hold", s.For, s.Fault)
	}
	switch {
	case s.When != nil && s.Within == 0:
		bad("When %s: needs Within, how long to wait for that", s.When)
	case s.When == nil && s.Within != 0:
		bad("Within %s: needs When, the condition to wait for", s.Within)
	}
	return errors.Join(errs...)
}

// same reports whether two faults are one object, of which the undoing of one
// would undo the other.
func same(a, b Fault) bool {
	return reflect.ValueOf(a).Kind() == reflect.Pointer && a == b
}

// apart reports whether one fault is planned to be over before the other comes.
func apart(a, b Scheduled) bool {
	if a.At > b.At {
		a, b = b, a
	}
	return a.When == nil && b.When == nil && a.For > 0 && a.At+a.For <= b.At
}
