package suites

import (
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/load"
	"github.com/aftershockhq/aftershock/experiments/workers"
)

// driven is a load as the plan has it driven: by its workers, or from here. A
// load that surges is driven from here all the same: workers are told their share
// once.
func (s *Session) driven(e Experiment, h load.HTTP) experiments.Load {
	w := e.Planned.Workers
	if w == nil || h.Surge != nil {
		return h
	}
	job := workers.Job{
		Load:     h,
		CABundle: e.Planned.CABundle,
		Pods:     *w,
		Client:   s.Client,
		Reach:    s.reach,
	}
	e.Load = job
	job.Lifetime = e.Longest() + time.Minute
	return job
}
