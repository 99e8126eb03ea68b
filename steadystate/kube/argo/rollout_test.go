package argo_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// written is a Rollout as Argo Rollouts 1.10 writes it, in the middle of a canary.
const written = `{
	"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
	"metadata": {"namespace": "shop", "name": "checkout", "generation": 4, "labels": {"app": "checkout"}, "annotations": {"rollout.argoproj.io/revision": "2"}},
	"spec": {
		"replicas": 4, "revisionHistoryLimit": 2, "selector": {"matchLabels": {"app": "checkout"}},
		"template": {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [{"name": "app", "image": "checkout:2"}]}},
		"strategy": {"canary": {"maxSurge": "25%", "maxUnavailable": 1, "steps": [{"setWeight": 25}, {"pause": {}}]}},
		"restartAt": "2026-11-29T12:00:00Z"
	},
	"status": {
		"HPAReplicas": 5, "replicas": 5, "readyReplicas": 5, "availableReplicas": 5, "updatedReplicas": 1, "observedGeneration": "4",
		"currentPodHash": "6b8d", "stableRS": "7c5f", "currentStepIndex": 1, "controllerPause": true,
		"pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-11-29T12:01:00Z"}],
		"conditions": [{"type": "Paused", "status": "True", "reason": "RolloutPaused", "message": "Rollout is paused", "lastUpdateTime": "2026-11-29T12:01:00Z", "lastTransitionTime": "2026-11-29T12:01:00Z"}],
		"phase": "Paused", "message": "CanaryPauseStep", "restartedAt": "2026-11-29T12:00:00Z", "selector": "app=checkout"
	}
}`

func TestARolloutIsRead(t *testing.T) {
	var r argo.Rollout
	if err := json.Unmarshal([]byte(written), &r); err != nil {
		t.Fatal(err)
	}
	if r.Observed() != 4 || r.Restarting() || r.Aborted() != "" || r.MaxUnavailable().IntValue() != 1 {
		t.Errorf("%d, %t, %q, %v", r.Observed(), r.Restarting(), r.Aborted(), r.MaxUnavailable())
	}
	if got, want := r.Unfinished(), "its update is paused: CanaryPauseStep"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if r.Spec.Template.Spec.Containers[0].Image != "checkout:2" || *r.Spec.Replicas != 4 || r.Status.UpdatedReplicas != 1 {
		t.Errorf("%+v", r)
	}
}

func TestACopySharesNothing(t *testing.T) {
	var r argo.Rollout
	if err := json.Unmarshal([]byte(written), &r); err != nil {
		t.Fatal(err)
	}
	r.Spec.WorkloadRef = &argo.WorkloadRef{Name: "a"}
	r.Spec.Strategy.BlueGreen = &argo.BlueGreen{MaxUnavailable: r.Spec.Strategy.Canary.MaxUnavailable}
	list := &argo.RolloutList{Items: []argo.Rollout{r}}
	before, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	copied, ok := list.DeepCopyObject().(*argo.RolloutList)
	if !ok || !equality.Semantic.DeepEqual(list, copied) {
		t.Fatalf("%+v, want %+v", copied, list)
	}
	c := &copied.Items[0]
	*c.Spec.Replicas, c.Spec.Selector.MatchLabels["app"], c.Labels["app"] = 1, "b", "b"
	c.Spec.Template.Spec.Containers[0].Image, c.Spec.WorkloadRef.Name = "b", "b"
	c.Spec.Strategy.Canary.MaxUnavailable.IntVal, c.Spec.Strategy.Canary.MaxSurge.StrVal, c.Spec.Strategy.BlueGreen.MaxUnavailable.IntVal = 7, "b", 7
	*c.Spec.RestartAt, *c.Status.RestartedAt = metav1.Now(), metav1.Now()
	c.Status.Conditions[0].Message, c.Status.PauseConditions[0].Reason = "b", "b"
	if after, _ := json.Marshal(list); string(after) != string(before) {
		t.Errorf("a change of the copy changed\n%s, to\n%s", before, after)
	}
}
