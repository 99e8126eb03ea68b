package cause_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/record/recordtest"
	"github.com/aftershockhq/aftershock/steadystate"
)

// sound is a workload that nothing is to be said about.
func sound() *record.Workload {
	return &record.Workload{
		Subject: "deployment/shop/checkout", Replicas: 3, Strategy: "RollingUpdate", MaxUnavailable: "0", MaxSurge: "1", GraceSeconds: 20,
		Containers: []record.Container{{
			Name: "checkout", Readiness: "GET /readyz every 1s", Liveness: "GET /healthz every 5s", PreStop: true,
			Requests: map[string]string{"cpu": "50m"}, Limits: map[string]string{"cpu": "300m", "memory": "256Mi"},
		}},
	}
}

// beside adds a container that does not serve.
func beside(w *record.Workload) {
	w.Serving = "checkout"
	w.Containers = append(w.Containers, record.Container{
		Name: "proxy", Readiness: "GET /ready every 1s", Liveness: "GET /live every 1s", PreStop: true,
		Requests: map[string]string{"cpu": "10m"}, Limits: map[string]string{"cpu": "1", "memory": "64Mi"},
	})
}

// Each recommendation is of its kind, and each kind is seen.
func TestAdvice(t *testing.T) {
	seen := map[string]bool{}
	t.Run("of a cause and the workload", func(t *testing.T) { advisedOfTheWorkload(t, seen) })
	t.Run("of what was seen", func(t *testing.T) { advisedOfWhatWasSeen(t, seen) })
	t.Run("of an autoscaler", func(t *testing.T) { advisedOfAnAutoscaler(t, seen) })
	t.Run("of what Kubernetes says", func(t *testing.T) { advisedOfWhatKubernetesSays(t, seen) })
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(slices.Values(cause.Kinds())); !slices.Equal(got, want) {
		t.Errorf("advice of the kinds %q, want each of %q", got, want)
	}
}

