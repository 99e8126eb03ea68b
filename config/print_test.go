package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write the golden files")

// printed is a file with one of everything that the printed plan has.
const printed = `apiVersion: aftershock/v1
cluster: {context: staging, uid: 0b1c, namespace: aftershock}
allow: {namespaces: [shop]}
prometheus: {url: "http://prometheus.example:9090", http_config: {authorization: {credentials_file: token}}}
freeze: {windows: [{schedule: "0 18 * * FRI", for: 62h, timezone: Europe/Berlin}], incident: 'ALERTS{alertstate="firing"}'}
times: {settle: 10s, hold: 20s, watch: 1m30s}
checks:
  answers:
    signal: requests
    good: value <= 1s
    allowed: 0.1%
    limits: [downtime <= 3s, p95 <= 1.5x baseline, ttr <= 5s after removal]
  flow:
    query: |
      # Of the pods that are scraped.
      sum(rate({{.Histogram}}_count{ {{.Series}}}[{{.Range}}]))
    good: value > 0
    limits: [outage <= 30s]
services:
  checkout:
    namespace: shop
    workload: deployment/checkout
    load:
      url: "http://checkout.example/?token=${PASSWORD}"
      rate: ramp from 10/s to 100/s over 1m
      headers: {Authorization: {env: TOKEN}, X-Key: {file: key}, X-Plain: "${PASSWORD}"}
      success: {status: [200-299], body: {contains: '"paid":true'}}
    checks: [answers]
    suites: [autoscaling/kill, network/partition, pods/evict]
    vary:
      pods/evict: {skip: evictions are not ours to make}
      autoscaling/kill: {limits: {answers: [p95 <= 2s]}}
    autoscaler: {surge: 3x}
  payments: {namespace: shop, workload: deployment/payments}
experiments:
  storm:
    service: checkout
    checks: [answers, flow]
    faults:
      slow: {networkDelay: {latency: 1500us, jitter: 1ms, pods: 50%, to: payments, direction: ingress}, at: 5s, for: 20s}
      hog: {stressMemory: {pods: 1, size: 64Mi}}
      own:
        chaosMesh:
          yaml: |
            apiVersion: chaos-mesh.org/v1alpha1
            kind: PodChaos
            metadata: {name: own, namespace: shop}
            spec: {action: pod-failure, mode: one, duration: 1m, selector: {namespaces: [shop], labelSelectors: {app: checkout}}}
`

func printedPlan(t *testing.T) (*Plan, string) {
	t.Helper()
	t.Setenv("PASSWORD", "geheim")
	t.Setenv("TOKEN", "geheim")
	plan := must(t, printed)
	var out bytes.Buffer
	err := plan.Print(&out, plan.Planned, func(p Planned, f PlannedFault) (any, string) {
		if f.Name != "slow" {
			return nil, ""
		}
		return map[string]any{"kind": "NetworkChaos", "status": map[string]any{}, "spec": map[string]any{"mode": "all"}}, "hits " + p.ID()
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan, out.String()
}

func TestThePrintedPlan(t *testing.T) {
	_, got := printedPlan(t)
	golden := filepath.Join("testdata", "plan.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, again := printedPlan(t); again != got {
		t.Errorf("printed twice it differs:\n%s", again)
	}
}

func TestThePrintedPlanHoldsNoSecret(t *testing.T) {
	if _, got := printedPlan(t); strings.Contains(got, "geheim") {
		t.Errorf("a secret in\n%s", got)
	}
}

// What is printed is read by other programs: each field is where it is said to
// be, and has the value that the plan has.
func TestThePrintedPlanReadsBack(t *testing.T) {
	plan, got := printedPlan(t)
	var back struct {
		Experiments []struct {
			ID, Hash string
			Faults   []map[string]any
			Checks   []struct {
				Query  string
				Limits []string
			}
		}
		Skipped []struct{ ID, Why string }
	}
	if err := yaml.Unmarshal([]byte(got), &back); err != nil {
		t.Fatalf("%v in\n%s", err, got)
	}
	if len(back.Experiments) != len(plan.Planned) || len(back.Skipped) != 2 {
		t.Fatalf("%d experiments, %d skipped in\n%s", len(back.Experiments), len(back.Skipped), got)
	}
	for i, e := range back.Experiments {
		if p := plan.Planned[i]; e.ID != p.ID() || e.Hash != p.Hash || len(e.Faults) != len(p.Faults) {
			t.Errorf("%+v, want %s %s", e, p.ID(), p.Hash)
		}
	}
	storm := back.Experiments[1]
	if got := storm.Faults[0]["networkDelay"].(map[string]any); got["latency"] != "1.5ms" || got["to"] != "payments" {
		t.Errorf("%v", got)
	}
	if q := storm.Checks[1].Query; !strings.Contains(q, `http_request_duration_seconds_count{ namespace="shop",pod=~`) {
		t.Errorf("the query is not resolved: %s", q)
	}
	if l := storm.Checks[0].Limits; strings.Join(l, "; ") != "downtime <= 3s; p95 <= 1.5x baseline; ttr <= 5s after removal" {
		t.Errorf("%q", l)
	}
}
