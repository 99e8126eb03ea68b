package cause_test

import (
	"cmp"
	"os"
	"reflect"
	"regexp"
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

// refused are n requests from an instant on that nothing answers.
func refused(from string, n int) [][]record.Entry {
	return [][]record.Entry{requests(from, n, time.Millisecond, record.Outcome{Error: "connection refused"})}
}

// gone is an outage in which the only pod is replaced.
func gone(events string) scene {
	return scene{events: only + events, requests: refused("10.1", 30), outage: "10..10.1 to 13.1..13.3", bad: 100}
}

// again is one in which a container is started again.
func again(events string) scene {
	delay := "10..10.1 inject delay a\n0 exists pod/shop/b b\n93 restarted pod/shop/b b container=shop reason=Error code=137\n"
	return scene{events: delay + events, requests: refused("93.1", 9), outage: "93..93.1 to 95", bad: 30}
}

// Kubernetes is quoted where it speaks of what is to come, or of a probe that ended a
// container, in the time of the outage.
func TestWhyQuotesKubernetes(t *testing.T) {
	const noneLeft = "consistent with: no pod was among the endpoints for at least 3s: the only one was taken away, and nothing else could answer"
	const restarted = "consistent with: container shop of b ended and was started again (Error, exit code 137), which the fault does not do: "
	for _, row := range []struct {
		name  string
		scene scene
		want  string
	}{
		{
			"the readiness probe of the new pod", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF count=3"),
			noneLeft + `, and the readiness probe of d failed: "EOF" (3 times)`,
		},
		{
			"the last of its failures", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF\n12..13 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_503"),
			noneLeft + `, and the readiness probe of d failed: "503"`,
		},
		{
			"no pod could be created, which says more than a probe", gone("11..12 Kubernetes_Event event/replicaset/shop/rs rs reason=FailedCreate message=exceeded_quota\n11.5..12.5 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF"),
			noneLeft + `, and rs could not create a pod: "exceeded quota"`,
		},
		{
			"the scheduler", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1_nodes_are_available:_1_Insufficient_cpu."),
			noneLeft + `, and d could not be scheduled: "0/1 nodes are available: 1 Insufficient cpu."`,
		},
		{
			"the scheduler, whose words the pod itself has", gone("10.5 unschedulable pod/shop/d d reason=Unschedulable message=0/1\n11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1"),
			noneLeft + `, and no node was found for d (Unschedulable: "0/1")`,
		},
		{"before the outage", gone("8..9 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"after the outage", gone("14..15 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of the pod that was killed", gone("10.5..11.5 Kubernetes_Event event/pod/shop/a a reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that had failed", gone("0 exists pod/shop/c c owner=ReplicaSet/rs\n10.4 failed pod/shop/c c reason=Evicted\n10.4 not_ready pod/shop/c c\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that was Ready all along", gone("0 exists pod/shop/c c owner=ReplicaSet/rs\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that was Ready, and is no more", gone("0 exists pod/shop/c c owner=ReplicaSet/rs\n10.5 not_ready pod/shop/c c\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft + `, and the readiness probe of c failed: "EOF"`},
		{"a liveness probe, which keeps no pod from being Ready", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Liveness_probe_failed:_EOF"), noneLeft},
		{"the pod was preempted", gone("10.2..11.2 Kubernetes_Event event/pod/shop/a a reason=Preempted message=by_pod_x"), noneLeft + `, and a was preempted: "by pod x"`},
		{"a hook of the pod that was killed", gone("10.2..11.2 Kubernetes_Event event/pod/shop/a a reason=FailedPreStopHook message=no"), noneLeft},
		{"the scheduler, which then found a node soon", gone("10.5..11.5 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1\n11.2 scheduled pod/shop/d d\n12..13 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_503"), noneLeft + `, and the readiness probe of d failed: "503"`},
		{"of a pod that was not Ready before the fault either", gone("0 exists pod/shop/c c owner=ReplicaSet/rs ready=false\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that comes besides, and replaces none", gone("10.6 created pod/shop/x x owner=ReplicaSet/other\n11..12 Kubernetes_Event event/pod/shop/x x reason=FailedScheduling message=0/1"), noneLeft},
		{"seen so late that it may have been before the outage", gone("1..22 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"the pod was evicted a moment before", gone("9..9.5 Kubernetes_Event event/pod/shop/a a reason=Evicted message=low_on_memory"), noneLeft + `, and a was evicted: "low on memory"`},
		{"a pod was evicted that did not serve", gone("0 exists pod/shop/x x owner=ReplicaSet/other\n10.2..11.2 Kubernetes_Event event/pod/shop/x x reason=Evicted message=low_on_memory"), noneLeft},
		{"stamped before the outage, as stamps are, and seen in it", gone("9.3..10.3 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1"), noneLeft + `, and d could not be scheduled: "0/1"`},
		{"no node was found for a pod of another workload", gone("10.6 created pod/shop/x x owner=ReplicaSet/other\n10.7 unschedulable pod/shop/x x reason=Unschedulable message=0/1"), noneLeft},
		{"no node was found for the pod at first", gone("10.3 unschedulable pod/shop/d d reason=Unschedulable message=0/1\n10.6 scheduled pod/shop/d d"), noneLeft},
		{"another replica set could create no pod", gone("11..12 Kubernetes_Event event/replicaset/shop/other other reason=FailedCreate message=exceeded_quota"), noneLeft},
		{"the replica set could create no pod at first", gone("10.1..10.9 Kubernetes_Event event/replicaset/shop/rs rs reason=FailedCreate message=exceeded_quota"), noneLeft},
		{"of another reason", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=DNSConfigForming message=too_many_search_lines"), noneLeft},
		{
			"a liveness probe that ended a container", again("91..92 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Liveness_probe_failed:_HTTP_500\n92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"),
			restarted + `by its liveness probe, which failed: "HTTP 500"`,
		},
		{
			"a startup probe, of which no failure was seen", again("92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_startup_probe,_will_be_restarted"),
			restarted + "by its startup probe",
		},
		{"a liveness probe that failed as the container crashed", again("91..92 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Liveness_probe_failed:_EOF"), restarted + "by a liveness probe or a crash"},
		{"two pods, of which a probe ended one", again("93 restarted pod/shop/e e container=shop reason=Error code=137\n92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), strings.Replace(restarted, "of b ended and was", "of b and 1 more ended and were", 1) + "by a liveness probe or a crash"},
		{"two pods, which a probe ended both", again("93 restarted pod/shop/e e container=shop reason=Error code=137\n92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted\n92..93 Kubernetes_Event event/pod/shop/e e reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), strings.Replace(restarted, "of b ended and was", "of b and 1 more ended and were", 1) + "by its liveness probe"},
		{"another pod's container was ended", again("92..93 Kubernetes_Event event/pod/shop/c c reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"ended after the restart", again("94..95 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"another container of the pod was ended", again("92..93 Kubernetes_Event event/pod/shop/b b container=sidecar reason=Killing message=Container_sidecar_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"ended before another restart", again("80..81 Kubernetes_Event event/pod/shop/b b container=shop reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted\n82 restarted pod/shop/b b container=shop"), restarted + "by a liveness probe or a crash"},
		{"ended before another restart, which was seen later", again("81..84 Kubernetes_Event event/pod/shop/b b container=shop reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted\n82 restarted pod/shop/b b container=shop"), restarted + "by a liveness probe or a crash"},
		{"ended long before the restart", again("12..13 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.scene.cause(t).Why; got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// Of the pods that have to do with an outage it is said what Kubernetes said of them in
// it.
func TestWhenQuotesKubernetes(t *testing.T) {
	unavailable := requests("11.5", 30, time.Millisecond, record.Outcome{Code: 503, Backend: "d"})
	for _, row := range []struct{ name, events, want string }{
		{"nothing was said", "", ""},
		{"of the pod that failed", "12..13 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_503 count=2", `; meanwhile, the readiness probe of d failed: "503" (2 times)`},
		{"in words without a probe", "12..13 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=no", `; meanwhile, a probe of d failed: "no"`},
		{"of a pod that did not fail", "12..13 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Readiness_probe_failed:_503", ""},
		{"of the pod that was killed", "12..13 Kubernetes_Event event/pod/shop/a a reason=Unhealthy message=Readiness_probe_failed:_503", ""},
		{"of what passed soon", "11.5..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1\n11.9 scheduled pod/shop/d d", ""},
		{"of its hook", "10.2..13 Kubernetes_Event event/pod/shop/a a reason=FailedPreStopHook message=no", `; meanwhile, the preStop hook of a failed: "no"`},
		{"before", "10..11 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_503", ""},
		{"that a container is ended, which says not why", "12..13 Kubernetes_Event event/pod/shop/d d reason=Killing message=Stopping_container_shop", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := scene{events: three + killed + row.events, requests: [][]record.Entry{unavailable}, outage: "11.4..11.5 to 14.4..14.5", bad: 30}
			got := s.cause(t).When
			if !strings.HasPrefix(got, "it began ") || strings.Contains(got, "; meanwhile, ") != (row.want != "") || !strings.HasSuffix(got, row.want) {
				t.Errorf("%q, want %q at its end", got, row.want)
			}
		})
	}
}

// What Kubernetes said supports advice, if a cause quotes it.
func advisedOfWhatKubernetesSays(t *testing.T, seen map[string]bool) {
	const probe = cause.LivenessNeeds + ": Ask does the liveness probe need what the fault took away? (livenessProbe of checkout: GET /healthz every 5s)"
	const patience = cause.LivenessTime + ": Ask do the timeoutSeconds and failureThreshold of the liveness probe leave it the time that it needs under load? (it ran out of time, as the kubelet says; livenessProbe of checkout: GET /healthz every 5s)"
	const killing = "92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_"
	const liveness = killing + "liveness_probe,_will_be_restarted\n91..92 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Liveness_probe_failed:_"
	const late = `Get_"http://10.0.0.1/":_context_deadline_exceeded_(Client.Timeout_exceeded_while_awaiting_headers)`
	for _, row := range []struct {
		name  string
		scene scene
		want  string
	}{
		{
			"no node has room", gone("10.5 unschedulable pod/shop/d d reason=Unschedulable message=0/3_nodes_are_available:_3_Insufficient_cpu._preemption:_0/3_nodes_are_available:_3_Insufficient_cpu."),
			cause.Room + ": Mend make room for the pods of deployment/checkout: lower their requests of cpu, or add nodes (every node has too little of it, as the scheduler says; checkout requests 50m); pods/kill-one would prove it",
		},
		{
			"of what the pods do not request", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1_nodes_are_available:_1_Insufficient_example.com/gpu."),
			cause.Room + ": Mend make room for the pods of deployment/checkout: look for what gives them their requests of example.com/gpu (a LimitRange or a webhook), or add nodes (every node has too little of it, as the scheduler says; no container of the template requests example.com/gpu); pods/kill-one would prove it",
		},
		{
			"of two things", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/3_nodes_are_available:_1_Insufficient_pods,_3_Insufficient_cpu,_3_Insufficient_example.com/gpu."),
			cause.Room + ": Mend make room for the pods of deployment/checkout: lower their requests of cpu, look for what gives them their requests of example.com/gpu (a LimitRange or a webhook), or add nodes (every node has too little of each, as the scheduler says; checkout requests 50m; no container of the template requests example.com/gpu); pods/kill-one would prove it",
		},
		{"other nodes are ruled out for another reason", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/3_nodes_are_available:_1_Insufficient_cpu,_2_node(s)_had_untolerated_taint."), ""},
		{"a probe says such words", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_0/1_nodes_are_available:_1_Insufficient_cpu."), ""},
		{"the liveness probe over HTTP ran out of time", again(liveness + late), patience},
		{"the one that is a command", again(liveness + `command_timed_out:_"sleep"_timed_out_after_1s`), patience},
		{"it failed otherwise", again(liveness + "HTTP_probe_failed_with_statuscode:_500"), probe},
		{"it ran out of time, and the container ended by itself", again("91..92 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Liveness_probe_failed:_i/o_timeout"), ""},
		{"a startup probe", again(killing + "startup_probe,_will_be_restarted\n91..92 Kubernetes_Event event/pod/shop/b b reason=Unhealthy message=Startup_probe_failed:_i/o_timeout"), ""},
		{"no Kubernetes Event is in the record", again(""), probe},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := advised(t, seen, row.scene); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	// What a fault keeps from a probe is not time.
	const mine = "0 exists replicaset/shop/rs rs owner=Deployment/checkout\n0 exists pod/shop/checkout-b cb owner=ReplicaSet/rs\n"
	const canary = mine + "0 exists replicaset/shop/canary canary owner=Deployment/checkout-canary\n0 exists pod/shop/checkout-canary-b x owner=ReplicaSet/canary\n"
	kinds := faultKinds(t)
	own, others := []record.Target{{Name: "checkout-b", UID: "cb"}}, []record.Target{{Name: "checkout-payments-b", UID: "x"}}
	to := []string{"pods app=payments in shop"}
	for _, row := range []struct {
		name, want string
		fault      record.Injection
		events     string // of owners; empty: mine
	}{
		{"all that the pods send is slow", patience, record.Injection{Kind: record.KindNetworkDelay, Targets: own}, ""},
		{"its processor is busy", patience, record.Injection{Kind: record.KindStressCPU, Targets: own}, ""},
		{"another service is far away", probe, record.Injection{Kind: record.KindNetworkDelay, Peers: to, Targets: own}, ""},
		{"an address is far away", probe, record.Injection{Kind: record.KindNetworkDelay, Peers: []string{"192.0.2.1"}, Targets: own}, ""},
		{"another service is narrow", probe, record.Injection{Kind: record.KindNetworkBandwidth, Peers: to, Targets: own}, ""},
		{"the network is cut", probe, record.Injection{Kind: record.KindNetworkPartition, Targets: own}, ""},
		{"the network is narrow", patience, record.Injection{Kind: record.KindNetworkBandwidth, Targets: own}, ""},
		{"packets are lost", probe, record.Injection{Kind: record.KindNetworkLoss, Targets: own}, ""},
		{"packets are corrupt, and so lost", probe, record.Injection{Kind: record.KindNetworkCorrupt, Targets: own}, ""},
		{"packets come twice", patience, record.Injection{Kind: record.KindNetworkDuplicate, Targets: own}, ""},
		{"the text of a fault says nothing", patience, record.Injection{Fault: "cut the network to everything", Kind: record.KindStressCPU, Targets: own}, ""},
		{"a record without the kind of its fault", "", record.Injection{Fault: "keep 1 CPU workers 100% busy in 1 of the pods", Targets: own}, ""},
		{"a record without the kind of its fault, in a pod of another service", probe, record.Injection{Fault: "keep 1 CPU workers 100% busy in 1 of the pods", Targets: others}, ""},
		{"a pod of another service, whose name begins alike", probe, record.Injection{Kind: record.KindPodKill, Targets: others}, ""},
		{"a pod that the selector has, of another workload", probe, record.Injection{Kind: record.KindPodKill, Targets: others}, canary},
		{"its own pod, of which the name says nothing", patience, record.Injection{Kind: record.KindStressCPU, Targets: []record.Target{{Name: "b", UID: "cb"}}}, canary},
		{"a pod of a StatefulSet of that name", probe, record.Injection{Kind: record.KindStressCPU, Targets: own}, "0 exists pod/shop/checkout-b cb owner=StatefulSet/checkout\n"},
		{"more load", patience, record.Injection{Kind: record.KindSurge, Targets: []record.Target{{Name: "requests"}}}, ""},
		{"a record without the owner of the replica set", "", record.Injection{Kind: record.KindStressCPU, Targets: own}, "0 exists pod/shop/checkout-b cb owner=ReplicaSet/rs\n"},
		{"a record without owners", "", record.Injection{Kind: record.KindStressCPU, Targets: own}, "0 exists pod/shop/checkout-b cb\n"},
	} {
		if got := advised(t, seen, again(liveness+late+"\n"+cmp.Or(row.events, mine)), row.fault); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	lossy := []string{record.KindNetworkLoss, record.KindNetworkCorrupt, record.KindNetworkPartition}
	for _, kind := range slices.Concat(lossy, []string{
		record.KindPodKill, record.KindPodFailure, record.KindContainerKill, record.KindNetworkDelay, record.KindNetworkDuplicate, record.KindNetworkBandwidth,
		record.KindStressCPU, record.KindStressMemory, record.KindEvict, record.KindDrain, record.KindRestart, record.KindBadImage, record.KindSurge,
	}) {
		delete(kinds, kind)
		got := advised(t, seen, again(liveness+late+"\n"+mine), record.Injection{Kind: kind, Targets: own})
		if (got == probe) != slices.Contains(lossy, kind) {
			t.Errorf("%s: %q", kind, got)
		}
	}
	for kind := range kinds {
		t.Errorf("%s: say whether packets are lost, and what a broken limit asks of the code (lossy and ofFault)", kind)
	}
}

// faultKinds are the kinds of faults that records know.
func faultKinds(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../record/record.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for _, kind := range regexp.MustCompile(`(?m)^\tKind\w+ += "(\w+)"$`).FindAllStringSubmatch(string(text), -1) {
		kinds[kind[1]] = true
	}
	return kinds
}

// A container may take its grace to end after a probe has failed, however long that is.
func TestAProbeThatFailedBeforeALongGrace(t *testing.T) {
	const events = "40..41 Kubernetes_Event event/pod/shop/b b container=checkout reason=Killing message=Container_checkout_failed_liveness_probe,_will_be_restarted\n" +
		"150 restarted pod/shop/b b container=checkout reason=Error code=137\n"
	for _, row := range []struct {
		name      string
		pod, own  int // seconds
		container string
		want      bool
	}{
		{"a short grace", 20, 0, "", false},
		{"a long grace of the pod", 120, 0, "", true},
		{"a long grace of the probe", 20, 120, "checkout", true},
		{"a short grace of the probe", 120, 20, "checkout", false},
		{"a long grace of the probe of another container", 20, 120, "proxy", false},
	} {
		w := sound()
		beside(w)
		w.GraceSeconds = row.pod
		for i, c := range w.Containers {
			if c.Name == row.container {
				w.Containers[i].GraceSeconds = row.own
			}
		}
		r := judge.Result{Workload: w, Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
		for _, e := range recordtest.Entries(nil, events) {
			e.Event.Attrs[record.AttrMessage] = strings.ReplaceAll(e.Event.Attrs[record.AttrMessage], "_", " ")
			r.Events = append(r.Events, *e.Event)
		}
		list := cause.Advise(r, []cause.Cause{{Check: "answers", Rule: cause.Restarted}})
		if got := len(list) == 1 && list[0].Kind == cause.LivenessNeeds; got != row.want {
			t.Errorf("%s: %v, want the probe blamed: %v", row.name, list, row.want)
		}
	}
}

// advised is what is advised of a scene of the sound workload, with other faults.
func advised(t *testing.T, seen map[string]bool, s scene, faults ...record.Injection) (got string) {
	t.Helper()
	c := s.cause(t)
	r := judge.Result{Workload: sound(), Findings: []judge.Finding{{Check: c.Check, Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
	for _, e := range recordtest.Entries(nil, s.events) {
		if e.Event != nil {
			r.Events = append(r.Events, *e.Event)
		}
	}
	for _, i := range faults {
		r.Injections = append(r.Injections, judge.InjectionResult{Injection: i})
	}
	for _, a := range cause.Advise(r, []cause.Cause{c}) {
		seen[a.Kind] = true
		got += a.Kind + ": " + a.Name() + " " + a.String()
	}
	return got
}

// What a cause quotes is there as facts.
func TestAQuoteHasItsFacts(t *testing.T) {
	for _, row := range []struct {
		name  string
		scene scene
		want  *cause.Quote
	}{
		{"nothing", gone(""), nil},
		{
			"the scheduler", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1_nodes_are_available:_1_Insufficient_cpu. count=4"),
			&cause.Quote{Subject: "pod/shop/d", Reason: "FailedScheduling", Message: "0/1 nodes are available: 1 Insufficient cpu.", Count: 4, Insufficient: []string{"cpu"}},
		},
		{
			"the state of a pod", gone("10.5 waiting pod/shop/d d container=shop reason=ErrImagePull"),
			&cause.Quote{Subject: "pod/shop/d", Reason: "ErrImagePull"},
		},
		{
			"a probe", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_i/o_timeout"),
			&cause.Quote{Subject: "pod/shop/d", Reason: "Unhealthy", Message: "i/o timeout", Probe: "readiness", TimedOut: true},
		},
		{
			"that a probe ended a container", again("92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"),
			&cause.Quote{Subject: "pod/shop/b", Reason: "Killing", Message: "Container shop failed liveness probe, will be restarted", Probe: "liveness"},
		},
	} {
		if got := row.scene.cause(t).Quote; !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}
