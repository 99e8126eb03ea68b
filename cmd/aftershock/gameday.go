package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/gamedays"
	"github.com/aftershockhq/aftershock/gamedays/notify"
	"github.com/aftershockhq/aftershock/internal/disk"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/suites"
)

func gamedayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gameday",
		Short: "Plan and run game days: experiments that a team runs together",
		Long: `A game day is a plan of experiments that a team runs together. It is a section of the
configuration, gamedays; "aftershock explain gamedays" and docs/gamedays.md describe
it.`,
		Example: `  aftershock gameday plan -f aftershock.yaml
  aftershock gameday run -f aftershock.yaml storm
  aftershock gameday continue
  aftershock note 'pager fired' --at 10:42
  aftershock gameday report`,
		Args: cobra.ArbitraryArgs,
		RunE: noCommand,
	}
	cmd.AddCommand(gamedayPlanCommand(), gamedayRunCommand(), gamedayContinueCommand(), gamedayReportCommand())
	return cmd
}

// nextStarts is how many a plan prints.
const nextStarts = 5

func gamedayPlanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [NAME...]",
		Short: "Print game days: their steps, how long they take, and when they begin",
		Long: `Plan prints all game days, or those that are named: their steps, their shortest
length, and the next five starts in the day's time zone and in UTC, each with the
window that blocks it or that begins before the day can be over. It names the days on
which the clocks change, and the starts that are skipped when they go forward. Starts
are computed as Kubernetes does for a CronJob.

It contacts no cluster, so it knows nothing about stops ("aftershock stop") and
incidents; a run checks those, too.

It exits with 0 even if every start is in a window, and with 2 if the configuration
is invalid.`,
		Example: `  aftershock gameday plan -f aftershock.yaml
  aftershock gameday plan -f aftershock.yaml --after 2026-12-20T00:00:00+01:00 storm`,
		Args: takes(0, math.MaxInt),
	}
	file := fileFlag(cmd)
	after := cmd.Flags().String("after", "", "print the starts after this time, as 2026-12-20T00:00:00+01:00 (default: now)")
	cmd.ValidArgsFunction = completeGameDays(file)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		from := time.Now()
		if *after != "" {
			var err error
			if from, err = time.Parse(time.RFC3339, *after); err != nil {
				return usageError{fmt.Errorf("--after %q: want a time with its offset, as in 2026-12-20T00:00:00+01:00", *after)}
			}
		}
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			names = plan.GameDays.Names
		}
		if len(names) == 0 {
			_, err := plan.GameDay("")
			return usageError{err}
		}
		for i, name := range names {
			day, err := gamedays.Of(plan, name)
			if err != nil {
				return usageError{err}
			}
			if i > 0 {
				fmt.Fprintln(cmd.OutOrStdout())
			}
			if err := day.Print(cmd.OutOrStdout(), from, nextStarts); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

func gamedayRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run NAME",
		Short: "Run a game day, step by step",
		Long: `Run checks the cluster for every experiment of the game day (see preflight), then
carries out its steps in order, as "aftershock run" does. It begins at once: start is
for a scheduler. Within a window of the day or of a freeze it is refused with 4, and
it begins no experiment that would reach into one. An experiment that takes longer
than planned continues, or is stopped if the freeze has running: stop.

At a pause it waits for Enter, or stop and Enter, on a terminal, and for "aftershock
gameday continue" from anywhere. No fault is in place meanwhile. Each answer belongs
to one question: input typed or pasted before the question is reported and ignored.
The plan says what follows a broken or unknown experiment: stop, ask or go on.

The channels of notify get the messages that they ask for, by default changes of the
day's verdict. If a channel cannot be reached before the day, the day does not begin,
and the exit code is 3; one that fails later delays nothing. Deliveries are logged.

The log is gameday.ndjson beside the records. ^C and "aftershock stop" end the day as
they end a run: faults are undone first.

It exits as "aftershock run" does for all experiments together. A day that the plan
ended before its last step is never held: it is broken or unknown. If a person, a
window or a failure ends it, the exit code is 4.

` + exitCodes,
		Example: `  aftershock gameday run -f aftershock.yaml storm
  aftershock gameday run -f aftershock.yaml --out gamedays storm`,
		Args: takes(1, 1),
	}
	file := fileFlag(cmd)
	verbose := verboseFlag(cmd, "all that preflight found, and the whole text of each report")
	out := runsFlag(cmd, "runs")
	dialect := junitFlag(cmd)
	cmd.ValidArgsFunction = completeGameDays(file)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		ctx, stdout := cmd.Context(), cmd.OutOrStdout()
		junit, err := dialect()
		if err != nil {
			return err
		}
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		day, err := gamedays.Of(plan, names[0])
		if err != nil {
			return usageError{err}
		}
		var plans []*record.Plan
		for _, s := range day.Steps {
			plans = append(plans, suites.Plans(plan, s.Experiments)...)
		}
		if err := day.Refused(time.Now(), 0); err != nil {
			return neverBegun(cmd, *out, junit, fmt.Errorf("game day %s, nothing was touched: %w", day.Name, err), plans)
		}
		plan.Freeze = day.Freeze // also what is under way knows of the day's windows
		begun := false
		err = connected(stdout, plan, nil, func(session *suites.Session) error {
			steps, all, err := dayExperiments(ctx, session, day)
			if err != nil {
				return err
			}
			if err := preflight(ctx, stdout, session, all, marks(*verbose, suites.Note)); err != nil {
				return err
			}
			channels, err := channelsOf(ctx, stdout, plan, day)
			if err != nil {
				return err
			}
			begun = true
			return runDay(cmd, day, *file, *out, junit, *verbose, steps, channels)
		})
		if begun {
			return err
		}
		return neverBegun(cmd, *out, junit, err, plans)
	}
	return cmd
}

