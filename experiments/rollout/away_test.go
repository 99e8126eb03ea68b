package rollout

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
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
	argoRollout := func(replicas int32, strategy argo.Strategy) client.Object {
		return &argo.Rollout{Spec: argo.RolloutSpec{Replicas: &replicas, Strategy: strategy}}
	}
	number, share := intstr.FromInt32, intstr.FromString
	for _, row := range []struct {
		sentence string
		object   client.Object
		want     int
		restart  bool
	}{
		{"a quarter by default, rounded down", deployment(3, appsv1.DeploymentStrategy{}), 0, false},
		{"of seven", deployment(7, appsv1.DeploymentStrategy{}), 1, false},
		{"a number", deployment(7, rolling(number(2), number(0))), 2, false},
		{"one if neither may be", deployment(3, rolling(share("10%"), share("0%"))), 1, false},
		{"all at once", deployment(3, appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}), 3, false},
		{"one of a StatefulSet", statefulSet(4, nil), 1, false},
		{"or more, rounded up", statefulSet(5, new(share("30%"))), 2, false},
		{"one of a DaemonSet", daemonSet(nil), 1, false},
		{"none where new ones come first", daemonSet(&appsv1.RollingUpdateDaemonSet{MaxUnavailable: new(number(0)), MaxSurge: new(number(1))}), 0, false},
		{"a quarter of a Rollout, rounded down", argoRollout(7, argo.Strategy{Canary: &argo.Canary{}}), 1, false},
		{"none of three", argoRollout(3, argo.Strategy{Canary: &argo.Canary{}}), 0, false},
		{"one if neither may be", argoRollout(3, argo.Strategy{Canary: &argo.Canary{MaxSurge: new(number(0))}}), 1, false},
		{"none of a blue-green one", argoRollout(7, argo.Strategy{BlueGreen: &argo.BlueGreen{}}), 0, false},
		{"but one at least if it is restarted", argoRollout(3, argo.Strategy{BlueGreen: &argo.BlueGreen{}}), 1, true},
		{"or as many as it says", argoRollout(3, argo.Strategy{Canary: &argo.Canary{MaxUnavailable: new(number(2))}}), 2, true},
	} {
		state, _ := kube.StateOf(row.object)
		if got, by := away(state, row.restart); got != row.want || by == "" {
			t.Errorf("%s: %d (%s), want %d", row.sentence, got, by, row.want)
		}
	}
}
