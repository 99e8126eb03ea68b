package rollout

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
)

func TestARolloutTakesAsManyPodsAsItsStrategyAllows(t *testing.T) {
	deployment := func(replicas int32, strategy appsv1.DeploymentStrategy) client.Object {
		return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &replicas, Strategy: strategy}}
	}
	rolling := func(unavailable, surge intstr.IntOrString) appsv1.DeploymentStrategy {
		return appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: &unavailable, MaxSurge: &surge}}
	}
	statefulSet := func(replicas int32, unavailable *intstr.IntOrString) client.Object {
		return &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Replicas: &replicas, UpdateStrategy: appsv1.StatefulSetUpdateStrategy{RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{MaxUnavailable: unavailable}}}}
	}
	daemonSet := func(rolling *appsv1.RollingUpdateDaemonSet) client.Object {
		return &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{UpdateStrategy: appsv1.DaemonSetUpdateStrategy{RollingUpdate: rolling}}, Status: appsv1.DaemonSetStatus{DesiredNumberScheduled: 5}}
	}
	number, share := intstr.FromInt32, intstr.FromString
	for _, row := range []struct {
		sentence string
		object   client.Object
		want     int
	}{
		{"a quarter by default, rounded down", deployment(3, appsv1.DeploymentStrategy{}), 0},
		{"of seven", deployment(7, appsv1.DeploymentStrategy{}), 1},
		{"a number", deployment(7, rolling(number(2), number(0))), 2},
		{"one if neither may be", deployment(3, rolling(share("10%"), share("0%"))), 1},
		{"all at once", deployment(3, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}), 3},
		{"one of a StatefulSet", statefulSet(4, nil), 1},
		{"or more, rounded up", statefulSet(5, new(share("30%"))), 2},
		{"one of a DaemonSet", daemonSet(nil), 1},
		{"none where new ones come first", daemonSet(&appsv1.RollingUpdateDaemonSet{MaxUnavailable: new(number(0)), MaxSurge: new(number(1))}), 0},
	} {
		state, _ := kube.StateOf(row.object)
		if got, by := away(state); got != row.want || by == "" {
			t.Errorf("%s: %d (%s), want %d", row.sentence, got, by, row.want)
		}
	}
}
