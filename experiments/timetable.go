package experiments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A timetable injects and undoes the faults of a run. One goroutine injects
// them, one after the other; each fault with a time of its own is undone by its
// own goroutine, so that an Inject that hangs does not keep other faults in
// place.
type timetable struct {
	*run
	// fail ends the context of the run: a fault could not be undone.
	fail func(cause error)
	// waits is the goroutines' context, ended by stop.
	waits context.Context
	stop  context.CancelFunc
	wg    sync.WaitGroup

	t0   time.Duration // of the first fault
	ends time.Duration // when the last fault in place is over

	mu     sync.Mutex
	states []state
	undos  []chan struct{} // of each fault, held while it is undone; faults that are one object share one
}

// A state is the progress of one fault.
type state struct {
	begun  bool // its injection has begun
	held   bool // it was put in place and must be undone
	undone bool // its undoing has started
	gone   bool // it is undone
	err    error
	// release ends the context of the injection; nil: it was never injected.
	release context.CancelFunc
	// unwatch ends the watch of a fault in place, and watched is closed when it has
	// returned; nil: there is none.
	unwatch context.CancelFunc
	watched chan struct{}
}

func newTimetable(ctx context.Context, r *run, fail func(error)) *timetable {
	t := &timetable{run: r, fail: fail, states: make([]state, len(r.Faults))}
	t.waits, t.stop = context.WithCancel(ctx)
	for i, fault := range r.Faults {
		undoing := make(chan struct{}, 1)
		if j := slices.IndexFunc(r.Faults[:i], func(other Scheduled) bool { return same(other.Fault, fault.Fault) }); j >= 0 {
			undoing = t.undos[j]
		}
		t.undos = append(t.undos, undoing)
	}
	return t
}

// errNotUndone ends a run; the fault's own error has the details.
var errNotUndone = errors.New("a fault that was over could not be undone")

// first injects the faults that come first. The failure reason names missing
// proof.
func (t *timetable) first(ctx context.Context) (reason string, err error) {
	for i, fault := range t.Faults {
		if !fault.first() {
			continue
		}
		if reason, err = t.inject(ctx, i); err != nil || reason != "" {
			return reason, err
		}
	}
	return "", nil
}

// rest injects the other faults, and returns once all with a time of their own,
// and the hold time, are over.
func (t *timetable) rest(ctx context.Context) (reason string, err error) {
	clock := t.rec.Clock()
	t.ends = max(t.ends, clock.Now()+t.Hold)
	var timed []int // those that wait only for their time
	waiting := 0
	due := make(chan answer)
	for i, fault := range t.Faults {
		switch {
		case fault.first():
		case fault.When == nil:
			timed = append(timed, i)
		default:
			waiting++
			t.wg.Go(func() { t.await(i, due) })
		}
	}
	slices.SortStableFunc(timed, func(a, b int) int { return cmp.Compare(t.Faults[a].At, t.Faults[b].At) })
	for {
		var alarm <-chan time.Time // nil: only conditions are pending
		now := clock.Now()
		switch {
		case ctx.Err() != nil:
			return "", context.Cause(ctx)
		case len(timed) > 0:
			alarm = time.After(t.t0 + t.Faults[timed[0]].At - now)
		case waiting > 0:
		case now >= t.ends:
			return "", nil
		default:
			alarm = time.After(t.ends - now)
		}
		select {
		case <-ctx.Done():
			continue
		case a := <-due:
			waiting--
			if reason, err = t.answered(ctx, a); err != nil || reason != "" {
				return reason, err
			}
		case <-alarm:
			if len(timed) == 0 {
				continue
			}
			if reason, err = t.inject(ctx, timed[0]); err != nil || reason != "" {
				return reason, err
			}
			timed = timed[1:]
		}
	}
}

// An answer is the outcome of a wait for a fault's condition.
type answer struct {
	index   int
	missing string // why it was not met in time
	err     error
}

// await waits for a fault's condition, and sends the answer only while the
// condition is met: injecting another fault may end it.
func (t *timetable) await(index int, tell chan<- answer) {
	fault, a := t.Faults[index], answer{index: index}
	if Wait(t.waits, t.t0+fault.At-t.rec.Clock().Now()) != nil {
		return
	}
	end := t.rec.Clock().Now() + fault.Within
	ctx, cancel := context.WithTimeout(t.waits, fault.Within)
	defer cancel()
	for {
		a.err = CatchPanic(func() error {
			a.missing = t.missing[index](ctx)
			return nil
		})
		met, over := a.err == nil && a.missing == "", t.rec.Clock().Now() >= end
		if met && over {
			a.missing = "it was, while another fault was being injected"
		}
		var told chan<- answer // nil: nothing to send yet
		again := time.After(conditionEvery)
		if met || over || a.err != nil {
			told = tell
		}
		if over || a.err != nil {
			again = nil
		}
		select {
		case told <- a:
			return
		case <-again:
		case <-t.waits.Done():
			return
		}
	}
}