// runsFlag is --out, the directory of runs.
func runsFlag(cmd *cobra.Command, dir string) *string {
	out := cmd.Flags().String("out", dir, "directory for records and reports")
	completeDirectory(cmd, "out")
	return out
}

// dayExperiments are the experiments of each step, and all of them once. A step of
// which one cannot run on the cluster keeps the day from beginning.
func dayExperiments(ctx context.Context, session *suites.Session, day *gamedays.Day) (steps [][]suites.Experiment, all []suites.Experiment, err error) {
	skipped := session.Plan.Skipped
	for i, s := range day.Steps {
		if len(s.Experiments) == 0 {
			steps = append(steps, nil)
			continue
		}
		session.Plan.Skipped = skipped
		list, err := experimentsOf(ctx, session, s.Experiments, []string{s.Run})
		if err != nil {
			return nil, nil, err
		}
		var ordered []suites.Experiment
		for _, p := range s.Experiments {
			at := slices.IndexFunc(list, func(e suites.Experiment) bool { return e.Planned.ID() == p.ID() })
			if at < 0 {
				why := "it cannot run on this cluster"
				for _, other := range session.Plan.Skipped {
					if other.ID == p.ID() {
						why = other.Why
					}
				}
				return nil, nil, usageError{fmt.Errorf("game day %s, step %d: %s: %s; nothing was touched", day.Name, i+1, p.ID(), why)}
			}
			ordered = append(ordered, list[at])
			if !slices.ContainsFunc(all, func(e suites.Experiment) bool { return e.Planned.ID() == p.ID() }) {
				all = append(all, list[at])
			}
		}
		steps = append(steps, ordered)
	}
	return steps, all, nil
}

