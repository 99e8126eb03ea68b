package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/internal/discover"
	"github.com/aftershockhq/aftershock/internal/near"
	"github.com/aftershockhq/aftershock/internal/terminal"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/joined"
	"github.com/aftershockhq/aftershock/suites"
)

// defaultConfig is the configuration that is read if none is named. If there
// is no such file that is an error: never a stand-in.
const defaultConfig = "aftershock.yaml"

func fileFlag(cmd *cobra.Command) *string {
	file := cmd.Flags().StringP("file", "f", defaultConfig, "the configuration")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
	return file
}

// option is the flag that names a configuration, with a space before it; empty where
// no flag is needed.
func option(file string) string {
	if file == defaultConfig {
		return ""
	}
	return " -f " + discover.Word(file)
}

// readPlan reads the configuration.
func readPlan(file string) (*config.Plan, error) {
	plan, err := config.Read(file)
	return plan, noConfiguration(file, err)
}

// noConfiguration is the error of reading the configuration, as the user's.
func noConfiguration(file string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && file == defaultConfig:
		return usageError{errors.New("no configuration: there is no aftershock.yaml here; write a first one with \"aftershock init\", name one with -f FILE, or see \"aftershock demo\" for a first run without a cluster")}
	case errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("%w; write a first one with \"aftershock init -f %s\"", err, file)}
	}
	return asUsage(err)
}

// connected runs f with a session on the cluster of a plan, which it prints with the
// services of what was chosen; nil: all.
func connected(out io.Writer, plan *config.Plan, chosen []config.Planned, f func(*suites.Session) error) error {
	session, err := suites.Connect(plan)
	if err != nil {
		return usageError{err}
	}
	defer session.Close()
	_, _ = io.WriteString(out, terminal.Of(out).Paragraph("", session.Where(chosen...)))
	return f(session)
}

// connectedDespite runs f with a session on the cluster of a configuration that may
// have mistakes beside those of cluster and allow.
func connectedDespite(cmd *cobra.Command, file string, f func(*suites.Session) error) error {
	plan, others, err := config.ReadForSweep(file)
	if err != nil {
		return noConfiguration(file, err)
	}
	if len(others) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s has %d mistakes, which do not matter here; \"aftershock preflight\" lists them\n", file, len(others))
	}
	return connected(cmd.OutOrStdout(), plan, nil, f)
}

// experimentsOf makes experiments of what was chosen. It reads from the cluster
// what the file does not say; what was named must be able to run there.
func experimentsOf(ctx context.Context, session *suites.Session, chosen []config.Planned, names []string) ([]suites.Experiment, error) {
	able, err := session.Read(ctx, chosen)
	if err := untouched(ctx, err); err != nil {
		return nil, err
	}
	if able, err = choose(session.Plan, able, names, ""); err != nil {
		return nil, err
	}
	list, err := session.Experiments(able)
	return list, untouched(ctx, err)
}

// preflight checks the cluster for the experiments and prints what it found.
// What is as it must be is only counted, unless shows says that its lines of a mark
// are shown.
func preflight(ctx context.Context, out io.Writer, session *suites.Session, list []suites.Experiment, shows func(suites.Mark) bool) error {
	screen, right := terminal.Of(out), 0
	var reasons []string
	skipped := map[string][]string{} // by why
	line := func(mark suites.Mark, text string) {
		_, _ = io.WriteString(out, screen.Paragraph(fmt.Sprintf("  %-4s  ", mark), text))
	}
	err := untouched(ctx, session.Preflight(ctx, list, func(mark suites.Mark, what, found string) {
		if mark == suites.OK || mark == suites.Hit {
			right++
		}
		switch {
		case mark == suites.Skip && !shows(mark):
			if skipped[found] == nil {
				reasons = append(reasons, found)
			}
			skipped[found] = append(skipped[found], what)
		case shows(mark):
			line(mark, what+": "+found)
		}
	}))
	for _, why := range reasons {
		line(suites.Skip, strings.Join(skipped[why], ", ")+": "+why)
	}
	if !shows(suites.OK) {
		line(suites.OK, fmt.Sprintf("%d checks passed; -v lists them", right))
	}
	return err
}

