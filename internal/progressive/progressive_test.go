package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/gate"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/record"
	"github.com/aftershockhq/aftershock/steadystate/kube/argo"
)

func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil { // where the program runs
		panic(err)
	}
	os.Exit(m.Run())
}

func TestTheDocumentationHasTheObjectsThatRun(t *testing.T) {
	env := &environment{token: "secret-token"}
	for _, kind := range []string{flagger{}.kind(), template, rollouts{}.kind()} {
		u, err := sample(kind, env.names(slow))
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(u)
		if err != nil {
			t.Fatal(err)
		}
		for _, users := range []string{`"shop"`, "TOKEN", "chaos-gate", "kill-one", `"1m"`, `"count":60`, `"inconclusiveLimit":59`} {
			if strings.Contains(string(text), users) {
				t.Errorf("%s has the user's %s: %s", kind, users, text)
			}
		}
		if u.GetNamespace() != namespace {
			t.Errorf("%s is in %q", kind, u.GetNamespace())
		}
	}
	canary, _ := sample("Canary", env.names(slow))
	hooks, _, _ := unstructured.NestedSlice(canary.Object, "spec", "analysis", "webhooks")
	first, _ := hooks[0].(map[string]any)
	if of, _ := first["metadata"].(map[string]any); of["experiments"] != slow || of["token"] != env.token || first["url"] != "http://"+address+"/flagger/confirm-promotion" {
		t.Errorf("%v", first)
	}
	if _, err := sample("Job", nil); err == nil || err.Error() != "docs/gates.md has no sample of a Job" {
		t.Errorf("%v", err)
	}
}

// planOf is that of a configuration on a lab.
func planOf(t *testing.T, configuration string) *config.Plan {
	t.Helper()
	lab, path := filepath.Join(t.TempDir(), "lab.yaml"), filepath.Join(t.TempDir(), "aftershock.yaml")
	const text = `
apiVersion: aftershock/v1
cluster: {context: lab, uid: "1", image: "aftershock:lab"}
allow: {namespaces: [shop]}
prometheus: {url: "http://198.18.0.1:9090"}
checks: {answers: {signal: requests, good: value <= 3s, limits: [ttr <= 1s]}}
services: {ledger: {namespace: shop, workload: statefulset/ledger, checks: [answers]}}
experiments: {none: {service: ledger, faults: {}}}
`
	if err := errors.Join(os.WriteFile(lab, []byte(text), 0o600), trial.Variant(lab, path, clusterOnly, configuration)); err != nil {
		t.Fatal(err)
	}
	plan, err := config.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Cluster.Context != "lab" || plan.Prometheus != nil || len(plan.Allow.Namespaces) != 1 || plan.Allow.Namespaces[0] != namespace {
		t.Errorf("%+v", plan.File)
	}
	return plan
}

func TestTheConfigurationOfTheGatesIsValid(t *testing.T) {
	plan := planOf(t, configuration)
	var ids []string
	for _, p := range plan.Planned {
		ids = append(ids, p.ID())
	}
	slices.Sort(ids)
	if want := []string{killed, slow, starved}; !slices.Equal(ids, want) {
		t.Errorf("experiments %q, want %q", ids, want)
	}
}

func TestTheConfigurationOfTheTrialsHasTheirExperiments(t *testing.T) {
	plan := planOf(t, tested)
	for _, r := range trials() {
		if !slices.ContainsFunc(plan.Planned, func(p config.Planned) bool { return p.ID() == r.experiment }) {
			t.Errorf("%s: no experiment %s", r.id(), r.experiment)
		}
	}
	if of := plan.Planned[0].Target.Workload; of != underTest {
		t.Errorf("of %s, want %s", of, underTest)
	}
}

func TestTheRolloutOfTheTrialsHasThePodsOfTheDeployment(t *testing.T) {
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: service}}
	d.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": service}}
	d.Spec.Template = corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: d.Spec.Selector.MatchLabels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: service, Image: "checkout:1"}}}}
	for _, blueGreen := range []bool{false, true} {
		u, err := rolloutOf(d, workloadTrial{replicas: 3, blueGreen: blueGreen})
		if err != nil {
			t.Fatal(err)
		}
		var r argo.Rollout
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, &r); err != nil {
			t.Fatal(err)
		}
		if r.Kind != "Rollout" || *r.Spec.Replicas != 3 || (r.Spec.Strategy.BlueGreen != nil) != blueGreen || (r.Spec.Strategy.Canary != nil) == blueGreen ||
			!equality.Semantic.DeepEqual(r.Spec.Template, d.Spec.Template) || !equality.Semantic.DeepEqual(r.Spec.Selector, d.Spec.Selector) {
			t.Errorf("%+v", r)
		}
	}
}

