package compare_test

import (
	"fmt"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/compare"
	"github.com/aftershockhq/aftershock/reports/results"
)

// Six runs of one plan before a change and six after it, by their times to recovery.
func ExampleNewDiff() {
	set := func(name string, seconds ...float64) (list []results.Result) {
		for i, s := range seconds {
			took := results.Length{LowSeconds: s, HighSeconds: new(s + 0.1)}
			list = append(list, results.Result{
				Experiment: "checkout/pods/kill-one", PlanHash: "5d41", Verdict: "held",
				Run: results.Run{ID: fmt.Sprint(name, i), Started: time.Date(2026, 3, 2, 10, i, 0, 0, time.UTC), End: "completed", Complete: true},
				Checks: []results.Check{{
					Check: "answers", Observations: results.Observations{Good: 1000}, Downtime: took,
					Recoveries: []results.Recovery{{Fault: "kill", TTR: took}},
				}},
			})
		}
		return list
	}
	diff, err := compare.NewDiff(set("before", 2, 2.1, 2.2, 2.3, 2.4, 2.5), set("after", 4, 4.1, 4.2, 4.3, 4.4, 4.5), compare.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := diff.Text(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// checkout/pods/kill-one  plan 5d41
	//   before  6 runs, 2026-03-02 10:00 to 2026-03-02 10:05: 6 held
	//   after   6 runs, 2026-03-02 10:00 to 2026-03-02 10:05: 6 held
	//   WORSE      answers ttr       2.25s to 2.35s -> 4.25s to 4.35s  by 1.6s to 2.4s, p 0.0065
	//   WORSE      answers downtime  2.25s to 2.35s -> 4.25s to 4.35s  by 1.6s to 2.4s, p 0.0065
	//   no change  verdict           0% broken -> 0% broken            no change that 6 and 6 runs could show; 5 broken of 6 would
	//
	// WORSE: 2 worse, 1 no change
	// sets of the same service show a change in at most 5% of such diffs: Mann-Whitney, Holm over 3 rows
}
