package suites_test

import (
	"context"
	"fmt"
	"os"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/suites"
)

// What aftershock run does, in Go.
func ExampleConnect() {
	run := func(ctx context.Context) error {
		plan, err := config.Read("aftershock.yaml")
		if err != nil {
			return err
		}
		session, err := suites.Connect(plan)
		if err != nil {
			return err
		}
		defer session.Close()
		able, err := session.Read(ctx, plan.Planned)
		if err != nil {
			return err
		}
		list, err := session.Experiments(able)
		if err != nil {
			return err
		}
		say := func(mark suites.Mark, what, found string) { fmt.Fprintln(os.Stderr, mark, what, found) }
		if err := session.Preflight(ctx, list, say); err != nil {
			return err // nothing was touched
		}
		directory, err := runs.NewDirectory("runs")
		if err != nil {
			return err
		}
		for _, e := range list {
			if _, err := directory.Run(ctx, e.Experiment); err != nil {
				return err
			}
		}
		return directory.WriteReports()
	}
	_ = run
}
