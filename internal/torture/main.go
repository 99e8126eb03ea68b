// Command torture kills the harness with -9 while it runs experiments on the lab,
// at seeded moments, and looks for what is left: objects, finalizers, bad images,
// cordons, processes, rules and queues, a service that answers otherwise than
// before, a record that cannot be read up to its last half second. Half of the
// killed runs are swept at once; the others are left to their dead-man switches in
// the cluster.
//
//	go run ./internal/torture -n 100
//	go run ./internal/torture -n 100 -out DIR   goes on where it was interrupted
//	go run ./internal/torture -n 10 -kinds networkDelay,badImage
//
// It has two other trials. A contest starts runs of one experiment at once: of two
// none may have a fault in place at the same time, and each that is refused must
// say who has the workload. Aborts are runs that breach an abort condition: how long
// does it take until the delete is issued, and until the effect is gone?
//
//	go run ./internal/torture -n 20 contest
//	go run ./internal/torture -n 20 -patient 5 contest           five wait for the others
//	go run ./internal/torture -n 20 -apart contest               with wall clocks 30 s apart
//	go run ./internal/torture -n 50 -out DIR aborts              goes on where it was interrupted
//
// The lab must be up, with the healthy service, and bin/aftershock built, which torture
// brings to the lab's nodes as the image of dead-man switches. It ends with 1 if anything
// was left, two were in place at once, or an abort was late.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aftershockhq/aftershock/internal/trial"
)

func main() { trial.Main(run) }

func run(ctx context.Context, w io.Writer) (err error) {
	n := flag.Int("n", 0, "how many runs (default: 100 to kill, 20 of a contest, 50 aborts)")
	seed := flag.Int64("seed", 1, "of the order of kinds and moments")
	out := flag.String("out", "", "directory for records and results; one of an interrupted trial goes on, but for a contest (default: a new one)")
	only := flag.String("kinds", "", "only these kinds of fault, with commas")
	var c contest
	flag.IntVar(&c.patient, "patient", 0, "of a contest: so many of its runs wait for the others")
	flag.BoolVar(&c.apart, "apart", false, "of a contest: a third of the wall clocks is 30 s ahead, and a third behind; the program is built for it")
	flag.Parse()
	if *out, err = trial.Directory(*out, "torture"); err != nil {
		return err
	}
	fmt.Fprintf(w, "records and results are in %s\n", *out)
	switch what := flag.Arg(0); what {
	case "":
		return torture(ctx, w, *out, cmp.Or(*n, 100), *seed, *only)
	case "aborts":
		return aborts(ctx, w, *out, cmp.Or(*n, 50), *seed, *only)
	case "contest":
		c.runs = cmp.Or(*n, 20)
		return c.carryOut(ctx, w, *out)
	default:
		return fmt.Errorf("no trial %q; trials: aborts, contest", what)
	}
}