// verboseFlag is -v.
func verboseFlag(cmd *cobra.Command, what string) *bool {
	return cmd.Flags().BoolP("verbose", "v", false, what)
}

// marks is what a preflight shows: all with -v.
func marks(verbose bool, others ...suites.Mark) func(suites.Mark) bool {
	return func(mark suites.Mark) bool { return verbose || slices.Contains(others, mark) }
}

// untouched is an error from before anything was touched, with its exit code.
func untouched(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, suites.ErrNotNow):
		return fmt.Errorf("preflight, nothing was touched:\n%w", err)
	case errors.Is(err, suites.ErrUnavailable):
		return unavailable{fmt.Errorf("preflight, nothing was touched:\n%w", err)}
	case err != nil:
		return usageError{fmt.Errorf("preflight, nothing was touched:\n%w", err)}
	}
	return nil
}

func runCommand() *cobra.Command {
	var labels, dryRun string
	var wait time.Duration
	var trials int
	var seed uint64
	var list bool
	cmd := &cobra.Command{
		Use:   "run [ID...]",
		Short: "Run experiments on a cluster",
		Long: `Run checks the cluster (see preflight), then runs the experiments of the configuration,
or only those whose IDs are given, one after the other: it waits until the hypothesis
is good, injects the faults under load, undoes them, watches the recovery, and judges
the record. The first line names the cluster and the services of the experiments.

An ID is SERVICE/SUITE/EXPERIMENT for the catalogue and SERVICE/NAME for experiments
of the file. A prefix selects everything below it: "checkout" or "checkout/pods". The
labels are the service, the suite and the name.

--trials runs all of them that many times, one round after the other, and ends early
as a single round does; "aftershock gate" decides by the records. With --seed the
order within a round is drawn at random, and every second round is the
reverse of the one before (ABBA), so that drift favours no experiment; the same seed
gives the same order.

--list prints the IDs and titles of what would run, in that order, then what is skipped
and why. --dry-run prints the plan as YAML, with every reference resolved and the
objects that would be created. It contacts no cluster; --dry-run=server also reads what
only the cluster knows, and creates nothing.

Reports have every experiment that was to be run. Those that were not begun, because
one before them was interrupted or failed, are unknown; if --out is given, so are all
of a run that is refused before it begins.

Only one run at a time uses a workload. If another run has it, this one is refused
with 4 and says which run, whose it is, and whether it is alive; --wait waits for it.
The lock of a dead run is taken over as soon as its faults are over.

A stop ("aftershock stop") or a freeze in the file refuses the run with 4. A stop also
ends living runs, likewise with 4.

Stop a run with ^C or SIGTERM: it undoes its faults first. A second ^C leaves at
once and prints what may still be in place. If the run is killed, the cluster ends
its faults soon after their planned end; the objects of Chaos Mesh stay, and so would
a bad image. With cluster.image, a Job in the cluster then removes all of it (without,
no bad image is rolled out); "aftershock sweep" removes it at once.

` + exitCodes,
		Example: `  aftershock run -f aftershock.yaml
  aftershock run -f aftershock.yaml checkout/pods checkout/storm
  aftershock run -f aftershock.yaml --label-filter 'pods && !kill-third'
  aftershock run -f aftershock.yaml --trials 40 --out trials-of-v2 checkout/pods/kill-one
  aftershock run -f aftershock.yaml --trials 40 --seed 1 checkout-v1/pods/kill-one checkout-v2/pods/kill-one
  aftershock run -f aftershock.yaml --dry-run checkout/storm`,
	}
	file := fileFlag(cmd)
	verbose := verboseFlag(cmd, "all that preflight found, and the whole text of each report")
	cmd.Flags().StringVar(&labels, "label-filter", "", "select experiments, in Ginkgo's label filter language")
	out := runsFlag(cmd, "runs")
	cmd.Flags().DurationVar(&wait, "wait", 0, "how long to wait for another run that has the workload, as in 10m")
	cmd.Flags().IntVar(&trials, "trials", 1, "how many times to run all experiments")
	cmd.Flags().Uint64Var(&seed, "seed", 0, "seed for the order of the experiments in each of the --trials; default: the order of the file")
	cmd.Flags().StringVar(&dryRun, "dry-run", "none", "print the plan, run nothing: client (without a cluster) or server")
	cmd.Flags().Lookup("dry-run").NoOptDefVal = dryRunClient
	cmd.Flags().BoolVar(&list, "list", false, "print the IDs and titles of the experiments, and what is skipped and why; run nothing")
	completeFlag(cmd, "dry-run", cobra.FixedCompletions([]string{dryRunClient, dryRunServer}, cobra.ShellCompDirectiveNoFileComp))
	completeFlag(cmd, "label-filter", completeLabels(file))
	dialect := junitFlag(cmd)
	cmd.ValidArgsFunction = completeIDs(file)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		ctx, stdout := cmd.Context(), cmd.OutOrStdout()
		junit, err := dialect()
		if err != nil {
			return err
		}
		if wait < 0 {
			return usageError{fmt.Errorf("--wait %s: want zero or more", wait)}
		}
		if list && dryRun != "none" {
			return usageError{errors.New("--list and --dry-run exclude each other: keep one of the two")}
		}
		if trials < 1 {
			return usageError{fmt.Errorf("--trials %d: want at least one", trials)}
		}
		order := asNamed
		if cmd.Flags().Changed("seed") {
			order = drawn(seed)
		}
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		chosen, err := choose(plan, plan.Planned, names, labels)
		if err != nil {
			return err
		}
		if list {
			return printIDs(stdout, chosen, plan.Skipped)
		}
		switch dryRun {
		case "none":
		case dryRunClient:
			return plan.Print(stdout, chosen, suites.Manifest)
		case dryRunServer:
			return connected(cmd.ErrOrStderr(), plan, chosen, func(session *suites.Session) error {
				list, err := experimentsOf(ctx, session, chosen, names)
				if err != nil {
					return err
				}
				return plan.Print(stdout, chosen, func(p config.Planned, fault config.PlannedFault) (object any, warning string) {
					return suites.Preview(ctx, list, p, fault)
				})
			})
		default:
			return usageError{fmt.Errorf("--dry-run=%s: want %s or %s", dryRun, dryRunClient, dryRunServer)}
		}
		plans, begun := suites.Plans(plan, chosen), false
		err = connected(stdout, plan, chosen, func(session *suites.Session) error {
			session.Wait = wait
			list, err := experimentsOf(ctx, session, chosen, names)
			if err != nil {
				return err
			}
			plans = plansOf(list)
			if err := preflight(ctx, stdout, session, list, marks(*verbose, suites.Note)); err != nil {
				return err
			}
			list, err = rounds(trials, list, order, func() ([]suites.Experiment, error) { return experimentsOf(ctx, session, chosen, names) })
			if err != nil {
				return err
			}
			begun = true
			return runAll(cmd, *file, *out, junit, *verbose, list)
		})
		if begun {
			return err
		}
		return neverBegun(cmd, *out, junit, err, slices.Repeat(plans, trials))
	}
	return cmd
}

