package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/aftershockhq/aftershock/experiments"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/steadystate/kube"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

// A workloadTrial is an experiment on a Rollout, and how it must end.
type workloadTrial struct {
	name       string
	experiment string // of the configuration
	replicas   int64
	blueGreen  bool // its strategy; else a canary
	budget     bool // refuses every eviction, so that a restart stalls
	kill       bool // the harness, while the fault is held: the cluster undoes it
	want       int  // the exit code; of a run that is killed there is none
}

func (r workloadTrial) id() string { return "rollout/" + r.name }

func trials() []workloadTrial {
	const held, broken, unknown = 0, 1, 3
	return []workloadTrial{
		{name: "kill-one", experiment: "checkout/pods/kill-one", replicas: 3, want: held},
		{name: "delay", experiment: "checkout/network/delay", replicas: 3, want: held},
		{name: "evict", experiment: "checkout/pods/evict", replicas: 3, want: held},
		{name: "restart", experiment: "checkout/rollout/restart", replicas: 3, want: held},
		{name: "bad-image", experiment: "checkout/rollout/bad-image", replicas: 3, want: held},
		{name: "blue-green-kill-one", experiment: "checkout/pods/kill-one", replicas: 3, blueGreen: true, want: held},
		{name: "blue-green-delay", experiment: "checkout/network/delay", replicas: 3, blueGreen: true, want: held},
		{name: "blue-green-restart", experiment: "checkout/rollout/restart", replicas: 3, blueGreen: true, want: held},
		{name: "blue-green-one-replica", experiment: "checkout/pods/kill-one", replicas: 1, blueGreen: true, want: broken},
		{name: "one-replica", experiment: "checkout/pods/kill-one", replicas: 1, want: broken},
		{name: "restart-stalls", experiment: "checkout/rollout/restart", replicas: 3, budget: true, want: unknown},
		{name: "restart-killed", experiment: "checkout/rollout/restart", replicas: 3, budget: true, kill: true},
		{name: "bad-image-killed", experiment: "checkout/rollout/bad-image", replicas: 3, kill: true},
	}
}

// tested is the configuration of the trials.
var tested = fmt.Sprintf(`
apiVersion: aftershock/v1
allow: {namespaces: [%[1]s]}
times: {settle: 5s, hold: 10s, watch: 20s, undo: 2m}
checks:
  answers:
    signal: requests
    good: value <= 1s
    allowed: 0.1%%
    limits: [downtime <= 2s, ttr <= 5s, errors <= 1%%, p95 <= 500ms]
  whole:
    signal: replicas
    good: value >= 100%%
    limits: [ttr <= 3m]
services:
  %[2]s:
    namespace: %[1]s
    workload: rollout/%[2]s
    load: {url: "http://%[3]s:%[4]d/checkout", rate: 50/s}
    checks: [answers, whole]
    suites: [pods/kill-one, pods/evict, network/delay, rollout]
    vary:
      network/delay: {limits: {answers: [ttr <= 60s, p95 <= 900ms]}}
`, namespace, service, node, previewPort)

// try carries a trial out, in a namespace that is new.
func try(ctx context.Context, w io.Writer, out string, r workloadTrial) (err error) {
	env := &environment{out: filepath.Join(out, r.id())}
	if err := os.MkdirAll(env.out, 0o700); err != nil {
		return err
	}
	if err := env.connect(ctx, tested); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, env.clear(context.WithoutCancel(ctx)))
	}()
	if err := env.place(ctx, r); err != nil {
		return fmt.Errorf("%s: %w", r.id(), err)
	}
	begun := time.Now()
	wrong, err := env.try(ctx, w, r)
	fmt.Fprintf(w, "\n%s: after %.0f s\n", r.id(), time.Since(begun).Seconds())
	if len(wrong) == 0 && err == nil {
		fmt.Fprintln(w, "  as wanted, and nothing is left")
	}
	var errs []error
	for _, text := range wrong {
		fmt.Fprintf(w, "  WRONG: %s\n", text)
		errs = append(errs, fmt.Errorf("%s: %s", r.id(), text))
	}
	return errors.Join(append(errs, err)...)
}

// place makes the namespace and a Rollout of checkout in it, and waits until it is at
// rest.
func (env *environment) place(ctx context.Context, r workloadTrial) error {
	objects, err := env.objects(ctx)
	if err != nil {
		return err
	}
	objects = slices.DeleteFunc(objects, func(o client.Object) bool { return o.GetName() == withdrawn })
	for i, o := range objects {
		switch o := o.(type) {
		case *rbacv1.Role:
			// What aftershock rbac adds for a file that names a Rollout.
			o.Rules = append(o.Rules, rbacv1.PolicyRule{APIGroups: []string{argo.GroupVersion.Group}, Resources: []string{"rollouts"}, Verbs: []string{"get", "list", "watch", "patch"}})
		case *appsv1.Deployment:
			if objects[i], err = rolloutOf(o, r); err != nil {
				return err
			}
		}
	}
	if r.budget {
		objects = append(objects, &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service},
			Spec:       policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(0)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": service}}},
		})
	}
	for _, o := range objects {
		if err := env.client.Create(ctx, o); err != nil {
			return err
		}
	}
	if err := env.rest(ctx); err != nil {
		return err
	}
	return env.cluster.Snapshot(ctx)
}

