package runs_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/runs"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A control run is how the service is while nothing is done to it: what comes
// after is compared with it.
func ExampleDirectory_Run() {
	game := func(ctx context.Context, directory *runs.Directory, suite []experiments.Experiment) error {
		control, err := directory.Run(ctx, suite[0].Control())
		if err != nil {
			return err
		}
		for _, e := range suite {
			e.Baseline = judge.NewBaseline(control.Result, e.Hypothesis.Checks)
			if _, err := directory.Run(ctx, e); err != nil {
				return err
			}
		}
		return directory.WriteReports()
	}
	_ = game
}

// A record whose run was killed is judged as far as it goes, and never holds.
func ExampleJudge() {
	var killed bytes.Buffer
	encoder := record.NewEncoder(&killed)
	for _, e := range []record.Entry{
		{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "0123456789"}},
		{Plan: &record.Plan{Name: "kill one pod", Checks: []steadystate.Check{{Name: "shop answers", Signal: "requests", Good: steadystate.Within(2 * time.Second)}}}},
	} {
		if err := encoder.Encode(e); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
	}
	report, err := runs.Judge(record.Read(&killed), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(report.Experiment, "-", report.Verdict)
	// Output: kill one pod - unknown
}
