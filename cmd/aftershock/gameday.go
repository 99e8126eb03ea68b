package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/gamedays"
)

func gamedayCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gameday",
		Short: "Plan game days",
		Long: `A game day is a plan of experiments that people run and attend together. It is
written in the configuration, under gamedays; "aftershock explain gamedays" and
docs/gamedays.md say how.`,
		Example: `  aftershock gameday plan -f aftershock.yaml
  aftershock gameday plan -f aftershock.yaml --after 2026-12-20T00:00:00+01:00 storm`,
		Args: cobra.ArbitraryArgs,
		RunE: noCommand,
	}
	cmd.AddCommand(gamedayPlanCommand())
	return cmd
}

// nextStarts is how many a plan prints.
const nextStarts = 5

func gamedayPlanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [NAME...]",
		Short: "Print game days: their steps, how long they take, and when they begin",
		Long: `Plan prints the game days that are named, or all: what happens, how long it takes
at least, and the next five starts in the day's time zone and in UTC, with the
window that keeps each from beginning, or that begins before it can be over. It
names the days on which the clocks change, and the starts that are left out
because they are set forward: those are the starts of a CronJob of Kubernetes.

It asks no cluster, so that it says nothing of stops ("aftershock stop") and of
incidents; a run looks for those too.

It ends with 0, also if every start is in a window, and with 2 if the
configuration is wrong.`,
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

// completeGameDays completes the names of a configuration's game days.
func completeGameDays(file *string) cobra.CompletionFunc {
	return fromPlan(file, func(plan *config.Plan, given []string, begun string) []string {
		return slices.DeleteFunc(slices.Clone(plan.GameDays.Names), func(name string) bool {
			return slices.Contains(given, name) || !strings.HasPrefix(name, begun)
		})
	})
}