// rolloutOf is a Rollout with the pods of a Deployment. An update of it begins with a
// canary that waits, or replaces all pods at once behind the Service.
func rolloutOf(d *appsv1.Deployment, r workloadTrial) (*unstructured.Unstructured, error) {
	spec, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&struct {
		Selector *metav1.LabelSelector `json:"selector"`
		Template any                   `json:"template"`
	}{d.Spec.Selector, d.Spec.Template})
	if err != nil {
		return nil, err
	}
	unstructured.RemoveNestedField(spec, "template", "metadata", "creationTimestamp")
	spec["replicas"] = r.replicas
	spec["strategy"] = map[string]any{"blueGreen": map[string]any{"activeService": preview}}
	if !r.blueGreen {
		spec["strategy"] = map[string]any{"canary": map[string]any{
			"maxSurge": int64(1), "maxUnavailable": int64(0),
			"steps": []any{map[string]any{"setWeight": int64(34)}, map[string]any{"pause": map[string]any{"duration": "5s"}}},
		}}
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec}}
	u.SetGroupVersionKind(argo.GroupVersion.WithKind("Rollout"))
	u.SetNamespace(d.Namespace)
	u.SetName(d.Name)
	return u, nil
}

var underTest = kube.Workload{Kind: kube.ArgoRollout, Namespace: namespace, Name: service}

// rest waits until the Rollout is at rest.
func (env *environment) rest(ctx context.Context) error {
	if err := trial.Poll(ctx, time.Second, 2*time.Minute, trial.AtRest(env.client, underTest)); err != nil {
		return fmt.Errorf("the Rollout is not at rest (does Argo Rollouts run? see lab with): %w", err)
	}
	return nil
}

// try runs the experiment, and says what is wrong with how it ended and what it left.
func (env *environment) try(ctx context.Context, w io.Writer, r workloadTrial) (wrong []string, err error) {
	p, err := trial.Start(trial.Program, env.file, filepath.Join(env.out, "run"), r.experiment)
	if err != nil {
		return nil, err
	}
	if r.kill {
		faulted, err := p.Await(ctx, `"phase":"hold"`)
		if err != nil || !faulted {
			return nil, errors.Join(err, fmt.Errorf("no fault was held: %s", p.Printed.String()))
		}
		if err := syscall.Kill(-p.Process.Pid, syscall.SIGKILL); err != nil {
			return nil, err
		}
	}
	select {
	case <-p.Ended:
	case <-ctx.Done():
		p.Stop()
	}
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(p.Printed.String()))
	if code := p.ProcessState.ExitCode(); !r.kill && code != r.want {
		wrong = append(wrong, fmt.Sprintf("the run ended with %d, want %d", code, r.want))
	}
	patience := trial.SweepPatience
	if r.kill {
		patience = trial.ClusterPatience
	}
	for _, what := range env.cluster.Left(ctx, patience, true) {
		wrong = append(wrong, "left: "+what)
	}
	if err := env.rest(ctx); err != nil {
		return append(wrong, err.Error()), nil
	}
	// A restart that was ended must not go on once it could.
	if r.budget {
		more, err := env.goesOn(ctx)
		if err != nil {
			return wrong, err
		}
		wrong = append(wrong, more...)
	}
	more, err := env.noted(ctx)
	return append(wrong, more...), err
}

// goesOn removes the budget, and says which pods are replaced after that. Argo's
// controller tries again every 30 s.
func (env *environment) goesOn(ctx context.Context) (wrong []string, err error) {
	pods := func() (uids []string, err error) {
		state, err := underTest.Read(ctx, env.client)
		if err != nil {
			return nil, err
		}
		list, err := state.Pods(ctx, env.client)
		for _, pod := range list {
			uids = append(uids, string(pod.UID))
		}
		slices.Sort(uids)
		return uids, err
	}
	before, err := pods()
	if err != nil {
		return nil, err
	}
	if err := env.client.Delete(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service}}); err != nil {
		return nil, err
	}
	if err := experiments.Wait(ctx, 40*time.Second); err != nil {
		return nil, err
	}
	after, err := pods()
	if err == nil && !slices.Equal(before, after) {
		wrong = append(wrong, "the restart goes on: other pods are there than when the run ended")
	}
	return wrong, err
}

// noted are the ReplicaSets that name a run, and those of the bad image.
func (env *environment) noted(ctx context.Context) (wrong []string, err error) {
	var sets appsv1.ReplicaSetList
	if err := env.client.List(ctx, &sets, client.InNamespace(namespace)); err != nil {
		return nil, err
	}
	for _, set := range sets.Items {
		for name := range set.Annotations {
			if strings.HasPrefix(name, "aftershock.dev/") {
				wrong = append(wrong, fmt.Sprintf("left: annotation %s of ReplicaSet %s", name, set.Name))
			}
		}
	}
	if n := len(sets.Items); n != 1 {
		wrong = append(wrong, fmt.Sprintf("left: %d ReplicaSets, want one", n))
	}
	return wrong, nil
}
