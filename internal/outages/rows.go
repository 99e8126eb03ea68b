package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aftershockhq/aftershock/record"
)

// The faults of the rows, in YAML: one that is held, and one that is over at once.
var faultTexts = map[string]string{
	"delay": "{networkDelay: {pods: all, latency: 200ms}}",
	"kill":  "{podKill: {pods: 1}}",
}

// experimentTexts are the experiments, by their names. Undoing may take as long as a
// controller that was cut off from the API server needs to see it again.
func experimentTexts() map[string]string {
	texts := map[string]string{}
	for name, fault := range faultTexts {
		texts[name] = fmt.Sprintf("{service: checkout, times: {settle: 3s, hold: 15s, watch: 3s, undo: 3m}, faults: {fault: %s}}", fault)
	}
	return texts
}

// checkTexts need Prometheus: some seconds without it leave them unknown.
var checkTexts = map[string]string{
	"scraped": `{query: 'count(up{app="checkout"} == 1)', good: value >= 1, limits: [downtime <= 5s]}`,
}

// A row is an outage of a tool in one run.
type row struct {
	name  string
	fault string // one of faultTexts
	// phase is that in which the outage begins, late after it has begun; empty:
	// before the run.
	phase string
	late  time.Duration
	lasts time.Duration // zero: until the run has ended
	outage
	// ends are the exit codes that are right. With 0 every proof must be held.
	ends []int
	// says matches the sentence of the report that names the outage.
	says string
	// untouched: the run is refused before it has a record.
	untouched bool
	// remover is what must remove what the run leaves; empty: it leaves nothing.
	remover string
}

// Who may have to remove what a run left.
const (
	bySweep  = "aftershock sweep"
	bySwitch = "the dead-man switch"
)

// An outage takes a tool away and gives it back.
type outage struct {
	begin, end func(context.Context, *scene) error
	// through is which of the run's servers is reached through a proxy. At least one
	// request must meet the outage there.
	through string
	arm     func(*scene) // before the run starts; nil: nothing is to be armed
	disk    bool         // the records are on a small disk of their own
	clock   bool         // the program is built with a clock of its own
}

const (
	apiServer  = "the API server"
	prometheus = "Prometheus"
)

// Words that name an outage in a report.
const (
	saysAPI     = `the API server (does not answer|was not reached)`
	saysMany    = `the API server takes no more requests for now \(429\)`
	saysMesh    = `a webhook does not answer|Chaos Mesh says|is still there \(finalizers`
	saysMetrics = `prometheus: query .*(connection refused|no answer within|server error: 500|unexpected EOF)`
	saysNode    = `node/\S+ (is )?not ready`
	saysShop    = `(was marked for deletion at \S+; \S+ ){2}was marked for deletion`
	saysDisk    = `no space left on device`
	// By the run's clock it is Prometheus' that is another, once it has been stepped.
	saysClock  = `at the end: its clock is (1m(29|30)|8[89]|9[01])\S* `
	saysAhead  = saysClock + `behind`
	saysBehind = saysClock + `ahead of`
)

