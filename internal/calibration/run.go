package calibration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run plants what the options say and reports what the instrument made of it.
// When ctx ends, the report is of the trials that were over by then, and says
// so. The error is the harness's: a service that could not be started, say.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	o = o.withDefaults()
	report := Report{
		Machine:  thisMachine(),
		Trials:   o.Trials,
		Rate:     o.Rate,
		Seed:     o.Seed,
		Parallel: o.Parallel,
		Settle:   settle,
	}
	begin := time.Now()
	trials, err := carryOutAll(ctx, o)
	report.Took = time.Since(begin)
	report.Interrupted = ctx.Err() != nil
	inOrder(o.Kinds, trials)
	report.List = trials
	report.Kinds, report.Verdict = summarize(o.Kinds, trials)
	return report, err
}

// carryOutAll carries the trials out, several at once. The first error ends
// them all.
func carryOutAll(ctx context.Context, o Options) ([]Trial, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	plans := make(chan Plan)
	go func() {
		defer close(plans)
		for _, p := range Plans(o) {
			select {
			case plans <- p:
			case <-running.Done():
				return
			}
		}
	}()

	var wg sync.WaitGroup
	var mu sync.Mutex
	var trials []Trial
	var errs []error
	for range o.Parallel {
		wg.Go(func() {
			for p := range plans {
				t, record, err := carryOut(running, p, o.Rate)
				mu.Lock()
				switch {
				case err != nil && running.Err() != nil:
					// It was stopped, and fails for that reason.
				case err != nil:
					errs = append(errs, fmt.Errorf("calibrate %s, trial %d: %w", p.Kind, p.Number, err))
					stop()
				default:
					trials = append(trials, t)
					if err := o.tell(t, record); err != nil {
						errs = append(errs, err)
						stop()
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return trials, errors.Join(errs...)
}

func (o Options) tell(t Trial, record []byte) error {
	if o.Progress != nil {
		o.Progress(t)
	}
	if o.Miss != nil && (t.NotRun != "" || !t.OK()) {
		return o.Miss(t, record)
	}
	return nil
}
