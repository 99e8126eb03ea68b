package reports_test

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/reports"
)

// A control run is how the service is while nothing is done to it: what comes
// after is compared with it.
func ExampleDirectory_Run() {
	game := func(ctx context.Context, directory *reports.Directory, suite []experiments.Experiment) error {
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
	killed := strings.NewReader(`{"at":0,"header":{"format":"aftershock/record","version":1,"run":"0123456789","started":"2026-03-02T10:15:00Z"}}
{"at":0,"plan":{"name":"kill one pod","checks":[{"name":"shop answers","signal":"requests","good":"<= 2s"}],"settle":0,"hold":0,"watch":0}}
`)
	report, err := reports.Judge(record.Read(killed), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(report.Experiment, "-", report.Verdict)
	// Output: kill one pod - unknown
}
