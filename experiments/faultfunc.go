package experiments

import (
	"context"
	"errors"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A FaultFunc is a fault of one's own, made of two functions. It dates them: the
// fault takes effect at some instant of Do, and is gone at some instant of Undo.
// A fault that finds its targets when it is injected, or can be previewed, is a
// type of its own, see [Fault].
type FaultFunc struct {
	// Text says in one line what the fault does, and to which target; required.
	Text string
	// Kind is what the fault does, such as [record.KindNetworkDelay], for advice. Default:
	// it is of no such kind.
	Kind string
	// Targets are what it hits, by the names that they give themselves in the
	// header of their answers, see load.HTTP; required.
	Targets []record.Target
	// Effects must be seen of every target, or the verdict is not held: a change
	// of a signal, or an event that Do or an observer records. Required.
	Effects []record.Effect
	// Do puts the fault in place, and returns once it is there. An error is the
	// harness's; Undo is called all the same.
	Do func(ctx context.Context, rec *record.Recorder) error
	// Undo removes it, and returns once it is gone; nothing to undo is not an error.
	// nil: the fault is over once done, as a kill is.
	Undo func(ctx context.Context, rec *record.Recorder) error
}

var (
	_ OneShot   = FaultFunc{}
	_ Validator = FaultFunc{}
)

// String is the text.
func (f FaultFunc) String() string { return f.Text }

// Validate reports the fields that are missing.
func (f FaultFunc) Validate() error {
	var errs []error
	for _, field := range []struct {
		is   bool
		what string
	}{
		{f.Text != "", "Text: say what the fault does, and to which target"},
		{len(f.Targets) > 0, "Targets: name what the fault hits, as it names itself in its answers"},
		{len(f.Effects) > 0, `Effects: say what must be seen of the targets, as in record.Effect{Event: record.EventGone} or record.Effect{Signal: "requests", Rise: 0.1}`},
		{f.Do != nil, "Do: the function that puts the fault in place"},
	} {
		if !field.is {
			errs = append(errs, errors.New(field.what))
		}
	}
	return errors.Join(errs...)
}

// OneShot reports whether there is nothing to undo.
func (f FaultFunc) OneShot() bool { return f.Undo == nil }

// Inject calls Do.
func (f FaultFunc) Inject(ctx context.Context, rec *record.Recorder) (record.Injection, error) {
	span, err := dating(ctx, rec, f.Do)
	return record.Injection{Kind: f.Kind, Targets: f.Targets, Span: span, Effects: f.Effects, OneShot: f.OneShot()}, err
}

// Recover calls Undo.
func (f FaultFunc) Recover(ctx context.Context, rec *record.Recorder) (steadystate.Span, error) {
	return dating(ctx, rec, f.Undo)
}

// dating calls a function, and returns the span of the call.
func dating(ctx context.Context, rec *record.Recorder, call func(context.Context, *record.Recorder) error) (span steadystate.Span, err error) {
	span = steadystate.Instant(rec.Clock().Now())
	if call != nil {
		err = call(ctx, rec)
	}
	span.To = rec.Clock().Now()
	return span, err
}
