package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/runs/audit"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// A Runner knows experiments and carries them out.
type Runner interface {
	// Plan returns what experiments stand for that hit the workload of this name in a
	// namespace, without asking a cluster: the hashes of their plans, by their ids, and
	// the SHA-256 of the configuration. The error is the controller's.
	Plan(namespace, name string, experiments []string) (plans map[string]string, file string, err error)
	// Revision is what the pods run that the experiments of a build hit, the same in all:
	// the label of their template, as their records have it. The error wraps [ErrNotNow]
	// if the cluster does not answer.
	Revision(ctx context.Context, build Ask) (string, error)
	// Look is the revision, unless the experiments of a build would be refused now: by a
	// stop, a freeze or another run, for which it looks first. The error wraps [ErrNotNow]
	// then, and [ErrNotKnown] if the revision could not be read. It sends the service nothing.
	Look(ctx context.Context, build Ask) (string, error)
	// Run carries the experiments of a build out, and keeps their records in the
	// directory of begin, which it calls before it touches anything; an error of begin's
	// ends it. After that its error wraps [ErrNotNow] or [ErrNotBegun] if nothing was
	// touched, and [experiments.ErrLeftBehind] if a fault may still be in place. Once ctx
	// ends, it undoes the faults and returns.
	Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error
	// Sweep removes what a run left behind that was killed; what all such runs did if
	// it is empty. It fails unless nothing is left.
	Sweep(ctx context.Context, run string) error
}

// ErrNotNow is wrapped where a build waits for as long as that takes: for the end of a
// stop, a freeze or another run, or for a cluster that does not answer. Nothing was
// touched. For all else that keeps it from being begun it waits for a while: for pods
// that are not ready, a right that is missing, a directory that cannot be written to.
var ErrNotNow = errors.New("not now")

// ErrNotKnown is wrapped by an error of [Runner.Look] where the revision could not be read,
// as in a question: a build that is unknown for that reason is tested once it can be.
var ErrNotKnown = errors.New("what its pods run is not known")

// ErrUntestable is wrapped by an error of a [Runner] that waiting does not change, before
// anything was touched: the build is unknown at once.
var ErrUntestable = errors.New("it cannot be tested")

// ErrNotBegun is wrapped by an error of [Runner.Run] after begin, if nothing was touched
// and the build is to wait for a while.
var ErrNotBegun = errors.New("not begun")

// ErrOtherWorkload is wrapped by [Runner.Plan] where an experiment hits another
// workload than the build's, or one of another namespace.
var ErrOtherWorkload = errors.New("it hits another workload")

// A Server answers controllers, and has the builds tested that they ask about.
type Server struct {
	// Dir is the directory of the journal and of the records; required. It should be
	// this gate's alone: all records in it are verified with each verdict.
	Dir string
	// Runner carries the experiments out; required.
	Runner Runner
	// Evaluators judge the expectations of the records.
	Evaluators []judge.Evaluator
	// Token is good for all namespaces, and for forgetting verdicts; Tokens are good for
	// one namespace each. Every request must have one. At least one is required.
	Token  string
	Tokens map[string]string // by namespace
	// Namespaces are those whose builds may be asked about. Default: none.
	Namespaces []string
	// Queue is how many builds may wait. Default: 16.
	Queue int
	// Retry is how long to wait after a run was refused for now, or a sweep failed. It
	// is doubled each time that a build is refused again, up to eight times as long.
	// Default: 15 s.
	Retry time.Duration
	// Say is told what happens, a line each. Default: nothing is said.
	Say func(text string)

	mu      sync.Mutex // guards what follows, and the order of the journal
	book    book
	journal *journal
	wake    chan struct{}
	blocked map[string]block // why builds are not asked about or begun, by key
	stuck   block            // why what became of the build that is running is not written down yet
	mute    block            // why the journal cannot be written
	left    error            // a fault may still be in place
	cancel  context.CancelCauseFunc
	running string // the key of what cancel ends

	deciding sync.Mutex // guards decider
	decider  decider
}

// A block is why a build, or the gate, does not go on.
type block struct {
	why   string
	since time.Time     // of what it waits for a while only, later by what it waited for else; zero: it did not
	last  time.Time     // when it was looked at
	wait  time.Duration // until it is looked at again
	next  time.Time     // when that is
}

// add takes in why it still does not go on.
func (b *block) add(err error) {
	if b.why, b.last = err.Error(), time.Now(); b.since.IsZero() {
		b.since = b.last
	}
}

