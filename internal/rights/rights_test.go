package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aftershockhq/aftershock/config"
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

func TestARuleIsUsedByARequestForItsObject(t *testing.T) {
	get := func(name string) rights.Rule {
		return rights.Rule{Namespace: "shop", Group: "apps", Resource: "deployments", Verb: "get", Name: name}
	}
	if got := unusedOf([]rights.Rule{get("a"), get("b"), get("")}, []rights.Rule{get("a")}); !slices.Equal(got, []rights.Rule{get("b")}) {
		t.Errorf("unused are %v", got)
	}
}
