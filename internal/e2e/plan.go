package main

import "github.com/aftershockhq/aftershock/experiments/recovery"

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

// experiment is a standard experiment on the service with a defect.
type experiment struct {
	id     string
	defect string
	want   string
	smoke  bool // part of the few
	specs  bool // as Ginkgo specs
	// costliest is the stage of the recovery that must be named; empty: any.
	costliest string
	// faultless: it has no fault, so that there is no effect to be seen.
	faultless bool
	// compare compares the record with what the service itself wrote down; nil:
	// nothing does.
	compare comparison
}

// plan is every experiment on the healthy service, and on the one with the
// defect that it finds.
func plan() []experiment {
	find := func(id, defect string) experiment { return experiment{id: id, defect: defect, want: broken} }
	hold := func(id string) experiment { return experiment{id: id, want: held} }
	scale := func(id, defect, want string) experiment { return experiment{id: id, defect: defect, want: want} }
	compared := func(e experiment, with comparison) experiment { e.compare = with; return e }
	few := func(e experiment) experiment { e.smoke = true; return e }
	return []experiment{
		{id: "pods/kill-one", want: held, smoke: true, specs: true},
		few(compared(hold("pods/kill-one"), compareRequests)),
		few(compared(find("pods/kill-one", "no-readiness"), compareRequests)),
		find("pods/kill-one", "one-replica"),
		{id: "pods/kill-one", defect: "slow-start", want: held, costliest: recovery.Ready},
		hold("pods/kill-third"),
		find("pods/kill-third", "one-replica"),
		hold("pods/container-kill"),
		find("pods/container-kill", "no-readiness"),
		hold("pods/failure"),
		find("pods/failure", "one-replica"),
		hold("pods/evict"),
		find("pods/evict", "no-graceful-shutdown"),
		few(hold("network/delay")),
		find("network/delay", "no-breaker"),
		hold("network/loss"),
		find("network/loss", "no-retry"),
		few(compared(hold("network/partition"), comparePartition)),
		find("network/partition", "no-timeout"),
		find("network/partition", "no-breaker"),
		find("network/partition", "liveness-on-payments"),
		few(hold("stress/cpu-one")),
		find("stress/cpu-one", "cpu-limit-too-low"),
		hold("stress/cpu-all"),
		find("stress/cpu-all", "cpu-limit-too-low"),
		hold("stress/memory"),
		find("stress/memory", "memory-leak"),
		few(hold("rollout/restart")),
		few(find("rollout/restart", "no-graceful-shutdown")),
		hold("rollout/bad-image"),
		find("rollout/bad-image", "recreate"),
		hold("disruption/drain"),
		find("disruption/drain", "no-graceful-shutdown"),
		scale("autoscaling/surge", autoscaled, held),
		scale("autoscaling/surge", "max-too-low", broken),
		scale("autoscaling/surge", "no-requests", broken),
		scale("autoscaling/cpu-all", autoscaled, held),
		scale("autoscaling/cpu-all", "no-requests", broken),
		scale("autoscaling/kill", autoscaled, held),
		scale("autoscaling/kill", "max-too-low", broken),
		scale("autoscaling/rest", autoscaled, held),
		scale("autoscaling/rest", "scale-down-too-eager", broken),
		{id: "capacity/sustained", want: held, faultless: true},
		{id: "capacity/sustained", defect: "memory-leak", want: broken, faultless: true},
		scale("capacity/scaled", autoscaled, held),
		scale("capacity/scaled", "max-too-low", broken),
	}
}
