package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate/joined"
	"github.com/aftershockhq/aftershock/steadystate/redact"
)

// The exit codes are API.
const (
	exitHeld       = 0
	exitBroken     = 1
	exitUsage      = 2 // usage or configuration; nothing was touched
	exitUnknown    = 3
	exitFailed     = 4 // stopped by a person, refused for now, or the harness failed
	exitLeftBehind = 5 // something may still be in place; takes precedence over all others
)

const exitCodes = `Exit codes:
  0  held
  1  broken, or aborted by a condition of the file
  2  usage or configuration; nothing was touched
  3  unknown: not proven, not observed, not decidable, or it could not be tested
  4  stopped by a person, refused for now, or the harness itself failed
  5  a fault may still be in place (takes precedence over all others); see "aftershock sweep"`

// A usageError is one that the user must fix; nothing was touched.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// unavailable says that nothing could be tested; nothing was touched.
type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

// errVerdict ends a command with the exit code of reports, other than that of held.
type errVerdict int

func (v errVerdict) Error() string {
	return map[errVerdict]string{
		exitBroken: "the verdict is broken", exitUnknown: "the verdict is unknown",
		exitFailed: "a run was stopped or failed", exitLeftBehind: "a fault may still be in place",
	}[v]
}

// errCommand ends a command with the exit code of another program.
type errCommand int

func (c errCommand) Error() string { return fmt.Sprintf("the command ended with %d", int(c)) }

// verdict is nil for held, else an error that carries the exit code: of a run and of
// its record, judged at any time, it is the same.
func verdict(list ...reports.Report) error {
	if code := reports.ExitCode(list...); code != exitHeld {
		return errVerdict(code)
	}
	return nil
}

// exitCode is the exit code for a command's error.
func exitCode(err error) int {
	var usage usageError
	var v errVerdict
	var gone unavailable
	var command errCommand
	switch {
	case err == nil:
		return exitHeld
	case errors.Is(err, experiments.ErrLeftBehind), errors.Is(err, errVerdict(exitLeftBehind)):
		return exitLeftBehind
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &command):
		return int(command)
	case errors.As(err, &gone):
		return exitUnknown
	case errors.Is(err, context.Canceled) && !judged(err):
		return exitFailed
	case errors.As(err, &v) && (judged(err) || without(err, isVerdict) == nil):
		return int(v)
	}
	return exitFailed // also where a verdict comes with a failure
}

// judged reports whether a condition of the file ended a run: that is a verdict.
func judged(err error) bool {
	ending, ok := errors.AsType[experiments.Ending](err)
	return ok && (ending.Reason == record.Aborted || ending.Reason == record.Blind)
}

func isVerdict(err error) bool {
	_, is := errors.AsType[errVerdict](err)
	return is
}

// besides is what went wrong besides that a condition of the file ended a run: what
// was under way was cancelled then, and only that.
func besides(err error) error {
	if !judged(err) {
		return err
	}
	return without(without(err, judged), func(err error) bool {
		return errors.Is(err, context.Canceled) && !errors.Is(err, experiments.ErrLeftBehind)
	})
}

// without is an error without those parts that are, or wrap nothing but what is, of a
// kind.
func without(err error, of func(error) bool) error {
	if err == nil || !of(err) {
		return err
	}
	var rest []error
	for _, part := range joined.Parts(err) {
		rest = append(rest, without(part, of))
	}
	return errors.Join(rest...)
}

// message is what to print of an error, without what was printed: a verdict by its
// report, and what is wrong by another program.
func message(err error) (text string) {
	var v errVerdict
	var command errCommand
	if err == nil {
		return ""
	}
	if !errors.As(err, &v) && !errors.As(err, &command) {
		return redact.Text(fmt.Sprintf("aftershock: %v\n", err))
	}
	for _, part := range joined.Parts(err) {
		text += message(part)
	}
	return text
}