// rows are all of them.
func rows() []row {
	const hold, undo = record.PhaseHold, record.PhaseRecover
	second := time.Second
	fine := []int{0, 3}
	unknown := []int{3}
	// The harness may fail to inject, and nothing is in place then.
	failed := []int{0, 3, 4}
	return []row{
		{name: "none", fault: "delay", phase: hold, lasts: second, outage: nothing, ends: []int{0}},
		{name: "none", fault: "kill", phase: hold, lasts: second, outage: nothing, ends: []int{0}},

		{name: "webhooks away in preflight", fault: "delay", outage: component("chaos-controller-manager"), ends: unknown, says: saysMesh, untouched: true},
		{name: "webhooks away at the create", fault: "delay", phase: record.PhaseSettle, outage: component("chaos-controller-manager"), ends: failed, says: saysMesh},
		{name: "429 from inject on, 10 s", fault: "delay", phase: record.PhaseInject, lasts: 10 * second, outage: many, ends: failed, says: saysMany},
		{name: "429 in hold, 10 s", fault: "delay", phase: hold, late: 2 * second, lasts: 10 * second, outage: many, ends: fine, says: saysMany},
		{name: "429 in undo, 10 s", fault: "delay", phase: undo, lasts: 10 * second, outage: manyAtDelete, ends: fine, says: saysMany},
		{name: "429 from inject on, 10 s", fault: "kill", phase: record.PhaseInject, lasts: 10 * second, outage: many, ends: failed, says: saysMany},

		{name: "API server away 20 s", fault: "delay", phase: hold, late: second, lasts: 20 * second, outage: component("kube-apiserver"), ends: fine, says: saysAPI},
		{name: "API server away 20 s", fault: "kill", phase: hold, late: second, lasts: 20 * second, outage: component("kube-apiserver"), ends: fine, says: saysAPI},
		{name: "API server away 8 s", fault: "delay", phase: hold, late: second, lasts: 8 * second, outage: component("kube-apiserver"), ends: fine, says: saysAPI},
		{name: "API server hangs 20 s", fault: "delay", phase: hold, late: second, lasts: 20 * second, outage: hanging("kube-apiserver"), ends: fine, says: saysAPI},
		{name: "cut off from the API server for good", fault: "delay", phase: hold, late: second, outage: cutOff, ends: []int{5}, says: saysAPI, remover: bySweep},
		{name: "cut off from the API server for good, unswept", fault: "delay", phase: hold, late: second, outage: cutOff, ends: []int{5}, says: saysAPI, remover: bySwitch},

		{name: "Chaos Mesh's controller restarted in inject", fault: "delay", phase: record.PhaseInject, lasts: second, outage: restarted("chaos-controller-manager", "chaos-controller-manager"), ends: failed, says: saysMesh},
		{name: "Chaos Mesh's controller restarted in inject", fault: "kill", phase: record.PhaseInject, lasts: second, outage: restarted("chaos-controller-manager", "chaos-controller-manager"), ends: failed, says: saysMesh},
		{name: "chaos-daemon restarted in undo", fault: "delay", phase: undo, lasts: second, outage: restarted("chaos-daemon", "node1/chaos-daemon"), ends: fine, says: saysMesh},
		{name: "chaos-daemon away from before the undo, 6 s", fault: "delay", phase: hold, late: 10 * second, lasts: 6 * second, outage: component("node1/chaos-daemon"), ends: fine, says: saysMesh},

		{name: "Prometheus slow, 10 s", fault: "delay", phase: hold, late: second, lasts: 10 * second, outage: slow, ends: unknown, says: saysMetrics},
		{name: "Prometheus answers 500", fault: "delay", phase: hold, late: second, lasts: 10 * second, outage: failing, ends: unknown, says: saysMetrics},
		{name: "Prometheus answers half a body", fault: "delay", phase: hold, late: second, lasts: 10 * second, outage: half, ends: unknown, says: saysMetrics},
		{name: "Prometheus away 10 s", fault: "delay", phase: hold, late: second, lasts: 10 * second, outage: component("prometheus"), ends: unknown, says: saysMetrics},
		{name: "Prometheus away 10 s", fault: "kill", phase: hold, late: second, lasts: 10 * second, outage: component("prometheus"), ends: unknown, says: saysMetrics},

		// The service is away then, too: broken is right.
		{name: "namespace deleted", fault: "delay", phase: hold, late: 3 * second, outage: namespaceGone, ends: []int{1, 3}, says: saysShop},
		{name: "namespace deleted", fault: "kill", phase: hold, late: 3 * second, outage: namespaceGone, ends: []int{1, 3}, says: saysShop},
		{name: "node NotReady", fault: "delay", phase: hold, lasts: 18 * second, outage: component("node1/kubelet"), ends: []int{1, 3}, says: saysNode},
		{name: "node NotReady", fault: "kill", phase: hold, lasts: 18 * second, outage: component("node1/kubelet"), ends: []int{1, 3}, says: saysNode},

		{name: "disk full", fault: "delay", phase: hold, late: 3 * second, outage: diskFull, ends: []int{3, 4}, says: saysDisk},
		{name: "disk full", fault: "kill", phase: hold, late: 3 * second, outage: diskFull, ends: []int{3, 4}, says: saysDisk},
		{name: "clock 90 s ahead", fault: "delay", phase: hold, late: 3 * second, outage: clockBy(90), ends: fine, says: saysAhead},
		{name: "clock 90 s back", fault: "delay", phase: hold, late: 3 * second, outage: clockBy(-90), ends: fine, says: saysBehind},
	}
}

// directory is that of its run. Its name has no word that a report may be searched for.
func (r row) directory() string {
	return fmt.Sprintf("row%02d", 1+slices.IndexFunc(rows(), func(other row) bool { return other.id() == r.id() }))
}

// id is what -only names.
func (r row) id() string { return r.name + "/" + r.fault }