// at is a time within a test.
func at(seconds int) time.Time { return time.Date(2026, 11, 29, 12, 0, seconds, 0, time.UTC) }

func TestWrong(t *testing.T) {
	all := rows()
	good, bad, again, unreached := all[0], all[1], all[2], all[3]
	once := []span{{at(1), at(2)}}
	right := func(r row) result {
		got := result{answer: gate.Answer{State: r.verdict}, ended: r.ends, customer: "first", events: []string{"Advance"}, runs: once}
		if r.ends == promoted {
			got.customer = r.name
		}
		if r.kill {
			got.runs = []span{{at(1), at(2)}, {at(3), at(4)}}
		}
		if r.experiment == starved {
			got.runs = nil
		}
		return got
	}
	for _, c := range []struct {
		says   string
		row    row
		change func(*result)
		want   string
	}{
		{"a good build is promoted", good, func(*result) {}, ""},
		{"a bad one is rolled back", bad, func(*result) {}, ""},
		{"a gate that was killed tests twice", again, func(*result) {}, ""},
		{"what no load reaches waits", unreached, func(*result) {}, ""},
		{"a false green", bad, func(r *result) { r.answer.State, r.ended, r.customer = gate.Held, promoted, "bad" }, "the gate said held, want broken"},
		{"a broken build that goes on", bad, func(r *result) { r.ended = waits }, "the rollout waits, want rolled back"},
		{"a bad build that customers meet", bad, func(r *result) { r.customer = "bad" }, "customers meet the build bad"},
		{"a good build that only some customers meet", good, func(r *result) { r.customer = "first and good" }, "customers meet the build first and good"},
		{"something is left", good, func(r *result) { r.left = []string{"PodChaos delivery/x"} }, "left: PodChaos delivery/x"},
		{"a silent controller", good, func(r *result) { r.events = nil }, "the controller wrote no event"},
		{"two injections", good, func(r *result) { r.runs = []span{{at(1), at(2)}, {at(3), at(4)}} }, "injected 2 times, want once"},
		{"a held build without a fault", good, func(r *result) { r.runs = nil }, "injected 0 times, want once"},
		{"two at once", again, func(r *result) { r.runs = []span{{at(1), at(3)}, {at(2), at(4)}} }, "two faults were in place at once"},
		{"no second test", again, func(r *result) { r.runs = once }, "injected 1 times, want once before the kill and once after it"},
		{"a fault that no load would have shown", unreached, func(r *result) { r.runs = once }, "injected 1 times, want never"},
		{"the row failed", good, func(r *result) { r.problem = errors.New("no lab") }, "no lab"},
	} {
		t.Run(c.says, func(t *testing.T) {
			got := right(c.row)
			c.change(&got)
			wrong := strings.Join(got.wrong(c.row), "\n")
			if c.want == "" && wrong != "" || !strings.Contains(wrong, c.want) {
				t.Errorf("%q, want %q", wrong, c.want)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	for name, phases := range map[string]map[string]int{
		"1/a.jsonl": {record.PhaseInject: 1},
		"2/a.jsonl": {record.PhaseInject: 20, record.PhaseWatch: 30},
		"3/a.jsonl": {record.PhaseSettle: 1},
	} {
		var text strings.Builder
		encoder := record.NewEncoder(&text)
		entries := []record.Entry{{Header: &record.Header{Format: record.Format, Version: record.Version, Run: "r", Started: at(0)}}}
		for phase, seconds := range phases {
			entries = append(entries, record.Entry{At: time.Duration(seconds) * time.Second, Phase: phase})
		}
		slices.SortFunc(entries, func(a, b record.Entry) int { return cmp.Compare(a.At, b.At) })
		for _, e := range entries {
			if err := encoder.Encode(e); err != nil {
				t.Fatal(err)
			}
		}
		write(name, text.String())
	}
	if _, err := faults(dir); err == nil {
		t.Error("a run that was not ended is taken for one that was")
	}
	write(gate.File, `{"event":"begun","directory":"1","time":"2026-11-29T12:00:00Z"}`+"\n"+`{"event":"interrupted","time":"2026-11-29T12:00:09Z"}`+"\n")
	got, err := faults(dir)
	if want := []span{{at(1), at(9)}, {at(20), at(30)}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
