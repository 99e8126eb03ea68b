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
	// Refused is why the experiments of a build would be refused now: by a stop, a freeze
	// or another run. It asks the service nothing. The error wraps [ErrNotNow] if it may
	// be over later.
	Refused(ctx context.Context, build Ask) error
	// Revision is what the pods run that the experiments of a build hit, the same in all:
	// the label of their template, as their records have it. The error wraps [ErrNotNow]
	// or [ErrNotReady] if that may be known later, as it may not for want of a right.
	Revision(ctx context.Context, build Ask) (string, error)
	// Run carries the experiments of a build out, and keeps their records in the
	// directory of begin, which it calls before it touches anything; an error of begin's
	// ends it. It wraps [ErrNotNow] if it was refused for now, with nothing touched, and
	// [experiments.ErrLeftBehind] if a fault may still be in place. Once ctx ends, it
	// undoes the faults and returns.
	Run(ctx context.Context, build Ask, begin func() (*runs.Directory, error)) error
	// Sweep removes what a run left behind that was killed; what all such runs did if
	// it is empty. It fails unless nothing is left.
	Sweep(ctx context.Context, run string) error
}

// ErrNotNow is wrapped where a build waits: for the end of a stop, a freeze or another
// run, or for a cluster that does not answer. Nothing was touched.
var ErrNotNow = errors.New("not now")

// ErrNotReady is the [ErrNotNow] of pods that are not as they must be: there are none,
// they are not ready, or of more than one template. A build waits for them for a while.
var ErrNotReady = fmt.Errorf("%w, its pods are not ready", ErrNotNow)

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
	// Patience is how long a build waits for pods that are not ready, or for a disk that
	// cannot be read. It is unknown then. Default: 15 min.
	Patience time.Duration
	// Say is told what happens, a line each. Default: nothing is said.
	Say func(text string)

	mu      sync.Mutex // guards what follows, and the order of the journal
	book    Book
	journal *journal
	wake    chan struct{}
	stuck   string             // why what became of the build that is running is not written down yet
	blocked map[string]block   // why builds that wait were not begun, by key
	unready map[string]unready // pods for which builds could not be asked about, by key
	left    error              // a fault may still be in place
	cancel  context.CancelCauseFunc
	running string // the key of what cancel ends

	deciding sync.Mutex // guards decider
	decider  decider
}

// errUnread is the [ErrNotNow] of records that are there and cannot be read.
var errUnread = fmt.Errorf("%w, the disk cannot be read", ErrNotNow)

// A block is why a build that waits was not begun.
type block struct {
	why   string
	since time.Time     // of what it waits for a while only; zero: it waits for as long as that takes
	wait  time.Duration // until it is looked at again
	next  time.Time     // when that is
}

