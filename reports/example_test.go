package reports_test

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/reports"
	"github.com/aftershockhq/aftershock/steadystate"
)

// A report of one's own is a function of reports: a line of CSV for each limit.
func ExampleFormat() {
	format := reports.Format{Name: "csv", File: "results.csv", Write: func(w io.Writer, list ...reports.Report) error {
		out := csv.NewWriter(w)
		for _, r := range list {
			for _, f := range r.Findings {
				if err := out.Write([]string{r.Experiment, f.Check, f.Limit, f.Verdict.String(), f.Text}); err != nil {
					return err
				}
			}
		}
		out.Flush()
		return out.Error()
	}}
	// From runs.Judge, or those of a runs.Directory.
	report := reports.Report{Result: judge.Result{
		Experiment: "kill one of three",
		Verdict:    steadystate.Held,
		Findings: []judge.Finding{{Check: "shop answers", Limit: "downtime <= 2s", Reading: steadystate.Reading{
			Verdict: steadystate.Held, Text: steadystate.FormatSeconds(time.Second.Seconds()),
		}}},
	}}
	for _, f := range append(reports.Formats(), format) {
		if f.Name == "csv" {
			fmt.Println(f.Write(os.Stdout, report))
		}
	}
	// Output:
	// kill one of three,shop answers,downtime <= 2s,held,1s
	// <nil>
}
