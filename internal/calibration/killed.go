package calibration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/local"
	"github.com/aftershockhq/aftershock/internal/bench"
	"github.com/aftershockhq/aftershock/record"
)

// killed is a service in its own process, behind the bench's balancer, that
// gets killed.
type killed struct {
	bench *bench.Bench
	fault experiments.Fault
	rec   *record.Recorder // of the fault; never read
}

const only = "service-1"

// startKilled starts a service that stays away for about the given time when it
// is killed; the exact time is observed.
func startKilled(ctx context.Context, away time.Duration) (*killed, error) {
	b, err := bench.Start(ctx, bench.Options{
		Services:     1,
		RestartAfter: away,
		// A health check would add its own error to the ground truth.
		Defect:       bench.NoHealthChecks,
		NoPrometheus: true,
	})
	if err != nil {
		return nil, err
	}
	return &killed{bench: b, fault: b.Kill(only), rec: record.NewRecorder(io.Discard)}, nil
}

// url has requests in flight most of the time.
func (k *killed) url() string { return k.bench.URL() + "/?delay=15ms" }

// hurt kills the process: it went between the call and its reaping.
func (k *killed) hurt(ctx context.Context) (local.Moment, error) {
	injection, err := k.fault.Inject(ctx, k.rec)
	if err != nil {
		return local.Moment{}, err
	}
	if injection.FailureReason != "" {
		return local.Moment{}, errors.New(injection.FailureReason)
	}
	return k.bench.Truth().Absences()[0].Gone, nil
}

// heal waits for the next process: it is back when the balancer gives it
// connections.
func (k *killed) heal(ctx context.Context) (local.Moment, error) {
	if _, err := k.fault.Recover(ctx, k.rec); err != nil {
		return local.Moment{}, err
	}
	processes := k.bench.Truth().Processes
	if len(processes) != 2 || len(processes[1].Rotation) == 0 {
		return local.Moment{}, fmt.Errorf("%s had %d processes, want the killed one and the next, in rotation", only, len(processes))
	}
	in := processes[1].Rotation[0].In
	return local.Moment{From: in, To: in}, nil
}

func (k *killed) close() error { return k.bench.Stop() }
