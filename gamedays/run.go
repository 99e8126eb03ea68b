package gamedays

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Result is the outcome of an experiment.
type Result struct {
	Record  string // the name of its record
	Verdict steadystate.Verdict
	Reason  string // for the verdict; empty: none
	// LeftBehind says that a fault of the experiment may still be in place.
	LeftBehind bool
}

// A Run carries out a day; see [Run.Do].
type Run struct {
	*Day
	Log Log
	// CarryOut runs an experiment of a step and returns its outcome. An error ends the day:
	// a person stopped it, or the harness failed. Required.
	CarryOut func(ctx context.Context, step, experiment int) (Result, error)
	// Sweep is the command that removes what an experiment may leave behind.
	Sweep string
	// Keys delivers the lines that a person types; an empty line means [GoOn]. Default:
	// there are none.
	Keys <-chan Key
	// Say is called with what happens, for the terminal. Default: the run is silent.
	Say func(text string)
	// Tell is called with each entry once it is written; it must not block. Default: it is
	// not called.
	Tell func(e Entry)

	begun time.Time
}

// A Key is a line that a person typed, with its time: a line typed before a question was
// asked does not answer it.
type Key struct {
	Text string
	At   time.Time
}

// reading is how long a person takes at least to read a question: a line that comes
// earlier was typed, or pasted, for another one.
const reading = 500 * time.Millisecond

// The errors with which a day ends before its last step.
var (
	// ErrPerson: a person stopped it.
	ErrPerson = errors.New("stopped by a person")
	// ErrWindow: an experiment would run in a window.
	ErrWindow = errors.New("refused for now")
	// ErrRule: the plan says to stop after this verdict, or the day took too long.
	ErrRule = errors.New("stopped by the plan")
)

// Refused returns an error that wraps [ErrWindow] if something that begins at a time and
// takes so long would still run in a window.
func (d *Day) Refused(at time.Time, takes time.Duration) error {
	why, err := d.windows.Within(at, at.Add(takes))
	switch {
	case err != nil:
		return fmt.Errorf("%w: whether there is a window is not known: %w", ErrWindow, err)
	case why != "":
		return fmt.Errorf("%w: %s", ErrWindow, why)
	}
	return nil
}

// Do carries out the steps in order and appends what happens to the log. The last entry
// names every experiment that did not begin. The error is nil if the last step was done,
// whatever the verdicts; else it wraps [ErrPerson], [ErrWindow] or [ErrRule], or is the
// error of CarryOut, of the log or of ctx.
func (r *Run) Do(ctx context.Context) error {
	err := r.write(Entry{Event: Begun, Format: Format, Version: Version, Plan: r.Written()})
	if err != nil {
		return err
	}
	r.begun = time.Now()
	done := map[[2]int]bool{}
	for i := range r.Steps {
		if err = r.step(ctx, i, done); err != nil {
			break
		}
	}
	last := Entry{Event: Ended, Text: "all steps were done"}
	if err != nil {
		last.Text = err.Error()
	}
	for i, s := range r.Steps {
		for j, e := range s.Experiments {
			if !done[[2]int{i, j}] {
				last.NotRun = append(last.NotRun, e.ID())
			}
		}
	}
	if err != nil {
		r.say("the day ends: %s", err)
	}
	if len(last.NotRun) > 0 {
		r.say("not run: %s", strings.Join(last.NotRun, ", "))
	}
	return errors.Join(err, r.write(last))
}

// step carries out a step, of which it notes the experiments that were begun.
func (r *Run) step(ctx context.Context, i int, done map[[2]int]bool) error {
	s := r.Steps[i]
	if s.Pause != "" {
		return r.ask(ctx, i, s.Pause)
	}
	if takes := s.shortest(); r.left() < takes {
		return fmt.Errorf("%w: step %d takes %s and would end more than %s after the day began (atMost)", ErrRule, i+1, steadystate.FormatDuration(takes), steadystate.FormatDuration(r.AtMost))
	}
	for j, e := range s.Experiments {
		takes := shortest(e)
		if err := r.Refused(time.Now(), takes); err != nil {
			return fmt.Errorf("before %s: %w", e.ID(), err)
		}
		if r.left() < takes {
			return fmt.Errorf("%w: %s takes %s and would end more than %s after the day began (atMost)", ErrRule, e.ID(), steadystate.FormatDuration(takes), steadystate.FormatDuration(r.AtMost))
		}
		if ctx.Err() != nil {
			return fmt.Errorf("before %s: %w", e.ID(), context.Cause(ctx))
		}
		if err := r.write(Entry{Event: Running, Step: i + 1, Experiment: e.ID()}); err != nil {
			return err // what happens must be written down
		}
		done[[2]int{i, j}] = true
		result, err := r.CarryOut(ctx, i, j)
		outcome := Entry{Event: Outcome, Step: i + 1, Experiment: e.ID(), Record: result.Record, Verdict: result.Verdict.String(), Text: result.Reason, LeftBehind: result.LeftBehind}
		if err != nil {
			if result.Verdict == steadystate.Held {
				outcome.Verdict = steadystate.Unknown.String() // its run did not end as it should
			}
			outcome.Text = oneLine(err.Error())
		}
		if err := errors.Join(err, r.write(outcome)); err != nil {
			return err
		}
		if err := r.follow(ctx, i, e.ID(), result); err != nil {
			return err
		}
	}
	return nil
}

