package stop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
)

// A Freeze lets no run begin, and nothing be injected, in its windows and during an
// incident.
type Freeze struct {
	Windows []Window
	// Incident returns the current incident, or "" if there is none; the error says
	// that this is unknown. Nil: incidents are not checked.
	Incident func(ctx context.Context) (what string, err error)
	// EndsRunning ends the run when a freeze begins. Default: it continues until it
	// would inject another fault.
	EndsRunning bool
}

var _ experiments.Safeguard = (*Freeze)(nil)

// String describes the freeze.
func (f *Freeze) String() string { return "freeze" }

// Begin refuses the run during a freeze, or if it is unknown whether there is one.
func (f *Freeze) Begin(ctx context.Context, _ *record.Recorder) error { return begin(ctx, f.Now) }

// Allow checks again, as [Freeze.Begin] does.
func (f *Freeze) Allow(ctx context.Context, _ time.Duration) error { return allow(ctx, f.Now) }

// Watch returns an error once a freeze begins, if that ends what is running, or
// once it has not been known for some seconds whether there is an incident.
func (f *Freeze) Watch(ctx context.Context) error {
	if !f.EndsRunning {
		<-ctx.Done()
		return nil
	}
	return follow(ctx, nil, f.Now)
}

// End returns nil.
func (f *Freeze) End(context.Context) error { return nil }

// Now says which freeze is in force, and until when; empty: none. Without an answer
// about incidents that is not known.
func (f *Freeze) Now(ctx context.Context) (why string, err error) {
	if why, err = f.Window(time.Now()); err != nil || why != "" || f.Incident == nil {
		return why, err
	}
	what, err := f.Incident(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("whether there is an incident is not known: %w", err)
	case what != "":
		return "incident, until it is over: " + line(what), nil
	}
	return "", nil
}

// Window says which window contains a time, and until when; "" if none does.
func (f *Freeze) Window(now time.Time) (why string, err error) { return f.Within(now, now) }

// Within says which window overlaps the time from from up to, but excluding, to, and
// until when; "" if none does. If the window begins later than from, it also says when.
func (f *Freeze) Within(from, to time.Time) (why string, err error) {
	windows, err := f.compile()
	if err != nil {
		return "", err
	}
	var first period
	var of compiled
	for _, w := range windows {
		// The first that is not over is the first to begin.
		for p := range w.after(from) {
			if (!p.from.After(from) || p.from.Before(to)) && (first.from.IsZero() || p.from.Before(first.from)) {
				first, of = p, w
			}
			break
		}
	}
	if first.from.IsZero() {
		return "", nil
	}
	what, now := "", from
	if first.what != "" {
		what = ": " + first.what
	}
	if first.from.After(from) {
		what, now = what+", which begins "+Clock(first.from.In(of.zone)), first.from
	}
	return fmt.Sprintf("window %s%s, until %s", of, what, until(windows, now, of.zone)), nil
}

// Next returns when the next window begins, or the zero time if none does. The current
// time must not be in a window.
func (f *Freeze) Next() (next time.Time, err error) {
	windows, err := f.compile()
	for _, w := range windows {
		if begin := w.next(time.Now()); !begin.IsZero() && (next.IsZero() || begin.Before(next)) {
			next = begin.In(w.zone)
		}
	}
	return next, err
}

func (f *Freeze) compile() (windows []compiled, err error) {
	var errs []error
	for _, w := range f.Windows {
		c, err := w.compile()
		windows, errs = append(windows, c), append(errs, err)
	}
	if err = errors.Join(errs...); err != nil {
		return nil, err
	}
	return windows, nil
}

// foreseen is how far a freeze is followed.
const foreseen = 366 * 24 * time.Hour

// until is when all windows that follow each other are over.
func until(windows []compiled, now time.Time, zone *time.Location) string {
	end, limit := now, now.Add(foreseen)
	for longer := true; longer && !end.After(limit); {
		longer = false
		for _, w := range windows {
			if e := w.end(end, limit); e.After(end) {
				end, longer = e, true
			}
		}
	}
	if end.After(limit) {
		return "more than a year from now"
	}
	return Clock(end.In(zone))
}

// Clock formats a time for people, with its zone.
func Clock(t time.Time) string { return t.Format("Mon 2006-01-02 15:04 MST") }
