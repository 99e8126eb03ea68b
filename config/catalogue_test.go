package config

import (
	"slices"
	"strings"
	"testing"
)

// everything is a file whose only service has all that an experiment of the
// catalogue may need.
const everything = `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://prometheus.example:9090"}
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load: {url: "http://checkout.example/"}
    websocket: {url: "ws://checkout.example/"}
    autoscaler: {}
    calls: [payments]
    podSignals: {calls: "sum by (pod) (rate(calls_total[10s]))"}
`

const payments = "  payments: {namespace: shop, workload: deployment/payments}\n"

// What "aftershock catalog NAME" prints runs when it is pasted into a file as it
// stands, and does what the original does.
func TestACopyOfTheCatalogueRuns(t *testing.T) {
	c := Catalogue()
	original := must(t, strings.Replace(everything, "    calls:", "    suites: [all]\n    calls:", 1)+payments)
	for _, e := range c.Experiments {
		pasted := strings.ReplaceAll(print(t, c, e.ID), "    faults:", "    service: checkout\n    faults:")
		plan := must(t, everything+payments+pasted)
		if len(plan.Planned) != 1 || plan.Planned[0].ID() != "checkout/"+strings.ReplaceAll(e.ID, "/", "-") {
			t.Errorf("%s: %d planned: %v, skipped %v", e.ID, len(plan.Planned), plan.Planned, plan.Skipped)
			continue
		}
		i := slices.IndexFunc(original.Planned, func(p Planned) bool { return p.Suite+"/"+p.Name == e.ID })
		if got, want := plan.Planned[0], original.Planned[i]; got.Hash != want.Hash || got.Title != want.Title {
			t.Errorf("%s: the copy is %s %q, the original %s %q", e.ID, got.Hash, got.Title, want.Hash, want.Title)
		}
	}
	for _, check := range c.Checks {
		name := strings.ReplaceAll(check.ID, "/", "-")
		plan := must(t, everything+payments+"experiments:\n  kill: {service: checkout, checks: ["+name+"], faults: {kill: {podKill: {pods: 1}}}}\n"+print(t, c, check.ID))
		if got := plan.Planned[0].Checks; len(got) != 1 || got[0].Name != name {
			t.Errorf("%s: %v", check.ID, got)
		}
	}
}

// With one service an experiment need not name it.
func TestACopyOfASuiteRuns(t *testing.T) {
	file := strings.Replace(everything, "    calls: [payments]\n", "", 1)
	plan := must(t, file+print(t, Catalogue(), "pods"))
	if len(plan.Planned) != 5 {
		t.Errorf("%d planned, want the 5 of the suite", len(plan.Planned))
	}
}

func TestTheCatalogueSaysWhatAnExperimentNeeds(t *testing.T) {
	for id, want := range map[string]string{
		"pods/kill-one":       "load or traffic",
		"network/partition":   "load or traffic, calls, podSignals.calls, prometheus",
		"stress/memory":       "load or traffic, prometheus",
		"autoscaling/cpu-all": "load or traffic, autoscaler, prometheus",
		"autoscaling/kill":    "autoscaler, load",
		"capacity/sustained":  "",
	} {
		c := Catalogue()
		i := slices.IndexFunc(c.Experiments, func(e StandardExperiment) bool { return e.ID == id })
		if got := strings.Join(c.Experiments[i].Needs, ", "); got != want {
			t.Errorf("%s needs %q, want %q", id, got, want)
		}
	}
}

func TestACopyKeepsComments(t *testing.T) {
	c := Catalogue()
	if text := print(t, c, "network/loss"); !strings.Contains(text, "# One new connection in twenty") || strings.Contains(text, "What can happen") {
		t.Errorf("of an experiment those within it:\n%s", text)
	}
	if text := print(t, c, "network"); !strings.Contains(text, "\n# What can happen to the network") {
		t.Errorf("of a suite its own too:\n%s", text)
	}
	if text := print(t, c, "autoscaling/kill"); strings.ContainsAny(text, "&*") {
		t.Errorf("an alias stands alone:\n%s", text)
	}
}

func TestACopyOfNothing(t *testing.T) {
	_, err := Catalogue().YAML("pods/kil-one")
	if err == nil || !strings.Contains(err.Error(), `has no "pods/kil-one"; "aftershock catalog" lists what it has; did you mean "pods/kill-one"?`) {
		t.Errorf("%v, want an error with the one that was meant", err)
	}
}

func must(t *testing.T, text string) *Plan {
	t.Helper()
	plan, err := Parse("aftershock.yaml", []byte(text))
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return plan
}

func print(t *testing.T, c Catalog, name string) string {
	t.Helper()
	text, err := c.YAML(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The catalogue limits requests of services that have some. A file that does so
// for one that has none is told.
func TestALimitOnASignalThatAServiceDoesNotHave(t *testing.T) {
	file := `apiVersion: aftershock/v1
cluster: {uid: 0b1c}
allow: {namespaces: [shop]}
prometheus: {url: "http://prometheus.example:9090"}
checks: {whole: {signal: replicas, good: value >= 100%}}
services:
  ledger:
    namespace: shop
    workload: statefulset/ledger
    traffic: sum by (pod) (rate(ops_total[5s]))
    checks: [whole]
    suites: [rollout/restart]
`
	plan := must(t, file+"experiments: {again: {from: rollout/restart}}\n")
	if len(plan.Planned) != 2 {
		t.Errorf("%v, skipped %v", plan.Planned, plan.Skipped)
	}
	_, err := Parse("aftershock.yaml", []byte(file+"experiments: {again: {from: rollout/restart, limits: {signal requests: [p95 <= 1s]}}}\n"))
	if err == nil || !strings.Contains(err.Error(), "again].limits[signal requests]: the experiment has no such check") {
		t.Errorf("%v", err)
	}
}