// errSuperseded ends a run of which the build needs no answer any more.
var errSuperseded = errors.New("another build of the same name came")

// errEnded ends a run with the gate.
var errEnded = errors.New("the gate was ended")

// errKilled is how a run ended that the journal has as running when a gate begins.
var errKilled = errors.New("the gate was killed")

// Serve answers on a listener until ctx ends and the faults of the run under way are
// undone. A test that it interrupts is begun once more by the next gate with this
// directory.
func (s *Server) Serve(ctx context.Context, listener net.Listener) (err error) {
	defer func() { _ = listener.Close() }()
	if err := s.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.journal.close()) }()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	var group sync.WaitGroup
	worked := make(chan struct{})
	group.Go(func() { defer close(worked); s.work(ctx) })
	group.Go(func() {
		// Faults are undone first: controllers take a refused connection for an error.
		<-worked
		shutting, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(shutting) != nil {
			_ = server.Close()
		}
	})
	if err = server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	end(err)
	group.Wait()
	return errors.Join(err, s.left)
}

// open reads the journal.
func (s *Server) open() (err error) {
	if s.Dir == "" || s.Runner == nil || s.Token == "" && len(s.Tokens) == 0 {
		return errors.New("a gate needs a directory, a runner and a token")
	}
	s.book, s.wake, s.blocked = book{Queue: cmp.Or(s.Queue, 16)}, make(chan struct{}, 1), map[string]block{}
	s.decider = decider{chain: audit.Verifier{Dir: s.Dir}, evaluators: s.Evaluators}
	s.journal, err = openJournal(s.Dir, &s.book)
	return err
}

func (s *Server) say(format string, args ...any) {
	if s.Say != nil {
		s.Say(fmt.Sprintf(format, args...))
	}
}

// note writes events to the journal, and then changes the book. None that cannot be
// comes into the journal. The caller has mu.
func (s *Server) note(events ...Event) error {
	changed := s.book.clone()
	for i, e := range events {
		events[i].Why = redact.Text(e.Why)
		if err := changed.Apply(events[i]); err != nil {
			return err
		}
	}
	if err := s.journal.append(events...); err != nil {
		s.mute.add(err)
		return err
	}
	s.book, s.mute = changed, block{}
	for _, e := range events {
		if e.Event != Begun && e.Event != Postponed { // it may not have been possible
			delete(s.blocked, e.Key)
		}
		s.say("%s: %s", e.Key, sentence(strings.TrimSpace(e.Event+" "+string(e.Verdict)), e.Why))
		if b, ok := s.book.Find(s.running); ok && b.Superseded && s.cancel != nil {
			s.cancel(errSuperseded)
		}
	}
	return nil
}

// work tests the builds that wait, one after the other, until ctx ends. One that is
// refused for now lets the others go first.
func (s *Server) work(ctx context.Context) {
	if s.resume(ctx) != nil {
		return
	}
	for ctx.Err() == nil {
		due, next := s.due()
		if slices.ContainsFunc(due, func(b entry) bool { return s.test(ctx, b) }) {
			continue
		}
		if len(due) > 0 {
			_, next = s.due() // each has waited for a while now
		}
		var again <-chan time.Time
		if !next.IsZero() {
			again = time.After(time.Until(next))
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-again:
		}
	}
}