// Who is asked in a dry run, in kubectl's words.
const (
	dryRunClient = "client"
	dryRunServer = "server"
)

// choose selects from a list by ids, or the beginnings of ids, and labels. A name
// that selects none is an error: what a run leaves out, its verdict says nothing of.
// What the plan skips and was not asked for is dropped from it.
func choose(plan *config.Plan, list []config.Planned, names []string, labels string) ([]config.Planned, error) {
	matches := func([]string) bool { return true }
	if labels != "" {
		filter, err := types.ParseLabelFilter(labels)
		if err != nil {
			return nil, usageError{fmt.Errorf("--label-filter %q: %s", labels, whyNoFilter(err))}
		}
		matches = filter
	}
	known := ids(list)
	for _, name := range names {
		if slices.ContainsFunc(list, func(p config.Planned) bool { return config.Selects(name, p.ID()) }) {
			continue
		}
		for _, skipped := range plan.Skipped {
			if config.Selects(name, skipped.ID) {
				return nil, usageError{fmt.Errorf("experiment %q is skipped: %s", skipped.ID, skipped.Why)}
			}
		}
		if len(list) > 0 {
			return nil, usageError{fmt.Errorf("no experiment %q%s \"aftershock run%s --list\" prints all", name, meant(name, known), option(plan.Path))}
		}
	}
	asked := func(id string, labels []string) bool {
		named := slices.ContainsFunc(names, func(name string) bool { return config.Selects(name, id) })
		return (len(names) == 0 || named) && matches(labels)
	}
	var chosen []config.Planned
	for _, p := range list {
		if asked(p.ID(), p.Labels()) {
			chosen = append(chosen, p)
		}
	}
	switch {
	case len(list) == 0 && len(plan.Skipped) > 0:
		var reasons []string
		for _, skipped := range plan.Skipped {
			reasons = append(reasons, skipped.ID+": "+skipped.Why)
		}
		return nil, usageError{fmt.Errorf("%s: every experiment is skipped:\n%s", plan.Path, strings.Join(reasons, "\n"))}
	case len(list) == 0:
		return nil, usageError{fmt.Errorf("%s names no experiment: give a service suites, as in suites: [pods], or write experiments of your own; \"aftershock catalog\" lists what there is", plan.Path)}
	case len(chosen) == 0:
		return nil, usageError{fmt.Errorf("--label-filter %q selects no experiment; labels: %s", labels, strings.Join(labelsOf(list), ", "))}
	}
	plan.Skipped = slices.DeleteFunc(slices.Clone(plan.Skipped), func(s config.Skipped) bool { return !asked(s.ID, strings.Split(s.ID, "/")) })
	return chosen, nil
}

