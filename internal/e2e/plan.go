package main

import (
	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
)

// The verdicts, by the exit codes of the program.
const (
	held    = "held"
	broken  = "broken"
	unknown = "unknown"
)

// healthy is the service without a defect; deployments are made in
// alphabetical order, and it comes first.
const healthy = ""

// autoscaled is the service without a defect that an autoscaler is added to.
const autoscaled = "autoscaled"

// notOnTheVolume is the defect of the ledger.
const notOnTheVolume = "data-not-on-the-volume"

// experiment is one of the lab's file, on the services with a defect.
type experiment struct {
	id     string // SERVICE/SUITE/EXPERIMENT or SERVICE/NAME
	defect string
	want   string
	smoke  bool // part of the few
	specs  bool // as Ginkgo specs
	// costliest is the stage of the recovery that must be named; empty: any.
	costliest string
	// advice are the kinds of advice that a broken run is to give, and no others.
	advice []string
	// without is a node of the lab whose kubelet is stopped for a while during the hold.
	without string
	// nodes is how many nodes the lab must have; 0: any number. A row that is broken and
	// the one that holds have the same, or it may be the lab that breaks.
	nodes int
	// fresh: the service is deployed anew before each try, as one that breaks with
	// time was broken by those before.
	fresh bool
	// faultless: it has no fault, so that there is no effect to be seen.
	faultless bool
	// compare compares the record with what the service itself wrote down; nil:
	// nothing does.
	compare comparison
}

// plan is every experiment on the healthy service, and on the one with the
// defect that it finds.
func plan() []experiment {
	find := func(id, defect string, advice ...string) experiment {
		return experiment{id: id, defect: defect, want: broken, advice: advice}
	}
	hold := func(id string) experiment { return experiment{id: id, want: held} }
	scaled := func(id string) experiment { return experiment{id: id, defect: autoscaled, want: held} }
	compared := func(e experiment, with comparison) experiment { e.compare = with; return e }
	faultless := func(e experiment) experiment { e.faultless = true; return e }
	fresh := func(e experiment) experiment { e.fresh = true; return e }
	few := func(e experiment) experiment { e.smoke = true; return e }
	lost := func(e experiment) experiment { e.without, e.nodes, e.faultless = "node1", 2, true; return e }
	return []experiment{
		{id: "checkout/pods/kill-one", want: held, smoke: true, specs: true},
		few(compared(hold("checkout/pods/kill-one"), compareRequests)),
		few(compared(find("checkout/pods/kill-one", "no-readiness", cause.ReadinessProbe), compareRequests)),
		find("checkout/pods/kill-one", "readiness-too-early", cause.EarlyReadiness),
		find("checkout/pods/kill-one", "one-replica", cause.MoreReplicas),
		{id: "checkout/pods/kill-one", defect: "slow-start", want: held, costliest: recovery.Ready},
		hold("checkout/pods/kill-third"),
		find("checkout/pods/kill-third", "one-replica", cause.MoreReplicas),
		fresh(find("checkout/pods/kill-third", "no-room", cause.Room)),
		hold("checkout/pods/container-kill"),
		find("checkout/pods/container-kill", "no-readiness", cause.ReadinessProbe),
		// The service is healthy, and its clients do not try again.
		find("checkout/lossless-kill", healthy, cause.ClientRetry),
		hold("checkout/pods/failure"),
		find("checkout/pods/failure", "one-replica", cause.MoreReplicas),
		hold("checkout/pods/evict"),
		find("checkout/pods/evict", "no-graceful-shutdown", cause.FinishRequests),
		few(hold("checkout/network/delay")),
		find("checkout/network/delay", "no-breaker", cause.Dependency),
		find("checkout/network/delay", "liveness-out-of-time", cause.LivenessTime),
		hold("checkout/network/loss"),
		find("checkout/network/loss", "no-retry", cause.Dependency),
		few(compared(hold("checkout/network/partition"), comparePartition)),
		find("checkout/network/partition", "no-timeout", cause.Dependency),
		find("checkout/network/partition", "no-breaker", cause.Dependency),
		find("checkout/network/partition", "liveness-on-payments", cause.LivenessNeeds),
		few(hold("checkout/stress/cpu-one")),
		find("checkout/stress/cpu-one", "cpu-limit-too-low", cause.CPULimit),
		hold("checkout/stress/cpu-all"),
		find("checkout/stress/cpu-all", "cpu-limit-too-low", cause.CPULimit),
		hold("checkout/stress/memory"),
		find("checkout/stress/memory", "memory-leak", cause.Memory),
		few(hold("checkout/rollout/restart")),
		few(find("checkout/rollout/restart", "no-graceful-shutdown", cause.FinishRequests)),
		find("checkout/rollout/restart", "grace-too-short", cause.GracePeriod),
		find("checkout/rollout/restart", "max-unavailable-too-high", cause.MaxUnavailable),
		// It starts as slowly, and takes no pod away before.
		{id: "checkout/rollout/restart", defect: "slow-start", want: held},
		hold("checkout/rollout/bad-image"),
		find("checkout/rollout/bad-image", "recreate", cause.RollingUpdate),
		hold("checkout/disruption/drain"),
		find("checkout/disruption/drain", "no-graceful-shutdown", cause.FinishRequests),
		find("checkout/disruption/drain", "no-budget", cause.Budget),
		// It starts as slowly, and has a budget.
		{id: "checkout/disruption/drain", defect: "slow-start", want: held},
		lost(hold("checkout/lost-node")),
		lost(find("checkout/lost-node", "on-one-node", cause.SpreadOverNodes)),
		scaled("checkout/autoscaling/surge"),
		find("checkout/autoscaling/surge", "max-too-low", cause.MaxReplicas),
		find("checkout/autoscaling/surge", "no-requests", cause.CPURequest),
		scaled("checkout/autoscaling/cpu-all"),
		find("checkout/autoscaling/cpu-all", "no-requests", cause.CPURequest),
		scaled("checkout/autoscaling/kill"),
		find("checkout/autoscaling/kill", "max-too-low", cause.MaxReplicas),
		scaled("checkout/autoscaling/rest"),
		find("checkout/autoscaling/rest", "scale-down-too-eager", cause.ScaleDownWindow),
		faultless(hold("checkout/capacity/sustained")),
		fresh(faultless(find("checkout/capacity/sustained", "memory-leak", cause.Memory))),
		scaled("checkout/capacity/scaled"),
		find("checkout/capacity/scaled", "max-too-low", cause.MaxReplicas),
		hold("checkout/slow-payments"),
		find("checkout/slow-payments", "no-breaker", cause.Dependency),
		scaled("checkout/storm"),
		find("checkout/storm", "max-too-low", cause.MaxReplicas),
		hold("ledger/pods/kill-one"),
		// One row: what it loses is missed by the next.
		find("ledger/pods/kill-one", notOnTheVolume, cause.Volume),
		hold("ledger/pods/container-kill"),
		hold("ledger/rollout/restart"),
		hold("ledger/busy"),
	}
}
