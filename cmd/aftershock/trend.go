package main

import (
	"math"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/compare"
)

func trendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trend RUNS...",
		Short: "Show verdicts and times to recovery over time, by version of the service",
		Long: `Trend shows the runs of each experiment in their order: their verdicts, and the
times to recovery of their checks. RUNS are directories, which stand for all in
them and below, records, or results as JSON. Runs that follow each other with one
plan and the same images are summed up together.

The median and the 90th percentile are by Kaplan and Meier: an outage that was not
over when the record ended counts as one that lasted longer than it was seen to.
They are between the estimate from the lower bounds of the times and that from the
upper ones; behind them is where they lie at 95 %, which fewer than six runs cannot
tell of a median.

Exit codes:
  0  shown, whatever the verdicts
  2  usage, or what cannot be read`,
		Example: `  aftershock trend runs
  aftershock trend runs-of-v1 runs-of-v2 --output json
  aftershock trend --schema`,
		Args:              takes(1, math.MaxInt),
		ValidArgsFunction: completeResults,
	}
	output := textOrJSONFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		list, err := resultsOf(args)
		if err != nil {
			return err
		}
		return printed(cmd, compare.NewTrend(list), asJSON, exitHeld)
	}
	return orSchema(cmd, compare.TrendSchema)
}