// meant says which experiments may be meant by a name that is none of their ids.
func meant(name string, known []string) string {
	above, _, pattern := strings.Cut(name, "*")
	above = above[:strings.LastIndex(above, "/")+1]
	if below := strings.TrimSuffix(above, "/"); pattern && slices.Contains(starts(known), below) {
		return fmt.Sprintf("; a prefix selects all below it: %s;", below)
	}
	if like := near.MeantPath(name, starts(known)); like != "" {
		return like
	}
	longest := 0
	common := func(id string) (n int) {
		for n < min(len(id), len(name)) && id[n] == name[n] {
			n++
		}
		return n
	}
	for _, id := range known {
		longest = max(longest, common(id))
	}
	like := slices.DeleteFunc(slices.Clone(known), func(id string) bool { return common(id) < longest })
	if more := len(like) - mostMeant; more > 0 {
		return fmt.Sprintf("; experiments: %s and %d more;", strings.Join(like[:mostMeant], ", "), more)
	}
	return "; experiments: " + strings.Join(like, ", ") + ";"
}

// mostMeant is the most ids that are named of those that may be meant.
const mostMeant = 10

// printIDs prints experiments in a line each, then those that are skipped.
func printIDs(out io.Writer, list []config.Planned, skipped []config.Skipped) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(table, "%s\t%s\n", p.ID(), cmp.Or(strings.TrimPrefix(p.Title, p.ID()), "-"))
	}
	for _, s := range skipped {
		fmt.Fprintf(table, "%s\tskipped: %s\n", s.ID, s.Why)
	}
	return table.Flush()
}

func ids(list []config.Planned) (ids []string) {
	for _, p := range list {
		ids = append(ids, p.ID())
	}
	return ids
}

// starts are ids, and the services and suites that they begin with.
func starts(ids []string) (names []string) {
	for _, id := range ids {
		for i, r := range id + "/" {
			if r == '/' && !slices.Contains(names, id[:i]) {
				names = append(names, id[:i])
			}
		}
	}
	return names
}

// labelsOf are the labels of experiments, each once.
func labelsOf(list []config.Planned) (labels []string) {
	for _, p := range list {
		for _, label := range p.Labels() {
			if !slices.Contains(labels, label) {
				labels = append(labels, label)
			}
		}
	}
	return labels
}

// whyNoFilter is what Ginkgo says of a label filter, without its headings and
// links for suites.
func whyNoFilter(err error) string {
	if of, ok := errors.AsType[types.GinkgoError](err); ok {
		return of.Message[strings.LastIndex(of.Message, "\n")+1:]
	}
	return err.Error()
}

