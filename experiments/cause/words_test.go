package cause_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aftershockhq/aftershock/experiments/cause"
	"github.com/aftershockhq/aftershock/judge"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate"
)

// Kubernetes is quoted where it speaks of what is to come, or of a probe that ended a
// container, in the time of the outage.
func TestWhyQuotesKubernetes(t *testing.T) {
	refused := func(from string, n int) [][]record.Entry {
		return [][]record.Entry{requests(from, n, time.Millisecond, record.Outcome{Error: "connection refused"})}
	}
	gone := func(events string) scene {
		return scene{events: only + events, requests: refused("10.1", 30), outage: "10..10.1 to 13.1..13.3", bad: 100}
	}
	again := func(events string) scene {
		delay := "10..10.1 inject delay a\n0 exists pod/shop/b b\n93 restarted pod/shop/b b container=shop reason=Error code=137\n"
		return scene{events: delay + events, requests: refused("93.1", 9), outage: "93..93.1 to 95", bad: 30}
	}
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
		{"of a pod that was Ready all along", gone("0 exists pod/shop/c c\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that was Ready, and is no more", gone("0 exists pod/shop/c c\n10.5 not_ready pod/shop/c c\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft + `, and the readiness probe of c failed: "EOF"`},
		{"a liveness probe, which keeps no pod from being Ready", gone("11..12 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Liveness_probe_failed:_EOF"), noneLeft},
		{"the pod was preempted", gone("10.2..11.2 Kubernetes_Event event/pod/shop/a a reason=Preempted message=by_pod_x"), noneLeft + `, and a was preempted: "by pod x"`},
		{"a hook of the pod that was killed", gone("10.2..11.2 Kubernetes_Event event/pod/shop/a a reason=FailedPreStopHook message=no"), noneLeft},
		{"the scheduler, which then found a node soon", gone("10.5..11.5 Kubernetes_Event event/pod/shop/d d reason=FailedScheduling message=0/1\n11.2 scheduled pod/shop/d d\n12..13 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_503"), noneLeft + `, and the readiness probe of d failed: "503"`},
		{"of a pod that was not Ready before the fault either", gone("0 exists pod/shop/c c ready=false\n11..12 Kubernetes_Event event/pod/shop/c c reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
		{"of a pod that comes besides, and replaces none", gone("10.6 created pod/shop/x x owner=ReplicaSet/other\n11..12 Kubernetes_Event event/pod/shop/x x reason=FailedScheduling message=0/1"), noneLeft},
		{"seen so late that it may have been before the outage", gone("1..22 Kubernetes_Event event/pod/shop/d d reason=Unhealthy message=Readiness_probe_failed:_EOF"), noneLeft},
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
		{"two pods, of which a probe ended one", again("93 restarted pod/shop/e e container=shop reason=Error code=137\n92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), strings.Replace(restarted, "of b", "of b, e", 1) + "by a liveness probe or a crash"},
		{"two pods, which a probe ended both", again("93 restarted pod/shop/e e container=shop reason=Error code=137\n92..93 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted\n92..93 Kubernetes_Event event/pod/shop/e e reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), strings.Replace(restarted, "of b", "of b, e", 1) + "by its liveness probe"},
		{"another pod's container was ended", again("92..93 Kubernetes_Event event/pod/shop/c c reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"ended after the restart", again("94..95 Kubernetes_Event event/pod/shop/b b reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"another container of the pod was ended", again("92..93 Kubernetes_Event event/pod/shop/b b container=sidecar reason=Killing message=Container_sidecar_failed_liveness_probe,_will_be_restarted"), restarted + "by a liveness probe or a crash"},
		{"ended before another restart", again("80..81 Kubernetes_Event event/pod/shop/b b container=shop reason=Killing message=Container_shop_failed_liveness_probe,_will_be_restarted\n82 restarted pod/shop/b b container=shop"), restarted + "by a liveness probe or a crash"},
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
func TestWhatIsAdvisedByTheWordsOfKubernetes(t *testing.T) {
	const restarted = "consistent with: container shop of b ended and was started again (Error, exit code 137), which the fault does not do: "
	const probe = "Ask does the liveness probe need what the fault took away? (livenessProbe of checkout: GET /healthz every 5s)"
	const patience = "Ask do the timeoutSeconds and failureThreshold of the liveness probe leave it the time that it needs under load? (it ran out of time, as the kubelet says; livenessProbe of checkout: GET /healthz every 5s)"
	for _, row := range []struct{ name, rule, why, want string }{
		{"no node has room", cause.Away, `consistent with: a was away, and no node was found for d (Unschedulable: "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available")`, "Mend make room for the pods of deployment/checkout: lower their requests of cpu, or add nodes (every node has too little of it, as the scheduler says; checkout requests 50m); pods/kill-one would prove it"},
		{"of what the pods do not request", cause.TooFew, `consistent with: too few pods, and d could not be scheduled: "0/1 nodes are available: 1 Insufficient example.com/gpu."`, "Mend make room for the pods of deployment/checkout: lower their requests of example.com/gpu, or add nodes (every node has too little of it, as the scheduler says); pods/kill-one would prove it"},
		{"other nodes are ruled out for another reason", cause.Away, `consistent with: a was away, and no node was found for d (Unschedulable: "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint.")`, ""},
		{"the liveness probe over HTTP ran out of time", cause.Restarted, restarted + `by its liveness probe, which failed: "Get \"http://10.0.0.1/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"`, patience},
		{"the one that is a command", cause.Restarted, restarted + `by its liveness probe, which failed: "command timed out: \"sleep\" timed out after 1s"`, patience},
		{"it failed otherwise", cause.Restarted, restarted + `by its liveness probe, which failed: "HTTP probe failed with statuscode: 500"`, probe},
		{"a startup probe", cause.Restarted, restarted + `by its startup probe, which failed: "i/o timeout"`, probe},
		{"it is not known to be a probe", cause.Restarted, restarted + "by a liveness probe or a crash", probe},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := judge.Result{Workload: sound(), Findings: []judge.Finding{{Check: "answers", Reading: steadystate.Reading{Verdict: steadystate.Broken}}}}
			got := ""
			for _, a := range cause.Advise(r, []cause.Cause{{Check: "answers", Rule: row.rule, Why: row.why}}) {
				got += a.Name() + " " + a.String()
			}
			if got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}
