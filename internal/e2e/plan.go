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

// noVerdict is that of a row whose run failed.
const noVerdict = "no verdict"

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
	// because are the rules of the causes that a broken run is to have, by check, of which
	// each is one; by [someCheck] those of one that is not known before.
	because map[string][]string
	// advice is what a broken run is to advise, and nothing else, as "Mend more replicas".
	// Of one that holds it is what may be recommended if it did not.
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

// someCheck stands for one of the checks that broke.
const someCheck = ""

// by are causes of one check.
func by(check string, rules ...string) map[string][]string { return map[string][]string{check: rules} }

// mend and ask are advice of a kind: a recommendation, and a question.
func mend(kind string) string { return advised(cause.Advice{Kind: kind}) }
func ask(kind string) string  { return advised(cause.Advice{Kind: kind, Question: true}) }

// neverHeld ends the title of an experiment that breaks on any service of the lab.
const neverHeld = "(never held)"

// plan is every experiment on the healthy service, and on the one with the
// defect that it finds.
func plan() []experiment {
	find := func(id, defect string, because map[string][]string, advice ...string) experiment {
		return experiment{id: id, defect: defect, want: broken, because: because, advice: advice}
	}
	hold := func(id string) experiment { return experiment{id: id, want: held} }
	scaled := func(id string) experiment { return experiment{id: id, defect: autoscaled, want: held} }
	compared := func(e experiment, with comparison) experiment { e.compare = with; return e }
	faultless := func(e experiment) experiment { e.faultless = true; return e }
	fresh := func(e experiment) experiment { e.fresh = true; return e }
	const answers, whole, autoscaler = "answers", "whole", "autoscaler"
	few := func(e experiment) experiment { e.smoke = true; return e }
	lost := func(e experiment) experiment { e.without, e.nodes, e.faultless = "node1", 2, true; return e }
	return []experiment{
		{id: "checkout/pods/kill-one", want: held, smoke: true, specs: true},
		few(compared(hold("checkout/pods/kill-one"), compareRequests)),
		few(compared(find("checkout/pods/kill-one", "no-readiness", by(answers, cause.ReadyTooEarly), mend(cause.ReadinessProbe)), compareRequests)),
		find("checkout/pods/kill-one", "readiness-too-early", by(answers, cause.ReadyTooEarly), mend(cause.EarlyReadiness)),
		find("checkout/pods/kill-one", "one-replica", by(answers, cause.NoneLeft), mend(cause.MoreReplicas)),
		{id: "checkout/pods/kill-one", defect: "slow-start", want: held, costliest: recovery.Ready},
		hold("checkout/pods/kill-third"),
		find("checkout/pods/kill-third", "one-replica", by(answers, cause.NoneLeft), mend(cause.MoreReplicas)),
		fresh(find("checkout/pods/kill-third", "no-room", by(whole, cause.Away), mend(cause.Room))),
		hold("checkout/pods/container-kill"),
		find("checkout/pods/container-kill", "no-readiness", by(answers, cause.ReadyTooEarly), mend(cause.ReadinessProbe)),
		// The service is healthy, and its clients do not try again.
		find("checkout/lossless-kill", healthy, by(answers, cause.CutOff, cause.Lingered), ask(cause.ClientRetry)),
		hold("checkout/pods/failure"),
		find("checkout/pods/failure", "one-replica", by(answers, cause.NoneLeft), mend(cause.MoreReplicas)),
		hold("checkout/pods/evict"),
		find("checkout/pods/evict", "no-graceful-shutdown", by(answers, cause.Ended), mend(cause.FinishRequests)),
		few(hold("checkout/network/delay")),
		find("checkout/network/delay", "no-breaker", by(answers, cause.Faulted), ask(cause.Dependency)),
		find("checkout/network/delay", "liveness-out-of-time", by(answers, cause.Restarted), ask(cause.LivenessTime)),
		hold("checkout/network/loss"),
		find("checkout/network/loss", "no-retry", by(someCheck, cause.Faulted), ask(cause.Dependency)),
		few(compared(hold("checkout/network/partition"), comparePartition)),
		find("checkout/network/partition", "no-timeout", by(someCheck, cause.Faulted), ask(cause.Dependency)),
		find("checkout/network/partition", "no-breaker", by(someCheck, cause.Faulted), ask(cause.Dependency)),
		find("checkout/network/partition", "liveness-on-payments", by(someCheck, cause.Restarted), ask(cause.LivenessNeeds)),
		few(hold("checkout/stress/cpu-one")),
		find("checkout/stress/cpu-one", "cpu-limit-too-low", by(someCheck, cause.Faulted), ask(cause.CPULimit)),
		hold("checkout/stress/cpu-all"),
		find("checkout/stress/cpu-all", "cpu-limit-too-low", by(someCheck, cause.Faulted), ask(cause.CPULimit)),
		hold("checkout/stress/memory"),
		find("checkout/stress/memory", "memory-leak", by(someCheck, cause.KilledForMemory), ask(cause.Memory)),
		few(hold("checkout/rollout/restart")),
		few(find("checkout/rollout/restart", "no-graceful-shutdown", by(answers, cause.Ended), mend(cause.FinishRequests))),
		find("checkout/rollout/restart", "no-drain", by(answers, cause.ClosedEarly), mend(cause.DrainFirst)),
		find("checkout/rollout/restart", "grace-too-short", by(answers, cause.Ended), mend(cause.GracePeriod)),
		find("checkout/rollout/restart", "max-unavailable-too-high", by(answers, cause.NoneLeft), mend(cause.MaxUnavailable)),
		// It starts as slowly, and takes no pod away before.
		{id: "checkout/rollout/restart", defect: "slow-start", want: held},
		hold("checkout/rollout/bad-image"),
		find("checkout/rollout/bad-image", "recreate", by(answers, cause.NoneLeft), mend(cause.RollingUpdate)),
		hold("checkout/disruption/drain"),
		find("checkout/disruption/drain", "no-graceful-shutdown", by(answers, cause.Ended), mend(cause.FinishRequests)),
		find("checkout/disruption/drain", "no-budget", map[string][]string{answers: {cause.NoneLeft, cause.TooFew}, whole: {cause.Away}}, mend(cause.Budget)),
		// It starts as slowly, and has a budget.
		{id: "checkout/disruption/drain", defect: "slow-start", want: held},
		lost(hold("checkout/lost-node")),
		lost(find("checkout/lost-node", "on-one-node", by("throughout", cause.NoneLeft), mend(cause.SpreadOverNodes))),
		scaled("checkout/autoscaling/surge"),
		find("checkout/autoscaling/surge", "max-too-low", by(someCheck, cause.AtMax, cause.Surged), mend(cause.MaxReplicas)),
		find("checkout/autoscaling/surge", "no-requests", by(autoscaler, cause.NoMetric), mend(cause.CPURequest)),
		scaled("checkout/autoscaling/cpu-all"),
		find("checkout/autoscaling/cpu-all", "no-requests", by(autoscaler, cause.NoMetric), mend(cause.CPURequest)),
		scaled("checkout/autoscaling/kill"),
		find("checkout/autoscaling/kill", "max-too-low", by(someCheck, cause.AtMax, cause.Surged), mend(cause.MaxReplicas)),
		scaled("checkout/autoscaling/rest"),
		find("checkout/autoscaling/rest", "scale-down-too-eager", by(autoscaler, cause.NoWindow), mend(cause.ScaleDownWindow)),
		faultless(hold("checkout/capacity/sustained")),
		fresh(faultless(find("checkout/capacity/sustained", "memory-leak", by(someCheck, cause.KilledForMemory), ask(cause.Memory)))),
		scaled("checkout/capacity/scaled"),
		find("checkout/capacity/scaled", "max-too-low", by(someCheck, cause.AtMax, cause.Surged), mend(cause.MaxReplicas)),
		hold("checkout/slow-payments"),
		find("checkout/slow-payments", "no-breaker", by(answers, cause.Faulted), ask(cause.Dependency)),
		scaled("checkout/storm"),
		find("checkout/storm", "max-too-low", by(someCheck, cause.AtMax, cause.Surged), mend(cause.MaxReplicas)),
		hold("ledger/pods/kill-one"),
		// One row: what it loses is missed by the next.
		find("ledger/pods/kill-one", notOnTheVolume, by("reads", cause.ReplacedWithout), ask(cause.Volume)),
		hold("ledger/pods/container-kill"),
		hold("ledger/rollout/restart"),
		hold("ledger/busy"),
	}
}
