package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/internal/trial"
)

// flagger releases builds blue/green, by Services: the Deployment is the canary, and
// Flagger's own Deployment checkout-primary is what customers meet.
type flagger struct{}

func (flagger) name() string { return "flagger" }
func (flagger) kind() string { return "Canary" }

const flaggerAPI = "flagger.app/v1beta1"

func (f flagger) begin(ctx context.Context, env *environment) error {
	canary, err := sample(f.kind(), env.names(killed))
	if err != nil {
		return err
	}
	if err := env.client.Create(ctx, canary); err != nil {
		return err
	}
	return f.until(ctx, env, "Initialized")
}

// until waits until the canary is in a phase.
func (f flagger) until(ctx context.Context, env *environment, phase string) error {
	return trial.Poll(ctx, time.Second, 2*time.Minute, func(ctx context.Context) error {
		canary, err := env.read(ctx, flaggerAPI, f.kind(), service)
		if is, _, _ := unstructured.NestedString(canary.Object, "status", "phase"); err == nil && is != phase {
			err = fmt.Errorf("the canary is %q, not %s (does Flagger run? see lab with)", is, phase)
		}
		return err
	})
}

func (f flagger) experiment(ctx context.Context, env *environment, id string) error {
	canary, err := env.read(ctx, flaggerAPI, f.kind(), service)
	if err != nil {
		return err
	}
	wanted, err := sample(f.kind(), env.names(id))
	if err != nil {
		return err
	}
	before := canary.DeepCopy()
	canary.Object["spec"] = wanted.Object["spec"]
	return env.client.Patch(ctx, canary, client.MergeFrom(before))
}

func (f flagger) look(ctx context.Context, env *environment, build string) (is end, status, customer string, err error) {
	canary, err := env.read(ctx, flaggerAPI, f.kind(), service)
	if err != nil {
		return underWay, "", "", err
	}
	phase, _, _ := unstructured.NestedString(canary.Object, "status", "phase")
	changed, _, _ := unstructured.NestedString(canary.Object, "status", "lastTransitionTime")
	failed, _, _ := unstructured.NestedInt64(canary.Object, "status", "failedChecks")
	status = fmt.Sprintf("phase %s since %s, %d failed checks", phase, changed, failed)
	if customer, err = env.builds(ctx, map[string]string{"app": service + "-primary"}); err != nil {
		return underWay, status, "", err
	}
	// Until Flagger sees the build, the phase is that of the one before.
	at, _ := time.Parse(time.RFC3339, changed)
	switch {
	case !at.After(env.applied.Truncate(time.Second)):
		return underWay, status, customer, nil
	case phase == "Succeeded" && customer == build:
		return promoted, status, customer, nil
	case phase == "Failed":
		return rolledBack, status, customer, nil
	case phase == "WaitingPromotion":
		return waits, status, customer, nil
	}
	return underWay, status, customer, nil
}
