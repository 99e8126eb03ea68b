package suites

import (
	"context"

	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
	"github.com/aftershockhq/aftershock/steadystate/prom"
)

// podLabel is the label that tells which pod a series is of.
const podLabel = "pod"

// perPod observes a signal of each pod apart.
type perPod struct {
	name   string
	series prom.PerSeries
}

// Observe records each pod's observations under the signal's name for it.
func (p perPod) Observe(ctx context.Context, rec *record.Recorder) error {
	return p.series.Observe(ctx, rec.Clock(), func(pod string, o steadystate.Observation) {
		rec.Observe(record.TargetSignal(p.name, pod), o)
	})
}