func torture(ctx context.Context, w io.Writer, out string, n int, seed int64, only string) error {
	trials, err := plan(n, seed, only)
	if err != nil {
		return err
	}
	experiments := map[string]string{}
	for name, k := range kinds {
		experiments[name] = "{service: checkout, faults: {fault: " + k.fault + "}}"
	}
	begun := time.Now()
	done, err := carryOut(ctx, w, out, experiments, trials, func(l lab, t attempt) (result, bool) {
		r := l.try(ctx, t)
		return r, r.Killed || ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	summarize(w, done, time.Since(begun))
	return errors.Join(context.Cause(ctx), failure(done, trials))
}

// A resultOf T is what came of a trial T.
type resultOf[T any] interface{ of() T }

// carryOut carries trials out with these experiments, one after the other, prints the
// result of each and keeps it. It returns all results, with those that were kept before,
// whose trials are not carried out again.
func carryOut[T comparable, R resultOf[T]](ctx context.Context, w io.Writer, out string, experiments map[string]string, trials []T, try func(lab, T) (r R, tried bool)) ([]R, error) {
	done, err := trial.ReadResults[R](out, trial.Program)
	if err != nil {
		return nil, err
	}
	connected, err := trial.Connect(ctx, out, experiments, nil)
	if err != nil {
		return nil, err
	}
	for _, t := range trials {
		if slices.ContainsFunc(done, func(r R) bool { return r.of() == t }) {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		r, tried := try(lab{connected}, t)
		if !tried {
			break
		}
		fmt.Fprintln(w, r)
		done = append(done, r)
		if err := trial.Keep(out, trial.Program, r); err != nil {
			return nil, err
		}
	}
	// A directory may have results of another plan.
	return slices.DeleteFunc(done, func(r R) bool { return !slices.Contains(trials, r.of()) }), nil
}

// A result is what a trial left, and is a line of the results.
type result struct {
	attempt
	Killed bool `json:"killed"` // the moment came before the run's end
	// InPlace is what the look saw of the fault when the run was killed in hold:
	// the proof that the look sees it.
	InPlace []string `json:"inPlace,omitempty"`
	// Effects are those of it in the networks of pods and among the processes. An
	// object alone does not show that the look sees what the fault does.
	Effects []string `json:"effects,omitempty"`
	Left    []string `json:"left,omitempty"` // what was left
	Gone    float64  `json:"gone"`           // seconds from the kill until nothing was
	Lost    float64  `json:"lost"`           // seconds of the record before the kill
	Problem string   `json:"problem,omitempty"`
}

func (r result) of() attempt { return r.attempt }

// String is the line that is printed.
func (r result) String() string {
	how := "left to the cluster"
	if r.Swept {
		how = "swept"
	}
	text := fmt.Sprintf("%3d  %-17s killed in %-7s %-20s", r.N, r.Kind, r.Moment, how)
	switch {
	case r.Problem != "":
		return text + "PROBLEM: " + r.Problem
	case !r.Killed:
		return text + "not killed: the run ended before"
	case len(r.Left) > 0:
		return text + "LEFT: " + strings.Join(r.Left, "; ")
	}
	return text + fmt.Sprintf("nothing left after %.1f s, %.2f s of the record lost", r.Gone, r.Lost)
}

// bad reports whether something was left, or the trial could not tell.
func (r result) bad() bool { return r.Problem != "" || len(r.Left) > 0 }

// held reports whether the look had a held fault to see.
func (r result) held() bool { return r.Killed && r.Moment == inHold && kinds[r.Kind].held }

// seen reports whether the look saw the fault: where it leaves an effect in pods, there.
func (r result) seen() bool {
	if effect := kinds[r.Kind].effect; effect != nil {
		return slices.ContainsFunc(r.Effects, effect.MatchString)
	}
	return len(r.InPlace) > 0
}

// summarize prints what was tried, by kind and by moment, and what was left.
func summarize(w io.Writer, list []result, took time.Duration) {
	by := func(title string, keys []string, of func(result) string) {
		fmt.Fprintf(w, "\n%-19s %6s %6s %12s %12s %12s\n", title, "killed", "left", "swept", "by itself", "record lost")
		for _, key := range keys {
			killed, left, lost := 0, 0, 0.0
			var swept, itself []float64
			for _, r := range list {
				if of(r) != key || (!r.Killed && !r.bad()) {
					continue
				}
				killed++
				lost = max(lost, r.Lost)
				switch {
				case r.bad():
					left++
				case r.Swept:
					swept = append(swept, r.Gone)
				default:
					itself = append(itself, r.Gone)
				}
			}
			fmt.Fprintf(w, "%-19s %6d %6d %12s %12s %11.2fs\n", key, killed, left, longest(swept), longest(itself), lost)
		}
	}
	by("fault", kindNames(), func(r result) string { return r.Kind })
	by("moment", moments, func(r result) string { return r.Moment })
	seen, held := 0, 0
	for _, r := range list {
		if r.held() {
			held++
			if r.seen() {
				seen++
			}
		}
	}
	killed, left := 0, 0
	for _, r := range list {
		if r.Killed || r.bad() {
			killed++
		}
		if r.bad() {
			left++
		}
	}
	fmt.Fprintf(w, "\nThe look saw the fault in %d of %d runs that were killed while one was held.\n", seen, held)
	fmt.Fprintf(w, "%d killed, %d of them left something, %d ended before their moment, in %s\n", killed, left, len(list)-killed, took.Round(time.Second))
}

func longest(seconds []float64) string {
	if len(seconds) == 0 {
		return "-"
	}
	return fmt.Sprintf("<= %.1fs", slices.Max(seconds))
}

// failure is why a torture has not passed.
func failure(list []result, planned []attempt) error {
	var errs []error
	killed := 0
	for _, r := range list {
		if r.bad() {
			errs = append(errs, errors.New(r.String()))
		}
		if r.Killed {
			killed++
		}
		if r.held() && !r.seen() {
			errs = append(errs, fmt.Errorf("%s: the look did not see the fault while it was held, so that it proves nothing", r))
		}
	}
	if len(list) < len(planned) {
		errs = append(errs, fmt.Errorf("%d of %d were tried", len(list), len(planned)))
	}
	if 10*killed < 9*len(planned) {
		errs = append(errs, fmt.Errorf("only %d of %d runs were killed before their end", killed, len(planned)))
	}
	return errors.Join(append(errs, untried(list, planned)...)...)
}

// untried are the kinds and the moments of a plan that no killed run has tried. A kind
// that is to be killed in hold must have been: a fault that is never in place shows nothing
// of what is left of it, and one may be gone when its undoing is killed.
func untried(list []result, planned []attempt) (errs []error) {
	none := func(is func(attempt) bool) bool {
		return slices.ContainsFunc(planned, is) && !slices.ContainsFunc(list, func(r result) bool { return r.Killed && is(r.attempt) })
	}
	for _, name := range kindNames() {
		switch {
		case none(func(a attempt) bool { return a.Kind == name }):
			errs = append(errs, fmt.Errorf("no run of %s was killed", name))
		case none(func(a attempt) bool { return a.Kind == name && a.Moment == inHold }):
			errs = append(errs, fmt.Errorf("no run of %s was killed in hold", name))
		}
	}
	for _, moment := range moments {
		if none(func(a attempt) bool { return a.Moment == moment }) {
			errs = append(errs, fmt.Errorf("no run was killed in %s", moment))
		}
	}
	return errs
}