// answered injects the fault whose condition is met.
func (t *timetable) answered(ctx context.Context, a answer) (reason string, err error) {
	fault := t.Faults[a.index]
	switch {
	case a.err != nil:
		return "", fmt.Errorf("wait for %s, when %s: %w", fault, fault.When, a.err)
	case a.missing == "":
		t.rec.Note("%s: %s", fault, fault.When)
		return t.inject(ctx, a.index)
	}
	return t.took(a.index, record.Injection{
		Span:          steadystate.Instant(t.rec.Clock().Now()),
		FailureReason: fmt.Sprintf("its condition, when %s, was not met within %s: %s", fault.When, fault.Within, a.missing),
	}), nil
}

func (t *timetable) inject(ctx context.Context, index int) (reason string, err error) {
	fault := t.Faults[index]
	var injection record.Injection
	injected := ctx
	err = CatchPanic(func() (err error) {
		if ctx.Err() != nil {
			return context.Cause(ctx) // a fault may ignore its context
		}
		if other := t.inPlace(fault.Fault); other != "" {
			injection = record.Injection{Span: steadystate.Instant(t.rec.Clock().Now()), FailureReason: "it is still in place, as " + other}
			return nil
		}
		lasts, known := t.lasts(index)
		deadline, _ := ctx.Deadline() // the run has one
		lifetime := max(0, time.Until(deadline))
		if known {
			lifetime = min(lifetime, lasts)
		}
		if err := t.allow(ctx, lifetime+Grace); err != nil {
			return err
		}
		// From here on, however long the safeguards took.
		var release context.CancelFunc
		if known {
			injected, release = context.WithTimeoutCause(ctx, lasts, errOverdue)
		} else {
			injected, release = context.WithCancel(ctx)
		}
		t.mu.Lock()
		t.states[index].release = release
		t.mu.Unlock()
		if injection, err = fault.Fault.Inject(injected, t.rec); err != nil || injection.FailureReason != "" {
			return err
		}
		return t.dated(injection.Span)
	})
	if err != nil {
		return "", fmt.Errorf("inject %s: %w", fault, err)
	}
	if reason = t.took(index, injection); t.holds(index) {
		t.watch(injected, index)
		t.limit(index)
	}
	return reason, nil
}

// lasts is how long a fault that is injected now may be in place, until the latest
// time at which its undoing begins, if that is known.
func (t *timetable) lasts(index int) (d time.Duration, known bool) {
	now := t.rec.Clock().Now()
	begun := now // of the hold phase
	if t.t0 > 0 {
		begun = t.t0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.states[index].begun = true
	// One that comes late prolongs the hold phase.
	rest := max(begun+t.scheduled()-now, t.ends-now, t.Hold)
	return t.lastsFrom(index, rest, func(i int) bool { return !t.states[i].begun })
}

// errOverdue ends the context of a fault that is not undone as planned.
var errOverdue = errors.New("the fault's planned end has passed")

// inPlace names another fault that is in place and is the same object.
func (t *timetable) inPlace(fault Fault) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, s := range t.states {
		if s.held && !s.gone && same(t.Faults[i].Fault, fault) {
			return t.Faults[i].Name
		}
	}
	return ""
}

// took records an injection.
func (t *timetable) took(index int, injection record.Injection) (reason string) {
	fault := t.Faults[index]
	held := injection.FailureReason == "" && !injection.OneShot
	t.mu.Lock()
	t.states[index].held = held
	t.mu.Unlock()
	injection.Index, injection.Fault = index, fault.Fault.String()
	t.rec.Record(record.Entry{Injection: &injection})
	if injection.FailureReason != "" {
		return fmt.Sprintf("%s: %s", fault, injection.FailureReason)
	}
	if t.t0 == 0 {
		t.t0 = injection.From
	}
	t.ends = max(t.ends, t.rec.Clock().Now()+cmp.Or(fault.For, t.Hold))
	return ""
}

