package gate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
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
	// the label of their template, as their records have it.
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

// ErrNotNow is wrapped where a run is refused for now: by a stop, a freeze or another
// run. Nothing was touched.
var ErrNotNow = errors.New("not now")

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
	// Retry is how long to wait after a run was refused for now, or a sweep failed.
	// Default: 15 s.
	Retry time.Duration
	// Say is told what happens, a line each. Default: nothing is said.
	Say func(text string)

	mu      sync.Mutex // guards what follows, and the order of the journal
	book    Book
	journal *journal
	wake    chan struct{}
	stuck   string            // why what became of the build that is running is not written down yet
	blocked map[string]string // why builds that wait were not begun, by key
	left    error             // a fault may still be in place
	cancel  context.CancelCauseFunc
	running string // the key of what cancel ends

	deciding sync.Mutex // guards decider
	decider  decider
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
	if s.Dir == "" || s.Runner == nil || s.Token == "" && len(s.Tokens) == 0 {
		return errors.New("a gate needs a directory, a runner and a token")
	}
	s.book, s.wake, s.blocked = Book{Queue: cmp.Or(s.Queue, 16)}, make(chan struct{}, 1), map[string]string{}
	s.decider = decider{chain: audit.Verifier{Dir: s.Dir}, evaluators: s.Evaluators}
	if s.journal, err = openJournal(s.Dir, &s.book); err != nil {
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
	if s.until(ctx, func() error { return s.resume(ctx) }) != nil {
		return
	}
	for ctx.Err() == nil {
		s.mu.Lock()
		waiting := s.book.Waiting()
		s.mu.Unlock()
		if slices.ContainsFunc(waiting, func(b Build) bool { return s.test(ctx, b) }) {
			continue
		}
		var again <-chan time.Time
		if len(waiting) > 0 {
			again = time.After(s.retry())
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-again:
		}
	}
}

func (s *Server) retry() time.Duration { return cmp.Or(s.Retry, 15*time.Second) }

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
	builds := s.book.Builds()
	s.mu.Unlock()
	for _, b := range builds {
		if b.State == Running {
			return s.over(ctx, b.Key(), outcome{err: errKilled, left: true, interrupted: true})
		}
	}
	return nil
}

// An outcome is how the run of a build ended.
type outcome struct {
	err         error
	head        string // of the chain of records, as the run left it
	left        bool   // a fault may still be in place
	interrupted bool
}

// over sweeps what the run of a build may have left, and then writes down what became
// of it. Nothing else is begun before that. A limit that is broken by then is broken,
// however the run ended: a second test might hold by chance.
func (s *Server) over(ctx context.Context, key string, o outcome) error {
	s.mu.Lock()
	b, _ := s.book.Find(key)
	s.mu.Unlock()
	if o.left {
		err := s.sweep(ctx, b)
		s.mu.Lock()
		s.left = err
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	b.Head = o.head
	if b.Head == "" {
		b.Head, _ = audit.Chain{Dir: s.Dir}.Head() // without one, nothing is shown
	}
	e := Event{Event: Decided, Head: b.Head}
	e.Verdict, e.Why = s.decide(b)
	switch {
	case e.Verdict == Broken:
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
	swept, err := runsIn(filepath.Join(s.Dir, b.Directory))
	for _, run := range swept {
		err = errors.Join(err, s.Runner.Sweep(ctx, run))
	}
	if err != nil {
		return fmt.Errorf("sweep what the test of %s left: %w: %w", b.Key(), experiments.ErrLeftBehind, err)
	}
	return nil
}

// runsIn are the runs whose records are in a directory; "", all runs, if one is not
// known.
func runsIn(dir string) (list []string, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("look for runs: %w", err)
		}
		run := ""
		for e, err := range record.Read(file) {
			if err == nil && e.Header != nil {
				run = e.Header.Run
			}
			break
		}
		_ = file.Close()
		list = append(list, run)
	}
	return list, err
}

