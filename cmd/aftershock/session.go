package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gamedays"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/redact"
	"github.com/aftershockhq/aftershock/suites"
)

// session carries experiments out one after the other and says what happens.
type session struct {
	*runs.Directory
	out     io.Writer
	verbose bool   // all of each report
	sweep   string // the command that removes what is left behind; empty: none does
	place   remainder
	lines   atomic.Pointer[terminal.Printer] // of the run under way
}

func newSession(parent string, out io.Writer) (*session, error) {
	dir, err := runs.NewDirectory(parent)
	if err != nil {
		return nil, err
	}
	return sessionIn(dir, out), nil
}

func sessionIn(dir *runs.Directory, out io.Writer) *session {
	return &session{Directory: dir, out: out}
}

// carryOut runs one experiment and prints its report.
func (s *session) carryOut(ctx context.Context, e experiments.Experiment) (reports.Report, error) {
	recorded := s.RecordPath(e.Name)
	screen := terminal.Of(s.out)
	fmt.Fprint(s.out, "\n", screen.Paragraph("", e.Name))
	if e.Title != "" {
		fmt.Fprint(s.out, screen.Paragraph("  ", e.Title))
	}
	fmt.Fprintf(s.out, "  record %s\n", recorded)
	before := len(s.Reports)
	var live terminal.Live
	var view func() []string
	if screen.Live {
		view = func() []string { return live.Lines(terminal.Of(s.out), time.Now()) }
	}
	lines := terminal.NewPrinter(s.out, view)
	s.lines.Store(lines)
	report, err := s.Run(ctx, e, s.place.see, live.See, progress(screen, lines.Print))
	s.lines.Store(nil)
	lines.Close()
	if len(s.Reports) == before {
		return report, errors.Join(err, s.WithoutRecord(record.End{Reason: record.Failed, Detail: inLine(err)}, e.Evaluators, e.Plan()))
	}
	fmt.Fprintln(s.out)
	if s.verbose {
		return report, errors.Join(err, reports.Text(s.out, report))
	}
	page := filepath.Join(s.Path, runs.PageFile)
	if err != nil && s.keep() != nil {
		page = "" // the disk may be full; the error comes with the others
	}
	return report, errors.Join(err, terminal.Of(s.out).Report(s.out, report, terminal.Place{
		Page:  page,
		Again: "aftershock judge " + discover.Word(recorded),
		Sweep: s.sweep,
	}))
}

