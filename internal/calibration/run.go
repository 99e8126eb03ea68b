package calibration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Run plants outages by the options and reports the instrument's results. When
// ctx ends, the report covers the trials that were finished by then, and says
// so. The error is the harness's: a service that could not be started, for
// example.
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
	}
	begin := time.Now()
	trials, err := carryOutAll(ctx, o)
	report.Took = time.Since(begin)
	report.Interrupted = ctx.Err() != nil
	inOrder(o.Kinds, trials)
	report.List = trials
	report.Kinds, report.Verdict = summarize(o.Kinds, o.Trials, trials)
	return report, err
}

// carryOutAll carries the trials out, several at once. The first error ends
// them all.
func carryOutAll(ctx context.Context, o Options) ([]Trial, error) {
	running, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var trials []Trial
	var errs []error
	queue := newQueue(o)
	for range o.Parallel {
		wg.Go(func() {
			for running.Err() == nil {
				mu.Lock()
				p, ok := queue.take()
				mu.Unlock()
				if !ok {
					return
				}
				t, recorded, err := carryOut(running, p, o.Rate)
				mu.Lock()
				switch {
				case err != nil && running.Err() != nil:
					// It was stopped, and fails for that reason.
				case err != nil:
					errs = append(errs, fmt.Errorf("calibrate %s, trial %d: %w", p.Kind, p.Number, err))
					stop()
				default:
					trials = append(trials, t)
					if t.Disturbed() {
						queue.again(p.Kind)
					}
					if err := o.tell(t, recorded); err != nil {
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

// A queue holds the plans that are yet to be carried out.
type queue struct {
	seed   uint64
	trials int
	list   []Plan
	more   map[Kind]int // trials made in the place of disturbed ones
}

func newQueue(o Options) *queue {
	return &queue{seed: o.Seed, trials: o.Trials, list: Plans(o), more: map[Kind]int{}}
}

// take is the next plan; ok is false when there is none.
func (q *queue) take() (p Plan, ok bool) {
	if len(q.list) == 0 {
		return Plan{}, false
	}
	p, q.list = q.list[0], q.list[1:]
	return p, true
}

// again plans one more trial of a kind, with the number after the last, in the
// place of one whose ground truth is unknown: the next that the seed has,
// whatever the instrument made of the one before. There are as many of them at
// most as trials were asked for, so that it ends on a machine that disturbs all.
func (q *queue) again(k Kind) {
	if q.more[k] == q.trials {
		return
	}
	q.list = append(q.list, planOf(q.seed, k, q.trials+q.more[k]))
	q.more[k]++
}

func (o Options) tell(t Trial, recorded []byte) error {
	if o.Progress != nil {
		o.Progress(t)
	}
	if o.Miss != nil && (t.NotRun != "" || !t.OK()) {
		return o.Miss(t, recorded)
	}
	return nil
}
