package kubewatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/record"
)

func kinds(list []happening) []string {
	kinds := []string{}
	for _, h := range list {
		kinds = append(kinds, h.kind)
	}
	return kinds
}

func TestAPodsEventsAreTheStagesBetweenTwoStates(t *testing.T) {
	between := events(named("pod"), podEvents)
	bare := func(change ...func(*corev1.Pod)) *corev1.Pod {
		p := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{}}}}
		for _, f := range change {
			f(p)
		}
		return p
	}
	node := func(p *corev1.Pod) { p.Spec.NodeName = "node1" }
	runs := func(restarts int32) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				State:                corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled", ExitCode: 137}},
				RestartCount:         restarts,
			}}
		}
	}
	is := func(status corev1.ConditionStatus) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
		}
	}
	leaving := func(p *corev1.Pod) { now := metav1.Now(); p.DeletionTimestamp = &now }
	since := func(second int64) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Status.Conditions[0].LastTransitionTime = metav1.Unix(second, 0) }
	}
	ended := func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Error", ExitCode: 137}}}}
	}
	waits := func(reason string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}}
		}
	}
	scheduled := func(reason string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: reason, Message: "0/2 nodes are available: 2 Insufficient cpu."}}
		}
	}
	full, gated := scheduled(corev1.PodReasonUnschedulable), scheduled(corev1.PodReasonSchedulingGated)
	failed := func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" }
	disrupted := func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"})
	}
	for _, row := range []struct {
		name          string
		before, after client.Object
		first         bool
		want          []string
	}{
		{"it was there, whatever it had been through", nil, bare(node, runs(3), is(corev1.ConditionTrue)), true, []string{"exists"}},
		{"it was there and on its way out", nil, bare(node, leaving), true, []string{"exists", "terminating"}},
		{"new", nil, bare(), false, []string{"created"}},
		{"seen late, it has passed all stages", nil, bare(node, runs(0), is(corev1.ConditionTrue)), false, []string{"created", "scheduled", "started", "ready"}},
		{"no node has room for it", bare(), bare(full), false, []string{"unschedulable"}},
		{"no node has room for it yet", bare(full), bare(full), false, []string{}},
		{"it is to wait", bare(), bare(gated), false, []string{}},
		{"a node has room for it at last", bare(full), bare(node), false, []string{"scheduled"}},
		{"it is given a node", bare(), bare(node), false, []string{"scheduled"}},
		{"not every container runs yet", bare(node), bare(node, func(p *corev1.Pod) { runs(0)(p); p.Spec.Containers = append(p.Spec.Containers, corev1.Container{}) }), false, []string{}},
		{"its container is being made", bare(node), bare(node, waits("ContainerCreating")), false, []string{}},
		{"its image cannot be had", bare(node, waits("ContainerCreating")), bare(node, waits("ErrImagePull")), false, []string{"waiting"}},
		{"its image still cannot be had", bare(node, waits("ErrImagePull")), bare(node, waits("ImagePullBackOff")), false, []string{}},
		{"it could not start before anybody looked", nil, bare(node, waits("ImagePullBackOff")), true, []string{"exists"}},
		{"its containers run", bare(node), bare(node, runs(0)), false, []string{"started"}},
		{"it is ready", bare(node, runs(0)), bare(node, runs(0), is(corev1.ConditionTrue)), false, []string{"ready"}},
		{"it is no longer ready", bare(is(corev1.ConditionTrue)), bare(is(corev1.ConditionFalse)), false, []string{"not ready"}},
		{"it is not known to be ready", bare(is(corev1.ConditionTrue)), bare(is(corev1.ConditionUnknown)), false, []string{"not ready"}},
		{"a container was killed", bare(node, runs(0), is(corev1.ConditionTrue)), bare(node, ended, is(corev1.ConditionFalse)), false, []string{"stopped", "not ready"}},
		{"a killed container was started again", bare(node, ended), bare(node, runs(1)), false, []string{"restarted", "started"}},
		{"a container was started again and its stop was not seen", bare(node, runs(1)), bare(node, runs(2)), false, []string{"stopped", "restarted", "started"}},
		{"a container was started again and has ended again", bare(node, runs(1)), bare(node, func(p *corev1.Pod) { ended(p); p.Status.ContainerStatuses[0].RestartCount = 2 }), false, []string{"stopped", "restarted"}},
		{"of a whole restart only the end was seen", bare(node, runs(1), is(corev1.ConditionTrue), since(1)), bare(node, runs(2), is(corev1.ConditionTrue), since(5)), false, []string{"stopped", "not ready", "restarted", "started", "ready"}},
		{"it was not ready for a moment", bare(runs(0), is(corev1.ConditionTrue), since(1)), bare(runs(0), is(corev1.ConditionTrue), since(2)), false, []string{"not ready", "ready"}},
		{"the kubelet evicts it, and the object stays", bare(node, runs(0)), bare(node, ended, failed), false, []string{"stopped", "failed"}},
		{"it is being deleted", bare(is(corev1.ConditionTrue)), bare(is(corev1.ConditionFalse), leaving), false, []string{"not ready", "terminating"}},
		{"it is gone", bare(leaving), nil, false, []string{"gone"}},
		{"nothing that matters", bare(node), bare(node, func(p *corev1.Pod) { p.Annotations = map[string]string{"a": "b"} }), false, []string{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := kinds(between(row.before, row.after, row.first)); !slices.Equal(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	for _, row := range []struct {
		name          string
		before, after client.Object
		want          string
	}{
		{"why it has no node, in the scheduler's words", bare(), bare(full), "unschedulable map[message:0/2 nodes are available: 2 Insufficient cpu. reason:Unschedulable]"},
		{"why a container ended", bare(runs(1)), bare(runs(2)), "stopped map[code:137 reason:OOMKilled]"},
		{"why a container that is down ended", bare(runs(1)), bare(ended), "stopped map[code:137 reason:Error]"},
		{"why a container cannot be started", bare(), bare(waits("ErrImagePull")), "waiting map[reason:ErrImagePull]"},
		{"how often it was started", bare(ended), bare(runs(2)), "restarted map[code:137 reason:OOMKilled restarts:2]"},
		{"who evicts a pod", bare(), bare(leaving, disrupted), "terminating map[reason:EvictionByEvictionAPI]"},
		{"why a pod failed", bare(), bare(failed), "failed map[reason:Evicted]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			first := between(row.before, row.after, false)[0]
			if got := fmt.Sprint(first.kind, " ", first.attrs); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestAnEndpointThatIsNoPodIsKnownByItsAddress(t *testing.T) {
	slice := func(addresses ...string) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}}
		for _, a := range addresses {
			s.Endpoints = append(s.Endpoints, discoveryv1.Endpoint{Addresses: []string{a}})
		}
		return s
	}
	got := endpointEvents(slice("198.18.0.1", "198.18.0.2"), slice("198.18.0.2", "198.18.0.3"), false)
	if len(got) != 2 || got[0].kind != record.EventRemoved || got[0].subject != "endpoint/shop/198.18.0.1" || got[1].kind != record.EventAdded || got[1].subject != "endpoint/shop/198.18.0.3" {
		t.Errorf("%+v, want 198.18.0.1 removed and 198.18.0.3 added", got)
	}
	if got := kinds(endpointEvents(slice("198.18.0.1"), nil, false)); !slices.Equal(got, []string{record.EventRemoved}) {
		t.Errorf("%q when the slice goes, want its endpoint removed", got)
	}
}

func TestWhatHappensToWhatScales(t *testing.T) {
	hpa := func(maxReplicas, desired int32) *autoscalingv2.HorizontalPodAutoscaler {
		return &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{MaxReplicas: maxReplicas},
			Status:     autoscalingv2.HorizontalPodAutoscalerStatus{DesiredReplicas: desired},
		}
	}
	labelled := hpa(4, 2)
	labelled.Labels = map[string]string{"a": "b"}
	deployment := func(wanted, ready int32) *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "checkout"},
			Spec:       appsv1.DeploymentSpec{Replicas: &wanted},
			Status:     appsv1.DeploymentStatus{Replicas: wanted, ReadyReplicas: ready, UpdatedReplicas: wanted},
		}
	}
	set := func(desired, updated, partition int32) *appsv1.StatefulSet {
		s := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ledger"}, Spec: appsv1.StatefulSetSpec{Replicas: &desired}}
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition}
		s.Status = appsv1.StatefulSetStatus{Replicas: desired, ReadyReplicas: desired, UpdatedReplicas: updated, CurrentReplicas: desired - updated, CurrentRevision: "ledger-1", UpdateRevision: "ledger-2"}
		return s
	}
	daemons := func(desired, updated int32) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "agent"},
			Status:     appsv1.DaemonSetStatus{DesiredNumberScheduled: desired, CurrentNumberScheduled: 2, NumberReady: 2, UpdatedNumberScheduled: updated},
		}
	}
	vpa := func(cpu, mode string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"metadata": map[string]any{"namespace": "shop", "name": "checkout"},
			"spec":     map[string]any{"updatePolicy": map[string]any{"updateMode": mode}},
			"status":   map[string]any{"recommendation": map[string]any{"cpu": cpu}},
		}}
	}
	node := func(status corev1.ConditionStatus) *corev1.Node {
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: "node2"},
			Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}},
		}
	}
	silent := node(corev1.ConditionUnknown)
	silent.Status.Conditions[0].Reason, silent.Status.Conditions[0].Message = "NodeStatusUnknown", "Kubelet stopped posting node status."
	// Of the nodes that pods were seen on.
	var on hosts
	of := on.nodes(events(named("node"), nodeEvents))
	elsewhere := of(node(corev1.ConditionTrue), silent, false)
	on.pods(events(named("pod"), podEvents))(nil, &corev1.Pod{Spec: corev1.PodSpec{NodeName: "node2"}}, true)
	autoscalers, workloads := events(named("hpa"), autoscalerEvents), events(workloadSubject, workloadEvents)
	verticals, nodes := events(named("vpa"), verticalEvents), events(named("node"), nodeEvents)
	for _, row := range []struct {
		name string
		got  []happening
		want string
	}{
		{"an autoscaler was there", autoscalers(nil, hpa(4, 2), true), `exists hpa/shop/checkout map[spec:{"scaleTargetRef":{"kind":"","name":""},"maxReplicas":4} status:{"desiredReplicas":2,"currentMetrics":null}]`},
		{"an autoscaler is new", autoscalers(nil, hpa(4, 2), false), `created hpa/shop/checkout map[spec:{"scaleTargetRef":{"kind":"","name":""},"maxReplicas":4} status:{"desiredReplicas":2,"currentMetrics":null}]`},
		{"an autoscaler decides", autoscalers(hpa(4, 2), hpa(4, 4), false), `changed hpa/shop/checkout map[status:{"desiredReplicas":4,"currentMetrics":null}]`},
		{"an autoscaler is asked for something else", autoscalers(hpa(4, 2), hpa(8, 2), false), `changed hpa/shop/checkout map[spec:{"scaleTargetRef":{"kind":"","name":""},"maxReplicas":8} status:{"desiredReplicas":2,"currentMetrics":null}]`},
		{"an autoscaler is labelled", autoscalers(hpa(4, 2), labelled, false), ""},
		{"an autoscaler is gone", autoscalers(hpa(4, 2), nil, false), "gone hpa/shop/checkout map[]"},
		{"a deployment was there", workloads(nil, deployment(2, 2), true), "exists deployment/shop/checkout map[existing:2 ready:2 replicas:2 updated:2]"},
		{"a deployment is new", workloads(nil, deployment(2, 0), false), "created deployment/shop/checkout map[existing:2 ready:0 replicas:2 updated:2]"},
		{"a deployment is scaled", workloads(deployment(2, 2), deployment(4, 2), false), "changed deployment/shop/checkout map[existing:4 ready:2 replicas:4 updated:4]"},
		{"a deployment stays as it is", workloads(deployment(2, 2), deployment(2, 2), false), ""},
		{"a deployment is gone", workloads(deployment(2, 2), nil, false), "gone deployment/shop/checkout map[]"},
		{"a stateful set was there", workloads(nil, set(2, 2, 0), true), "exists statefulset/shop/ledger map[existing:2 ready:2 replicas:2 updated:2]"},
		{"a stateful set is rolled out", workloads(set(2, 2, 0), set(2, 1, 0), false), "changed statefulset/shop/ledger map[existing:2 ready:2 replicas:2 updated:1]"},
		{"a stateful set is as its partition has it", workloads(nil, set(3, 1, 2), true), "exists statefulset/shop/ledger map[existing:3 ready:3 replicas:3 updated:3]"},
		{"a stateful set is scaled", workloads(set(2, 2, 0), set(4, 4, 0), false), "changed statefulset/shop/ledger map[existing:4 ready:4 replicas:4 updated:4]"},
		{"a stateful set is gone", workloads(set(2, 2, 0), nil, false), "gone statefulset/shop/ledger map[]"},
		{"a daemon set was there", workloads(nil, daemons(2, 2), true), "exists daemonset/shop/agent map[existing:2 ready:2 replicas:2 updated:2]"},
		{"a daemon set is rolled out", workloads(daemons(2, 2), daemons(2, 1), false), "changed daemonset/shop/agent map[existing:2 ready:2 replicas:2 updated:1]"},
		{"a daemon set has a new node", workloads(daemons(2, 2), daemons(3, 2), false), "changed daemonset/shop/agent map[existing:2 ready:2 replicas:3 updated:2]"},
		{"a vertical autoscaler was there", verticals(nil, vpa("1", "Off"), true), `exists vpa/shop/checkout map[spec:{"updatePolicy":{"updateMode":"Off"}} status:{"recommendation":{"cpu":"1"}}]`},
		{"a vertical autoscaler recommends something else", verticals(vpa("1", "Off"), vpa("2", "Off"), false), `changed vpa/shop/checkout map[status:{"recommendation":{"cpu":"2"}}]`},
		{"a vertical autoscaler is asked for something else", verticals(vpa("1", "Off"), vpa("1", "Auto"), false), `changed vpa/shop/checkout map[spec:{"updatePolicy":{"updateMode":"Auto"}} status:{"recommendation":{"cpu":"1"}}]`},
		{"a vertical autoscaler stays as it is", verticals(vpa("1", "Off"), vpa("1", "Off"), false), ""},
		{"a vertical autoscaler is gone", verticals(vpa("1", "Off"), nil, false), "gone vpa/shop/checkout map[]"},
		{"a node was there", nodes(nil, node(corev1.ConditionTrue), true), "exists node/node2 map[ready:true]"},
		{"a node is new", nodes(nil, node(corev1.ConditionFalse), false), "created node/node2 map[]"},
		{"a node is ready", nodes(node(corev1.ConditionFalse), node(corev1.ConditionTrue), false), "ready node/node2 map[]"},
		{"a node is not known to be ready", nodes(node(corev1.ConditionTrue), node(corev1.ConditionUnknown), false), "not ready node/node2 map[]"},
		{"a node is seen late", nodes(nil, node(corev1.ConditionTrue), false), "created node/node2 map[]\nready node/node2 map[]"},
		{"a node says why it is not ready", nodes(node(corev1.ConditionTrue), silent, false), "not ready node/node2 map[reason:NodeStatusUnknown: Kubelet stopped posting node status.]"},
		{"a node has no pod of the workload", elsewhere, ""},
		{"a node has one", of(node(corev1.ConditionTrue), silent, false), "not ready node/node2 map[reason:NodeStatusUnknown: Kubelet stopped posting node status.]"},
		{"a node with one is gone", of(silent, nil, false), "gone node/node2 map[]"},
		{"a node is gone", nodes(node(corev1.ConditionTrue), nil, false), "gone node/node2 map[]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			lines := []string{}
			for _, h := range row.got {
				lines = append(lines, fmt.Sprint(h.kind, " ", h.subject, " ", h.attrs))
			}
			if got := strings.Join(lines, "\n"); got != row.want {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}