// atLeast says how long experiments take.
func atLeast(list []suites.Experiment) string {
	var sum time.Duration
	for _, e := range list {
		sum += e.Shortest()
	}
	return fmt.Sprintf("%s, %s and more", counted(len(list), "experiment"), steadystate.FormatDuration(sum.Round(time.Second)))
}

// counted is a number of things.
func counted(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// rounds are a list of experiments and, for each round after the first, those that
// again makes: what guards a run is of that run alone. Each round has its order.
func rounds(trials int, first []suites.Experiment, order func(round, n int) []int, again func() ([]suites.Experiment, error)) (list []suites.Experiment, err error) {
	for round := range trials {
		of := first
		if round > 0 {
			if of, err = again(); err != nil {
				return nil, err
			}
		}
		blocks := together(of)
		for _, i := range order(round, len(blocks)) {
			list = append(list, blocks[i]...)
		}
	}
	return list, nil
}

// together splits a list into what must stay in order: a control run comes before the
// experiments that it is the baseline of.
func together(list []suites.Experiment) (blocks [][]suites.Experiment) {
	for i, e := range list {
		if i > 0 && !e.IsControl() && blocks[len(blocks)-1][0].IsControl() {
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], e)
			continue
		}
		blocks = append(blocks, []suites.Experiment{e})
	}
	return blocks
}

// asNamed is the order of the file, in each round.
func asNamed(_, n int) (order []int) {
	for i := range n {
		order = append(order, i)
	}
	return order
}

// drawn draws the order of every other round. The round after it has the reverse.
func drawn(seed uint64) func(round, n int) []int {
	return func(round, n int) []int {
		order := rand.New(rand.NewPCG(seed, uint64(round/2))).Perm(n)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		return order
	}
}

// runAll runs the experiments. A failure of the harness ends it; a verdict
// does not.
func runAll(cmd *cobra.Command, file, out, junit string, verbose bool, list []suites.Experiment) error {
	ctx := cmd.Context()
	r, err := newSession(out, cmd.OutOrStdout())
	if err != nil {
		return err
	}
	r.JUnit, r.verbose, r.sweep = junit, verbose, sweepCommandOf(file)
	fmt.Fprintln(cmd.OutOrStdout(), atLeast(list))
	defer r.place.leaveTwice(r.aside(cmd.ErrOrStderr()), sweepWith(file), os.Exit)()
	for i, e := range list {
		var report reports.Report
		if report, err = r.carryOut(ctx, e.Experiment); err != nil {
			err = errors.Join(err, r.notBegun(ending(e.Name, report.End, err), list[i+1:]))
			break
		}
	}
	if err = errors.Join(err, r.keep()); err == nil || judged(err) {
		err = errors.Join(err, verdict(r.Reports...))
	}
	return errors.Join(err, r.finish(exitCode(err)))
}

func preflightCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preflight [ID...]",
		Short: "Show what would be hit, what is missing and what is refused; change nothing",
		Long: `Preflight reads the configuration, queries the cluster and Prometheus, sends the
load's first request to each of up to ten targets, and shows what a run would hit and
everything that would stop it. Checks that pass are counted; -v lists them, with what
is read from the cluster because the file omits it (a service's selector, container
and Service). Apart from the effects of these requests it changes nothing.

Its last line says whether a run can begin. It exits with 0 if so, with 2 if
the configuration is invalid or something is refused, with 3 if it cannot be tested
now, and with 4 if a stop or a freeze is in force, or another run has a workload or
faults in place; it says whose run that is and whether it is alive.`,
		Example: `  aftershock preflight -f aftershock.yaml
  aftershock preflight -f aftershock.yaml checkout/storm`,
	}
	file := fileFlag(cmd)
	verbose := verboseFlag(cmd, "also list the checks that passed")
	cmd.ValidArgsFunction = completeIDs(file)
	cmd.RunE = func(cmd *cobra.Command, names []string) error {
		plan, err := readPlan(*file)
		if err != nil {
			return err
		}
		chosen, err := choose(plan, plan.Planned, names, "")
		if err != nil {
			return err
		}
		return connected(cmd.OutOrStdout(), plan, chosen, func(session *suites.Session) error {
			list, err := experimentsOf(cmd.Context(), session, chosen, names)
			if err == nil {
				err = preflight(cmd.Context(), cmd.OutOrStdout(), session, list, marks(*verbose, suites.Hit, suites.Note))
			}
			return conclude(cmd.OutOrStdout(), *file, names, err)
		})
	}
	return cmd
}

