package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports/results"
)

func gateCommand() *cobra.Command {
	var options compare.GateOptions
	var within time.Duration
	var baseline string
	cmd := &cobra.Command{
		Use:   "gate TRIALS...",
		Short: "Decide by trials of a build whether its recoveries are good enough",
		Long: `Gate decides from the times to recovery in records of one plan and one build: records,
results as JSON, or directories with everything below them. Trials of several plans or
builds are refused: --plan and --image choose.

Absolute: at least --share of all recoveries are within the limit, at --confidence.
You may look, and stop, after every trial: by default 32 of 32 are held, and each trial
beyond the limit costs 24 more. The limit is the strictest one on ttr by which the
trials were judged, or --within, which means <=.

Relative, with --baseline: the median recovery is at most 25 % longer than the
baseline's, and the share beyond the limit at most 10 percentage points larger. It is
held if both are within at 95 %, broken if either is beyond at 97.5 %. The tests are
exact for any two distributions. The gate decides once, from the first --planned trials
and the whole baseline, which must have the same plan.

Pairs, with --against: trials of two experiments that ran in turn, as
"aftershock run --trials N --seed S" runs two versions of a service. At least half of
all pairs have a ratio of at most 1.25, and the share beyond the limit is less than 10
percentage points larger: held if both are at 95 %, broken if either is beyond at
97.5 %. You may look, and stop, after every pair.

A decision holds for all values within the bounds of each time, and states its error
rates with this number of trials.

Exit codes:
  0  held
  1  broken
  2  usage, another plan, several plans or builds, or a file cannot be read
  3  unknown: too few trials, or the result is in between`,
		Example: `  aftershock gate trials
  aftershock gate trials --within 30s --share 0.95
  aftershock gate trials-of-v2 --baseline trials-of-v1 --output json
  aftershock gate pairs --against checkout-v1/pods/kill-one
  aftershock gate trials --image sha256:44dd55ee66ff
  aftershock gate --schema`,
		Args:              takes(1, math.MaxInt),
		ValidArgsFunction: completeResults,
	}
	flags := cmd.Flags()
	flags.StringVar(&baseline, "baseline", "", "trials to compare with: a directory, a record or results")
	flags.DurationVar(&within, "within", 0, "the longest time that a recovery may take, instead of the trials' own limit")
	flags.Float64Var(&options.Share, "share", 0.9, "share of all recoveries that must be within the limit")
	flags.Float64Var(&options.Confidence, "confidence", 0.95, "confidence of the absolute part")
	flags.IntVar(&options.Planned, "planned", compare.PlannedTrials, "number of trials to compare with the baseline")
	flags.StringVar(&options.Against, "against", "", "the experiment that the trials of the other one are paired with")
	flags.BoolVar(&options.SamePlan, "same-plan", false, "also take trials whose records have no plan hash: you vouch that they did the same")
	flags.StringSliceVar(&options.Plans, "plan", nil, "gate the trials of plans whose hash begins with this; default: all, which must have one plan")
	flags.StringSliceVar(&options.Images, "image", nil, "gate the trials that ran an image with this in its digest; default: all, which must have one build")
	flags.StringSliceVar(&options.BaselineImages, "baseline-image", nil, "compare with the trials of the baseline that ran an image with this in its digest")
	completeFlag(cmd, "baseline", completeResults)
	output := textOrJSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		switch {
		case err != nil:
			return err
		case !between(0.0001, options.Share, 0.9999), !between(0.5, options.Confidence, 0.999999):
			return usageError{fmt.Errorf("--share %g, --confidence %g: want a share of 0.0001 to 0.9999, and a confidence of 0.5 to 0.999999", options.Share, options.Confidence)}
		case baseline != "" && options.Against != "":
			return usageError{errors.New("--baseline is of stored trials, --against of those that ran in turn: give one of them")}
		case cmd.Flags().Changed("planned") && options.Against != "":
			return usageError{errors.New("--planned is of trials that are compared with stored ones, once: pairs have a verdict after any of them")}
		case within < 0 || options.Planned < 1:
			return usageError{fmt.Errorf("--within %s, --planned %d: want more than zero", within, options.Planned)}
		}
		options.Within = within.Seconds()
		trials, err := resultsOf(args)
		if err != nil {
			return err
		}
		var base []results.Result
		if baseline != "" {
			if base, err = resultsOf([]string{baseline}); err != nil {
				return err
			}
		}
		gate, err := compare.NewGate(trials, base, options)
		if err != nil {
			return usageError{err}
		}
		return printed(cmd, gate, asJSON, gate.ExitCode)
	}
	cmd = orSchema(cmd, compare.GateSchema)
	cmd.AddCommand(gateServeCommand())
	return cmd
}

// between is false of NaN, too.
func between(low, v, high float64) bool { return low <= v && v <= high }

// printed prints a document, and ends with its exit code.
func printed(cmd *cobra.Command, document interface {
	Text(w io.Writer) error
	JSON(w io.Writer) error
}, asJSON bool, code int,
) error {
	write := document.Text
	if asJSON {
		write = document.JSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return err
	}
	if code != exitHeld {
		return errVerdict(code)
	}
	return nil
}
