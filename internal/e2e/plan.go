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
	find := func(id, defect string) experiment { return experiment{id: id, defect: defect, want: broken} }
	hold := func(id string) experiment { return experiment{id: id, want: held} }
	scale := func(id, defect, want string) experiment { return experiment{id: id, defect: defect, want: want} }
	compared := func(e experiment, with comparison) experiment { e.compare = with; return e }
	few := func(e experiment) experiment { e.smoke = true; return e }
	return []experiment{
		{id: "checkout/pods/kill-one", want: held, smoke: true, specs: true},
		few(compared(hold("checkout/pods/kill-one"), compareRequests)),
		few(compared(find("checkout/pods/kill-one", "no-readiness"), compareRequests)),
		find("checkout/pods/kill-one", "one-replica"),
		{id: "checkout/pods/kill-one", defect: "slow-start", want: held, costliest: recovery.Ready},
		hold("checkout/pods/kill-third"),
		find("checkout/pods/kill-third", "one-replica"),
		hold("checkout/pods/container-kill"),
		find("checkout/pods/container-kill", "no-readiness"),
		hold("checkout/pods/failure"),
		find("checkout/pods/failure", "one-replica"),
		hold("checkout/pods/evict"),
		find("checkout/pods/evict", "no-graceful-shutdown"),
		few(hold("checkout/network/delay")),
		find("checkout/network/delay", "no-breaker"),
		hold("checkout/network/loss"),
		find("checkout/network/loss", "no-retry"),
		few(compared(hold("checkout/network/partition"), comparePartition)),
		find("checkout/network/partition", "no-timeout"),
		find("checkout/network/partition", "no-breaker"),
		find("checkout/network/partition", "liveness-on-payments"),
		few(hold("checkout/stress/cpu-one")),
		find("checkout/stress/cpu-one", "cpu-limit-too-low"),
		hold("checkout/stress/cpu-all"),
		find("checkout/stress/cpu-all", "cpu-limit-too-low"),
		hold("checkout/stress/memory"),
		find("checkout/stress/memory", "memory-leak"),
		few(hold("checkout/rollout/restart")),
		few(find("checkout/rollout/restart", "no-graceful-shutdown")),
		hold("checkout/rollout/bad-image"),
		find("checkout/rollout/bad-image", "recreate"),
		hold("checkout/disruption/drain"),
		find("checkout/disruption/drain", "no-graceful-shutdown"),
		scale("checkout/autoscaling/surge", autoscaled, held),
		scale("checkout/autoscaling/surge", "max-too-low", broken),
		scale("checkout/autoscaling/surge", "no-requests", broken),
		scale("checkout/autoscaling/cpu-all", autoscaled, held),
		scale("checkout/autoscaling/cpu-all", "no-requests", broken),
		scale("checkout/autoscaling/kill", autoscaled, held),
		scale("checkout/autoscaling/kill", "max-too-low", broken),
		scale("checkout/autoscaling/rest", autoscaled, held),
		scale("checkout/autoscaling/rest", "scale-down-too-eager", broken),
		{id: "checkout/capacity/sustained", want: held, faultless: true},
		{id: "checkout/capacity/sustained", defect: "memory-leak", want: broken, fresh: true, faultless: true},
		scale("checkout/capacity/scaled", autoscaled, held),
		scale("checkout/capacity/scaled", "max-too-low", broken),
		hold("checkout/slow-payments"),
		find("checkout/slow-payments", "no-breaker"),
		scale("checkout/storm", autoscaled, held),
		scale("checkout/storm", "max-too-low", broken),
		hold("ledger/pods/kill-one"),
		// One row: what it loses is missed by the next.
		find("ledger/pods/kill-one", notOnTheVolume),
		hold("ledger/pods/container-kill"),
		hold("ledger/rollout/restart"),
		hold("ledger/busy"),
	}
}