// Each recommendation needs the cause that was seen and the fact that was checked:
// the sound workload brings a question or nothing.
func advisedOfTheWorkload(t *testing.T, seen map[string]bool) {
	kill := judge.InjectionResult{Injection: record.Injection{Fault: "kill 1 of the pods", Effects: []record.Effect{{Event: record.EventGone}}}}
	container := judge.InjectionResult{Injection: record.Injection{Fault: "kill container checkout of 1 of the pods", Effects: []record.Effect{{Event: record.EventRestarted}}}}
	restart := judge.InjectionResult{Injection: record.Injection{Fault: "restart deployment checkout in shop", Rolls: true}}
	delay := judge.InjectionResult{Injection: record.Injection{Kind: record.KindNetworkDelay}}
	stress := judge.InjectionResult{Injection: record.Injection{Kind: record.KindStressCPU}}
	old := judge.InjectionResult{Injection: record.Injection{Fault: "delay by 250ms for all of the pods"}}
	for _, row := range []struct {
		name     string
		rule     string
		fault    judge.InjectionResult
		workload func(*record.Workload) // nil: sound
		want     string
	}{
		{"no rule fits", "", kill, nil, ""},
		{"one replica", cause.NoneLeft, kill, func(w *record.Workload) { w.Replicas = 1 }, cause.MoreReplicas + ": Mend run deployment/checkout with more than one replica (spec.replicas is 1); pods/kill-one would prove it"},
		{"a DaemonSet on a cluster of one node", cause.NoneLeft, kill, func(w *record.Workload) { w.Replicas, w.Subject = 1, "daemonset/shop/agent" }, ""},
		{"none of several is left", cause.NoneLeft, kill, nil, ""},
		{"one replica, and requests failed while it shut down", cause.Ended, kill, func(w *record.Workload) { w.Replicas = 1 }, cause.FinishRequests + ": Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 20); pods/evict would prove it"},
		{"a rollout that recreates all pods", cause.NoneLeft, restart, func(w *record.Workload) { w.Strategy = "Recreate" }, cause.RollingUpdate + ": Mend roll deployment/checkout out by RollingUpdate (spec.strategy.type is Recreate); rollout/bad-image would prove it"},
		{"a rollout that recreates the only pod", cause.NoneLeft, restart, func(w *record.Workload) { w.Strategy, w.Replicas = "Recreate", 1 }, cause.RollingUpdate + ": Mend roll deployment/checkout out by RollingUpdate (spec.strategy.type is Recreate); rollout/bad-image would prove it"},
		{"a rollout that takes the only pod away", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable, w.Replicas = "1", 1 }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 1 of 1 pods); rollout/restart would prove it"},
		{"a rollout of the only pod, which a percentage rounds down to keep", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable, w.Replicas = "99%", 1 }, cause.MoreReplicas + ": Mend run deployment/checkout with more than one replica (spec.replicas is 1); pods/kill-one would prove it"},
		{"a rollout that takes the only pod away, and may add none", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge, w.Replicas = "1", "0", 1 }, cause.MaxUnavailable + ": Mend have a rollout of deployment/checkout add a pod before it takes one away: a maxSurge of 1, and a maxUnavailable of 0 (maxSurge is 0, and maxUnavailable is 1 of 1 pods); rollout/restart would prove it"},
		{"a rollout that takes a pod away, and may add none", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "1", "0" }, cause.MaxUnavailable + ": Mend have a rollout of deployment/checkout add a pod before it takes one away: a maxSurge of 1, and a maxUnavailable of 0 (maxSurge is 0, and maxUnavailable is 1 of 3 pods); rollout/restart would prove it"},
		{"a rollout that takes a pod away although a percentage of them is none, as it may add none either", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "25%", "0%" }, cause.MaxUnavailable + ": Mend have a rollout of deployment/checkout add a pod before it takes one away: a maxSurge of 1, and a maxUnavailable of 0 (maxSurge is 0%, and maxUnavailable is 25% of 3 pods); rollout/restart would prove it"},
		{"a rollout that takes two away, and may add none", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "2", "0%" }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 2 of 3 pods); rollout/restart would prove it"},
		{"a rollout that takes all away, and may add none", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "100%", "0" }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 100% of 3 pods); rollout/restart would prove it"},
		{"a rollout that may add one, as a percentage rounds up", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "25%", "1%" }, ""},
		{"a rollout that takes a pod away, of which it is not known whether it may add one", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "1", "" }, ""},
		{"a rollout that takes two away, of which it is not known whether it may add one", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge = "2", "" }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 2 of 3 pods); rollout/restart would prove it"},
		{"a rollout of a DaemonSet, pod by pod", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge, w.Subject = "1", "0", "daemonset/shop/agent" }, ""},
		{"a rollout of a DaemonSet, with a percentage that rounds up to one", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge, w.Subject = "10%", "0", "daemonset/shop/agent" }, ""},
		{"a rollout of a DaemonSet, with a percentage that rounds up to two", cause.TooFew, restart, func(w *record.Workload) { w.MaxUnavailable, w.MaxSurge, w.Subject = "34%", "0", "daemonset/shop/agent" }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of daemonset/agent (maxUnavailable is 34% of 3 pods); rollout/restart would prove it"},
		{"a rollout of a DaemonSet on one node", cause.NoneLeft, restart, func(w *record.Workload) {
			w.MaxUnavailable, w.MaxSurge, w.Replicas, w.Subject = "1", "0", 1, "daemonset/shop/agent"
		}, ""},
		{"the strategy Recreate, but no rollout", cause.NoneLeft, kill, func(w *record.Workload) { w.Strategy = "Recreate" }, ""},
		{"a rollout in which all pods may be unavailable", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable = "3" }, cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 3 of 3 pods); rollout/restart would prove it"},
		{"a rollout in which one pod may be unavailable", cause.NoneLeft, restart, func(w *record.Workload) { w.MaxUnavailable = "1" }, ""},
		{"no readiness probe", cause.ReadyTooEarly, kill, func(w *record.Workload) { w.Containers[0].Readiness = "" }, cause.ReadinessProbe + ": Mend give deployment/checkout a readiness probe (no container has a readinessProbe); pods/kill-one would prove it"},
		{"no readiness probe, and the container was killed", cause.ReadyTooEarly, container, func(w *record.Workload) { w.Containers[0].Readiness = "" }, cause.ReadinessProbe + ": Mend give deployment/checkout a readiness probe (no container has a readinessProbe); pods/container-kill would prove it"},
		{"no readiness probe of the container that serves", cause.ReadyTooEarly, kill, func(w *record.Workload) { w.Containers[0].Readiness = ""; beside(w) }, cause.ReadinessProbe + ": Mend give deployment/checkout a readiness probe (container checkout has no readinessProbe); pods/kill-one would prove it"},
		{"no preStop hook of the container that serves", cause.Ended, restart, func(w *record.Workload) { w.Containers[0].PreStop = false; beside(w) }, cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (container checkout has no preStop hook, terminationGracePeriodSeconds is 20); rollout/restart would prove it"},
		{"a busy processor, and no limit of the container that serves", cause.Faulted, stress, func(w *record.Workload) { w.Containers[0].Limits = nil; beside(w) }, ""},
		{"no readiness probe, but another cause", cause.Faulted, kill, func(w *record.Workload) { w.Containers[0].Readiness = "" }, ""},
		{"an early readiness probe", cause.ReadyTooEarly, kill, nil, cause.EarlyReadiness + ": Ask is the readiness probe good before requests can be answered? (readinessProbe of checkout: GET /readyz every 1s); pods/kill-one would prove it"},
		{"no preStop hook", cause.Ended, restart, func(w *record.Workload) { w.Containers[0].PreStop = false }, cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (no container has a preStop hook, terminationGracePeriodSeconds is 20); rollout/restart would prove it"},
		{"no preStop hook, and no readiness probe either", cause.Ended, restart, func(w *record.Workload) { w.Containers[0].PreStop, w.Containers[0].Readiness = false, "" }, cause.FinishRequests + ": Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (no container has a preStop hook, terminationGracePeriodSeconds is 20, and no container has a readinessProbe); rollout/restart would prove it"},
		{"requests still came to pods that ended, without a hook", cause.ClosedEarly, restart, func(w *record.Workload) { w.Containers[0].PreStop = false }, cause.DrainFirst + ": Mend have the pods of deployment/checkout go on answering for some seconds after they are asked to end, until no more requests come, as by a preStop hook that sleeps (no container has a preStop hook, terminationGracePeriodSeconds is 20); rollout/restart would prove it"},
		{"requests still came to an evicted pod, without a hook of the container that serves", cause.ClosedEarly, kill, func(w *record.Workload) { w.Containers[0].PreStop = false; beside(w) }, cause.DrainFirst + ": Mend have the pods of deployment/checkout go on answering for some seconds after they are asked to end, until no more requests come, as by a preStop hook that sleeps (container checkout has no preStop hook, terminationGracePeriodSeconds is 20); pods/evict would prove it"},
		{"requests still came to pods that ended, with a hook", cause.ClosedEarly, restart, nil, cause.DrainFirst + ": Ask does it go on answering after it is asked to end, until no more requests come? (a preStop hook is there, terminationGracePeriodSeconds is 20); rollout/restart would prove it"},
		{"requests were refused while pods ended, and nothing keeps them from new ones", cause.ClosedEarly, restart, func(w *record.Workload) { w.Containers[0].PreStop, w.Containers[0].Readiness = false, "" }, cause.DrainFirst + ": Ask does it go on answering after it is asked to end, until no more requests come? (no container has a preStop hook, terminationGracePeriodSeconds is 20, and no container has a readinessProbe); rollout/restart would prove it"},
		{"killed for lack of memory", cause.KilledForMemory, kill, nil, cause.Memory + ": Ask does it keep memory that it needs no more, or is its limit too low? (the limit of checkout is 256Mi); capacity/sustained would prove it"},
		{"a liveness probe", cause.Restarted, delay, nil, cause.LivenessNeeds + ": Ask does the liveness probe need what the fault took away? (livenessProbe of checkout: GET /healthz every 5s)"},
		{"no liveness probe", cause.Restarted, delay, func(w *record.Workload) { w.Containers[0].Liveness = "" }, ""},
		{"a slow network", cause.Faulted, delay, nil, cause.Dependency + ": Ask does it give up on what does not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"},
		{"a network cut between it and another", cause.Faulted, judge.InjectionResult{Injection: record.Injection{Kind: record.KindNetworkPartition, Peers: []string{"pods app=payments in shop"}}}, nil, cause.Dependency + ": Ask does it give up on pods app=payments in shop if they do not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"},
		{"a cut network", cause.Faulted, judge.InjectionResult{Injection: record.Injection{Kind: record.KindNetworkPartition}}, nil, cause.Dependency + ": Ask does it give up on what does not answer (timeout), try again (retry), and stop asking for a while (circuit breaker)?"},
		{"a record without the kind of its fault", cause.Faulted, old, nil, ""},
		{"a busy processor", cause.Faulted, stress, nil, cause.CPULimit + ": Ask is the CPU limit enough for the load and what runs beside it? (the limit of checkout is 300m); stress/cpu-one would prove it"},
		{"a busy processor, and no limit", cause.Faulted, stress, func(w *record.Workload) { w.Containers[0].Limits = nil }, ""},
		{"a fault of another kind", cause.Faulted, kill, nil, ""},
		{"a dead pod's endpoint", cause.Lingered, kill, nil, cause.ClientRetry + ": Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"requests in flight to a killed pod", cause.CutOff, kill, nil, cause.ClientRetry + ": Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"pods were away", cause.Away, kill, nil, ""},
		{"data is missing", cause.ReplacedWithout, kill, nil, cause.Volume + ": Ask is what it must keep on a volume that its new pods get?; pods/kill-one would prove it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			if row.workload != nil {
				row.workload(w)
			}
			finding := judge.Finding{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}
			r := judge.Result{Workload: w, Injections: []judge.InjectionResult{row.fault}, Findings: []judge.Finding{finding, finding}}
			causes := []cause.Cause{{Check: "answers", Rule: row.rule, Why: "consistent with: this"}, {Check: "other", Rule: cause.ReplacedWithout}}
			got := ""
			for _, a := range cause.Advise(r, causes) {
				seen[a.Kind] = true
				got += a.Kind + ": " + a.Name() + " " + a.String()
				if a.Fits != "consistent with: this" || a.Rule != row.rule || !slices.Equal(a.Findings, []int{0, 1}) {
					t.Errorf("fits %q, by the rule %q, for findings %d: want both limits of the check", a.Fits, a.Rule, a.Findings)
				}
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
			r.Findings[0].Verdict, r.Findings[1].Verdict = steadystate.Held, steadystate.Unknown
			if list := cause.Advise(r, causes); len(list) > 0 {
				t.Errorf("of a run that broke nothing: %v", list)
			}
		})
	}
	t.Run("a record without the workload has no recommendation", func(t *testing.T) {
		r := judge.Result{Injections: []judge.InjectionResult{kill}, Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
		for _, rule := range []string{cause.NoneLeft, cause.ReadyTooEarly, cause.ClosedEarly, cause.Ended, cause.Restarted, cause.TooFew} {
			if list := cause.Advise(r, []cause.Cause{{Check: "answers", Rule: rule}}); len(list) > 0 {
				t.Errorf("%s: %v", rule, list)
			}
		}
	})
}

