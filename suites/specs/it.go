package specs

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A Dir is an argument of [It] that names the directory for records and reports. Each run
// of the suite makes one new directory in it, for all specs with the same Dir. Default:
// "runs", in the directory of the test.
type Dir string

// wanted is a verdict that a spec passes with.
type wanted steadystate.Verdict

// Broken is an argument of [It] for a planted defect or a known weakness: the spec passes
// only if the verdict is broken.
const Broken = wanted(steadystate.Broken)

// cleanup is the least that an interrupted spec is given to end, before Ginkgo goes on with
// the next one: enough for an experiment with the default UndoTimeout, also if workers
// drive its load.
const cleanup = 6 * time.Minute

// grace is what the spec of an experiment needs, its reports included.
func grace(e experiments.Experiment) time.Duration { return e.Cleanup() + 30*time.Second }

// started is when this process did, from which on go test counts its -timeout.
var started = time.Now()

// bounded is a context that ends while there is still time to clean up before go test's
// -timeout, which ends the process at once. There is an error if the experiment cannot be
// over by then.
func bounded(ctx context.Context, e experiments.Experiment) (context.Context, context.CancelFunc, error) {
	var timeout time.Duration
	if f := flag.Lookup("test.timeout"); f != nil {
		timeout, _ = f.Value.(flag.Getter).Get().(time.Duration)
	}
	if timeout <= 0 { // none, as under ginkgo
		return ctx, func() {}, nil
	}
	end := started.Add(timeout - grace(e))
	if rest := time.Until(end); rest < e.Shortest() {
		return nil, nil, fmt.Errorf("experiment %q: go test ends this process after %s, and its faults would stay: the experiment takes %s at least and its cleanup up to %s, and %s are left: add -timeout 0 to go test",
			e.Name, timeout, e.Shortest(), e.Cleanup(), (rest + grace(e)).Round(time.Second))
	}
	ctx, cancel := context.WithDeadlineCause(ctx, end, fmt.Errorf("go test would soon end this process, after %s, and its faults would stay: add -timeout 0 to go test: %w", timeout, context.DeadlineExceeded))
	return ctx, cancel, nil
}

// It registers a spec that runs an experiment, as ginkgo.It does. The function is called
// when the spec runs, so it may use what BeforeSuite and BeforeEach set up, and assert. An
// experiment without a name takes that of the spec.
//
// The spec passes only if the verdict is held or, with [Broken] among the arguments,
// broken. Each func(reports.Report) among the arguments is called once the verdict is as
// wanted, to assert more.
//
// The other arguments are a [Dir] and Ginkgo's decorators. The spec is Serial. Its grace
// period is six minutes; an experiment whose cleanup may need more is refused, and the
// message names the ginkgo.GracePeriod to add. Under go test, an experiment that the
// -timeout would end with its faults in place is refused, or interrupted while there is
// time to undo them.
func It(name string, experiment func(ctx context.Context) experiments.Experiment, args ...any) bool {
	return it(name, experiment, append([]any{types.NewCodeLocation(1)}, args...))
}

func it(name string, experiment func(ctx context.Context) experiments.Experiment, args []any) bool {
	var asserts []func(reports.Report)
	given, parent, want := ginkgo.GracePeriod(cleanup), Dir("runs"), steadystate.Held
	args = slices.DeleteFunc(flat(args), func(arg any) bool {
		switch arg := arg.(type) {
		case Dir:
			parent = arg
		case wanted:
			want = steadystate.Verdict(arg)
		case func(reports.Report):
			asserts = append(asserts, arg)
		case ginkgo.GracePeriod:
			given = arg
		default:
			return false
		}
		return true
	})
	return ginkgo.It(name, append(args, ginkgo.Serial, given, func(ctx ginkgo.SpecContext) {
		if ginkgo.CurrentSpecReport().MaxFlakeAttempts > 1 {
			ginkgo.Fail("flake attempts are refused: another attempt would inject again and call broken held")
		}
		e := experiment(ctx)
		e.Name = cmp.Or(e.Name, name)
		if need := grace(e); need > time.Duration(given) {
			ginkgo.Fail(fmt.Sprintf("experiment %q: its cleanup of up to %s does not fit into the spec's grace period of %s, after which Ginkgo leaves the fault to the next spec: add ginkgo.GracePeriod(%d * time.Second)",
				e.Name, e.Cleanup(), time.Duration(given), (need+time.Second-1)/time.Second))
		}
		bounded, cancel, err := bounded(ctx, e)
		if err != nil {
			ginkgo.Fail(err.Error())
		}
		defer cancel()
		if len(e.Faults) > 0 {
			defer context.AfterFunc(ctx, func() {
				// Ginkgo's own writer shows it when the spec is over.
				fmt.Fprintf(os.Stderr, "\ninterrupted: the faults of experiment %q are being undone, which may take %s; another signal ends this at once and leaves them: on a cluster, aftershock sweep removes them\n", e.Name, e.Cleanup())
			})()
		}
		report, err := run(bounded, e, string(parent))
		switch {
		case err != nil:
			ginkgo.Fail(err.Error())
		case report.Verdict != want && want == steadystate.Broken:
			ginkgo.Fail("wanted is a verdict of broken:\n" + report.String())
		case report.Verdict != want:
			ginkgo.Fail(report.String())
		}
		for _, assert := range asserts {
			assert(report)
		}
	})...)
}

// flat are arguments without the slices in them, which Ginkgo allows.
func flat(args []any) (list []any) {
	for _, arg := range args {
		if nested, ok := arg.([]any); ok {
			list = append(list, flat(nested)...)
			continue
		}
		list = append(list, arg)
	}
	return list
}

// run runs an experiment, and writes the reports anew: a suite that is killed
// has those of the specs before.
func run(ctx context.Context, e experiments.Experiment, parent string) (reports.Report, error) {
	directory, err := directory(parent)
	if err != nil {
		return reports.Report{}, err
	}
	report, err := directory.Run(ctx, e)
	if report.Experiment == "" {
		return report, err // nothing was run
	}
	ginkgo.AddReportEntry("result", report)
	ginkgo.AddReportEntry("reports", directory.Path)
	return report, errors.Join(err, directory.WriteReports())
}
