package suites

import (
	"context"
	"fmt"
	"time"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// clockOf notes in the record by how much Prometheus' clock is ahead, at the
// beginning of a run and at its end: its samples are dated by it.
type clockOf struct{ client *prom.Client }

// Observe reads the clock twice.
func (c clockOf) Observe(ctx context.Context, rec *record.Recorder) error {
	c.note(ctx, rec, "at the beginning")
	<-ctx.Done()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	c.note(end, rec, "at the end")
	return nil
}

func (c clockOf) note(ctx context.Context, rec *record.Recorder, when string) {
	ahead, err := c.client.Ahead(ctx)
	if err != nil {
		rec.Note("%s: %v", when, err)
		return
	}
	rec.Note("prometheus, %s: %s", when, ofClock(ahead))
}

// ofClock says how a clock differs from this machine's.
func ofClock(ahead steadystate.Bounds[time.Duration]) string {
	half := (ahead.High - ahead.Low) / 2
	by, side := ahead.Low+half, "ahead of"
	if by < 0 {
		by, side = -by, "behind"
	}
	return fmt.Sprintf("its clock is %s %s this machine's, ±%s", by.Round(10*time.Microsecond), side, half.Round(10*time.Microsecond))
}
