package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/internal/trial"
)

// rollouts releases builds as canaries by numbers of pods. The Rollout takes the
// template of the Deployment, whose own pods no customer meets, and which is tested.
type rollouts struct{}

func (rollouts) name() string { return "argo-rollouts" }
func (rollouts) kind() string { return "Rollout" }

const rolloutsAPI = "argoproj.io/v1alpha1"

// template is the kind of what asks the gate.
const template = "AnalysisTemplate"

func (r rollouts) begin(ctx context.Context, env *environment) error {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gate"}, StringData: map[string]string{"key": env.token, "token": env.token},
	}
	analysis, err := sample(template, env.names(killed))
	if err != nil {
		return err
	}
	rollout, err := sample(r.kind(), env.names(killed))
	if err != nil {
		return err
	}
	if err := errors.Join(env.client.Create(ctx, secret), env.client.Create(ctx, analysis), env.client.Create(ctx, rollout)); err != nil {
		return err
	}
	return trial.Poll(ctx, time.Second, 2*time.Minute, func(ctx context.Context) error {
		is, status, _, err := r.look(ctx, env, "first")
		if err == nil && is != promoted {
			err = fmt.Errorf("the rollout is not healthy (%s; does Argo Rollouts run? see lab with)", status)
		}
		return err
	})
}

func (r rollouts) experiment(ctx context.Context, env *environment, id string) error {
	analysis, err := env.read(ctx, rolloutsAPI, template, "held")
	if err != nil {
		return err
	}
	wanted, err := sample(template, env.names(id))
	if err != nil {
		return err
	}
	before := analysis.DeepCopy()
	analysis.Object["spec"] = wanted.Object["spec"]
	return env.client.Patch(ctx, analysis, client.MergeFrom(before))
}

func (r rollouts) look(ctx context.Context, env *environment, build string) (is end, status, customer string, err error) {
	rollout, err := env.read(ctx, rolloutsAPI, r.kind(), service)
	if err != nil {
		return underWay, "", "", err
	}
	var tested appsv1.Deployment
	if err := env.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: service}, &tested); err != nil {
		return underWay, "", "", err
	}
	text := func(name string) string {
		text, _, _ := unstructured.NestedString(rollout.Object, "status", name)
		return text
	}
	aborted, _, _ := unstructured.NestedBool(rollout.Object, "status", "abort")
	conditions, _, _ := unstructured.NestedSlice(rollout.Object, "status", "pauseConditions")
	var reasons []string
	for _, c := range conditions {
		if of, ok := c.(map[string]any); ok {
			reasons = append(reasons, fmt.Sprint(of["reason"]))
		}
	}
	status = strings.TrimSpace(fmt.Sprintf("phase %s %s %s", text("phase"), strings.Join(reasons, " "), text("message")))
	if customer, err = env.builds(ctx, map[string]string{"app": service, stageLabel: "production"}); err != nil {
		return underWay, status, "", err
	}
	switch {
	case text("workloadObservedGeneration") != fmt.Sprint(tested.Generation): // it has not seen the build yet
	case text("phase") == "Healthy" && text("stableRS") == text("currentPodHash") && customer == build:
		is = promoted
	case aborted && text("phase") == "Degraded" && !strings.Contains(customer, build):
		is = rolledBack
	case strings.Contains(status, "InconclusiveAnalysisRun"):
		is = waits
	}
	if is == "" {
		is = underWay
	}
	return is, status, customer, nil
}