// Some facts are in what was seen, and each has a near miss.
func advisedOfWhatWasSeen(t *testing.T, seen map[string]bool) {
	onOne := map[string]string{"a": "node1", "b": "node1"}
	const evicted = "10 evicted pod/shop/a a\n11 evicted pod/shop/b b\n"
	killed := func(asked, end string) string {
		return asked + " terminating pod/shop/a a\n" + end + " stopped pod/shop/a a container=checkout reason=Error code=137\n"
	}
	two := func(w *record.Workload) { w.GraceSeconds = 2 }
	bare := func(w *record.Workload) { w.GraceSeconds, w.Containers[0].PreStop = 2, false }
	apart := func(by map[string]string) func(w *record.Workload) {
		return func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes, w.Spread = onOne, 2, 2, by }
	}
	from := func(backend string, n int) []cause.Failure {
		return []cause.Failure{{Backend: backend, Reason: "503", Requests: n}}
	}
	for _, row := range []struct {
		name     string
		cause    cause.Cause
		rolls    bool
		workload func(*record.Workload)
		events   string
		want     string
	}{
		{
			"all pods were on a node that failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 2, 2 }, "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname (all 2 were on node node1, which was not ready, of 2 nodes that take pods)",
		},
		{
			"all pods were on a node that failed, to which their selector keeps them",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 3, 1 }, "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend let the nodeSelector and the node affinity of deployment/checkout allow more nodes, and spread its pods over them: a topologySpreadConstraint with topologyKey kubernetes.io/hostname (all 2 were on node node1, which was not ready; they allow 1 of 3 nodes that take pods)",
		},
		{
			"all pods were on a node that failed, and their selector allows one more of several",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 5, 2 }, "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname (all 2 were on node node1, which was not ready, of 2 nodes that take pods)",
		},
		{
			"all pods were on a node that failed, and nothing keeps them apart",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			apart(map[string]string{}), "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname (all 2 were on node node1, which was not ready, of 2 nodes that take pods; nothing keeps them apart by that key)",
		},
		{
			"all pods were on a node that failed, and a constraint is by zone",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			apart(map[string]string{"topology.kubernetes.io/zone": "DoNotSchedule"}), "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname (all 2 were on node node1, which was not ready, of 2 nodes that take pods; nothing keeps them apart by that key)",
		},
		{
			"all pods were on a node that failed, and a constraint does not bind",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			apart(map[string]string{"kubernetes.io/hostname": "ScheduleAnyway"}), "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname and whenUnsatisfiable DoNotSchedule (all 2 were on node node1, which was not ready, of 2 nodes that take pods; the constraint is ScheduleAnyway)",
		},
		{
			"all pods were on a node that failed, and an anti-affinity does not bind",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			apart(map[string]string{"kubernetes.io/hostname": "preferred"}), "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend spread the pods of deployment/checkout over nodes: a topologySpreadConstraint with topologyKey kubernetes.io/hostname and whenUnsatisfiable DoNotSchedule (all 2 were on node node1, which was not ready, of 2 nodes that take pods; by that key podAntiAffinity is only preferred)",
		},
		{"all pods were on a node that failed, although a constraint binds", cause.Cause{Rule: cause.NoneLeft}, false, apart(map[string]string{"kubernetes.io/hostname": "DoNotSchedule"}), "12 event not_ready node/node1\n", ""},
		{"all pods were on a node that failed, although an anti-affinity binds", cause.Cause{Rule: cause.NoneLeft}, false, apart(map[string]string{"kubernetes.io/hostname": "required"}), "12 event not_ready node/node1\n", ""},
		{
			"all pods were on a node that failed, to which their selector keeps them whatever a constraint says",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				apart(map[string]string{"kubernetes.io/hostname": "DoNotSchedule"})(w)
				w.AllowedNodes = 1
			}, "12 event not_ready node/node1\n",
			cause.SpreadOverNodes + ": Mend let the nodeSelector and the node affinity of deployment/checkout allow more nodes (all 2 were on node node1, which was not ready; they allow 1 of 2 nodes that take pods)",
		},
		{"all pods were on a node, nothing keeps them apart, and they were evicted from it", cause.Cause{Rule: cause.NoneLeft}, false, apart(map[string]string{}), evicted, ""},
		{"all pods were on a node, nothing keeps them apart, and it went on", cause.Cause{Rule: cause.NoneLeft}, false, apart(map[string]string{}), "", ""},
		{"all pods were on a node that failed, and what their selector allows is not known", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes = onOne, 2 }, "12 event not_ready node/node1\n", ""},
		{"all pods were on a node, but another one failed", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 2, 2 }, "12 event not_ready node/node2\n", ""},
		{"all pods were on a node that failed before the outage", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 2, 2 }, "2 event not_ready node/node1\n", ""},
		{"all pods were on a node that failed after the outage", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 2, 2 }, "42 event not_ready node/node1\n", ""},
		{"all pods were on a node that failed, but some were left", cause.Cause{Rule: cause.Lingered}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 2, 2 }, "12 event not_ready node/node1\n", cause.ClientRetry + ": Ask do its clients try again at another pod when a connection is refused, reset or silent (retry)?; pods/kill-one would prove it"},
		{"one of the pods was on a node that failed", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = map[string]string{"a": "node1", "b": "node2"} }, "12 event not_ready node/node1\n", ""},
		{"all pods were on the only node that takes pods", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes, w.SchedulableNodes, w.AllowedNodes = onOne, 1, 1 }, "12 event not_ready node/node1\n", ""},
		{"all pods were on a node, and the others were not read", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = onOne }, "12 event not_ready node/node1\n", ""},
		{
			"all pods were in the only zone",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "east"}
				w.SchedulableNodes, w.SchedulableZones, w.AllowedNodes, w.AllowedZones = 4, 1, 4, 1
			}, "12 event not_ready node/node1\n13 gone node/node2\n", "",
		},
		{
			"all pods were in a zone that failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "east"}
				w.SchedulableNodes, w.SchedulableZones, w.AllowedNodes, w.AllowedZones = 4, 2, 4, 2
			}, "12 event not_ready node/node1\n13 gone node/node2\n",
			cause.SpreadOverZones + ": Mend spread the pods of deployment/checkout over zones: a topologySpreadConstraint with topologyKey topology.kubernetes.io/zone (all 2 were in zone east, of which no node that ran one stayed ready, of 2 zones that take pods)",
		},
		{
			"all pods were in a zone that failed, to which their affinity keeps them",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "east"}
				w.SchedulableNodes, w.SchedulableZones, w.AllowedNodes, w.AllowedZones = 4, 2, 2, 1
			}, "12 event not_ready node/node1\n13 gone node/node2\n",
			cause.SpreadOverZones + ": Mend let the nodeSelector and the node affinity of deployment/checkout allow more zones, and spread its pods over them: a topologySpreadConstraint with topologyKey topology.kubernetes.io/zone (all 2 were in zone east, of which no node that ran one stayed ready; they allow 1 of 2 zones that take pods)",
		},
		{
			"the pods were in two zones, one of which failed",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) {
				w.Nodes, w.Zones = map[string]string{"a": "node1", "b": "node2"}, map[string]string{"node1": "east", "node2": "west"}
			}, "12 event not_ready node/node1\n13 gone node/node2\n", "",
		},
		{"the nodes failed, and their zones are unknown", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Nodes = map[string]string{"a": "node1", "b": "node2"} }, "12 event not_ready node/node1\n13 gone node/node2\n", ""},
		{
			"all were evicted, without a budget",
			cause.Cause{Rule: cause.NoneLeft},
			false,
			func(w *record.Workload) { w.Budgets = []string{} }, evicted,
			cause.Budget + ": Mend give deployment/checkout a PodDisruptionBudget (none covers its pods, of which 2 were evicted); disruption/drain would prove it",
		},
		{
			"too few were left after evictions, without a budget",
			cause.Cause{Rule: cause.TooFew},
			false,
			func(w *record.Workload) { w.Budgets = []string{} }, evicted,
			cause.Budget + ": Mend give deployment/checkout a PodDisruptionBudget (none covers its pods, of which 2 were evicted); disruption/drain would prove it",
		},
		{"all were evicted, with a budget", cause.Cause{Rule: cause.NoneLeft}, false, func(w *record.Workload) { w.Budgets = []string{"checkout"} }, evicted, ""},
		{"all were evicted, and budgets were not read", cause.Cause{Rule: cause.NoneLeft}, false, nil, evicted, ""},
		{"one was evicted", cause.Cause{Rule: cause.TooFew}, false, func(w *record.Workload) { w.Budgets = []string{} }, "10 evicted pod/shop/a a\n", ""},
		{
			"too few were left in a rollout",
			cause.Cause{Rule: cause.TooFew},
			true,
			func(w *record.Workload) { w.MaxUnavailable = "34%" }, "",
			cause.MaxUnavailable + ": Mend lower the maxUnavailable of deployment/checkout (maxUnavailable is 34% of 3 pods); rollout/restart would prove it",
		},
		{"too few were left in a rollout without unavailable pods", cause.Cause{Rule: cause.TooFew}, true, nil, "", ""},
		{"too few were left, without a rollout", cause.Cause{Rule: cause.TooFew}, false, func(w *record.Workload) { w.MaxUnavailable = "25%" }, "", ""},
		{
			"an early readiness probe",
			cause.Cause{Rule: cause.ReadyTooEarly, Recovering: "d", Failures: from("d", 30)},
			false, nil, "",
			cause.EarlyReadiness + ": Mend have the readiness probe of deployment/checkout fail until requests can be answered (readinessProbe of checkout: GET /readyz every 1s; 30 of 30 bad answers came from d after it was Ready); pods/kill-one would prove it",
		},
		{
			"the pod that answered is unknown",
			cause.Cause{Rule: cause.ReadyTooEarly, Recovering: "d", Failures: from("", 30)},
			false, nil, "",
			cause.EarlyReadiness + ": Ask is the readiness probe good before requests can be answered? (readinessProbe of checkout: GET /readyz every 1s); pods/kill-one would prove it",
		},
		{"killed when its grace period was over, in the outage", cause.Cause{Rule: cause.Ended}, true, two, killed("10", "12.5"), cause.GracePeriod + ": Mend raise the terminationGracePeriodSeconds of deployment/checkout, or end sooner (it is 2, and a was killed (exit code 137) when that had passed); rollout/restart would prove it"},
		{"killed so while requests still came", cause.Cause{Rule: cause.ClosedEarly}, true, bare, killed("10", "12.5"), cause.GracePeriod + ": Mend raise the terminationGracePeriodSeconds of deployment/checkout, or end sooner (it is 2, and a was killed (exit code 137) when that had passed); rollout/restart would prove it"},
		{"killed so without a hook", cause.Cause{Rule: cause.Ended}, true, bare, killed("10", "12.5"), cause.GracePeriod + ": Mend raise the terminationGracePeriodSeconds of deployment/checkout, or end sooner (it is 2, and a was killed (exit code 137) when that had passed); rollout/restart would prove it"},
		{"killed so after the outage, of which the way in which it began to end is why", cause.Cause{Rule: cause.Ended}, true, bare, killed("18", "24"), cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (no container has a preStop hook, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"killed so before the outage", cause.Cause{Rule: cause.Ended}, true, bare, killed("2", "5"), cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (no container has a preStop hook, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"killed so, and another pod began to end with the outage", cause.Cause{Rule: cause.Ended}, true, bare, killed("9", "13") + "10 terminating pod/shop/b b\n", cause.FinishRequests + ": Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (no container has a preStop hook, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"killed so, and another pod began to end later", cause.Cause{Rule: cause.Ended}, true, two, killed("10", "12.5") + "14 terminating pod/shop/b b\n", cause.GracePeriod + ": Mend raise the terminationGracePeriodSeconds of deployment/checkout, or end sooner (it is 2, and a was killed (exit code 137) when that had passed); rollout/restart would prove it"},
		{"killed long before its grace period was over", cause.Cause{Rule: cause.Ended}, true, two, killed("10", "10.6"), cause.FinishRequests + ": Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"perhaps killed before its grace period was over", cause.Cause{Rule: cause.Ended}, true, two, killed("10", "10.5..13"), cause.FinishRequests + ": Ask does it finish the requests under way when it is asked to end, and is its grace long enough? (a preStop hook is there, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"a container that does not serve was killed", cause.Cause{Rule: cause.Ended}, true, func(w *record.Workload) { bare(w); beside(w); w.Serving = "proxy"; w.Containers[1].PreStop = false }, killed("10", "12.5"), cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (container proxy has no preStop hook, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
		{"one of two was killed, and which one serves is not known", cause.Cause{Rule: cause.Ended}, true, func(w *record.Workload) { bare(w); beside(w); w.Serving = ""; w.Containers[1].PreStop = false }, killed("10", "12.5"), cause.FinishRequests + ": Mend have the pods of deployment/checkout serve until no more requests come: a preStop hook that waits some seconds, then finish those under way (no container has a preStop hook, terminationGracePeriodSeconds is 2); rollout/restart would prove it"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			if row.workload != nil {
				row.workload(w)
			}
			row.cause.Check, row.cause.Why = "answers", "consistent with: this"
			r := judge.Result{
				Workload: w, Window: recordtest.Span("10..60"),
				Checks:     []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{Outages: []steadystate.Outage{{Start: recordtest.Span("10..11"), End: recordtest.Span("20..21")}}}}},
				Injections: []judge.InjectionResult{{Injection: record.Injection{Fault: "f", Rolls: row.rolls}}},
				Findings:   []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
			}
			for _, e := range recordtest.Entries(nil, row.events) {
				r.Events = append(r.Events, *e.Event)
			}
			got := ""
			for _, a := range cause.Advise(r, []cause.Cause{row.cause}) {
				seen[a.Kind] = true
				got += a.Kind + ": " + a.Name() + " " + a.String()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

func advisedOfAnAutoscaler(t *testing.T, seen map[string]bool) {
	const low, whole = `{"maxReplicas":3,"behavior":{"scaleDown":{"stabilizationWindowSeconds":0}}}`, `{"maxReplicas":5,"behavior":{"scaleDown":{"stabilizationWindowSeconds":35}}}`
	const blind, sees = `{"conditions":[{"type":"ScalingActive","status":"False","reason":"FailedGetResourceMetric","message":"missing request for cpu"}]}`, `{"conditions":[{"type":"ScalingActive","status":"True","reason":"ValidMetricFound"}]}`
	const full = `{"conditions":[{"type":"ScalingLimited","status":"True","reason":"TooManyReplicas","message":"the desired replica count is more than the maximum replica count"}]}`
	limit := func(text, quantity string) judge.Finding {
		f := judge.Finding{Check: "autoscaler", Signal: "hpa/shop/checkout", Limit: text, Reading: steadystate.Reading{Verdict: steadystate.Broken, Text: "so"}}
		if quantity != "" {
			f.Wanted = &judge.Wanted{Quantity: quantity}
		}
		return f
	}
	for _, row := range []struct {
		name         string
		finding      judge.Finding
		spec, status string
		requests     map[string]string
		want         string
	}{
		{"at its max", limit("not held back by its max", ""), low, sees, nil, cause.MaxReplicas + ": Mend raise the maxReplicas of autoscaler checkout (spec.maxReplicas is 3); autoscaling/surge would prove it"},
		{"too slow, but not at its max", limit("decision <= 45s", "decision"), low, sees, nil, ""},
		{"it flaps without a window", limit("turns <= 1", "turns"), low, sees, nil, cause.ScaleDownWindow + ": Mend give the scale-down of autoscaler checkout a stabilization window (behavior.scaleDown.stabilizationWindowSeconds is 0); autoscaling/rest would prove it"},
		{"it flaps with a window", limit("turns <= 1", "turns"), whole, sees, nil, ""},
		{"no requests", limit("scales out", ""), whole, blind, nil, cause.CPURequest + ": Mend have container checkout request CPU (it requests none, and the autoscaler says FailedGetResourceMetric: missing request for cpu); autoscaling/surge would prove it"},
		{"no requests, but no metrics server either", limit("scales out", ""), whole, strings.ReplaceAll(blind, "missing request for cpu", "the server could not find the requested resource"), nil, ""},
		{"no requests of the container that is named", limit("scales out", ""), whole, strings.ReplaceAll(blind, "for cpu", "for cpu in container checkout of Pod checkout-a"), nil, cause.CPURequest + ": Mend have container checkout request CPU (it requests none, and the autoscaler says FailedGetResourceMetric: missing request for cpu); autoscaling/surge would prove it"},
		{"no requests of another container than the one that is named", limit("scales out", ""), whole, strings.ReplaceAll(blind, "for cpu", "for cpu in container checkout-proxy of Pod checkout-a"), nil, ""},
		{"no metric, although there are requests", limit("scales out", ""), whole, blind, map[string]string{"cpu": "50m"}, ""},
		{"no requests, but a metric", limit("scales out", ""), whole, sees, nil, ""},
		{"no metric, but a limit that needs none", limit("within min and max", ""), whole, blind, nil, ""},
		{"pods ready too slowly, at its max", limit("ready <= 75s", "ready"), low, full, nil, ""},
		{"too slow, at its max", limit("relieved <= 75s", "relieved"), low, full, nil, cause.MaxReplicas + ": Mend raise the maxReplicas of autoscaler checkout (spec.maxReplicas is 3); autoscaling/surge would prove it"},
		{"a limit on another check, without a spec", limit("downtime <= 1s", "downtime"), "", "", nil, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := sound()
			w.Containers[0].Requests, w.Containers[0].Limits = row.requests, nil
			r := judge.Result{
				Workload: w, Findings: []judge.Finding{row.finding}, Window: steadystate.Span{To: time.Minute},
				Events: []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/checkout", Attrs: map[string]string{record.AttrSpec: row.spec, record.AttrStatus: row.status}}},
			}
			got := ""
			for _, a := range cause.Advise(r, cause.NewInquiry(r, nil).Causes()) {
				seen[a.Kind] = true
				got += a.Kind + ": " + a.Name() + " " + a.String()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// No experiment of the catalogue takes a node away: one without a fault, during which a node
// was lost, is the one that would show that the mend helps.
func TestTheLossOfANodeIsProvenByTheSameExperiment(t *testing.T) {
	w := sound()
	w.Nodes, w.SchedulableNodes, w.AllowedNodes = map[string]string{"a": "node1", "b": "node1"}, 2, 2
	r := judge.Result{
		Experiment: "checkout/lost-node", Service: "checkout", Workload: w,
		Checks:   []judge.CheckResult{{Check: "answers", Figures: steadystate.Figures{Outages: []steadystate.Outage{{Start: recordtest.Span("10..11"), End: recordtest.Span("20..21")}}}}},
		Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
		Events:   []record.Event{{Span: recordtest.Span("11"), Kind: record.EventNotReady, Subject: "node/node1"}},
	}
	for prove, injections := range map[string][]judge.InjectionResult{"lost-node": nil, "": {{Injection: record.Injection{Kind: record.KindPodKill}}}} {
		r.Injections = injections
		if list := cause.Advise(r, []cause.Cause{{Check: "answers", Rule: cause.NoneLeft}}); len(list) != 1 || list[0].Prove != prove {
			t.Errorf("%v, want %q as the proof", list, prove)
		}
	}
}

// An autoscaler would take replicas away again that it is not told to keep.
func TestTheReplicasOfAnAutoscalerAreItsOwn(t *testing.T) {
	const replicas = cause.MoreReplicas + ": Mend run deployment/checkout with more than one replica (spec.replicas is 1); pods/kill-one would prove it"
	const low = cause.MoreReplicas + ": Mend raise the minReplicas of autoscaler other to more than one (spec.minReplicas is 1, and the only pod of deployment/checkout was taken away); pods/kill-one would prove it"
	for _, row := range []struct {
		name, spec, want string
		others           map[string]int // that the run does not follow
	}{
		{"of this workload, which the run does not follow", "", low, map[string]int{"other": 1}},
		{"of this workload, which the run does not follow, and which had not come to its min", "", "", map[string]int{"other": 2}},
		{"there is none", "", replicas, map[string]int{}},
		{"whether there is one is not known", "", replicas, nil},
		{"of this workload", `{"minReplicas":1,"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"checkout"}}`, cause.MoreReplicas + ": Mend raise the minReplicas of autoscaler shop to more than one (spec.minReplicas is 1, and the only pod of deployment/checkout was taken away); pods/kill-one would prove it", nil},
		{"of this workload, by default", `{"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"checkout"}}`, cause.MoreReplicas + ": Mend raise the minReplicas of autoscaler shop to more than one (spec.minReplicas is 1, and the only pod of deployment/checkout was taken away); pods/kill-one would prove it", nil},
		{"of this workload, which had not come to its min", `{"minReplicas":2,"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"checkout"}}`, "", nil},
		{"of another workload", `{"maxReplicas":5,"scaleTargetRef":{"kind":"Deployment","name":"payments"}}`, replicas, nil},
		{"of a workload of another kind", `{"maxReplicas":5,"scaleTargetRef":{"kind":"StatefulSet","name":"checkout"}}`, replicas, nil},
	} {
		w := sound()
		w.Replicas, w.Autoscalers = 1, row.others
		r := judge.Result{
			Workload: w, Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}},
			Events: []record.Event{{Kind: record.EventExists, Subject: "hpa/shop/shop", Attrs: map[string]string{record.AttrSpec: row.spec}}},
		}
		got := ""
		for _, a := range cause.Advise(r, []cause.Cause{{Check: "answers", Rule: cause.NoneLeft}}) {
			got += a.Kind + ": " + a.Name() + " " + a.String()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// What is asked of a container that ended is asked of that one.
func TestTheContainerThatEndedIsAskedOf(t *testing.T) {
	for _, row := range []struct{ name, rule, events, want string }{
		{"a proxy had no memory left", cause.KilledForMemory, "12 restarted pod/shop/a a container=proxy reason=OOMKilled\n", "the limit of proxy is 64Mi"},
		{"the service had none", cause.KilledForMemory, "12 restarted pod/shop/a a container=checkout reason=OOMKilled\n", "the limit of checkout is 256Mi"},
		{"a proxy was started again", cause.Restarted, "12 restarted pod/shop/a a container=proxy reason=Error\n", "livenessProbe of proxy: GET /live every 1s"},
		{"the service was", cause.Restarted, "12 restarted pod/shop/a a container=checkout reason=Error\n", "livenessProbe of checkout: GET /healthz every 5s"},
	} {
		w := sound()
		beside(w)
		r := judge.Result{Workload: w, Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
		for _, e := range recordtest.Entries(nil, row.events) {
			r.Events = append(r.Events, *e.Event)
		}
		list := cause.Advise(r, []cause.Cause{{Check: "answers", Rule: row.rule}})
		if len(list) != 1 || list[0].Checked != row.want {
			t.Errorf("%s: %v, want %q", row.name, list, row.want)
		}
	}
}
