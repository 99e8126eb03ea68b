package cause_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/experiments/recovery"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// faults are the kinds of faults of the records below, by the first word of their text.
var faults = map[string]record.Injection{
	"kill":      {Kind: record.KindPodKill, ChangesPods: true, OneShot: true, Effects: []record.Effect{{Event: record.EventGone}}},
	"evict":     {Kind: record.KindEvict, ChangesPods: true, OneShot: true, Effects: []record.Effect{{Event: record.EventGone}}},
	"drain":     {Kind: record.KindDrain, ChangesPods: true, Effects: []record.Effect{{Event: record.EventGone}}},
	"restart":   {Kind: record.KindRestart, ChangesPods: true, Rolls: true, Effects: []record.Effect{{Event: record.EventGone}}},
	"container": {Kind: record.KindContainerKill, OneShot: true, Effects: []record.Effect{{Event: record.EventRestarted}}},
	"delay":     {Kind: record.KindNetworkDelay, Effects: []record.Effect{{Signal: record.TrafficSignal, Rise: 0.2}}},
	"cut":       {Kind: record.KindNetworkPartition, Peers: []string{"pods app=payments in shop"}, Effects: []record.Effect{{Signal: "calls"}}},
	"stress":    {Kind: record.KindStressCPU, EndsOnRestart: true, Effects: []record.Effect{{Signal: "cpu", Rise: 0.5}}},
	"memory":    {Kind: record.KindStressMemory, EndsOnRestart: true, Effects: []record.Effect{{Signal: "memory", Rise: 0.5}}},
	"stop":      {Effects: []record.Effect{{Event: record.EventGone}}}, // of their node, by a fault of one's own
	"surge":     {Kind: record.KindSurge, Effects: []record.Effect{{Signal: record.TrafficSignal, Times: 4}}},
}

// trio is three pods of a Deployment that serve.
const trio = `
	0 exists replicaset/shop/shop-1 rs owner=Deployment/checkout
	0 exists pod/shop/a a owner=ReplicaSet/shop-1 node=n1
	0 exists pod/shop/b b owner=ReplicaSet/shop-1 node=n1
	0 exists pod/shop/c c owner=ReplicaSet/shop-1 node=n1
` + three

// single is one.
const single = `
	0 exists replicaset/shop/shop-1 rs owner=Deployment/checkout
	0 exists pod/shop/a a owner=ReplicaSet/shop-1 node=n1
	0 exists endpoint/shop/a a
`

// killedAt is a pod that is killed, and replaced by one that is Ready after a while.
func killedAt(pod, next string, at, back float64) string {
	return fmt.Sprintf("%[3]g..%[4]g gone pod/shop/%[1]s %[1]s\n%[5]g removed endpoint/shop/%[1]s %[1]s\n", pod, next, at, at+0.1, at+0.2) + comes(next, at+0.2, back)
}

// endedAt is the same of one that is asked to end.
func endedAt(pod, next string, at, back float64) string {
	return fmt.Sprintf("%[2]g..%[3]g terminating pod/shop/%[1]s %[1]s\n%[4]g removed endpoint/shop/%[1]s %[1]s\n%[5]g gone pod/shop/%[1]s %[1]s\n", pod, at, at+0.1, at+0.5, at+2) + comes(next, at+0.2, back)
}

// evictedAt is the same of one that is evicted.
func evictedAt(pod, next string, at, back float64) string {
	return fmt.Sprintf("%[2]g..%[3]g evicted pod/shop/%[1]s %[1]s\n", pod, at, at+0.1) + endedAt(pod, next, at, back)
}

// comes is a pod that is created, and Ready after a while.
func comes(pod string, at, back float64) string {
	return fmt.Sprintf("%[2]g created pod/shop/%[1]s %[1]s owner=ReplicaSet/shop-1\n%[3]g ready pod/shop/%[1]s %[1]s\n%[4]g added endpoint/shop/%[1]s %[1]s\n", pod, at, back, back+0.1)
}

// An attack is a record of known truth: several faults, or one and what has nothing to do
// with it.
type attack struct {
	name     string
	events   string
	workload func(*record.Workload) // nil: sound
	requests [][]record.Entry
	outage   string // START to END of it; empty: a limit on values broke without one
	bad      int    // of 100
	query    string // the check is on this query; empty: on requests
	// rules are those that are true, with "" if to say nothing is; the others are lies.
	rules []string
	// says is what Why, if it says something, must say; lie is what neither that nor Who may.
	says, lie string
	// advice are the kinds that are right, each of which may be left out unless the rule is
	// the only one; prove is what would prove each, if it is set.
	advice []string
	prove  string
}