// left is how long the day may still take.
func (r *Run) left() time.Duration {
	if r.AtMost == 0 {
		return math.MaxInt64
	}
	return r.AtMost - time.Since(r.begun)
}

// follow does what follows a verdict.
func (r *Run) follow(ctx context.Context, i int, id string, result Result) error {
	rule := ""
	switch result.Verdict {
	case steadystate.Held:
		return nil
	case steadystate.Broken:
		rule = r.Steps[i].Broken
	default:
		rule = r.Unknown
	}
	switch rule {
	case config.FollowGoOn:
		r.say("%s is %s; the plan says: go on", id, result.Verdict)
		return nil
	case config.FollowAsk:
		return r.ask(ctx, i, fmt.Sprintf("%s is %s: go on?", id, result.Verdict))
	}
	return fmt.Errorf("%w: %s is %s", ErrRule, id, result.Verdict)
}

// ask waits for a person: a key, or an answer in the log. Nothing is in place
// meanwhile. Without an answer it waits until the day must be over.
func (r *Run) ask(ctx context.Context, i int, what string) error {
	asked, err := r.append(Entry{Event: Asked, Step: i + 1, Text: what})
	if err != nil {
		return err
	}
	how := "\"aftershock gameday continue\" goes on, and with --stop ends the day"
	if r.Keys != nil {
		how = "Enter goes on, stop and Enter ends the day; so does " + how
	}
	r.say("pause: %s (%s)", what, how)
	readable := time.Now().Add(reading)
	poll := time.NewTicker(time.Second)
	defer poll.Stop()
	for {
		answer := ""
		select {
		case <-ctx.Done():
			return fmt.Errorf("in a pause: %w", context.Cause(ctx))
		case key, open := <-r.Keys:
			text := strings.TrimSpace(key.Text)
			switch {
			case !open:
				r.Keys = nil
				continue
			case key.At.Before(readable):
				r.say("%s was typed before this question could be read, and does not answer it", cmp.Or(text, "Enter"))
				continue
			case text == "":
				text = GoOn
			case text != GoOn && text != Stop:
				r.say("%q: Enter goes on, stop and Enter ends the day", text)
				continue
			}
			if err := r.write(Entry{Event: Answered, Step: i + 1, Question: asked, Text: text}); err != nil {
				return err
			}
			// That of another process may have been first.
			if answer, err = r.answer(asked); err != nil {
				return err
			}
		case <-poll.C:
			if answer, err = r.answer(asked); err != nil {
				return err
			}
			if answer == "" && r.left() <= 0 {
				return fmt.Errorf("%w: no answer to %q within the %s that the day may take (atMost)", ErrRule, what, steadystate.FormatDuration(r.AtMost))
			}
		}
		switch answer {
		case GoOn:
			r.say("going on")
			return nil
		case Stop:
			return fmt.Errorf("%w: at %q", ErrPerson, what)
		}
	}
}

// answer is the first answer that the log has to a question; empty: none yet.
func (r *Run) answer(asked int) (string, error) {
	entries, _, err := r.Log.read()
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if e.Event == Answered && e.Question == asked {
			return e.Text, nil
		}
	}
	return "", nil
}

// write adds an entry to the log.
func (r *Run) write(e Entry) error {
	_, err := r.append(e)
	return err
}

// append adds an entry to the log, and returns its number.
func (r *Run) append(e Entry) (n int, err error) {
	if n, err = r.Log.Append(e); r.Tell != nil && (err == nil || e.Event == Outcome) {
		e.Time = time.Now()
		r.Tell(e)
	}
	return n, err
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func (r *Run) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(fmt.Sprintf(format, args...))
	}
}

// Written returns the plan that the log keeps.
func (r *Run) Written() *Plan {
	p := &Plan{Name: r.Name, Why: r.Why, Owner: r.Owner, Timezone: r.Timezone, File: r.file.Path, SHA256: r.file.SHA256, Sweep: r.Sweep}
	for _, s := range r.Steps {
		step := PlanStep{Pause: s.Pause, Run: s.Run, Expect: s.Expect}
		for _, e := range s.Experiments {
			step.Experiments = append(step.Experiments, e.ID())
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// Waits returns the question that the day waits for an answer to. The error says that the
// day has ended, or that no question is open.
func Waits(entries []Entry) (question Entry, err error) {
	for i, e := range slices.Backward(entries) {
		switch {
		case e.Event == Ended:
			return question, errors.New("the game day has ended")
		case e.Event == Running, e.Event == Outcome:
			return question, errors.New("the game day is not paused")
		case e.Event != Asked:
		case slices.ContainsFunc(entries[i:], func(a Entry) bool { return a.Event == Answered && a.Question == e.N }):
			return question, errors.New("the game day is not paused: the last question was answered")
		default:
			return e, nil
		}
	}
	return question, errors.New("the game day is not paused: nothing was asked yet")
}