// runDay carries out a game day.
func runDay(cmd *cobra.Command, day *gamedays.Day, file, out, junit string, verbose bool, steps [][]suites.Experiment, channels []notify.Channel) error {
	r, err := newSession(out, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	r.JUnit, r.verbose, r.sweep = junit, verbose, sweepCommandOf(file)
	run := gamedays.Run{
		Day: day, Log: gamedays.Log{Path: filepath.Join(r.Path, gamedays.File), Who: suites.Machine()}, Sweep: r.sweep, Keys: keys(cmd.InOrStdin()),
		Say: func(text string) { fmt.Fprint(r.out, "\n", terminal.Of(r.out).Paragraph("", text)) },
	}
	begun := map[[2]int]bool{}
	run.CarryOut = func(ctx context.Context, step, i int) (gamedays.Result, error) {
		begun[[2]int{step, i}] = true
		e := steps[step][i].Experiment
		result := gamedays.Result{Record: filepath.Base(r.RecordPath(e.Name))}
		report, err := r.carryOut(ctx, e)
		if len(report.LeftBehind) > 0 && !errors.Is(err, experiments.ErrLeftBehind) {
			err = errors.Join(err, experiments.ErrLeftBehind) // by its record
		}
		result.Verdict, result.Reason, result.LeftBehind = report.Verdict, report.Reason, errors.Is(err, experiments.ErrLeftBehind)
		return result, besides(err) // a condition of the file that ended it is a verdict
	}
	tell, told := notifier(r.out, &run, channels)
	run.Tell = tell
	fmt.Fprintf(r.out, "game day %s: %s\n  owner %s; log in %s\n", day.Name, day.Why, day.Owner, run.Log.Path)
	defer r.place.leaveTwice(r.aside(cmd.ErrOrStderr()), sweepWith(file), os.Exit)()
	ended := run.Do(cmd.Context())
	err = errors.Join(dayEnd(ended, r.Reports...), told())
	for i, list := range steps {
		for j := range list {
			if !begun[[2]int{i, j}] {
				why := record.End{Reason: record.NotBegun, Detail: "the day ended before it: " + inLine(ended)}
				err = errors.Join(err, r.WithoutRecord(why, suites.Evaluators(), list[j].Plan()))
			}
		}
	}
	if head, errHead := run.Log.Head(); errHead == nil {
		r.Head = head // the log was chained after the last record
	}
	err = errors.Join(err, r.keep(), dayPages(run.Log))
	return errors.Join(err, r.finish(exitCode(err)))
}

// channelsOf are the channels of a day, each of which is told that it is about to
// begin: one that is not reached keeps it from that.
func channelsOf(ctx context.Context, out io.Writer, plan *config.Plan, day *gamedays.Day) (channels []notify.Channel, err error) {
	var errs []error
	for i, n := range day.Notify {
		at := plan.At(fmt.Sprintf("gamedays.%s.notify[%d].url", day.Name, i))
		channel := notify.Channel{Name: n.URL.String(), Details: n.Body == config.BodyDetails}
		if channel.URL, err = n.URL.Read(); err == nil {
			err = channel.Validate()
		}
		if err != nil {
			errs = append(errs, usageError{at.Error(fmt.Errorf("notify: %w", err))})
			continue
		}
		channels = append(channels, channel)
		text := fmt.Sprintf("game day %s (%s) is about to begin: %s", day.Name, day.Owner, day.Why)
		if err := channel.Send(ctx, notify.Message{Text: text, GameDay: day.Name, Event: "test", Time: time.Now()}); err != nil {
			errs = append(errs, unavailable{at.Error(fmt.Errorf("notify: %s: %w; nothing was touched", channel.Name, err))})
			continue
		}
		fmt.Fprintf(out, "  %-4s  notify: %s was told that the day is about to begin\n", suites.OK, channel.Name)
	}
	return channels, errors.Join(errs...)
}

// lastWords is how long the end of a day waits for what people are told of it.
const lastWords = 30 * time.Second

// notifier tells channels of a day's entries, in goroutines of its own, and writes
// down what became of that. told waits for what is on its way, and says what did not
// arrive; its error is that this could not be written down.
func notifier(out io.Writer, run *gamedays.Run, channels []notify.Channel) (tell func(gamedays.Entry), told func() error) {
	if len(channels) == 0 {
		return nil, func() error { return nil }
	}
	var mu sync.Mutex
	var lost []gamedays.Entry
	var errs []error
	courier := notify.Start(channels, func(d notify.Delivery) {
		e := gamedays.Notified(d)
		_, err := run.Log.Append(e)
		mu.Lock()
		defer mu.Unlock()
		errs = append(errs, err)
		if e.Error != "" {
			lost = append(lost, e)
		}
	})
	notices := gamedays.Notices{Plan: run.Written()}
	tell = func(e gamedays.Entry) {
		notice, ok := notices.Of(e)
		for i := range channels {
			if ok && notice.Is(run.Notify[i].Events) {
				courier.Tell(i, notice.Message)
			}
		}
	}
	return tell, func() error {
		courier.Close(lastWords)
		for _, e := range lost {
			fmt.Fprintf(out, "\ncould not notify %s of %q: %s\n", e.Channel, e.Text, e.Error)
		}
		return errors.Join(errs...)
	}
}

// dayEnd is the error with which a day ends, of how its run ended and the reports that
// it made. A rule of the plan that ended it was said, and is a verdict.
func dayEnd(ended error, list ...reports.Report) error {
	isRule := func(err error) bool { return errors.Is(err, gamedays.ErrRule) }
	err := without(ended, isRule)
	if err != nil && !isRule(ended) {
		return err
	}
	judged := verdict(list...)
	if judged == nil && isRule(ended) {
		judged = errVerdict(exitUnknown) // what was not run is not known to hold
	}
	return errors.Join(err, judged)
}

// dayPages writes the pages of a day beside its log.
func dayPages(log gamedays.Log) error {
	entries, damage, err := log.Read()
	if err != nil {
		return err
	}
	page, dir := gamedays.NewPage(entries, damage), filepath.Dir(log.Path)
	return errors.Join(
		disk.WriteFile(filepath.Join(dir, gamedays.MarkdownFile), page.Markdown),
		disk.WriteFile(filepath.Join(dir, gamedays.HTMLFile), page.HTML),
	)
}

func gamedayReportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report [DIR]",
		Short: "Make the page of a game day: expected, happened, notes, actions",
		Long: `Report prints the page of a game day, the newest one in a directory of runs or the one
whose directory is given: why it was held, what was expected and what happened, a
timeline with the notes and their bounds, and a checklist of actions to copy: what may
still be in place and the command that removes it, broken limits, experiments to
repeat, and notes that begin with "action:". It also writes the page as gameday.md and
gameday.html beside the log, as does the end of a day; later notes are included.

Verdicts are those of the day; "aftershock judge" judges the records again. The page
says if the log was changed afterwards.

It exits with 0 once the page is written, and with 2 if there is no game day.`,
		Example: `  aftershock gameday report
  aftershock gameday report --output html runs > gameday.html`,
		Args: takes(0, 1),
	}
	output := cmd.Flags().StringP("output", "o", "markdown", "markdown or html")
	completeFlag(cmd, "output", cobra.FixedCompletions([]string{"markdown", "html"}, cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *output != "markdown" && *output != "html" {
			return usageError{fmt.Errorf("--output %q: want one of markdown, html", *output)}
		}
		log, entries, damage, err := dayIn(append(args, "runs")[0])
		if err != nil {
			return err
		}
		page := gamedays.NewPage(entries, damage)
		write := page.Markdown
		if *output == "html" {
			write = page.HTML
		}
		return errors.Join(dayPages(log), write(cmd.OutOrStdout()))
	}
	return cmd
}