func TestCausesOfSeveralFaults(t *testing.T) {
	ms := time.Millisecond
	failed := func(why, from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Error: why})
	}
	refused := func(from string, n int) []record.Entry { return failed(record.ConnectionRefused, from, n) }
	reset := func(from string, n int) []record.Entry { return failed("connection reset", from, n) }
	silent := func(from string, n int) []record.Entry { return failed(record.TimedOut, from, n) }
	by := func(pod, from string, n int, took time.Duration) []record.Entry {
		return requests(from, n, took, record.Outcome{Code: 200, Backend: pod})
	}
	slow := func(pod, from string, n int) []record.Entry { return by(pod, from, n, 1500*ms) }
	unavailable := func(pod, from string, n int) []record.Entry {
		return requests(from, n, ms, record.Outcome{Code: 503, Backend: pod})
	}
	list := func(lists ...[]record.Entry) [][]record.Entry { return lists }
	r := func(rules ...string) []string { return rules }
	replicas := func(n int) func(*record.Workload) { return func(w *record.Workload) { w.Replicas = n } }
	unavailableAll := func(w *record.Workload) { w.MaxUnavailable = "100%" }
	noBudget := func(w *record.Workload) { w.Budgets = []string{} }
	onOne := func(w *record.Workload) {
		w.Nodes, w.SchedulableNodes, w.AllowedNodes, w.Spread = map[string]string{"a": "n1", "b": "n1", "c": "n1"}, 2, 2, map[string]string{}
	}
	const oom, exit = " container=checkout reason=OOMKilled code=137\n", " container=checkout reason=Error code=137\n"
	stops := func(pod string, at float64, how string) string {
		return fmt.Sprintf("%[2]g stopped pod/shop/%[1]s %[1]s%[4]s%[3]g restarted pod/shop/%[1]s %[1]s%[4]s", pod, at, at+0.5, how)
	}
	const other = "0 exists replicaset/shop/cart-5 crs owner=Deployment/cart\n0 exists pod/shop/x x owner=ReplicaSet/cart-5\n"
	// early is a fault that is long over.
	const early = "10..10.1 inject delay a\n12 undo delay\n"
	const liveness = "Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Liveness_probe_failed:_context_deadline_exceeded\n"
	const killing = "Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_checkout_failed_liveness_probe,_will_be_restarted\n"
	probed := func(at float64) string {
		return fmt.Sprintf("%g..%g %s%g..%g %s", at-2, at-1, liveness, at-1.2, at-0.2, killing) + stops("b", at, exit)
	}
	allKilled := func(at, back float64) string {
		return killedAt("a", "d", at, back) + killedAt("b", "e", at, back) + killedAt("c", "f", at, back)
	}
	limited := func(hpa, target string, at float64) string {
		return fmt.Sprintf("0 exists hpa/shop/%[1]s h%[1]s spec={\"maxReplicas\":3,\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"%[2]s\"}}\n"+
			"%[3]g changed hpa/shop/%[1]s h%[1]s status={\"conditions\":[{\"type\":\"ScalingLimited\",\"status\":\"True\",\"reason\":\"TooManyReplicas\"}]}\n", hpa, target, at)
	}
	lied := 0
	for _, row := range []attack{
		// At once.
		{
			name:   "a pod is killed as a dependency is cut off, and what fails has no name",
			events: trio + "10..10.1 inject kill a\n10..10.1 inject cut b\n11.5 undo cut\n" + killedAt("a", "d", 10, 12), requests: list(silent("10.1", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(""),
		},
		{
			name:   "a pod is killed as a dependency is cut off, and requests are refused",
			events: trio + "10..10.1 inject kill a\n10..10.1 inject cut b\n11.5 undo cut\n" + killedAt("a", "d", 10, 12), requests: list(refused("10.1", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(cause.Lingered), advice: r("Ask " + cause.ClientRetry),
		},
		{
			name:   "one pod is evicted as another one is killed, and requests are refused",
			events: trio + "10..10.1 inject evict a\n10..10.1 inject kill b\n" + evictedAt("a", "d", 10, 15) + killedAt("b", "e", 10, 15), requests: list(refused("10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(""),
		},
		{
			name:   "one pod is evicted as another one is killed, and the one that was evicted answers with an error",
			events: trio + "10..10.1 inject evict a\n10..10.1 inject kill b\n" + evictedAt("a", "d", 10, 15) + killedAt("b", "e", 10, 15), requests: list(unavailable("a", "10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(cause.ClosedEarly, cause.Ended), says: "a ", advice: r("Ask "+cause.DrainFirst, "Ask "+cause.FinishRequests),
		},
		{
			name:   "two pods are killed while the network is slow, and the one that is left answers too slowly",
			events: trio + "9..9.1 inject delay a,b,c\n10..10.1 inject kill a,b\n21 undo delay\n" + killedAt("a", "d", 10, 20) + killedAt("b", "e", 10, 20), requests: list(slow("c", "10.3", 90)),
			outage: "10.3..10.4 to 19.5..20.8", bad: 90, rules: r(""),
		},
		{
			name:   "a pod is killed as the load is raised, and it is over when that pod is back",
			events: trio + "10..10.1 inject surge requests\n10..10.1 inject kill a\n40 undo surge\n" + killedAt("a", "d", 10, 13), requests: list(slow("b", "10.3", 20), slow("c", "10.3", 20)),
			outage: "10.3..10.4 to 13..13.3", bad: 90, rules: r(""),
		},
		{
			name:   "a pod is killed while the network is cut off, and its successor answers when that is over",
			events: trio + "9..9.1 inject cut a,b,c\n10..10.1 inject kill a\n14.4 undo cut\n" + killedAt("a", "d", 10, 11), requests: list(unavailable("d", "11.2", 30), by("d", "14.5", 1, 10*ms)),
			outage: "11.1..11.2 to 14.3..14.5", bad: 30, rules: r(""),
		},
		{
			name:   "the only pod is killed as a dependency is cut off",
			events: single + "10..10.1 inject kill a\n10..10.1 inject cut a\n30 undo cut\n" + killedAt("a", "d", 10, 13), workload: replicas(1), requests: list(refused("10.1", 30)),
			outage: "10..10.1 to 13.1..13.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name:   "the network is slow, and then the only pod is killed: half of it is by either",
			events: single + "10..10.1 inject delay a\n15..15.1 inject kill a\n30 undo delay\n" + killedAt("a", "d", 15, 20), workload: replicas(1), requests: list(slow("a", "10.5", 45), refused("15", 52)),
			outage: "10.5..10.6 to 20.1..20.3", bad: 100, rules: r(""),
		},
		{
			name:   "two pods are killed at once",
			events: trio + "10..10.1 inject kill a\n10..10.1 inject kill_again b\n" + killedAt("a", "d", 10, 15) + killedAt("b", "e", 10, 15), requests: list(refused("10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(cause.Lingered), says: "a pod", advice: r("Ask " + cause.ClientRetry),
		},
		// Overlapping.
		{
			name:   "a pod is killed in a rollout, before that came to it",
			events: trio + "10..10.1 inject restart a,b,c\n20..20.1 inject kill a\n" + killedAt("a", "d", 20, 25) + endedAt("b", "e", 12, 17), requests: list(reset("19.2", 10)),
			outage: "19.2..19.3 to 20.3..20.4", bad: 30, rules: r(cause.CutOff, cause.Lingered, ""), says: "a ", advice: r("Ask " + cause.ClientRetry),
		},
		{
			name:   "a pod that a rollout had asked to end is killed",
			events: trio + "10..10.1 inject restart a,b,c\n10.5..10.6 inject kill a\n10.2..10.3 terminating pod/shop/a a\n" + killedAt("a", "d", 10.5, 15), workload: func(w *record.Workload) { w.Containers[0].PreStop = false }, requests: list(reset("9.9", 9)),
			outage: "9.9..10 to 10.8..10.9", bad: 30, rules: r(""),
		},
		{
			name:   "a rollout while the processors are busy, and pods that do not end answer too slowly",
			events: trio + "8..8.1 inject stress a,b,c\n10..10.1 inject restart a,b,c\n40 undo stress\n" + endedAt("a", "d", 10, 12) + endedAt("b", "e", 12, 14), requests: list(slow("c", "10.1", 35)),
			outage: "10.1..10.2 to 13.6..13.8", bad: 30, rules: r(""),
		},
		{
			name:   "a rollout while the processors are busy, and requests to the pods that end are refused",
			events: trio + "8..8.1 inject stress a,b,c\n10..10.1 inject restart a\n40 undo stress\n" + endedAt("a", "d", 10, 12), requests: list(refused("10.2", 9)),
			outage: "10.1..10.2 to 11.1..11.2", bad: 30, rules: r(cause.ClosedEarly, cause.Ended), advice: r("Ask "+cause.DrainFirst, "Ask "+cause.FinishRequests),
		},
		{
			name:   "a pod of those whose network is slow is killed: one pod was away",
			events: trio + "8..8.1 inject delay a,b,c\n10..10.1 inject kill a\n40 undo delay\n" + killedAt("a", "d", 10, 13), query: "ops_total",
			outage: "10.3..10.5 to 13..13.5", bad: 90, rules: r(cause.Away), says: "a was away: it began 200ms to 500ms",
		},
		{
			name:   "a pod is killed as its network gets slow, until it is back",
			events: trio + "10..10.1 inject delay a,b,c\n10..10.1 inject kill a\n13 undo delay\n" + killedAt("a", "d", 10, 13), query: "ops_total",
			outage: "10.3..10.5 to 13..13.5", bad: 90, rules: r(""),
		},
		// One after the other.
		{
			name: "a pod is killed, and long after that another one: the first time", query: "ops_total",
			events: trio + "10..10.1 inject kill a\n40..40.1 inject kill_again b\n" + killedAt("a", "d", 10, 11) + killedAt("b", "e", 40, 44),
			outage: "10.3..10.5 to 11..12", bad: 90, rules: r(cause.Away), says: "a was away: it began 200ms to 500ms after the fault took effect, and all pods were Ready again within 1s",
		},
		{
			name: "a pod is killed, and long after that another one: the second time", query: "ops_total",
			events: trio + "10..10.1 inject kill a\n40..40.1 inject kill_again b\n" + killedAt("a", "d", 10, 11) + killedAt("b", "e", 40, 44),
			outage: "40.3..40.5 to 44..45", bad: 90, rules: r(cause.Away), says: "b was away: it began 200ms to 500ms after the fault took effect, and all pods were Ready again within 4s",
		},
		{
			name: "a pod is killed, and then its successor", events: trio + "10..10.1 inject kill a\n20..20.1 inject kill_again d\n" + killedAt("a", "d", 10, 12) + killedAt("d", "e", 20, 22),
			requests: list(refused("20.15", 10)), outage: "20.1..20.2 to 21.2..21.3", bad: 30, rules: r(cause.Lingered), says: "went on to (d|a pod) ", advice: r("Ask " + cause.ClientRetry),
		},
		{
			name: "a pod is killed and back, and later the network is slow, as a query sees", query: "ops_total",
			events: trio + "10..10.1 inject kill a\n30..30.1 inject delay a,b,c\n50 undo delay\n" + killedAt("a", "d", 10, 11),
			outage: "30.5..31 to 50..50.5", bad: 90, rules: r(cause.Faulted, ""), says: `delay`, advice: r("Ask " + cause.Dependency),
		},
		{
			name:   "a pod is killed and back, and later the network is slow",
			events: trio + "10..10.1 inject kill a\n30..30.1 inject delay a,b,c\n50 undo delay\n" + killedAt("a", "d", 10, 11), requests: list(slow("b", "30.4", 190)),
			outage: "30.4..30.5 to 50..50.5", bad: 90, rules: r(cause.Faulted, ""), says: `delay`, advice: r("Ask " + cause.Dependency),
		},
		{
			name: "the pod that was killed is back while the network is slow, and then that is over", query: "ops_total",
			events: trio + "10..10.1 inject delay a,b,c\n11..11.1 inject kill a\n40 undo delay\n" + killedAt("a", "d", 11, 12),
			outage: "11.3..11.5 to 40..41", bad: 90, rules: r("", cause.Faulted), says: "delay", advice: r("Ask " + cause.Dependency),
		},
		{
			name: "all are drained, and long after that all are killed: the second time", workload: noBudget,
			events: trio + "10..10.1 inject drain a,b,c\n12 undo drain\n" + evictedAt("a", "g", 10, 11) + evictedAt("b", "h", 10, 11) + evictedAt("c", "i", 10, 11) +
				"40..40.1 inject kill g,h,i\n" + killedAt("g", "d", 40, 44) + killedAt("h", "e", 40, 44) + killedAt("i", "f", 40, 44),
			requests: list(refused("40.1", 40)), outage: "40..40.1 to 44.1..44.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left",
		},
		{
			name: "all are drained at once, and long after that one is killed: the first time", workload: noBudget,
			events: trio + "10..10.1 inject drain a,b,c\n16 undo drain\n" + evictedAt("a", "g", 10, 15) + evictedAt("b", "h", 10, 15) + evictedAt("c", "i", 10, 15) +
				"40..40.1 inject kill g\n" + killedAt("g", "d", 40, 44),
			requests: list(refused("10.5", 46)), outage: "10.4..10.5 to 15.1..15.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left", advice: r("Mend " + cause.Budget),
		},
		{
			name: "one is evicted, and another one long after that", workload: noBudget,
			events:   trio + "10..10.1 inject evict a\n40..40.1 inject evict_again b\n" + evictedAt("a", "d", 10, 14) + evictedAt("b", "e", 40, 44),
			requests: list(slow("b", "10.5", 30), slow("c", "10.5", 30)), outage: "10.5..10.6 to 13.5..14", bad: 90, rules: r(cause.TooFew, ""),
		},
		{
			name: "all are killed, and long after that there is a rollout: the first time", workload: unavailableAll,
			events:   trio + "10..10.1 inject kill a,b,c\n40..40.1 inject restart d,e,f\n" + allKilled(10, 14) + endedAt("d", "g", 40, 41) + endedAt("e", "h", 40, 41) + endedAt("f", "i", 40, 41),
			requests: list(refused("10.1", 40)), outage: "10..10.1 to 14.1..14.2", bad: 100, rules: r(cause.NoneLeft),
		},
		{
			name: "all are killed, and long after that there is a rollout: the second time", workload: unavailableAll,
			events:   trio + "10..10.1 inject kill a,b,c\n40..40.1 inject restart d,e,f\n" + allKilled(10, 14) + endedAt("d", "g", 40, 45) + endedAt("e", "h", 40, 45) + endedAt("f", "i", 40, 45),
			requests: list(refused("40.5", 46)), outage: "40.4..40.5 to 45.1..45.2", bad: 100, rules: r(cause.NoneLeft), advice: r("Mend " + cause.MaxUnavailable),
		},
		{
			name: "there is a rollout, and long after that all are killed: the second time", workload: unavailableAll,
			events: trio + "10..10.1 inject restart a,b,c\n" + endedAt("a", "g", 10, 11) + endedAt("b", "h", 10, 11) + endedAt("c", "i", 10, 11) +
				"40..40.1 inject kill g,h,i\n" + killedAt("g", "d", 40, 44) + killedAt("h", "e", 40, 44) + killedAt("i", "f", 40, 44),
			requests: list(refused("40.1", 40)), outage: "40..40.1 to 44.1..44.2", bad: 100, rules: r(cause.NoneLeft),
		},
		{
			name: "the only pod is rolled out, and long after that killed", workload: func(w *record.Workload) { w.Replicas, w.Strategy = 1, "Recreate" },
			events:   single + "10..10.1 inject restart a\n40..40.1 inject kill d\n" + endedAt("a", "d", 10, 11) + killedAt("d", "e", 40, 44),
			requests: list(refused("40.1", 40)), outage: "40..40.1 to 44.1..44.2", bad: 100, rules: r(cause.NoneLeft), advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name:   "a liveness probe runs out of time while processors are busy, and later a dependency is cut off",
			events: trio + "10..10.1 inject stress a,b,c\n30 undo stress\n40..40.1 inject cut a,b,c\n50 undo cut\n" + probed(20), requests: list(refused("20.1", 10)),
			outage: "20..20.1 to 21..21.5", bad: 30, rules: r(cause.Restarted), advice: r("Ask " + cause.LivenessTime),
		},
		{
			name:   "a liveness probe runs out of time while a dependency is cut off, and processors were busy before",
			events: trio + "10..10.1 inject stress a,b,c\n15 undo stress\n40..40.1 inject cut a,b,c\n60 undo cut\n" + probed(50), requests: list(refused("50.1", 10)),
			outage: "50..50.1 to 51..51.5", bad: 30, rules: r(cause.Restarted), advice: r("Ask " + cause.LivenessNeeds),
		},
		{
			name:   "a liveness probe runs out of time while processors are busy and a dependency is cut off",
			events: trio + "10..10.1 inject stress a,b,c\n30 undo stress\n10..10.1 inject cut a,b,c\n30 undo cut\n" + probed(20), requests: list(refused("20.1", 10)),
			outage: "20..20.1 to 21..21.5", bad: 30, rules: r(cause.Restarted), lie: "liveness probe need",
		},
		{
			name:   "a container crashes, and long after that a liveness probe ends another one: the first time",
			events: trio + "10..10.1 inject delay a,b,c\n12 undo delay\n40..40.1 inject stress a,b,c\n55 undo stress\n" + stops("c", 14, exit) + probed(50), requests: list(refused("14.1", 10)),
			outage: "14..14.1 to 15..15.5", bad: 30, rules: r(cause.Restarted), lie: "by its liveness",
		},
		{
			name:   "a container is killed, and long after that its liveness probe ends it while a dependency is cut off",
			events: trio + "10..10.1 inject container b\n40..40.1 inject cut a,b,c\n60 undo cut\n" + stops("b", 10, exit) + probed(50), requests: list(refused("50.1", 10)),
			outage: "50..50.1 to 51..51.5", bad: 30, rules: r(cause.Restarted), says: "by its liveness probe", advice: r("Ask " + cause.LivenessNeeds),
		},
		{
			name: "an autoscaler has made three of one pod, and all are killed", workload: replicas(1),
			events:   single + "10..10.1 inject surge requests\n50 undo surge\n" + limited("checkout", "checkout", 12) + comes("b", 12, 14) + comes("c", 12, 14) + "40..40.1 inject kill a,b,c\n" + allKilled(40, 44),
			requests: list(refused("40.1", 40)), outage: "40..40.1 to 44.1..44.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left",
		},
		{
			name:   "two surges, and the autoscaler is at its max in the second: the first time",
			events: trio + "10..10.1 inject surge requests\n25 undo surge\n40..40.1 inject surge_again requests\n59 undo surge_again\n" + limited("checkout", "checkout", 50), requests: list(slow("b", "11", 100)),
			outage: "11..11.1 to 22..22.5", bad: 90, rules: r(cause.Surged), says: "900ms to 1.1s after",
		},
		{
			name:   "two surges, and the autoscaler is at its max in the second: the second time",
			events: trio + "10..10.1 inject surge requests\n25 undo surge\n40..40.1 inject surge_again requests\n59 undo surge_again\n" + limited("checkout", "checkout", 50), requests: list(slow("b", "41", 100)),
			outage: "41..41.1 to 52..52.5", bad: 90, rules: r(cause.Surged), says: "900ms to 1.1s after", advice: r("Mend " + cause.MaxReplicas),
		},
		// On a condition.
		{
			name:   "a pod is killed while the autoscaler scales out, and it begins with that",
			events: trio + "10..10.1 inject surge requests\n50 undo surge\n13..13.1 inject kill a\n" + limited("checkout", "checkout", 12) + comes("x", 12, 20) + killedAt("a", "d", 13, 21), requests: list(slow("b", "13.1", 40), slow("c", "13.1", 40)),
			outage: "13.1..13.2 to 20..20.5", bad: 90, rules: r(""),
		},
		{
			name:   "a pod is killed while the autoscaler scales out, and it had begun before",
			events: trio + "10..10.1 inject surge requests\n50 undo surge\n20..20.1 inject kill a\n" + limited("checkout", "checkout", 12) + comes("x", 12, 25) + killedAt("a", "d", 20, 26), requests: list(slow("b", "11", 140), slow("c", "11", 140)),
			outage: "11..11.1 to 26..26.5", bad: 90, rules: r(cause.Surged), advice: r("Mend " + cause.MaxReplicas),
		},
		// Beside one fault.
		{
			name:   "another pod has no memory left as one is killed",
			events: trio + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 12) + stops("b", 10.3, oom), requests: list(refused("10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(""),
		},
		{
			name:   "another pod has no memory left as one is killed, and the third is too slow",
			events: trio + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 14) + stops("b", 10.3, oom), requests: list(slow("c", "10.4", 30)),
			outage: "10.3..10.4 to 13.5..14", bad: 90, rules: r(""),
		},
		{
			name:   "a pod of another workload has no memory left as one is killed",
			events: trio + other + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 12) + stops("x", 10.3, oom), requests: list(refused("10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(cause.Lingered), advice: r("Ask " + cause.ClientRetry),
		},
		{
			name:   "a pod has no memory left when a slow network is nearly over",
			events: trio + "10..10.1 inject delay a,b,c\n40 undo delay\n" + stops("b", 38, oom), requests: list(slow("a", "10.5", 290), slow("c", "10.5", 290)),
			outage: "10.5..10.6 to 40.5..40.6", bad: 90, rules: r(cause.Faulted, ""), advice: r("Ask " + cause.Dependency),
		},
		{
			name: "a pod has no memory left when a slow network is nearly over, as a query sees", query: "ops_total",
			events: trio + "10..10.1 inject delay a,b,c\n40 undo delay\n" + stops("b", 38, oom) + "38 not_ready pod/shop/b b\n39 ready pod/shop/b b\n",
			outage: "10.5..10.6 to 40.5..40.6", bad: 90, rules: r(cause.Faulted, ""), advice: r("Ask " + cause.Dependency),
		},
		{
			name: "memory grows until a pod has none left", query: "memory_bytes",
			events: trio + early + stops("b", 38, oom), outage: "30..31 to 38.5..40", bad: 90, rules: r(cause.KilledForMemory), advice: r("Ask " + cause.Memory),
			says: `^consistent with: memory ran out: it was over within 2s of container checkout of b being killed for lack of memory \(OOMKilled\)$`,
		},
		{
			name: "memory grows until two pods have none left", query: "memory_bytes",
			events: trio + early + stops("c", 38, oom) + stops("b", 40, oom), outage: "20..21 to 41..43", bad: 90, rules: r(cause.KilledForMemory), advice: r("Ask " + cause.Memory),
			says: "within 3s of container checkout of b, the last of 2 pods, being killed",
		},
		{
			name: "a query of memory is bad for long after a pod had none left", query: "memory_bytes",
			events: trio + early + stops("b", 38, oom), outage: "16..17 to 49..50", bad: 90, rules: r(""),
		},
		{
			name: "a query of memory is bad until a pod that had none left starts again, a minute later", query: "memory_bytes",
			events: trio + early + "30 stopped pod/shop/b b" + oom + "50 restarted pod/shop/b b" + oom, outage: "20..21 to 50..51", bad: 90, rules: r(cause.KilledForMemory, ""), says: "^consistent with: container",
			advice: r("Ask " + cause.Memory),
		},
		{
			name: "a query of memory may have been bad only since a pod had none left", query: "memory_bytes",
			events: trio + early + stops("b", 38, oom), outage: "20..38.6 to 39..40", bad: 90, rules: r(cause.KilledForMemory, ""), says: "^consistent with: container", advice: r("Ask " + cause.Memory),
		},
		{
			name: "a query of memory is bad at the end", query: "memory_bytes",
			events: trio + early + stops("b", 58, oom), outage: "30..31", bad: 90, rules: r(""),
		},
		{
			name: "a pod has no memory left as another query gets good", query: "queue_length",
			events: trio + early + stops("b", 38, oom), outage: "30..31 to 38.5..40", bad: 90, rules: r(""),
		},
		{
			name:   "a pod has no memory left as slow answers end",
			events: trio + early + stops("b", 38, oom), requests: list(slow("a", "30.5", 80)), outage: "30..30.5 to 38.5..40", bad: 90, rules: r(""),
		},
		{
			name: "a pod of another workload has no memory left as a query of memory gets good", query: "memory_bytes",
			events: trio + other + early + stops("x", 38, oom), outage: "30..31 to 38.5..40", bad: 90, rules: r(""),
		},
		{
			name: "a query of memory is bad until a pod has none left, and a fault came meanwhile", query: "memory_bytes",
			events: trio + early + "33..33.1 inject stress a\n50 undo stress\n" + stops("b", 38, oom), outage: "30..31 to 38.5..40", bad: 90, rules: r(""),
		},
		{
			name: "a query of memory is bad until a pod has none left, and another one was killed meanwhile", query: "memory_bytes",
			events: trio + early + "33..33.1 inject kill a\n" + killedAt("a", "d", 33, 35) + stops("b", 38, oom), outage: "30..31 to 38.5..40", bad: 90, rules: r(""),
		},
		{
			name:   "another container is started again when it is nearly over",
			events: trio + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 12) + stops("b", 11.1, exit), requests: list(refused("10.15", 10)),
			outage: "10.1..10.2 to 11.2..11.3", bad: 30, rules: r(cause.Lingered, ""), advice: r("Ask " + cause.ClientRetry),
		},
		{
			name: "all pods were cut off with their node, and their containers are started again when it is back", workload: onOne,
			events: trio + "10..10.1 inject delay a,b,c\n12 undo delay\n" + "15 event not_ready node/n1\n15.2 removed endpoint/shop/a a\n15.2 removed endpoint/shop/b b\n15.2 removed endpoint/shop/c c\n" +
				stops("a", 40, exit) + stops("b", 40, exit) + stops("c", 40, exit) + "42 added endpoint/shop/a a\n42 added endpoint/shop/b b\n42 added endpoint/shop/c c\n",
			requests: list(silent("15.2", 268)), outage: "15..15.2 to 42..42.1", bad: 100, rules: r(cause.NoneLeft), advice: r("Mend " + cause.SpreadOverNodes),
		},
		{
			name: "all pods are killed, and then their node is lost", workload: onOne,
			events: trio + "10..10.1 inject kill a,b,c\n" + allKilled(10, 14) + "11 event not_ready node/n1\n", requests: list(refused("10.1", 40)),
			outage: "10..10.1 to 14.1..14.2", bad: 100, rules: r(cause.NoneLeft),
		},
		{
			name: "all endpoints go, and long after that their node", workload: onOne,
			events: trio + "10..10.1 inject delay a,b,c\n12 undo delay\n20 removed endpoint/shop/a a\n20 removed endpoint/shop/b b\n20 removed endpoint/shop/c c\n45 event not_ready node/n1\n55 added endpoint/shop/a a\n", requests: list(refused("20.1", 350)),
			outage: "20..20.1 to 55..55.1", bad: 100, rules: r(cause.NoneLeft),
		},
		{
			name:   "pods are evicted for their node's memory while the network is somewhat slow",
			events: trio + "10..10.1 inject delay a\n50 undo delay\n20 failed pod/shop/b b reason=Evicted\n20 failed pod/shop/c c reason=Evicted\n20.2 removed endpoint/shop/b b\n20.2 removed endpoint/shop/c c\n" + comes("d", 20.5, 33) + comes("e", 20.5, 33), requests: list(slow("a", "20.3", 130)),
			outage: "20.2..20.3 to 33..34", bad: 90, rules: r(""),
		},
		{
			name:   "a pod is hit by another fault while the network is somewhat slow",
			events: trio + "10..10.1 inject delay a\n50 undo delay\n20 also_hit pod/shop/b b by=NetworkChaos/shop/other\n", requests: list(slow("b", "20.3", 130)),
			outage: "20.2..20.3 to 33..34", bad: 90, rules: r(""),
		},
		{
			name: "a node of its pods is lost while the network is somewhat slow", workload: onOne,
			events: trio + "10..10.1 inject delay a\n50 undo delay\n20 event not_ready node/n1\n", requests: list(silent("20.3", 130)),
			outage: "20.2..20.3 to 33..34", bad: 90, rules: r(""),
		},
		{
			name: "a node without its pods is lost while the network is slow", workload: onOne,
			events: trio + "10..10.1 inject delay a\n50 undo delay\n10.3 event not_ready node/n7\n", requests: list(slow("a", "10.4", 390)),
			outage: "10.4..10.5 to 50..50.5", bad: 90, rules: r(cause.Faulted), advice: r("Ask " + cause.Dependency),
		},
		{
			name: "a node is lost when it is over", workload: onOne,
			events: trio + "10..10.1 inject delay a\n30 undo delay\n34 event not_ready node/n1\n", requests: list(slow("a", "10.4", 190)),
			outage: "10.4..10.5 to 30..30.5", bad: 90, rules: r(cause.Faulted), advice: r("Ask " + cause.Dependency),
		},
		{
			name: "pods of another workload come as the load is raised", query: "ops_total",
			events: trio + other + "10..10.1 inject surge requests\n30 undo surge\n11.8 created pod/shop/y y owner=ReplicaSet/cart-6\n15 ready pod/shop/y y\n",
			outage: "12..12.5 to 15..15.5", bad: 90, rules: r(cause.Surged, ""), lie: "added pod",
		},
		{
			name: "the autoscaler of another workload is at its max as the load is raised", events: trio + limited("cart", "cart", 12) + "10..10.1 inject surge requests\n30 undo surge\n",
			requests: list(slow("b", "11", 150)), outage: "11..11.1 to 28..28.5", bad: 90, rules: r(cause.Surged),
		},
		{
			name: "a pod of another workload is killed when its grace has passed", workload: func(w *record.Workload) { w.GraceSeconds = 2 },
			events: trio + other + "10..10.1 inject restart a\n" + endedAt("a", "d", 10, 12) + "9.5 terminating pod/shop/x x\n11.8 stopped pod/shop/x x" + exit, requests: list(reset("9.9", 9)),
			outage: "9.9..10 to 10.8..10.9", bad: 30, rules: r(cause.Ended), advice: r("Ask " + cause.FinishRequests),
		},
		{
			name: "a pod was killed and is long back, and a query is bad for something else", query: "ops_total",
			events: trio + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 11),
			outage: "40..41", bad: 90, rules: r(""),
		},
		{
			name:   "it had begun before the first fault",
			events: trio + "10..10.1 inject evict a\n" + evictedAt("a", "d", 10, 15), requests: list(refused("8", 4), refused("10.15", 9)),
			outage: "7.9..8 to 11..11.1", bad: 30, rules: r(""),
		},
		{
			name:   "it had begun before the pod was killed",
			events: trio + "10..10.1 inject kill a\n" + killedAt("a", "d", 10, 15), requests: list(refused("8", 4), refused("10.15", 9)),
			outage: "7.9..8 to 11..11.1", bad: 30, rules: r(""),
		},
		{
			name:   "a pod is bad that a fault hits later",
			events: trio + "10..10.1 inject delay a\n15 undo delay\n40..40.1 inject stress b\n50 undo stress\n", requests: list(unavailable("b", "20", 20)),
			outage: "20..20.1 to 22..22.1", bad: 30, rules: r(""), lie: "which the fault hit",
		},
		// Of one fault, or of one that matters.
		{
			name: "an autoscaler had left one of three pods, and that is killed", workload: replicas(1),
			events:   trio + "4 terminating pod/shop/b b\n4 terminating pod/shop/c c\n4.1 removed endpoint/shop/b b\n4.1 removed endpoint/shop/c c\n10..10.1 inject kill a\n" + killedAt("a", "d", 10, 13),
			requests: list(refused("10.1", 30)), outage: "10..10.1 to 13.1..13.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name: "a rollout before the fault had added a pod to the only one, and its successor is killed", workload: replicas(1),
			events:   single + comes("d", 3, 5) + "6 removed endpoint/shop/a a\n6 terminating pod/shop/a a\n8 gone pod/shop/a a\n15..15.1 inject kill d\n" + killedAt("d", "e", 15, 18),
			requests: list(refused("15.1", 30)), outage: "15..15.1 to 18.1..18.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name: "a rollout that adds a pod before it takes the only one, and long after that its successor is killed", workload: replicas(1),
			events:   single + "10..10.1 inject restart a\n" + comes("d", 10.2, 12) + "12.2 terminating pod/shop/a a\n12.4 removed endpoint/shop/a a\n14 gone pod/shop/a a\n40..40.1 inject kill d\n" + killedAt("d", "e", 40, 43),
			requests: list(refused("40.1", 30)), outage: "40..40.1 to 43.1..43.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name: "a rollout that adds a pod before it takes the only one, and soon after that its successor is killed", workload: replicas(1),
			events:   single + "10..10.1 inject restart a\n" + comes("d", 10.2, 12) + "12.2 terminating pod/shop/a a\n12.4 removed endpoint/shop/a a\n14 gone pod/shop/a a\n16..16.1 inject kill d\n" + killedAt("d", "e", 16, 19),
			requests: list(refused("16.1", 30)), outage: "16..16.1 to 19.1..19.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name:     "an autoscaler had left one of three pods some time before that is killed",
			events:   trio + "4 terminating pod/shop/b b\n4 terminating pod/shop/c c\n4.1 removed endpoint/shop/b b\n4.1 removed endpoint/shop/c c\n10..10.1 inject kill a\n" + killedAt("a", "d", 10, 13),
			requests: list(refused("10.1", 30)), outage: "10..10.1 to 13.1..13.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one",
		},
		{
			name: "a rollout takes all pods before it adds any, one some seconds after the other", workload: func(w *record.Workload) { w.Strategy = "Recreate" },
			events: trio + "10..10.1 inject restart a,b,c\n10.2 terminating pod/shop/a a\n13 terminating pod/shop/b b\n16 terminating pod/shop/c c\n10.5 removed endpoint/shop/a a\n13.5 removed endpoint/shop/b b\n16.5 removed endpoint/shop/c c\n" +
				"18 gone pod/shop/a a\n18 gone pod/shop/b b\n18 gone pod/shop/c c\n" + comes("d", 18.2, 22) + comes("e", 18.2, 22) + comes("f", 18.2, 22),
			requests: list(refused("16.5", 56)), outage: "16.4..16.5 to 22.1..22.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left", advice: r("Mend " + cause.RollingUpdate),
		},
		{
			name: "an autoscaler has made three of one pod, and all are drained one after the other", workload: func(w *record.Workload) { w.Replicas, w.Budgets = 1, []string{} },
			events: single + "5..5.1 inject surge requests\n50 undo surge\n" + comes("b", 6, 8) + comes("c", 6, 8) + "10..10.1 inject drain a,b,c\n40 undo drain\n" +
				evictedAt("a", "g", 10, 42) + evictedAt("b", "h", 20, 45) + evictedAt("c", "i", 35, 55),
			requests: list(refused("35.5", 66)), outage: "35.4..35.5 to 42.1..42.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left", advice: r("Mend " + cause.Budget),
		},
		{
			name: "an autoscaler has made three of one pod, and a rollout takes all before it adds any", workload: func(w *record.Workload) { w.Replicas, w.Strategy = 1, "Recreate" },
			events: single + "5..5.1 inject surge requests\n50 undo surge\n" + comes("b", 6, 8) + comes("c", 6, 8) + "20..20.1 inject restart a,b,c\n" +
				endedAt("a", "g", 20, 25) + endedAt("b", "h", 20.5, 25) + endedAt("c", "i", 21, 25),
			requests: list(refused("21.5", 36)), outage: "21.4..21.5 to 25.1..25.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left", advice: r("Mend " + cause.RollingUpdate),
		},
		{
			name: "an autoscaler has made three of one pod, and one again, and that is killed", workload: replicas(1),
			events: single + "5..5.1 inject surge requests\n20 undo surge\n" + comes("b", 7, 8) + comes("c", 7, 8) + "28 terminating pod/shop/b b\n28 terminating pod/shop/c c\n28.2 removed endpoint/shop/b b\n28.2 removed endpoint/shop/c c\n" +
				"50..50.1 inject kill a\n" + killedAt("a", "d", 50, 53),
			requests: list(refused("50.1", 30)), outage: "50..50.1 to 53.1..53.3", bad: 100, rules: r(cause.NoneLeft), says: "the only one", advice: r("Mend " + cause.MoreReplicas),
		},
		{
			name: "three pods are drained one after the other, and no new one is ready", workload: noBudget,
			events:   trio + "10..10.1 inject drain a,b,c\n40 undo drain\n" + evictedAt("a", "g", 10, 42) + evictedAt("b", "h", 25, 45) + evictedAt("c", "i", 39, 55),
			requests: list(refused("39.5", 26)), outage: "39.4..39.5 to 42.1..42.2", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left", advice: r("Mend " + cause.Budget),
		},
		{
			name:   "the nodes of three pods are lost one after the other",
			events: trio + "5..5.1 inject delay a\n7 undo delay\n20 removed endpoint/shop/a a\n30 removed endpoint/shop/b b\n40 removed endpoint/shop/c c\n50 added endpoint/shop/a a\n", requests: list(silent("40.1", 98)),
			outage: "40..40.1 to 50..50.1", bad: 100, rules: r(cause.NoneLeft), says: "all 3 had left",
		},
		{
			name:   "a container crashes a second time, and waits before its next start",
			events: trio + "5..5.1 inject delay a,b,c\n8 undo delay\n" + stops("b", 10, exit) + "15 stopped pod/shop/b b" + exit + "15.2 removed endpoint/shop/b b\n25 restarted pod/shop/b b" + exit + "26 ready pod/shop/b b\n26.1 added endpoint/shop/b b\n",
			outage: "15..15.1 to 26..26.1", bad: 33, requests: list(refused("15.1", 109)), rules: r(cause.Restarted), advice: r("Ask " + cause.LivenessNeeds),
		},
		{
			name: "the only container crashes a second time, and waits before its next start", workload: replicas(1),
			events: single + "5..5.1 inject delay a\n8 undo delay\n" + stops("a", 10, exit) + "15 stopped pod/shop/a a" + exit + "15.2 removed endpoint/shop/a a\n25 restarted pod/shop/a a" + exit + "26 ready pod/shop/a a\n26.1 added endpoint/shop/a a\n",
			outage: "15..15.1 to 26..26.1", bad: 100, requests: list(refused("15.1", 109)), rules: r(cause.Restarted), advice: r("Ask " + cause.LivenessNeeds),
		},
		{
			name: "a fault of one's own stops the node of all pods", workload: onOne,
			events: trio + "10..10.1 inject stop a,b,c\n30 undo stop\n10.2..10.5 event not_ready node/n1\n10.6 removed endpoint/shop/a a\n10.6 removed endpoint/shop/b b\n10.6 removed endpoint/shop/c c\n" +
				"20 terminating pod/shop/a a\n20 terminating pod/shop/b b\n20 terminating pod/shop/c c\n" + comes("d", 20.5, 31) + comes("e", 20.5, 31) + comes("f", 20.5, 31),
			requests: list(silent("10.6", 205)), outage: "10.5..10.6 to 31.1..31.2", bad: 100, rules: r(cause.NoneLeft), advice: r("Mend " + cause.SpreadOverNodes),
		},
		{
			name: "all pods are killed, and right after that their node is lost", workload: onOne,
			events: trio + "10..10.1 inject kill a,b,c\n" + allKilled(10, 14) + "10.15 event not_ready node/n1\n", requests: list(refused("10.1", 40)),
			outage: "10..10.1 to 14.1..14.2", bad: 100, rules: r(cause.NoneLeft),
		},
		{
			name:   "a container is killed, and after a long start its pod is Ready too early",
			events: trio + "10..10.1 inject container a\n10..10.1 stopped pod/shop/a a" + exit + "10.2 removed endpoint/shop/a a\n11 restarted pod/shop/a a" + exit + "45 ready pod/shop/a a\n45.1 added endpoint/shop/a a\n",
			outage: "45.1..45.2 to 48.1..48.3", bad: 33, requests: list(unavailable("a", "45.2", 30), by("a", "48.3", 5, 10*ms)), rules: r(cause.ReadyTooEarly), advice: r("Mend " + cause.EarlyReadiness), prove: "pods/container-kill",
		},
		{
			name: "two are evicted, and long after that what is left is too slow for the load", workload: noBudget,
			events:   trio + "10..10.1 inject drain a,b\n40 undo drain\n" + evictedAt("a", "d", 10, 45) + evictedAt("b", "e", 10, 45),
			requests: list(slow("c", "25", 200)), outage: "25..25.1 to 45.1..45.2", bad: 90, rules: r(cause.TooFew), advice: r("Mend " + cause.Budget),
		},
		{
			name:   "a fault in memory has its own pod evicted",
			events: trio + "10..10.1 inject memory a\n40 undo memory\n12 failed pod/shop/a a reason=Evicted\n12.2 removed endpoint/shop/a a\n" + comes("d", 12.3, 14), requests: list(slow("b", "16", 240)),
			outage: "16..16.1 to 40..40.5", bad: 60, rules: r(cause.Faulted),
		},
		{
			name:   "pods whose network is somewhat slow are evicted for their node's memory",
			events: trio + "10..10.1 inject delay a,b,c\n50 undo delay\n20 failed pod/shop/b b reason=Evicted\n20 failed pod/shop/c c reason=Evicted\n20.2 removed endpoint/shop/b b\n20.2 removed endpoint/shop/c c\n" + comes("d", 20.5, 33) + comes("e", 20.5, 33), requests: list(silent("22", 110)),
			outage: "22..22.1 to 33..34", bad: 90, rules: r(""),
		},
		{
			name:   "a kill fails, and a rollout asks its pod to end",
			events: trio + "10..10.1 inject kill a shortfall=forbidden\n12..12.1 inject restart a\n" + endedAt("a", "d", 12, 14), requests: list(reset("12.2", 5)),
			outage: "12.1..12.2 to 12.7..12.8", bad: 30, rules: r(cause.Ended, cause.ClosedEarly), advice: r("Ask "+cause.FinishRequests, "Ask "+cause.DrainFirst), lie: "killed",
		},
		{
			name:   "whether a pod was killed or asked to end first is not known",
			events: trio + "10..10.1 inject restart a\n12..12.5 inject kill a\n12.1..12.4 terminating pod/shop/a a\n" + killedAt("a", "d", 12.4, 14), requests: list(reset("12.1", 5)),
			outage: "12..12.1 to 12.6..12.7", bad: 30, rules: r(""),
		},
		{
			name:   "a pod with a fault in memory has none left, after it was slow",
			events: trio + "10..10.1 inject memory a\n40 undo memory\n" + stops("a", 12, oom) + "12.1 removed endpoint/shop/a a\n12.8 ready pod/shop/a a\n12.9 added endpoint/shop/a a\n", requests: list(slow("a", "10.5", 1), refused("11.9", 13)),
			outage: "10.5..10.6 to 13.1..13.2", bad: 30, rules: r(cause.KilledForMemory), advice: r("Ask " + cause.Memory),
		},
		{
			name:   "the successor of a pod that was killed has no memory left, without an outage",
			events: trio + "20..20.1 inject kill a\n" + killedAt("a", "d", 20, 28.5) + stops("d", 23, oom), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(cause.KilledForMemory), advice: r("Ask " + cause.Memory),
		},
		{
			name:   "a pod has no memory left while the network of another one is slow, without an outage",
			events: trio + "20..20.1 inject delay a\n30 undo delay\n" + stops("b", 21, oom), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(""),
		},
		{
			name:   "a pod has no memory left while the load is raised, without an outage",
			events: trio + "20..20.1 inject surge requests\n30 undo surge\n" + stops("b", 21, oom), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(cause.KilledForMemory), advice: r("Ask " + cause.Memory),
		},
		{
			name:   "two surges, and the autoscaler is at its max in the first, which was too much, without an outage",
			events: trio + "20..20.1 inject surge requests\n30 undo surge\n45..45.1 inject surge_again requests\n55 undo surge_again\n" + limited("checkout", "checkout", 25), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(cause.Surged), advice: r("Mend " + cause.MaxReplicas),
		},
		{
			name:   "two surges, of which the first was too much, and the autoscaler is at its max in the second, without an outage",
			events: trio + "20..20.1 inject surge requests\n30 undo surge\n45..45.1 inject surge_again requests\n55 undo surge_again\n" + limited("checkout", "checkout", 50), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(cause.Surged),
		},
		// Without an outage.
		{
			name:   "a pod is away, and the network is slow",
			events: trio + "20..20.1 inject kill a\n20..20.1 inject delay b,c\n30 undo delay\n" + killedAt("a", "d", 20, 29), requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(""),
		},
		{
			name:   "a pod of another workload has no memory left while processors are busy",
			events: trio + other + "20..20.1 inject stress a\n40 undo stress\n" + stops("x", 22, oom), requests: list(by("b", "10", 490, 20*ms), by("a", "22", 100, 600*ms)),
			rules: r(cause.Faulted), advice: r("Ask " + cause.CPULimit),
		},
		{
			name:   "a pod is away, and another one had no memory left",
			events: trio + "20..20.1 inject kill a\n" + killedAt("a", "d", 20, 29) + stops("b", 21, oom), requests: list(by("c", "10", 490, 20*ms), by("c", "20.2", 90, 600*ms)),
			rules: r(""),
		},
		{
			name:   "a pod is down when a slow network is nearly over",
			events: trio + "20..20.1 inject delay a,b,c\n40 undo delay\n38 not_ready pod/shop/b b\n39 ready pod/shop/b b\n", requests: list(by("b", "10", 490, 20*ms), by("c", "20.2", 190, 600*ms)),
			rules: r(cause.Faulted, ""), advice: r("Ask " + cause.Dependency),
		},
		{
			name:   "a pod is away, and long after that processors are busy",
			events: trio + "12..12.1 inject kill a\n30..30.1 inject stress a,b,c\n50 undo stress\n" + killedAt("a", "d", 12, 14), requests: list(by("c", "10", 490, 20*ms), by("c", "31", 90, 600*ms)),
			rules: r(cause.Faulted, ""), says: "stress", advice: r("Ask " + cause.CPULimit),
		},
	} {
		ok := t.Run(row.name, func(t *testing.T) {
			result, c := row.cause(t)
			if !slices.Contains(row.rules, c.Rule) {
				t.Errorf("%q by the rule %q, want one of %q", c.Why, c.Rule, row.rules)
			}
			if c.Why != "" && !regexp.MustCompile(row.says).MatchString(c.Why) {
				t.Errorf("%q, want %q", c.Why, row.says)
			}
			told := c.Why + c.Who
			var advice []string
			for _, a := range cause.Advise(result, []cause.Cause{c}) {
				told += a.What
				advice = append(advice, a.Name()+" "+a.Kind)
				if row.prove != "" && a.Prove != row.prove {
					t.Errorf("%s would be proven by %q, want %q", a.Kind, a.Prove, row.prove)
				}
			}
			for _, a := range advice {
				if !slices.Contains(row.advice, a) {
					t.Errorf("advises %q, want one of %q", a, row.advice)
				}
			}
			if len(advice) == 0 && len(row.advice) > 0 && !slices.Contains(row.rules, "") {
				t.Errorf("advises nothing, want one of %q", row.advice)
			}
			if row.lie != "" && strings.Contains(told, row.lie) {
				t.Errorf("%q says %q", told, row.lie)
			}
		})
		if !ok {
			lied++
		}
	}
	t.Logf("%d lie", lied)
}

// cause is what is said of the record, and its result.
func (a attack) cause(t *testing.T) (judge.Result, cause.Cause) {
	t.Helper()
	entries := recordtest.Entries(nil, a.events)
	first := time.Minute
	for _, e := range entries {
		if e.Injection != nil {
			kind, _, _ := strings.Cut(e.Injection.Fault, " ")
			of, known := faults[kind]
			if !known {
				t.Fatalf("no fault is %q", kind)
			}
			of.Index, of.Fault, of.Targets, of.Span, of.FailureReason = e.Injection.Index, e.Injection.Fault, e.Injection.Targets, e.Injection.Span, e.Injection.FailureReason
			*e.Injection = of
			first = min(first, of.From)
		}
		if e.Event != nil && e.Event.Attrs[record.AttrMessage] != "" {
			e.Event.Attrs[record.AttrMessage] = strings.ReplaceAll(e.Event.Attrs[record.AttrMessage], "_", " ")
		}
	}
	slices.SortStableFunc(entries, func(a, b record.Entry) int { return cmp.Compare(a.At, b.At) })
	for _, list := range a.requests {
		entries = append(entries, list...)
	}
	w := sound()
	if a.workload != nil {
		a.workload(w)
	}
	if a.outage == "" {
		r, list := breached(entries, nil, "p95 <= 500ms")
		r.Workload = w
		return r, list[0]
	}
	check := judge.CheckResult{Check: "answers", Signal: record.TrafficSignal, Tolerance: steadystate.Within(time.Second)}
	signals := map[string]string{}
	if a.query != "" {
		check.Signal = "reads"
		signals[check.Signal] = "prometheus: query " + strconv.Quote(a.query)
	}
	start, end, _ := strings.Cut(a.outage, " to ")
	o := steadystate.Outage{Start: recordtest.Span(start), Bad: a.bad, Total: 100, Open: end == ""}
	o.End = recordtest.Span(cmp.Or(end, "60"))
	check.Outages = []steadystate.Outage{o}
	r, history := judge.Result{
		Checks: []judge.CheckResult{check}, Window: steadystate.Span{From: first, To: time.Minute}, Length: time.Minute, Workload: w,
		Signals: signals, Findings: []judge.Finding{{Check: check.Check, Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
	}, recovery.History{}
	for _, e := range entries {
		history.Take(e)
		switch {
		case e.Event != nil:
			r.Events = append(r.Events, *e.Event)
		case e.Injection != nil:
			r.Injections = append(r.Injections, judge.InjectionResult{Injection: *e.Injection})
		}
	}
	for _, e := range entries {
		if e.Removal != nil {
			i := slices.IndexFunc(r.Injections, func(i judge.InjectionResult) bool { return i.Index == e.Removal.Index })
			r.Injections[i].Removed = &e.Removal.Span
		}
	}
	in := cause.NewInquiry(r, history.Waterfalls(r.Checks))
	for _, e := range entries {
		in.Take(e)
	}
	return r, in.Causes()[0]
}
