package suites

import (
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/experiments/eviction"
	"github.com/aftershockhq/aftershock/experiments/faults"
	"github.com/aftershockhq/aftershock/experiments/rollout"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// RolledOut is the name of the check on the rollout, for limits in the
// configuration, in the suite of rollouts.
const RolledOut = "rolled out"

// rollouts is the suite of new versions: one that is as good as the old, and
// one that cannot start.
var rollouts = []standard{
	{
		id: "rollout/restart", name: "restart %s", lossless: true, unhurried: true, rollout: true,
		extra: rolledOut("ttr <= 5m"),
		fault: func(t *Target) experiments.Fault { return &rollout.Restart{Workload: t.workload()} },
	},
	{
		id: "rollout/bad-image", name: "roll out an image of %s that cannot be pulled", hold: 20 * time.Second, lossless: true, unhurried: true, rollout: true,
		extra: rolledOut("ttr <= 1m after removal"),
		fault: func(t *Target) experiments.Fault {
			return &rollout.BadImage{Workload: t.workload(), Container: t.Service.Container}
		},
	},
}

// disruption is the suite of what maintenance does.
var disruption = []standard{
	{
		id: "disruption/drain", name: "evict every pod of %s in turn", lossless: true, unhurried: true, drain: true,
		fault: func(t *Target) experiments.Fault { return eviction.Drain(t.guarded(), t.pods()) },
	},
}

func (t *Target) workload() rollout.Workload {
	return rollout.Workload{Workload: t.Service.Workload, Cluster: t.guarded(), Timeout: rolloutTime}
}

// pods are those of the service.
func (t *Target) pods() faults.Pods {
	return faults.PodsOf(t.Service.Namespace, t.Service.Selector)
}

// rolledOut is a check that the newest revision is rolled out.
func rolledOut(limits ...string) []steadystate.Check {
	return []steadystate.Check{{Name: RolledOut, Signal: SignalRollout, Good: steadystate.AtLeast(1), Limits: steadystate.Limits(limits...)}}
}

// lossless adds to each check on requests that none may be lost: what is
// planned is no excuse.
func lossless(checks []steadystate.Check) []steadystate.Check {
	checks = slices.Clone(checks)
	for i, c := range checks {
		if c.Signal == record.TrafficSignal {
			checks[i].Limits = append(slices.Clone(c.Limits), steadystate.Limits("errors <= 0%")...)
		}
	}
	return checks
}