// limit schedules the undoing of a fault with a time of its own. Its watch has
// begun, so that the undoing ends it, however short the time is.
func (t *timetable) limit(index int) {
	hold := t.Faults[index].For
	if hold == 0 {
		return
	}
	t.wg.Go(func() {
		if Wait(t.waits, hold) != nil {
			return // all are being undone
		}
		ctx, cancel := t.undoing(t.waits)
		defer cancel()
		if t.undo(ctx, index) != nil {
			t.fail(errNotUndone)
		}
	})
}

func (t *timetable) holds(index int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.states[index].held
}

// A lostError ends a run whose fault was over before it was undone.
type lostError string

func (e lostError) Error() string { return string(e) }

// watch ends the run once a fault that is held, in the context of its injection,
// is over, or is still there at its planned end.
func (t *timetable) watch(ctx context.Context, index int) {
	fault, since := t.Faults[index], t.rec.Clock().Now()
	ctx, unwatch := context.WithCancel(ctx)
	t.mu.Lock()
	watched := make(chan struct{})
	t.states[index].unwatch, t.states[index].watched = unwatch, watched
	t.mu.Unlock()
	t.wg.Go(func() {
		defer close(watched)
		over := ""
		err := CatchPanic(func() error {
			if w, ok := fault.Fault.(Watcher); ok && ctx.Err() == nil {
				over = w.Watch(ctx, t.rec)
			} else {
				<-ctx.Done()
			}
			return nil
		})
		at := t.rec.Clock().Now()
		switch {
		case errors.Is(context.Cause(ctx), errOverdue):
			over = "it was held beyond its planned end"
		case ctx.Err() != nil:
			return
		case err != nil:
			t.fail(fmt.Errorf("watch %s: %w", fault, err))
			return
		case over == "":
			over = "it was no longer watched,"
		}
		t.fail(lostError(fmt.Sprintf("%s: %s after %s of %s", fault, over, steadystate.FormatSeconds((at - since).Seconds()), cmp.Or(fault.For, t.Hold))))
	})
}

// undoing is the context for undoing faults: the run's own may have ended.
func (t *timetable) undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), t.UndoTimeout)
}

// headStart is how long the undoing of a fault goes before that of the one before it
// begins: long enough for those that are over at once to be over in reverse order, and
// for a request to delete an object to be sent.
const headStart = 100 * time.Millisecond

// end begins to undo all remaining faults, in reverse order, and waits for all that
// are being undone: one that takes long must not use up the time of the others.
func (t *timetable) end(ctx context.Context) error {
	t.stop()
	ctx, cancel := t.undoing(ctx)
	defer cancel()
	t.mu.Lock()
	for _, s := range t.states {
		if s.unwatch != nil {
			s.unwatch()
		}
	}
	t.mu.Unlock()
	for i := range slices.Backward(t.Faults) {
		undone := make(chan struct{})
		t.wg.Go(func() {
			defer close(undone)
			_ = t.undo(ctx, i) // the state has it
		})
		select {
		case <-undone:
		case <-time.After(headStart):
		}
	}
	t.wg.Wait()
	var errs []error
	for _, s := range slices.Backward(t.states) {
		errs = append(errs, s.err)
	}
	return errors.Join(errs...)
}

// undo undoes a fault, once. A fault that was never injected has nothing to
// undo.
func (t *timetable) undo(ctx context.Context, index int) error {
	t.mu.Lock()
	s := &t.states[index]
	claimed, held := s.undone, s.held
	s.undone = true
	unwatch, watched := s.unwatch, s.watched
	t.mu.Unlock()
	if claimed {
		return nil
	}
	if unwatch != nil {
		unwatch()
		select {
		case <-watched:
		case <-time.After(time.Second): // undoing comes first
		}
	}
	t.undos[index] <- struct{}{}
	defer func() { <-t.undos[index] }()
	if s.release != nil {
		defer s.release()
	}
	fault := t.Faults[index]
	removal := record.Removal{Index: index, Fault: fault.Fault.String()}
	err := CatchPanic(func() error {
		span, err := fault.Fault.Recover(ctx, t.rec)
		if err == nil && held {
			err = t.dated(span)
		}
		if err == nil {
			removal.Span = span
		}
		return err
	})
	if err != nil {
		removal.Error = err.Error()
		err = fmt.Errorf("undo %s: %w: %w", fault, ErrLeftBehind, err)
	}
	t.rec.Record(record.Entry{Removal: &removal})
	t.mu.Lock()
	s.gone, s.err = err == nil, err
	t.mu.Unlock()
	return err
}
