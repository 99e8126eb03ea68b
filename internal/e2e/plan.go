package main

// The verdicts, by the exit codes of the program.
const (
	held    = "held"
	broken  = "broken"
	unknown = "unknown"
)

// healthy is the service without a defect; deployments are made in
// alphabetical order, and it comes first.
const healthy = ""

// experiment is a standard experiment on the service with a defect.
type experiment struct {
	id     string
	defect string
	want   string
	smoke  bool // part of the few
	specs  bool // as Ginkgo specs
}

// plan is every experiment on the healthy service, and on the one with the
// defect that it finds.
func plan() []experiment {
	find := func(id, defect string) experiment { return experiment{id: id, defect: defect, want: broken} }
	hold := func(id string) experiment { return experiment{id: id, want: held} }
	few := func(e experiment) experiment { e.smoke = true; return e }
	return []experiment{
		{id: "pods/kill-one", want: held, smoke: true, specs: true},
		few(hold("pods/kill-one")),
		few(find("pods/kill-one", "no-readiness")),
		find("pods/kill-one", "one-replica"),
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
		few(hold("network/partition")),
		find("network/partition", "no-timeout"),
		find("network/partition", "no-breaker"),
		find("network/partition", "liveness-on-payments"),
		few(hold("stress/cpu-one")),
		hold("stress/cpu-all"),
		find("stress/cpu-all", "cpu-limit-too-low"),
		hold("stress/memory"),
		find("stress/memory", "memory-leak"),
	}
}