// keys are the lines that a person types into a terminal; nil: it is none.
func keys(in io.Reader) <-chan gamedays.Key {
	file, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return typed(file)
}

// typed are the lines of a reader, each with when it came: they are read also while
// no question waits for them. Of more than a person types, the last are dropped.
func typed(in io.Reader) <-chan gamedays.Key {
	lines := make(chan gamedays.Key, 64)
	go func() { // until the program ends: a read of a terminal cannot be ended
		defer close(lines)
		for scanner := bufio.NewScanner(in); scanner.Scan(); {
			select {
			case lines <- gamedays.Key{Text: scanner.Text(), At: time.Now()}:
			default:
			}
		}
	}()
	return lines
}

func gamedayContinueCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "continue [DIR]",
		Short: "Answer a waiting game day: go on, or stop",
		Long: `Continue answers the question of a waiting game day, which may run on another terminal
or machine, as long as its directory is accessible here. In a directory of runs it
takes the newest day; DIR may name another. The answer is logged with the person's
name.

It exits with 0 once that is done, and with 2 if no game day waits.`,
		Example: `  aftershock gameday continue
  aftershock gameday continue --stop runs`,
		Args: takes(0, 1),
	}
	ends := cmd.Flags().Bool("stop", false, "end the day")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		log, entries, _, err := dayIn(append(args, "runs")[0])
		if err != nil {
			return err
		}
		question, err := gamedays.Waits(entries)
		if err != nil {
			return usageError{fmt.Errorf("%s: %w", log.Path, err)}
		}
		answer := gamedays.GoOn
		if *ends {
			answer = gamedays.Stop
		}
		if _, err = log.Append(gamedays.Entry{Event: gamedays.Answered, Step: question.Step, Question: question.N, Text: answer}); err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", question.Text, answer)
		}
		return err
	}
	return cmd
}