// aside is a writer to another stream of the terminal, for which a run's live view
// makes room.
func (s *session) aside(to io.Writer) io.Writer {
	return writerFunc(func(text []byte) (int, error) {
		if lines := s.lines.Load(); lines != nil {
			return lines.Aside(to).Write(text)
		}
		return to.Write(text)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

// notBegun says which experiments were not begun, and adds reports of them.
func (s *session) notBegun(why string, list []suites.Experiment) error {
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	if len(names) > 0 {
		fmt.Fprintf(s.out, "\nnot run: %s\n", strings.Join(names, ", "))
	}
	return s.WithoutRecord(record.End{Reason: record.NotBegun, Detail: why}, suites.Evaluators(), plansOf(list)...)
}

// ending says what ended a session with an experiment: the end of its run or, where that is
// not known or says nothing, the error that came with it.
func ending(experiment string, end record.End, err error) string {
	why := strings.TrimSuffix(end.Reason+": "+end.Detail, ": ")
	if end.Reason == "" || end.Reason == record.Completed {
		why = inLine(err)
	}
	return fmt.Sprintf("the session ended with %s: %s", experiment, why)
}

// inLine is an error in one line, without secrets.
func inLine(err error) string {
	if err == nil {
		return ""
	}
	return strings.NewReplacer(":\n", ": ", "\n", "; ").Replace(redact.Text(err.Error()))
}

func plansOf(list []suites.Experiment) (plans []*record.Plan) {
	for _, e := range list {
		plans = append(plans, e.Plan())
	}
	return plans
}

// neverBegun writes reports of experiments of which none could begin, where a directory for
// them was asked for: who reads only reports must not take their absence for success. The
// error is that of beginning, and of writing.
func neverBegun(cmd *cobra.Command, out, junit string, err error, plans []*record.Plan) error {
	if err == nil || len(plans) == 0 || !cmd.Flags().Changed("out") {
		return err
	}
	why := record.End{Reason: record.NotBegun, Detail: inLine(err)}
	switch {
	case cmd.Context().Err() != nil:
		why.Reason = record.Interrupted
	case errors.Is(err, suites.ErrNotNow), errors.Is(err, gamedays.ErrWindow):
		why.Reason = record.Refused
	case exitCode(err) == exitFailed:
		why.Reason = record.Failed
	}
	s, failed := newSession(out, cmd.OutOrStdout())
	if failed != nil {
		return errors.Join(err, failed)
	}
	s.JUnit = junit
	if failed := errors.Join(s.WithoutRecord(why, suites.Evaluators(), plans...), s.keep()); failed != nil {
		return errors.Join(err, failed)
	}
	fmt.Fprintf(s.out, "reports of what was not begun are in %s\n", s.Path)
	tellGitHub(s.out, s.out, s.Reports)
	return err
}

// keep writes the reports of all experiments.
func (s *session) keep() error {
	if len(s.Reports) == 0 {
		return nil
	}
	return s.WriteReports()
}

// finish prints the summary of all experiments, with the exit code, and where
// everything is.
func (s *session) finish(exit int) error {
	if len(s.Reports) == 0 {
		return nil
	}
	if len(s.Reports) > 1 {
		fmt.Fprintln(s.out)
	}
	err := terminal.Of(s.out).Summary(s.out, exit, s.Reports...)
	if len(s.Reports) > 1 || s.verbose {
		fmt.Fprintf(s.out, "records and reports are in %s\n", s.Path)
	}
	if s.Head != "" {
		fmt.Fprintf(s.out, "audit head %s (see aftershock audit)\n", s.Head)
	}
	tellGitHub(s.out, s.out, s.Reports)
	return err
}

// progress prints a line for each phase and what happens in it.
func progress(screen terminal.Screen, line func(string)) func(record.Entry) {
	say := func(e record.Entry, format string, args ...any) {
		when := fmt.Sprintf("  %s %6.1fs  ", time.Now().UTC().Format("15:04:05Z"), e.At.Seconds())
		line(screen.Paragraph(when, fmt.Sprintf(format, args...)))
	}
	var plan *record.Plan
	return func(e record.Entry) {
		switch {
		case e.Plan != nil:
			plan = e.Plan
			if plan.Load != "" {
				say(e, "load: %s", plan.Load)
			}
		case e.Phase == record.PhaseSettle:
			say(e, "settle: %s", settling(plan))
		case e.Phase == record.PhaseInject:
			say(e, "inject: %s", planned(plan.Faults))
		case e.Phase == record.PhaseHold:
			say(e, "hold: for %s", holding(plan))
		case e.Phase == record.PhaseRecover:
			say(e, "recover: undoing the faults")
		case e.Phase == record.PhaseWatch:
			say(e, "watch: for %s", plan.Watch)
		case e.Injection != nil && e.Injection.FailureReason != "":
			say(e, "not injected: %s", e.Injection.FailureReason)
		case e.Injection != nil:
			for _, t := range e.Injection.Targets {
				say(e, "injected into %s %s", t.Name, t.UID)
			}
		case e.Removal != nil && e.Removal.Error != "":
			say(e, "MAY STILL BE IN PLACE: %s: %s", e.Removal.Fault, e.Removal.Error)
		case e.Note != "":
			say(e, "note: %s", e.Note)
		case e.End != nil:
			say(e, "%s", strings.TrimSuffix(e.End.Reason+": "+e.End.Detail, ": "))
		}
	}
}

// planned are the faults and when they come.
func planned(faults []record.Scheduled) string {
	var texts []string
	for _, f := range faults {
		texts = append(texts, f.String())
	}
	return strings.Join(texts, "; ")
}

// holding says how long the hold phase lasts.
func holding(plan *record.Plan) string {
	text := plan.Hold.String()
	if slices.ContainsFunc(plan.Faults, func(f record.Scheduled) bool { return f.At > 0 || f.For > 0 || f.When != "" }) {
		text += " at least, until the last fault is over"
	}
	return text
}

// settling says what the settle phase waits for.
func settling(plan *record.Plan) string {
	parts := []string{fmt.Sprintf("for at least %s", plan.Settle)}
	for _, c := range judge.Settling(plan.Checks, plan.Baseline) {
		polls := !judge.ByChance(plan, c.Signal)
		switch n := steadystate.ObservationsToSettle(c, !polls); {
		case polls && n == c.SamplesToCompare():
			parts = append(parts, fmt.Sprintf("at least %d independent observations of %q", n, c.Name))
		case n > steadystate.MinObservations:
			parts = append(parts, fmt.Sprintf("at least %d observations of %q", n, c.Name))
		}
	}
	return strings.Join(parts, "; ")
}
