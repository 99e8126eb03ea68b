package experiments_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// The file that a run was recorded to is judged as it is, from its beginning;
// so is a *bytes.Buffer.
func ExampleExperiment_Run() {
	run := func(ctx context.Context, file *os.File, shopping steadystate.Hypothesis, kill experiments.Fault) error {
		rec := record.NewRecorder(file)
		err := experiments.Experiment{
			Name:       "kill one of three",
			Hypothesis: shopping,
			Load:       load.HTTP{Shape: load.Constant(100), URL: "http://shop.example/checkout"},
			Faults:     []experiments.Scheduled{{Fault: kill}},
			Hold:       10 * time.Second,
			Watch:      time.Minute,
		}.Run(ctx, rec)
		if err != nil {
			return err
		}
		result, err := judge.Judge(record.Read(file), nil)
		if err != nil {
			return err
		}
		fmt.Println(result.Verdict) // held, broken or unknown
		return nil
	}
	_ = run
}