// dayIn is the log of a game day, what is in it, and what is damaged.
func dayIn(dir string) (log gamedays.Log, entries []gamedays.Entry, damage []string, err error) {
	if log, err = gamedays.Find(dir); err != nil {
		return log, nil, nil, usageError{err}
	}
	log.Who = suites.Machine()
	if entries, damage, err = log.Read(); err != nil {
		err = usageError{err}
	}
	return log, entries, damage, err
}

func noteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "note TEXT",
		Short: "Add what people saw to the timeline of a game day",
		Long: `Note adds a sentence to the timeline of the newest game day in the directory of runs,
or of the one that --day names, even after the day is over. A text that begins with
"action:" becomes an item of the report's checklist.

--at says when it happened, in the day's time zone: 10:42 is some instant of that
minute, 10:42:30 of that second. The report shows these bounds. The default is now.

It exits with 0 once the note is written, and with 2 if there is no game day or the
time is not within it.`,
		Example: `  aftershock note 'pager fired'
  aftershock note 'first customer called' --at 10:42
  aftershock note 'action: give the pager a runbook' --day runs/20260302T101500.000Z`,
		Args: takes(1, 1),
	}
	at := cmd.Flags().String("at", "", "when it was, as 10:42, 10:42:30 or 2026-12-01T10:42:00+01:00 (default: now)")
	dir := cmd.Flags().String("day", "runs", "the directory of a game day, or of runs")
	completeDirectory(cmd, "day")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text := strings.Join(strings.Fields(args[0]), " ")
		if text == "" {
			return usageError{errors.New("the note is empty; say what was seen, as in aftershock note 'pager fired'")}
		}
		log, entries, _, err := dayIn(*dir)
		if err != nil {
			return err
		}
		from, to, err := gamedays.Bounds(*at, entries, time.Now().UTC().Truncate(time.Millisecond))
		if err != nil {
			return usageError{fmt.Errorf("--at %w", err)}
		}
		if _, err = log.Append(gamedays.Entry{Event: gamedays.Noted, Text: text, From: &from, To: &to}); err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", gamedays.Span(entries, from, to), text)
		}
		return err
	}
	return cmd
}

// completeGameDays completes the names of a configuration's game days.
func completeGameDays(file *string) cobra.CompletionFunc {
	return fromPlan(file, func(plan *config.Plan, given []string, begun string) []string {
		return slices.DeleteFunc(slices.Clone(plan.GameDays.Names), func(name string) bool {
			return slices.Contains(given, name) || !strings.HasPrefix(name, begun)
		})
	})
}
