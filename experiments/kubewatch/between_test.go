package kubewatch

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
				LastTerminationState: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "OOMKilled"}},
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
		{"a container was started again", bare(node, runs(1)), bare(node, runs(2)), false, []string{"restarted"}},
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
	if got := podEvents(bare(runs(1)), bare(runs(2)), false)[0].attrs["reason"]; got != "OOMKilled" {
		t.Errorf("reason of the restart %q, want OOMKilled", got)
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
	if len(got) != 2 || got[0].kind != EventRemoved || got[0].subject != "endpoint/shop/198.18.0.1" || got[1].kind != EventAdded || got[1].subject != "endpoint/shop/198.18.0.3" {
		t.Errorf("%+v, want 198.18.0.1 removed and 198.18.0.3 added", got)
	}
	if got := kinds(endpointEvents(slice("198.18.0.1"), nil, false)); !slices.Equal(got, []string{EventRemoved}) {
		t.Errorf("%q when the slice goes, want its endpoint removed", got)
	}
}
