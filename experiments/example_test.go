package experiments_test

import (
	"context"
	"fmt"
	"io"
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

// A fault of two functions. What it does shows in the time that requests take
// which the target answers: their median is 200 ms above that before, and is not
// once it is undone.
func ExampleFaultFunc() {
	latency := time.Duration(0) // of the service
	slow := func(by time.Duration) func(context.Context, *record.Recorder) error {
		return func(context.Context, *record.Recorder) error {
			latency = by
			return nil
		}
	}
	fault := experiments.FaultFunc{
		Text:    "slow checkout-1 down by 250ms",
		Targets: []record.Target{{Name: "checkout-1"}}, // as in the header X-Pod of its answers
		Effects: []record.Effect{{Signal: record.TrafficSignal, Rise: 0.2}},
		Do:      slow(250 * time.Millisecond),
		Undo:    slow(0),
	}
	fmt.Println(fault, fault.Validate())

	rec, ctx := record.NewRecorder(io.Discard), context.Background()
	injection, err := fault.Inject(ctx, rec)
	fmt.Println(latency, err)
	removed, err := fault.Recover(ctx, rec)
	fmt.Println(latency, err, injection.To <= removed.From)

	fmt.Println(experiments.FaultFunc{Text: "slow down", Targets: fault.Targets, Do: fault.Do}.Validate())
	// Output:
	// slow checkout-1 down by 250ms <nil>
	// 250ms <nil>
	// 0s <nil> true
	// Effects: say what must be seen of the targets, as in record.Effect{Event: record.EventGone} or record.Effect{Signal: "requests", Rise: 0.1}
}