// unready are the pods of a build that could not be asked about because of them.
type unready struct{ since, last time.Time }

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
	s.book, s.wake, s.blocked, s.unready = Book{Queue: cmp.Or(s.Queue, 16)}, make(chan struct{}, 1), map[string]block{}, map[string]unready{}
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
		return err
	}
	s.book = changed
	for _, e := range events {
		delete(s.blocked, e.Key)
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
		if slices.ContainsFunc(due, func(b Build) bool { return s.test(ctx, b) }) {
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
func (s *Server) due() (list []Build, next time.Time) {
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

func (s *Server) patience() time.Duration { return cmp.Or(s.Patience, 15*time.Minute) }

// until does what nothing may be begun without, until it succeeds or ctx ends.
func (s *Server) until(ctx context.Context, do func() error) error {
	for {
		err := do()
		s.mu.Lock()
		s.stuck = ""
		if err != nil {
			s.stuck = err.Error()
		}
		s.mu.Unlock()
		if err == nil {
			return nil
		}
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
	e := Event{Event: Decided, Verdict: Unknown}
	var unread error
	if b.Head = o.head; b.Head == "" {
		b.Head, unread = audit.Chain{Dir: s.Dir}.Head()
	}
	if !audit.Unread(unread) { // without a head, nothing is shown
		e.Head = b.Head
		e.Verdict, e.Why, unread = s.decide(b)
	}
	if unread != nil && time.Since(o.at) < s.patience() {
		return fmt.Errorf("decide: %w", unread)
	}
	switch {
	case e.Verdict == Broken:
	case unread != nil:
		e.Why = fmt.Sprintf("for %s what its test showed could not be read: %s", s.patience(), unread)
	case errors.Is(o.err, ErrNotNow):
		e = Event{Event: Postponed, Why: o.err.Error()}
	case o.interrupted && (o.err != nil || e.Verdict != Held):
		e = Event{Event: Interrupted, Why: cmp.Or(text(o.err), errEnded.Error()) + " while it was tested; nothing is in place any more"}
	case o.err != nil && o.left:
		e.Verdict, e.Why = Unknown, o.err.Error()+"; it was swept since"
	case o.err != nil:
		e.Verdict, e.Why = Unknown, o.err.Error()
	}
	return s.ended(key, e)
}

// sweep removes what the runs of a build left, also once the gate is ended.
func (s *Server) sweep(ctx context.Context, b Build) error {
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
func (s *Server) runsOf(b Build) (list []string) {
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
// was refused for now still waits, with nothing written down.
func (s *Server) test(ctx context.Context, b Build) (changed bool) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	s.mu.Lock()
	before := s.blocked[b.Key()]
	s.mu.Unlock()
	began := time.Now()
	var directory *runs.Directory
	verdict, err := s.mayBegin(running, b)
	if err == nil {
		err = s.Runner.Run(running, b.Ask, func() (*runs.Directory, error) {
			var err error
			directory, err = s.begin(b, cancel)
			return directory, err
		})
	}
	s.mu.Lock()
	s.cancel, s.running = nil, ""
	s.mu.Unlock()
	if directory == nil {
		switch {
		case ctx.Err() != nil: // the gate ends
			return true
		case errors.Is(err, ErrNotNow) && s.postpone(b, before, err):
			return false
		case errors.Is(err, ErrNotNow):
			err = s.waited(err)
		}
		_ = s.until(ctx, func() error { return s.notBegun(b, verdict, cmp.Or(text(err), "its experiments were not begun")) })
		return true
	}
	o := &outcome{err: err, head: directory.Head, left: errors.Is(err, experiments.ErrLeftBehind), at: time.Now()}
	if o.interrupted = running.Err() != nil; o.interrupted && err != nil {
		o.err = errEnded // or superseded, which is said by its event
	}
	_ = s.until(ctx, func() error { return s.over(ctx, b.Key(), o) })
	if errors.Is(err, ErrNotNow) {
		s.postpone(b, before, err)
		return true
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
		is.wait, is.next = 0, time.Time{}
		if !is.since.IsZero() {
			is.since = is.since.Add(took)
		}
		s.blocked[key] = is
	}
}

// mayBegin is why a build is not to be begun, and what it is for that reason unless that
// is only so for now. What costs least is looked at first.
func (s *Server) mayBegin(ctx context.Context, b Build) (verdict State, err error) {
	if len(b.Earlier) > 0 {
		switch verdict, why, unread := s.decide(b); {
		case verdict == Broken:
			return Broken, errors.New(why)
		case unread != nil:
			return Unknown, fmt.Errorf("%w: whether an earlier test broke it: %w", errUnread, unread)
		}
	}
	if err := s.Runner.Refused(ctx, b.Ask); err != nil {
		return Unknown, err
	}
	switch is, err := s.Runner.Revision(ctx, b.Ask); {
	case err != nil:
		return Unknown, notKnown(err)
	case is != b.Revision:
		return Unknown, fmt.Errorf("its pods run %s, and ran %s when the build was asked about", is, b.Revision)
	}
	return Unknown, nil
}

// postpone takes in that a build is not begun for now, and reports whether it goes on
// waiting. Each look doubles the time to the next.
func (s *Server) postpone(b Build, before block, err error) bool {
	now := time.Now()
	is := block{why: err.Error(), wait: min(max(2*before.wait, s.retry()), 8*s.retry())}
	is.next = now.Add(is.wait)
	if errors.Is(err, ErrNotReady) || errors.Is(err, errUnread) {
		if is.since = before.since; is.since.IsZero() {
			is.since = now
		}
	}
	if is.why != before.why {
		s.say("%s: waiting: %s", b.Key(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits(b) {
		s.blocked[b.Key()] = is
	}
	return is.since.IsZero() || now.Sub(is.since) < s.patience()
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// begin writes down that a build is begun, unless it is not asked about any more.
func (s *Server) begin(b Build, cancel context.CancelCauseFunc) (*runs.Directory, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits(b) {
		return nil, errSuperseded
	}
	directory, err := runs.NewDirectory(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotNow, err)
	}
	if err := s.note(Event{Time: now(), Event: Begun, Key: b.Key(), Directory: filepath.Base(directory.Path)}); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotNow, errors.Join(err, os.Remove(directory.Path))) // it is empty
	}
	s.cancel, s.running = cancel, b.Key()
	return directory, nil
}

// ended notes what became of a test. A build that was superseded meanwhile does not
// wait again.
func (s *Server) ended(key string, e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, _ := s.book.Find(key); b.Superseded && !e.Verdict.Ended() {
		e = Event{Event: Dropped, Why: errSuperseded.Error()}
		if len(b.Earlier) > 0 { // which must not be forgotten
			e = Event{Event: Decided, Verdict: Unknown, Why: errSuperseded.Error()}
		}
	}
	e.Time, e.Key = now(), key
	return s.note(e)
}

// notBegun notes why a build is not begun, unless it is not asked about any more.
func (s *Server) notBegun(b Build, verdict State, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits(b) {
		return nil
	}
	return s.note(Event{Time: now(), Event: Decided, Key: b.Key(), Verdict: verdict, Why: why})
}

// waits reports whether a build still waits since it was asked about. The caller has mu.
func (s *Server) waits(b Build) bool {
	is, ok := s.book.Find(b.Key())
	return ok && is.State == Waiting && is.Asked.Equal(b.Asked)
}

func (s *Server) decide(b Build) (verdict State, why string, unread error) {
	s.deciding.Lock() // a record may be large
	defer s.deciding.Unlock()
	return s.decider.decide(b)
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
	delete(s.unready, a.Key())
	events, err := s.book.Ask(*a, now())
	if err != nil || len(events) == 0 {
		return Waiting, err
	}
	if err := s.note(events...); err != nil {
		return Waiting, err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return Waiting, nil
}

// notAsked is what a build is of which it is not known what its pods run. It is not
// written down: the next question may begin its test. The caller has mu.
func (s *Server) notAsked(key string, err error) (State, error) {
	now := time.Now()
	switch b, _ := s.book.Find(key); {
	case b.State.Ended(), !errors.Is(err, ErrNotNow):
		return Unknown, err
	case !errors.Is(err, ErrNotReady):
		return Waiting, err
	}
	maps.DeleteFunc(s.unready, func(_ string, u unready) bool { return now.Sub(u.last) > s.patience() })
	u := s.unready[key]
	if u.last = now; u.since.IsZero() {
		u.since = now
	}
	s.unready[key] = u
	if now.Sub(u.since) >= s.patience() {
		return Unknown, s.waited(err)
	}
	return Waiting, err
}

func (s *Server) waited(err error) error {
	return fmt.Errorf("it has waited for %s: %w", s.patience(), err)
}

// soon is how long the cluster may take to say what pods run, while a controller waits.
const soon = 5 * time.Second

// revision is what the pods of a build run now. A label of Argo Rollouts must be the
// checksum itself; no pods have one yet, since a file cannot name a Rollout.
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
		return "", fmt.Errorf("%w: they run %s, which is not the checksum %s", ErrNotReady, is, a.Checksum)
	}
	return is, nil
}

func notKnown(err error) error { return fmt.Errorf("what its pods run is not known: %w", err) }

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
	before, stuck, refused := s.book.Before(a.Key()), s.stuck, s.blocked[a.Key()].why
	s.mu.Unlock()
	if notAsked != nil {
		if b.State == Running {
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
		answer.Why = cmp.Or(stuck, "its experiments are running")
	case b.State == Held, b.State == Broken, len(b.Earlier) > 0:
		answer.is(s.current(ctx, a, b))
	}
	switch {
	case answer.State != Waiting:
	case before > 0:
		answer.Why = sentence(fmt.Sprintf("%d before it", before), cmp.Or(refused, b.Why))
	default:
		answer.Why = cmp.Or(refused, b.Why, "it is next")
	}
	return answer
}

// current is what a build is by its records, and by what its pods run now. One that was
// not held or broken itself is broken if an earlier test broke it.
func (s *Server) current(ctx context.Context, a Ask, b Build) (State, string) {
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
func answerOf(b Build) Answer {
	a := Answer{Namespace: b.Namespace, Name: b.Name, Checksum: b.Checksum, Asked: &b.Asked, Experiments: b.Experiments(), Records: b.Directory}
	a.is(b.State, b.Why)
	return a
}

func (a *Answer) is(state State, why string) {
	a.State, a.Why, a.Held, a.Broken = state, why, state == Held, state == Broken
}

// WriteSentence writes the answer as a line.
func (a Answer) WriteSentence(w io.Writer) error {
	_, err := fmt.Fprintln(w, sentence(string(a.State), a.Why))
	return err
}

func sentence(state, why string) string {
	if why == "" {
		return state
	}
	return state + ": " + why
}