// test has a build tested, and reports whether the queue has changed. A build that
// was refused for now still waits, with nothing written down.
func (s *Server) test(ctx context.Context, b Build) (changed bool) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var directory *runs.Directory
	err := s.unchanged(running, b.Ask)
	if err == nil {
		err = s.Runner.Run(running, b.Ask, func() (*runs.Directory, error) {
			var err error
			directory, err = s.begin(b, cancel)
			return directory, err
		})
	}
	s.mu.Lock()
	s.cancel, s.running = nil, ""
	if directory == nil && errors.Is(err, ErrNotNow) {
		if s.blocked[b.Key()] != err.Error() {
			s.blocked[b.Key()] = err.Error()
			s.say("%s: waiting: %s", b.Key(), err)
		}
		s.mu.Unlock()
		return false
	}
	s.mu.Unlock()
	if directory == nil && ctx.Err() != nil {
		return true // the gate ends
	}
	_ = s.until(ctx, func() error {
		if directory == nil {
			return s.notBegun(b, cmp.Or(text(err), "its experiments were not begun"))
		}
		o := outcome{err: err, head: directory.Head, left: errors.Is(err, experiments.ErrLeftBehind)}
		if o.interrupted = running.Err() != nil; o.interrupted && err != nil {
			o.err = errEnded // or superseded, which is said by its event
		}
		return s.over(ctx, b.Key(), o)
	})
	return true
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// unchanged is why a build's pods do not run what they ran when it was asked about.
func (s *Server) unchanged(ctx context.Context, a Ask) error {
	is, err := s.Runner.Revision(ctx, a)
	switch {
	case err != nil:
		return fmt.Errorf("%w: what its pods run is not known: %w", ErrNotNow, err)
	case is != a.Revision:
		return fmt.Errorf("its pods run %s, and ran %s when the build was asked about", is, a.Revision)
	}
	return nil
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
	}
	e.Time, e.Key = now(), key
	return s.note(e)
}

// notBegun notes why a build could not be begun, unless it is not asked about any more.
func (s *Server) notBegun(b Build, why string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waits(b) {
		return nil
	}
	return s.note(Event{Time: now(), Event: Decided, Key: b.Key(), Verdict: Unknown, Why: why})
}

// waits reports whether a build still waits since it was asked about. The caller has mu.
func (s *Server) waits(b Build) bool {
	is, ok := s.book.Find(b.Key())
	return ok && is.State == Waiting && is.Asked.Equal(b.Asked)
}

func (s *Server) decide(b Build) (State, string) {
	s.deciding.Lock() // a record may be large
	defer s.deciding.Unlock()
	return s.decider.decide(b)
}

// now is the time as the journal has it.
func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// ask has a build tested, unless it was or is.
func (s *Server) ask(a Ask) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, err := s.book.Ask(a, now())
	if err != nil || len(events) == 0 {
		return err
	}
	if err := s.note(events...); err != nil {
		return err
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// soon is how long the cluster may take to say what pods run, while a controller waits.
const soon = 5 * time.Second

// revision is what the pods of a build run now. A label of Argo Rollouts must be the
// checksum itself; no pods have one yet, since a file cannot name a Rollout.
func (s *Server) revision(ctx context.Context, a Ask) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, soon)
	defer cancel()
	is, err := s.Runner.Revision(ctx, a)
	if err != nil {
		return "", fmt.Errorf("what its pods run is not known: %w", err)
	}
	if hash, ok := strings.CutPrefix(is, "rollouts-pod-template-hash="); ok && hash != a.Checksum {
		return "", fmt.Errorf("its pods run %s, which is not the checksum %s", is, a.Checksum)
	}
	return is, nil
}

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

// answer is what a build is, by its records and by what its pods run now. notAsked is
// why it could not be asked about: the controller is to ask again, and not to end the
// delivery.
func (s *Server) answer(ctx context.Context, a Ask, notAsked error) Answer {
	s.mu.Lock()
	b, ok := s.book.Find(a.Key())
	before, stuck, refused := s.book.Before(a.Key()), s.stuck, s.blocked[a.Key()]
	s.mu.Unlock()
	if notAsked != nil {
		state := Waiting
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
	case b.State == Waiting && before > 0:
		answer.Why = sentence(fmt.Sprintf("%d before it", before), cmp.Or(refused, b.Why))
	case b.State == Waiting:
		answer.Why = cmp.Or(refused, b.Why, "it is next")
	case b.State == Running && b.Superseded:
		answer.Why = errSuperseded.Error() + "; its faults are being undone"
	case b.State == Running:
		answer.Why = cmp.Or(stuck, "its experiments are running")
	case b.State != Unknown:
		state, why := s.decide(b)
		if state != b.State {
			state, why = Unknown, fmt.Sprintf("it was %s, and its records do not show it any more: %s", b.State, why)
		} else if is, err := s.revision(ctx, b.Ask); err != nil {
			state, why = Unknown, fmt.Sprintf("it was %s, and %s", b.State, err)
		} else if is != b.Revision {
			state, why = Unknown, fmt.Sprintf("%s was %s, and its pods run %s now", b.Revision, b.State, is)
		}
		answer.is(state, why)
	}
	return answer
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
