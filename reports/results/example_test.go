package results_test

import (
	"fmt"
	"strings"

	"github.com/aftershockhq/aftershock/reports/results"
)

// The limits that did not hold, of the results.json of a run.
func ExampleRead() {
	const file = `{"format": "aftershock/results", "version": 1, "results": [{
  "experiment": "checkout/pods/kill-one", "verdict": "broken",
  "findings": [
    {"check": "answers", "limit": {"text": "downtime <= 2s"}, "verdict": "broken", "text": "3.1s to 3.2s"},
    {"check": "answers", "limit": {"text": "ttr <= 5s"}, "verdict": "held", "text": "3.1s to 3.3s"}
  ]}]}`
	document, err := results.Read(strings.NewReader(file))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range document.Results {
		for _, f := range r.Findings {
			if f.Verdict != "held" {
				fmt.Println(r.Experiment, f.Verdict, f.Check, f.Limit.Text, f.Text)
			}
		}
	}
	_, err = results.Read(strings.NewReader(file[:100]))
	fmt.Println(err)
	// Output:
	// checkout/pods/kill-one broken answers downtime <= 2s 3.1s to 3.2s
	// read results: its end is cut off
}
