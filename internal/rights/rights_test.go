package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aftershockhq/aftershock/config"
	"github.com/aftershockhq/aftershock/internal/trial"
	"github.com/aftershockhq/aftershock/suites/rights"
)

// lab is a configuration as the lab's.
const lab = `apiVersion: aftershock/v1
cluster: {kubeconfig: admin, context: lab, uid: 0b1c, image: "aftershock:lab"}
allow: {namespaces: [shop]}
prometheus: {url: "http://127.0.0.1:9090"}
checks: {answers: {signal: requests, good: value <= 1s, limits: [downtime <= 2s]}}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://127.0.0.1/", rate: 100/s}
    checks: [answers]
    podSignals: {cpu: "sum by (pod) (rate(cpu_total[10s]))"}
    suites: [pods]
    vary: {pods/kill-third: {times: {hold: 1m}}}
experiments:
  twice: {service: checkout, faults: {one: {podKill: {pods: 1}}}}
`

func TestTheAccountsConfigurationIsTheLabs(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	file := filepath.Join(from, "aftershock.yaml")
	if err := os.WriteFile(file, []byte(lab), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := configure(file, to, "mine")
	if err != nil {
		t.Fatal(err)
	}
	plan, err := config.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	c := plan.Cluster
	if c.Kubeconfig != "mine" && c.Kubeconfig != filepath.Join(to, "mine") || c.Context != "rights" || c.Namespace != namespace || c.ServiceAccount != runner || c.UID != "0b1c" {
		t.Errorf("cluster %+v", c)
	}
	var chosen []string
	for _, p := range choose(plan) {
		chosen = append(chosen, p.ID())
	}
	// A second kill of the catalogue brings nothing new; those of the file are all run.
	want := []string{"checkout/pods/kill-one", "checkout/pods/container-kill", "checkout/pods/failure", "checkout/pods/evict", "checkout/twice", "checkout/failing", "checkout/by-workers", "checkout/by-nobody"}
	if !slices.Equal(chosen, want) {
		t.Errorf("chosen are %v, want %v", chosen, want)
	}
}

func TestWhatChaosMeshsAdmissionAsks(t *testing.T) {
	rule := func(verb, resource string) rights.Rule {
		return rights.Rule{Namespace: "shop", Group: "chaos-mesh.org", Resource: resource, Verb: verb}
	}
	for _, row := range []struct{ request, asked rights.Rule }{
		{rule("create", "podchaos"), rule("create", "podchaos")},
		{rule("patch", "networkchaos"), rule("update", "networkchaos")},
		{rule("create", "schedules"), rule("create", "schedule")},
		{rule("patch", "podnetworkchaos"), rights.Rule{}}, // its own plan of a pod
		{rule("delete", "podchaos"), rights.Rule{}},
		{rule("list", "podchaos"), rights.Rule{}},
	} {
		asked, ok := admission(row.request)
		if ok != (row.asked != rights.Rule{}) || ok && asked != row.asked {
			t.Errorf("%s: %s, %t", row.request, asked, ok)
		}
	}
}

// Without a rule preflight must name it, and end with another code than 0 if a run needs
// it.
func TestPreflightNamesWhatItLacksAndRefuses(t *testing.T) {
	needed := rights.Rule{Namespace: "shop", Group: "apps", Resource: "deployments", Verb: "get"}
	optional := needed
	optional.Optional = true
	line := rights.Lines([]rights.Rule{needed})[0]
	for _, row := range []struct {
		sentence string
		rule     rights.Rule
		code     int
		text     string
		want     string
	}{
		{"named and refused", needed, 3, "rights: missing " + line + "; add the rule", ""},
		{"refused for something else", needed, 3, "the API server does not answer", "does not name"},
		{"named, and all is well", needed, 0, "rights: missing " + line + "; add the rule", "ends with 0"},
		{"an optional one, named", optional, 0, "optional, and missing: " + rights.Lines([]rights.Rule{optional})[0], ""},
		{"an optional one, not named", optional, 0, "all is well", "does not name"},
	} {
		if err := unnamed(row.rule, row.code, row.text); (err == nil) != (row.want == "") || (err != nil && !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.sentence, err, row.want)
		}
	}
}

// What is proven of one build is not proven of another, nor of other rules.
func TestWhatIsProvenIsOfOneBuild(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "aftershock")
	build := func(text string) {
		if err := os.WriteFile(program, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules := []rights.Rule{{Namespace: "shop", Resource: "pods", Verb: "list"}}
	build("one")
	p := &proof{program: program, kept: dir, rules: rules}
	if err := p.read(); err != nil {
		t.Fatal(err)
	}
	p.state.Done["preflight"] = true
	if err := trial.Keep(dir, program, p.state); err != nil {
		t.Fatal(err)
	}
	again := &proof{program: program, kept: dir, rules: rules}
	if err := again.read(); err != nil || !again.state.Done["preflight"] {
		t.Errorf("of the same build: %v, done %v", err, again.state.Done)
	}
	if err := (&proof{program: program, kept: dir}).read(); err == nil || !strings.Contains(err.Error(), "of other rules") {
		t.Errorf("of other rules: %v", err)
	}
	build("another")
	if err := (&proof{program: program, kept: dir, rules: rules}).read(); err == nil || !strings.Contains(err.Error(), "of another build") {
		t.Errorf("of another build: %v", err)
	}
}

func TestARuleIsUsedByARequestForItsObject(t *testing.T) {
	get := func(name string) rights.Rule {
		return rights.Rule{Namespace: "shop", Group: "apps", Resource: "deployments", Verb: "get", Name: name}
	}
	if got := unusedOf([]rights.Rule{get("a"), get("b"), get("")}, []rights.Rule{get("a")}); !slices.Equal(got, []rights.Rule{get("b")}) {
		t.Errorf("unused are %v", got)
	}
}
