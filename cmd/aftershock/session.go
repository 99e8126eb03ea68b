package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/suites"
)

// session carries experiments out one after the other and says what happens.
type session struct {
	*runs.Directory
	out   io.Writer
	place remainder
}

func newSession(parent string, out io.Writer) (*session, error) {
	dir, err := runs.NewDirectory(parent)
	if err != nil {
		return nil, err
	}
	return &session{Directory: dir, out: lenient{out}}, nil
}

// lenient writes until its reader has gone (| head), which is no reason to
// stop a run or to lose its verdict.
type lenient struct{ io.Writer }

func (l lenient) Write(p []byte) (int, error) {
	n, err := l.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		return len(p), nil
	}
	return n, err
}

// carryOut runs one experiment and prints its report.
func (s *session) carryOut(ctx context.Context, e experiments.Experiment) (reports.Report, error) {
	fmt.Fprintf(s.out, "\n%s\n", e.Name)
	if e.Title != "" {
		fmt.Fprintf(s.out, "  %s\n", e.Title)
	}
	fmt.Fprintf(s.out, "  record %s\n", s.RecordPath(e.Name))
	before := len(s.Reports)
	lines := newPrinter(s.out)
	report, err := s.Run(ctx, e, s.place.see, progress(lines.print))
	lines.close()
	if len(s.Reports) > before {
		fmt.Fprintln(s.out)
		err = errors.Join(err, reports.Text(s.out, report))
	}
	return report, err
}

// notRun says which experiments were not begun.
func (s *session) notRun(list []suites.Experiment) {
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
	}
	if len(names) > 0 {
		fmt.Fprintf(s.out, "\nnot run: %s\n", strings.Join(names, ", "))
	}
}

// finish writes the reports of all experiments and says where they are.
func (s *session) finish() error {
	if len(s.Reports) == 0 {
		return nil
	}
	fmt.Fprintln(s.out)
	err := errors.Join(s.WriteReports(), reports.Summary(s.out, s.Reports...))
	files := []string{"records"}
	for _, f := range reports.Formats() {
		files = append(files, f.File)
	}
	fmt.Fprintf(s.out, "%s are in %s\n", strings.Join(files, ", "), s.Path)
	fmt.Fprintf(s.out, "audit head %s\n", s.Head)
	tellGitHub(s.out, s.out, s.Reports)
	return err
}

// printer prints lines without ever making the one who prints them wait: a
// terminal that is held (^S), or a pager that is not read, must not keep a
// fault in place. What cannot be kept is dropped; the record has it.
type printer struct {
	lines chan string
	done  chan struct{}
}

func newPrinter(out io.Writer) *printer {
	p := &printer{lines: make(chan string, 256), done: make(chan struct{})}
	go func() {
		defer close(p.done)
		for line := range p.lines {
			_, _ = io.WriteString(out, line) // a reader that has gone is no reason to stop
		}
	}()
	return p
}

func (p *printer) print(line string) {
	select {
	case p.lines <- line:
	default:
	}
}

// close waits until all is printed.
func (p *printer) close() {
	close(p.lines)
	<-p.done
}

// progress prints a line for each phase and what happens in it.
func progress(line func(string)) func(record.Entry) {
	say := func(e record.Entry, format string, args ...any) {
		line(fmt.Sprintf("  %7.1fs  %s\n", e.At.Seconds(), fmt.Sprintf(format, args...)))
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
		if n := steadystate.ObservationsToSettle(c); n > steadystate.MinObservations {
			parts = append(parts, fmt.Sprintf("at least %d observations of %q", n, c.Name))
		}
	}
	return strings.Join(parts, "; ")
}
