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
		Long: `Trend shows the runs of each experiment in order: their verdicts, and the times to
recovery of their checks. RUNS are records, results as JSON, or directories with
everything below them. Consecutive runs with the same plan and images are summarized
together.

The median and the 90th percentile are Kaplan-Meier estimates: an outage that was not
over when the record ended is censored. Each is an interval, from the estimate for the
lower bounds of the times to that for the upper bounds, followed by a 95 % confidence
interval; fewer than six runs have none for the median.

Exit codes:
  0  shown, whatever the verdicts
  2  usage, or a file cannot be read`,
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