// due are the builds that may be tested now, in order, and when the first of the others
// may be; zero: never.
func (s *Server) due() (list []entry, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, b := range s.book.Waiting() {
		switch at := s.blocked[b.Key()].next; {
		case !at.After(now):
			list = append(list, b)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return list, next
}

func (s *Server) retry() time.Duration { return cmp.Or(s.Retry, 15*time.Second) }

// patience is how long a build waits for all that is no [ErrNotNow], or for a gate that
// cannot go on. It is unknown then.
const patience = 15 * time.Minute

// until does what nothing may be begun without, until it succeeds or ctx ends.
func (s *Server) until(ctx context.Context, do func() error) error {
	for {
		err := do()
		s.mu.Lock()
		if err == nil {
			s.stuck = block{}
			s.mu.Unlock()
			return nil
		}
		s.stuck.add(err)
		s.mu.Unlock()
		s.say("%s", err)
		if experiments.Wait(ctx, s.retry()) != nil {
			return err
		}
	}
}

// resume ends the test that was under way when the gate was killed.
func (s *Server) resume(ctx context.Context) error {
	s.mu.Lock()
	key, ok := s.book.running()
	s.mu.Unlock()
	if !ok {
		return nil
	}
	o := &outcome{err: errKilled, left: true, interrupted: true, at: time.Now()}
	return s.until(ctx, func() error { return s.over(ctx, key, o) })
}

// An outcome is how the run of a build ended.
type outcome struct {
	err         error
	head        string // of the chain of records, as the run left it
	left        bool   // a fault may still be in place
	swept       bool   // it is not any more
	interrupted bool
	at          time.Time
}

// over sweeps what the run of a build may have left, and then writes down what became
// of it. Nothing else is begun before that. A limit that is broken by then is broken,
// however the run ended: a second test might hold by chance. So the records are waited
// for while they cannot be read.
func (s *Server) over(ctx context.Context, key string, o *outcome) error {
	s.mu.Lock()
	b, _ := s.book.Find(key)
	s.mu.Unlock()
	if o.left && !o.swept {
		err := s.sweep(ctx, b)
		s.mu.Lock()
		s.left = err
		s.mu.Unlock()
		if err != nil {
			return err
		}
		o.swept = true
	}
	if errors.Is(o.err, ErrNotBegun) {
		return s.ended(key, Event{Event: Postponed, Why: o.err.Error()})
	}
	e := Event{Event: Decided, Verdict: Unknown}
	var unread error
	if b.Head = o.head; b.Head == "" {
		b.Head, unread = audit.Chain{Dir: s.Dir}.Head()
	}
	if !audit.Unread(unread) { // without a head, nothing is shown
		e.Head = b.Head
		e.Verdict, e.Why, unread = s.decide(b)
	}
	if unread != nil && time.Since(o.at) < patience {
		return fmt.Errorf("decide: %w", unread)
	}
	switch {
	case e.Verdict == Broken:
	case unread != nil:
		e.Why = fmt.Sprintf("for %s what its test showed could not be read: %s", patience, unread)
	case errors.Is(o.err, ErrNotNow):
		e = Event{Event: Postponed, Why: o.err.Error()}
	case o.interrupted && (o.err != nil || e.Verdict != Held):
		e = Event{Event: Interrupted, Why: cmp.Or(text(o.err), errEnded.Error()) + " while it was tested; nothing is in place any more"}
	case o.err != nil && o.left:
		e.Verdict, e.Why = Unknown, o.err.Error()+"; it was swept since"
	case o.err != nil:
		e.Verdict, e.Why = Unknown, o.err.Error()
	case e.Verdict == Unknown && s.replaced(b):
		e = Event{Event: Interrupted, Why: e.Why}
	}
	return s.ended(key, e)
}

// sweep removes what the runs of a build left, also once the gate is ended.
func (s *Server) sweep(ctx context.Context, b entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	var err error
	for _, run := range s.runsOf(b) {
		err = errors.Join(err, s.Runner.Sweep(ctx, run))
	}
	if err != nil {
		return fmt.Errorf("sweep what the test of %s left: %w: %w", b.Key(), experiments.ErrLeftBehind, err)
	}
	return nil
}

// runsOf are the runs of a build; "", all runs, if one may not be known: a record of its
// directory is lost or damaged.
func (s *Server) runsOf(b entry) (list []string) {
	v, err := (&audit.Verifier{Dir: s.Dir}).Verify("", b.Directory)
	paths, errRead := recordsIn(filepath.Join(s.Dir, b.Directory))
	if err != nil || errRead != nil || len(v.Findings) > 0 {
		return []string{""}
	}
	for _, path := range paths {
		list = append(list, runOf(path))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// runOf is the run of a record; "" if it cannot be read.
func runOf(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close() //nolint:errcheck // only read
	for e, err := range record.Read(file) {
		if err == nil && e.Header != nil {
			return e.Header.Run
		}
		break
	}
	return ""
}

// test has a build tested, and reports whether the queue has changed. A build that
// was not begun still waits, with nothing written down.
func (s *Server) test(ctx context.Context, b entry) (changed bool) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	began := time.Now()
	var directory *runs.Directory
	e, err := s.mayBegin(running, b)
	if err == nil && e.Event == "" {
		err = s.Runner.Run(running, b.Ask, func() (*runs.Directory, error) {
			var err error
			directory, err = s.begin(b, cancel)
			return directory, err
		})
	}
	s.mu.Lock()
	s.cancel, s.running = nil, ""
	s.mu.Unlock()
	switch {
	case directory != nil:
	case ctx.Err() != nil: // the gate ends
		return true
	default:
		if err == nil && e.Event == "" {
			err = errors.New("its experiments were not begun")
		}
		return s.notBegun(b, e, err)
	}
	o := &outcome{err: err, head: directory.Head, left: errors.Is(err, experiments.ErrLeftBehind), at: time.Now()}
	if o.interrupted = running.Err() != nil; o.interrupted && err != nil {
		o.err = errEnded // or superseded, which is said by its event
	}
	_ = s.until(ctx, func() error { return s.over(ctx, b.Key(), o) })
	if errors.Is(err, ErrNotNow) || errors.Is(err, ErrNotBegun) {
		return s.notBegun(b, Event{}, err)
	}
	s.unblock(time.Since(began))
	return true
}

// unblock has the builds that wait looked at again at once: a run that took so long was
// in their way. That time is not one that they waited for their own pods.
func (s *Server) unblock(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, is := range s.blocked {
		if _, ok := s.book.Find(key); !ok {
			continue // it is asked about meanwhile
		}
		is.wait, is.next = 0, time.Time{}
		if is.last = is.last.Add(took); !is.since.IsZero() {
			is.since = is.since.Add(took)
		}
		s.blocked[key] = is
	}
}

// mayBegin is why a build is not to be begun for now, or the event by which it is decided
// without a test. What costs least is looked at first.
func (s *Server) mayBegin(ctx context.Context, b entry) (decided Event, err error) {
	if len(b.Earlier) > 0 {
		switch verdict, why, unread := s.decide(b); {
		case verdict == Broken:
			return Event{Event: Decided, Verdict: Broken, Why: why}, nil
		case unread != nil:
			return Event{}, fmt.Errorf("whether an earlier test broke it: %w", unread)
		}
	}
	if _, err := (audit.Chain{Dir: s.Dir}).Head(); audit.Unread(err) { // nor could what its test shows be
		return Event{}, err
	}
	switch is, err := s.Runner.Look(ctx, b.Ask); {
	case err != nil:
		return Event{}, err
	case is != b.Revision:
		return Event{Event: Decided, Verdict: Unknown, Again: true, Why: fmt.Sprintf("its pods run %s, and ran %s when the build was asked about", is, b.Revision)}, nil
	}
	return Event{}, nil
}

// notBegun takes in that a build was not begun: by an event that decides it, or else for
// now. It reports whether the queue has changed.
func (s *Server) notBegun(b entry, decided Event, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits(b) {
		return true // it is not asked about any more
	}
	if decided.Event == "" {
		decided = Event{Event: Decided, Verdict: Unknown, Again: errors.Is(err, ErrNotKnown), Why: err.Error()}
		if !errors.Is(err, ErrUntestable) {
			if s.refuse(b.Key(), err) {
				return false
			}
			decided.Why = s.waited(decided.Why)
		}
	}
	decided.Time, decided.Key = now(), b.Key()
	if err := s.note(decided); err != nil {
		s.refuse(b.Key(), err)
		return false
	}
	return true
}

// refuse takes in why a build is not asked about, or not begun, for now, and reports
// whether it goes on waiting. Each look doubles the time to the next. The caller has mu.
func (s *Server) refuse(key string, err error) bool {
	before, now := s.blocked[key], time.Now()
	is := block{why: err.Error(), since: before.since, last: now, wait: min(max(2*before.wait, s.retry()), 8*s.retry())}
	is.next = now.Add(is.wait)
	notNow := errors.Is(err, ErrNotNow)
	switch {
	case !is.since.IsZero() && notNow: // the time until now does not count
		is.since = is.since.Add(now.Sub(before.last))
	case is.since.IsZero() && !notNow:
		is.since = now
	}
	if is.why != before.why {
		s.say("%s: waiting: %s", key, err)
	}
	s.blocked[key] = is
	return notNow || !s.tooLong(is)
}

// tooLong reports whether something had waited for all that it waits when it was looked at:
// since then a test of another build may be in its way.
func (s *Server) tooLong(is block) bool {
	return !is.since.IsZero() && is.last.Sub(is.since) >= patience
}

// halted is why no build goes on, if that has lasted too long. A journal that could not be
// written is looked at again: there may be nothing else to be written. The caller has mu.
func (s *Server) halted() string {
	if s.mute.why != "" && time.Since(s.mute.last) >= s.retry() {
		if err := s.journal.probe(); err != nil {
			s.mute.add(err)
		} else {
			s.mute = block{}
		}
	}
	for _, is := range []block{s.stuck, s.mute} {
		if s.tooLong(is) {
			return is.why
		}
	}
	return ""
}

func (s *Server) waited(why string) string {
	return fmt.Sprintf("it has waited for %s: %s", patience, why)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// begin writes down that a build is begun, unless it is not asked about any more.
func (s *Server) begin(b entry, cancel context.CancelCauseFunc) (*runs.Directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits(b) {
		return nil, errSuperseded
	}
	if err := s.journal.inPlace(); err != nil {
		return nil, err
	}
	directory, err := runs.NewDirectory(s.Dir)
	if err != nil {
		return nil, err
	}
	if err := s.note(Event{Time: now(), Event: Begun, Key: b.Key(), Directory: filepath.Base(directory.Path)}); err != nil {
		return nil, errors.Join(err, os.Remove(directory.Path)) // it is empty
	}
	s.cancel, s.running = cancel, b.Key()
	return directory, nil
}

// ended notes what became of a test. A build that was superseded meanwhile does not
// wait again.
func (s *Server) ended(key string, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := s.book.Find(key)
	if b.Superseded && !e.Verdict.Ended() {
		e = Event{Event: Decided, Verdict: Unknown, Why: errSuperseded.Error()}
	}
	e.Time, e.Key = now(), key
	if err := s.note(e); err != nil {
		return err
	}
	if e.Event == Postponed {
		_ = os.Remove(filepath.Join(s.Dir, b.Directory)) // unless there is something in it
	}
	return nil
}

// waits reports whether a build still waits since it was asked about. The caller has mu.
func (s *Server) waits(b entry) bool {
	is, ok := s.book.Find(b.Key())
	return ok && is.State == Waiting && is.Asked.Equal(b.Asked)
}

func (s *Server) decide(b entry) (verdict State, why string, unread error) {
	s.deciding.Lock() // a record may be large
	defer s.deciding.Unlock()
	return s.decider.decide(b)
}

// replaced reports whether other pods took the place of a build's while it was tested.
func (s *Server) replaced(b entry) bool {
	s.deciding.Lock()
	defer s.deciding.Unlock()
	return s.decider.replaced(b)
}

// now is the time as the journal has it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// ask has a build tested, unless it was or is, of which it finds out what its pods run.
// If that cannot be, state is what the build is for that reason: the controller is to
// ask again, and not to end the delivery.
func (s *Server) ask(ctx context.Context, a *Ask) (state State, err error) {
	a.Revision, err = s.revision(ctx, *a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return s.notAsked(a.Key(), err)
	}
	events, err := s.book.Ask(*a, now())
	switch halted := s.halted(); {
	case err != nil && halted != "": // and so are the builds before it
		return Unknown, errors.New(s.waited(halted))
	case err != nil || len(events) == 0:
		return Waiting, err
	}
	if err := s.note(events...); err != nil {
		return s.notAsked(a.Key(), err)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return Waiting, nil
}

// notAsked is what a build is that could not be asked about. It is not written down: the
// next question may begin its test. The caller has mu.
func (s *Server) notAsked(key string, err error) (State, error) {
	maps.DeleteFunc(s.blocked, func(key string, is block) bool { // those that are not asked about any more
		_, known := s.book.Find(key)
		return !known && time.Since(is.last) > patience
	})
	halted := s.halted()
	switch b, known := s.book.Find(key); {
	case b.State.Ended(), !known && errors.Is(err, ErrUntestable):
		return Unknown, err
	case known && halted != "":
		err = errors.New(halted)
	case known && s.tooLong(s.blocked[key]):
		err = errors.New(s.blocked[key].why)
	case known, s.refuse(key, err):
		return Waiting, err
	}
	return Unknown, errors.New(s.waited(err.Error()))
}

// soon is how long the cluster may take to say what pods run, while a controller waits.
const soon = 5 * time.Second

// revision is what the pods of a build run now. A label of Argo Rollouts must be the
// checksum itself.
func (s *Server) revision(ctx context.Context, a Ask) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	is, err := s.Runner.Revision(ctx, a)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrNotNow, err)
	}
	if err != nil {
		return "", notKnown(err)
	}
	if hash, ok := strings.CutPrefix(is, "rollouts-pod-template-hash="); ok && hash != a.Checksum {
		return "", notKnown(fmt.Errorf("its pods run %s, which is not the checksum %s", is, a.Checksum))
	}
	return is, nil
}

func notKnown(err error) error { return fmt.Errorf("%w: %w", ErrNotKnown, err) }

// An Answer is what a build is, now.
type Answer struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Checksum  string `json:"checksum"`
	State     State  `json:"state"`
	// Held and Broken are never both true; neither is while the state is another.
	Held   bool   `json:"held"`
	Broken bool   `json:"broken"`
	Why    string `json:"why"`
	// Asked is when, and Records where; absent: it was not asked about, or not begun.
	Asked       *time.Time `json:"asked,omitempty"`
	Experiments []string   `json:"experiments,omitempty"`
	Records     string     `json:"records,omitempty"`
}

// answer is what a build is, by its records and by what its pods run now, which is read
// unless the question has it. notAsked is why it could not be asked about, and state
// what it is for that reason.
func (s *Server) answer(ctx context.Context, a Ask, state State, notAsked error) Answer {
	s.mu.Lock()
	b, ok := s.book.Find(a.Key())
	before, stuck, blocked, halted := s.book.Before(a.Key()), s.stuck, s.blocked[a.Key()], s.halted()
	s.mu.Unlock()
	if notAsked != nil {
		switch {
		case b.State != Running:
		case s.tooLong(stuck):
			state, notAsked = Unknown, errors.New(s.waited(stuck.why))
		default:
			state = Running
		}
		return Answer{Namespace: a.Namespace, Name: a.Name, Checksum: a.Checksum, State: state, Why: notAsked.Error()}
	}
	if !ok {
		return Answer{Namespace: a.Namespace, Name: a.Name, Checksum: a.Checksum, State: Unknown, Why: "it was not asked about"}
	}
	answer := answerOf(b)
	switch {
	case b.State == Running && b.Superseded:
		answer.Why = errSuperseded.Error() + "; its faults are being undone"
	case b.State == Running:
		answer.Why = cmp.Or(stuck.why, "its experiments are running")
	case b.State == Held, b.State == Broken, len(b.Earlier) > 0:
		answer.is(s.current(ctx, a, b))
	}
	switch {
	case answer.State == Running && s.tooLong(stuck):
		answer.is(Unknown, s.waited(stuck.why))
	case answer.State != Waiting:
	case halted != "":
		answer.is(Unknown, s.waited(halted))
	case s.tooLong(blocked):
		answer.is(Unknown, s.waited(blocked.why))
	case before > 0:
		answer.Why = sentence(fmt.Sprintf("%d before it", before), cmp.Or(stuck.why, blocked.why, b.Why))
	default:
		answer.Why = cmp.Or(blocked.why, b.Why, "it is next")
	}
	return answer
}

// current is what a build is by its records, and by what its pods run now. One that was
// not held or broken itself is broken if an earlier test broke it.
func (s *Server) current(ctx context.Context, a Ask, b entry) (State, string) {
	state, why, unread := s.decide(b)
	decided := b.State == Held || b.State == Broken
	if !decided && state != Broken {
		return b.State, b.Why
	}
	is, err := a.Revision, error(nil)
	if is == "" {
		is, err = s.revision(ctx, b.Ask)
	}
	switch {
	case err == nil && is == b.Revision && (!decided || state == b.State):
		return state, why
	case !decided:
		return b.State, b.Why
	case unread != nil:
		return Unknown, fmt.Sprintf("it was %s, and what its test showed cannot be read now: %s", b.State, unread)
	case state != b.State:
		return Unknown, fmt.Sprintf("it was %s, and its records do not show it any more: %s", b.State, why)
	case err != nil:
		return Unknown, fmt.Sprintf("it was %s, and %s", b.State, err)
	}
	return Unknown, fmt.Sprintf("%s was %s, and its pods run %s now", b.Revision, b.State, is)
}

// answerOf is the answer as it was decided.
func answerOf(b entry) Answer {
	a := Answer{Namespace: b.Namespace, Name: b.Name, Checksum: b.Checksum, Asked: &b.Asked, Experiments: b.Experiments(), Records: b.Directory}
	a.is(b.State, b.Why)
	return a
}

func (a *Answer) is(state State, why string) {
	a.State, a.Why, a.Held, a.Broken = state, why, state == Held, state == Broken
}

// writeSentence writes the answer as a line.
func (a Answer) writeSentence(w io.Writer) error {
	_, err := fmt.Fprintln(w, sentence(string(a.State), a.Why))
	return err
}

func sentence(state, why string) string {
	if why == "" {
		return state
	}
	return state + ": " + why
}
