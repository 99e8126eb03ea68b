package kubewatch

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/experiments"
)

func kinds(list []happening) []string {
	kinds := []string{}
	for _, h := range list {
		kinds = append(kinds, h.kind)
	}
	return kinds
}

func TestAPodsEventsAreTheStagesBetweenTwoStates(t *testing.T) {
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
	failed := func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" }
	disrupted := func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: "EvictionByEvictionAPI"})
	}
	for _, row := range []struct {
		name          string
		before, after *corev1.Pod
		first         bool
		want          []string
	}{
		{"it was there, whatever it had been through", nil, bare(node, runs(3), is(corev1.ConditionTrue)), true, []string{"exists"}},
		{"it was there and on its way out", nil, bare(node, leaving), true, []string{"exists", "terminating"}},
		{"new", nil, bare(), false, []string{"created"}},
		{"seen late, it has passed all stages", nil, bare(node, runs(0), is(corev1.ConditionTrue)), false, []string{"created", "scheduled", "started", "ready"}},
		{"it is given a node", bare(), bare(node), false, []string{"scheduled"}},
		{"not every container runs yet", bare(node), bare(node, func(p *corev1.Pod) { runs(0)(p); p.Spec.Containers = append(p.Spec.Containers, corev1.Container{}) }), false, []string{}},
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
			if got := kinds(podEvents(row.before, row.after, row.first)); !slices.Equal(got, row.want) {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	for _, row := range []struct {
		name          string
		before, after *corev1.Pod
		want          string
	}{
		{"why a container ended", bare(runs(1)), bare(runs(2)), "stopped map[code:137 reason:OOMKilled]"},
		{"why a container that is down ended", bare(runs(1)), bare(ended), "stopped map[code:137 reason:Error]"},
		{"how often it was started", bare(ended), bare(runs(2)), "restarted map[code:137 reason:OOMKilled restarts:2]"},
		{"who evicts a pod", bare(), bare(leaving, disrupted), "terminating map[reason:EvictionByEvictionAPI]"},
		{"why a pod failed", bare(), bare(failed), "failed map[reason:Evicted]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			first := podEvents(row.before, row.after, false)[0]
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
	if len(got) != 2 || got[0].kind != experiments.EventRemoved || got[0].subject != "endpoint/shop/198.18.0.1" || got[1].kind != experiments.EventAdded || got[1].subject != "endpoint/shop/198.18.0.3" {
		t.Errorf("%+v, want 198.18.0.1 removed and 198.18.0.3 added", got)
	}
	if got := kinds(endpointEvents(slice("198.18.0.1"), nil, false)); !slices.Equal(got, []string{experiments.EventRemoved}) {
		t.Errorf("%q when the slice goes, want its endpoint removed", got)
	}
}