// conclude ends a preflight with a line that says whether a run can begin: it is the
// last of an error that joins what was found.
func conclude(out io.Writer, file string, names []string, err error) error {
	if err == nil {
		command := []string{"aftershock run" + option(file)}
		for _, name := range names {
			command = append(command, discover.Word(name))
		}
		_, err := fmt.Fprintf(out, "a run can begin: %s\n", strings.Join(command, " "))
		return err
	}
	all, ok := errors.AsType[joined.Error](err)
	if !ok {
		return err
	}
	findings, now := "1 finding", ""
	if n := len(all.Unwrap()); n > 1 {
		findings = fmt.Sprintf("%d findings", n)
	}
	if exitCode(err) != exitUsage {
		now = " now"
	}
	return fmt.Errorf("%w\n%s: a run cannot begin%s", err, findings, now)
}

func sweepCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Remove what runs left behind, and prove it",
		Long: `Sweep finds every fault of any run in the configuration's namespaces, and every Job of
load workers in theirs, removes it, and looks again. Then it removes the locks, ledgers
and dead-man switches of these runs. Only cluster and allow of the configuration must
be valid; mistakes elsewhere do not stop a sweep.

It finds faults by their labels, and those that lost them by the ledger of their run.
With --run it also removes what that run changed in namespaces that the configuration
no longer names; without, it says that there is such a run.

A living run keeps what it has in place. Sweep observes for up to 7 seconds whether a
run renews its Lease, and so is alive. --force removes everything; a run that loses its
lock undoes its faults and ends. A pod from which nothing shows that a fault is gone,
because its object went without Chaos Mesh undoing it, is named by each sweep until that
pod is gone, or until --force with --run says that you have looked.

It exits with 0 if nothing is left, with 2 if the configuration is invalid or this is
another cluster, and with 5 if something may be left, even by a living run.`,
		Example: `  aftershock sweep -f aftershock.yaml
  aftershock sweep -f aftershock.yaml --run 4f1c2a9d3b`,
		Args: noArgs,
	}
	file := fileFlag(cmd)
	var how suites.Sweeping
	cmd.Flags().StringVar(&how.Run, "run", "", "remove only what the run with this ID left behind")
	cmd.Flags().BoolVar(&how.Force, "force", false, "also remove what living runs have in place; with --run, assume that what no sweep can remove is free of its fault")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return connectedDespite(cmd, *file, func(session *suites.Session) error {
			return sweep(cmd.Context(), cmd.OutOrStdout(), session, how)
		})
	}
	return cmd
}

// sweep removes what is left and prints it.
func sweep(ctx context.Context, out io.Writer, session *suites.Session, how suites.Sweeping) error {
	how.Say = func(text string) { fmt.Fprintf(out, "  %s\n", text) }
	removed, err := session.Sweep(ctx, how)
	return swept(out, session, how.Run, removed, err)
}

// swept prints what a sweep of a run, or of all, has removed.
func swept(out io.Writer, session *suites.Session, run string, removed []faults.Leftover, err error) error {
	for _, l := range removed {
		fmt.Fprintf(out, "  removed %s\n", l)
		for _, note := range l.Notes {
			fmt.Fprintf(out, "    %s\n", note)
		}
	}
	switch {
	case errors.Is(err, suites.ErrOtherCluster):
		return usageError{err}
	case err != nil:
		return fmt.Errorf("sweep: %w: %w", experiments.ErrLeftBehind, err)
	}
	of := ""
	if run != "" {
		of = " of run " + run
	}
	fmt.Fprintf(out, "nothing is left%s in %s\n", of, strings.Join(session.Swept(), ", "))
	return nil
}
