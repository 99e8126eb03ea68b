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
	// Token is what every request must have; required.
	Token string
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
	cancel  context.CancelCauseFunc
	running string // the key of what cancel ends

	deciding sync.Mutex
}

// errSuperseded ends a run of which the build needs no answer any more.
var errSuperseded = errors.New("another build of the same name came")

// errEnded ends a run with the gate.
var errEnded = errors.New("the gate was ended")

// Serve answers on a listener until ctx ends and the faults of the run under way are
// undone. A test that it interrupts is begun once more by the next gate with this
// directory.
func (s *Server) Serve(ctx context.Context, listener net.Listener) (err error) {
	defer func() { _ = listener.Close() }()
	if s.Dir == "" || s.Runner == nil || s.Token == "" {
		return errors.New("a gate needs a directory, a runner and a token")
	}
	s.book, s.wake, s.blocked = Book{Queue: cmp.Or(s.Queue, 16)}, make(chan struct{}, 1), map[string]string{}
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
	for _, e := range events {
		if err := changed.Apply(e); err != nil {
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

// resume finds the run that was under way when the gate was killed, sweeps it, and
// has its build wait again, unless another build of the same name came.
func (s *Server) resume(ctx context.Context) error {
	s.mu.Lock()
	builds := s.book.Builds()
	s.mu.Unlock()
	for _, b := range builds {
		if b.State != Running {
			continue
		}
		swept, err := runsIn(filepath.Join(s.Dir, b.Directory))
		if err != nil {
			return err
		}
		for _, run := range swept {
			if err := s.Runner.Sweep(ctx, run); err != nil {
				return fmt.Errorf("the gate was killed while this build was tested, and what that left is not removed yet: %w", err)
			}
		}
		if err := s.ended(b.Key(), Event{Event: Interrupted, Why: "the gate was killed while it was tested; nothing is in place any more"}); err != nil {
			return err
		}
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
	is, _ := s.book.Find(b.Key())
	if directory == nil && errors.Is(err, ErrNotNow) {
		if s.blocked[b.Key()] != err.Error() {
			s.blocked[b.Key()] = err.Error()
			s.say("%s: waiting: %s", b.Key(), err)
		}
		s.mu.Unlock()
		return false
	}
	s.mu.Unlock()
	if directory == nil && (ctx.Err() != nil || is.State != Waiting || !is.Asked.Equal(b.Asked)) {
		return true // the gate ends, or the build is not asked about any more
	}
	e := Event{Event: Decided, Verdict: Unknown, Why: "its experiments were not begun"}
	if err != nil {
		e.Why = err.Error()
	}
	if directory != nil {
		left := errors.Is(err, experiments.ErrLeftBehind)
		switch {
		case errors.Is(err, ErrNotNow) && !left:
			e = Event{Event: Postponed, Why: err.Error()}
		case (ctx.Err() != nil || is.Superseded) && !left:
			e = Event{Event: Interrupted, Why: errEnded.Error() + " while it was tested; its faults were undone"}
		default:
			e.Head, is.Head = directory.Head, directory.Head
			if verdict, why := s.decide(is); err == nil || verdict == Broken {
				e.Verdict, e.Why = verdict, why
			}
		}
	}
	// What is not on disk did not happen: the build is running until it is.
	_ = s.until(ctx, func() error { return s.ended(b.Key(), e) })
	return true
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
	if is, ok := s.book.Find(b.Key()); !ok || is.State != Waiting || !is.Asked.Equal(b.Asked) {
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

func (s *Server) decide(b Build) (State, string) {
	s.deciding.Lock() // a record may be large
	defer s.deciding.Unlock()
	return Decide(s.Dir, b, s.Evaluators...)
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

// revision is what the pods of a build run now. The pods of Argo Rollouts have the
// checksum itself.
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
